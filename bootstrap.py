"""Prepare this folder: `python3 bootstrap.py [run|dev]`, which is what `make setup` calls.

Makes .venv from the hashed pins in requirements/, fetches the third-party assets and lays out
the static files. Each step leaves a stamp of what it was made from, so a second run is quick.

This file starts under whatever `python3` is on the machine, before anything is checked. So it
uses the standard library only and no syntax that an old Python 3 could not even read: no
f-strings and no future imports. A test parses it as Python 3.4.
"""

import hashlib
import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)
ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
BUILD = os.path.join(ROOT, "build")
LOG = os.path.join(BUILD, "setup.log")
PINS = {"run": ["run.txt", "build.txt"], "dev": ["run.txt", "build.txt", "dev.txt"]}
NO_NETWORK = (
    "NewConnectionError",
    "Failed to establish a new connection",
    "name resolution",
    "ConnectTimeoutError",
    "Network is unreachable",
    "ProxyError",
    "EAI_AGAIN",
    "ENOTFOUND",
    "ECONNREFUSED",
    "ENETUNREACH",
    "ETIMEDOUT",
)


def version_problem(version):
    """One sentence if this Python is too old, else an empty text."""
    if tuple(version[:2]) >= OLDEST:
        return ""
    found = ".".join(str(part) for part in version[:2])
    return (
        "SMS Console needs Python 3.11 or newer, and python3 here is "
        + found
        + ". Install a newer one and name it, as in: make run PYTHON=python3.12"
    )


def venv_problem(can_import, version):
    """One sentence if this Python cannot make virtual environments, else an empty text."""
    if can_import("venv") and can_import("ensurepip"):
        return ""
    package = "python" + ".".join(str(part) for part in version[:2]) + "-venv"
    return (
        "This Python cannot make virtual environments. On Debian and Ubuntu install the "
        "package python3-venv (or " + package + "), then run make again."
    )


def can_import(name):
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def stop(sentence):
    sys.stderr.write(sentence + "\n")
    sys.exit(1)


def say(sentence):
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def digest_of(paths):
    """A fingerprint of the content of files."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for path in paths:
        with open(path, "rb") as file:
            digest.update(path.encode() + file.read())
    return digest.hexdigest()


def tree_digest(folder):
    """A fingerprint of names, sizes and times of all files below *folder*."""
    digest = hashlib.sha256()
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(place, name)
            about = os.stat(path)
            digest.update(repr((path, about.st_size, about.st_mtime_ns)).encode())
    return digest.hexdigest()


def is_stamped(path, value):
    try:
        with open(path) as file:
            return file.read() == value
    except OSError:
        return False


def stamp(path, value):
    with open(path, "w") as file:
        file.write(value)


def python_in_venv():
    folder, name = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(VENV, folder, name)


def run(command, trouble, env=None):
    """Run a step with its output in the log; if it fails, stop with a sentence."""
    with open(LOG, "ab") as log:
        start = log.tell()
        code = subprocess.call(command, cwd=ROOT, stdout=log, stderr=log, env=env)  # noqa: S603
    if not code:
        return
    with open(LOG, "rb") as log:
        log.seek(start)
        said = log.read().decode("utf-8", "replace")
    if any(sign in said for sign in NO_NETWORK):
        stop(
            trouble + " No network: the first run downloads the pinned packages. Connect "
            "this machine, then run make again."
        )
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1] if lines else "no output"
    stop(trouble + " The last line was: " + last + " (all of it is in build/setup.log)")


def works(python):
    """Does the environment's own Python still start, and is it new enough?"""
    check = "import sys; sys.exit(sys.version_info < " + repr(OLDEST) + ")"
    try:
        return not subprocess.call([python, "-c", check], stderr=subprocess.DEVNULL)  # noqa: S603
    except OSError:
        return False


def make_environment(kind):
    """Make .venv and install the pins of *kind*, unless a stamp says it is done."""
    pins = [os.path.join(ROOT, "requirements", name) for name in PINS[kind]]
    wanted = digest_of(pins)
    mark = os.path.join(VENV, "stamp-" + kind)
    python = python_in_venv()
    if is_stamped(mark, wanted) and works(python):
        return
    if not works(python):
        say("Making the virtual environment .venv ...")
        run([sys.executable, "-m", "venv", "--clear", VENV], "The folder .venv was not made.")
    if subprocess.call([python, "-m", "pip", "--version"], stdout=subprocess.DEVNULL):  # noqa: S603
        run([python, "-m", "ensurepip"], "The environment has no pip.")
    say("Installing the pinned packages (about a minute, only the first time) ...")
    install = [python, "-m", "pip", "install", "--require-hashes", "--no-input", "--retries", "2"]
    install += ["--timeout", "15", "--disable-pip-version-check", "--quiet"]
    for path in pins:
        install += ["-r", path]
    run(install, "The packages were not installed.")
    stamp(mark, wanted)
    if kind == "dev":
        stamp(os.path.join(VENV, "stamp-run"), digest_of(pins[:2]))


def build_static(python):
    """Fetch the third-party assets and lay out hashed, compressed static files for the web."""
    run([python, os.path.join("assets", "build.py")], "The assets were not built.")
    wanted = tree_digest(os.path.join(ROOT, "static"))
    mark = os.path.join(BUILD, "stamp-static")
    target = os.path.join(BUILD, "static")
    if is_stamped(mark, wanted) and os.path.isdir(target):
        return
    say("Laying out the static files ...")
    fresh = os.path.join(BUILD, "static.new")
    shutil.rmtree(fresh, ignore_errors=True)
    env = dict(os.environ, STATIC_MANIFEST="1", STATIC_ROOT=fresh)
    env["SECRET_KEY"] = "only-for-this-step"  # noqa: S105
    command = [python, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    run(command, "The static files were not laid out.", env)
    shutil.rmtree(target, ignore_errors=True)
    os.rename(fresh, target)
    stamp(mark, wanted)


def main(arguments):
    kind = arguments[0] if arguments else "run"
    problem = version_problem(sys.version_info) or venv_problem(can_import, sys.version_info)
    if problem:
        stop(problem)
    try:
        os.makedirs(BUILD, exist_ok=True)
        open(LOG, "wb").close()
        make_environment(kind)
        build_static(python_in_venv())
    except OSError as error:
        stop(
            "This folder cannot be prepared: " + str(error) + ". Use a folder that you may "
            "write to and that has about 1 GB free."
        )
    except KeyboardInterrupt:
        stop("Stopped. Run make again to go on.")


if __name__ == "__main__":
    main(sys.argv[1:])
