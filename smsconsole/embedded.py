"""The whole console on one machine: what the commands ``console`` and ``demo`` run."""

from __future__ import annotations

import contextlib
import http.client
import os
import shlex
import socket
import sys
import time
from collections.abc import Callable

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection

from smsconsole import doorbell, first_run
from smsconsole.supervising import AlreadyRunning, Child, Supervisor, take_lock

READY_SECONDS = 30.0
PORT_SECONDS = 5.0  # how long killed processes may take to give their port back
QUEUES = "dispatch,receipts,imports,mail"
Say = Callable[[str], None]


def run(say: Say, once_up: Callable[[Supervisor], bool]) -> None:
    """Start everything, call *once_up* when the web answers, and go on while it says so.

    AlreadyRunning if another console works on this folder; any other trouble ends the process
    with one sentence.
    """
    os.umask(0o077)  # numbers and texts lie in this folder: for its owner only
    try:
        settings.HOME.mkdir(parents=True, exist_ok=True)
        about = f"{settings.SITE_URL}, process {os.getpid()}"
        lock = take_lock(settings.HOME / "console.lock", about)
    except OSError as error:
        sys.exit(
            f"The folder {settings.HOME} cannot be written ({error.strerror}). "
            "Set SMSCONSOLE_HOME to another."
        )
    with lock:
        supervisor = Supervisor(settings.HOME, _environment(), say)
        try:
            by_force = supervisor.sweep()
            check_port(settings.HOST, settings.PORT, PORT_SECONDS if by_force else 0)
            prepare_database()
        except KeyboardInterrupt:
            sys.exit("Stopped before anything was started.")
        supervisor.listen()
        try:
            for child in children():
                supervisor.add(child)
            if not wait_for_web(supervisor) or once_up(supervisor):
                supervisor.run()
        finally:
            supervisor.stop()


def command(target: str) -> str:
    """What to type to meet this console again: the target, with what was set for this run.

    Addresses of servers may hold a password, so of them only the name is said.
    """
    plain = [f"{name}={shlex.quote(os.environ[name])}"
             for name in ("SMSCONSOLE_HOME", "HOST", "PORT") if os.environ.get(name)]  # fmt: skip
    secret = [f"{name}=..." for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)]
    return " ".join([*plain, *secret, "make", target])


def already_running(other: AlreadyRunning) -> str:
    """The sentence for a second console on one folder."""
    return (
        f"A console already runs on {settings.HOME} ({other.about}). Stop it first, or set "
        "SMSCONSOLE_HOME to another folder."
    )


def _environment() -> dict[str, str]:
    manifest = (settings.STATIC_ROOT / "staticfiles.json").exists()
    return {**os.environ, "STATIC_MANIFEST": "1" if manifest else "0", "PYTHONUNBUFFERED": "1"}


def check_port(host: str, port: int, patience: float = 0) -> None:
    """Refuse plainly when the address cannot be listened on, at the latest after *patience* s."""
    deadline = time.monotonic() + patience
    while (error := _refused(host, port)) and time.monotonic() < deadline:
        time.sleep(0.05)
    if error:
        sys.exit(
            f"Port {port} on {host} is taken or not allowed ({error}). "
            f"Choose another, as in: PORT={port + 1} make run"
        )


def _refused(host: str, port: int) -> Exception | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except (OSError, OverflowError) as error:
            return error
    return None


def free_port(wanted: int) -> int:
    """*wanted* if nobody listens there, else a free one; 0 asks for any."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", wanted))
            return int(trial.getsockname()[1])
    return free_port(0)


def prepare_database() -> None:
    """Bring the tables up to date and make what the first page needs."""
    try:
        connection.ensure_connection()
    except OperationalError as error:
        sys.exit(
            f"The database does not answer: {str(error).strip().splitlines()[0]}. "
            "Check DATABASE_URL and that the server runs."
        )
    call_command("migrate", verbosity=0, interactive=False)
    doorbell.prepare(settings.BROKER_HOME)
    first_run.prepare()


def children() -> list[Child]:
    """What to run, in the order of starting."""
    found = []
    carrier = first_run.practice_carrier()
    if carrier is not None:
        found.append(practice_child(first_run.receipts_url(carrier)))
    pool = ["threads", "4"] if settings.SQLITE else ["prefork", "2"]
    manage = str(settings.BASE_DIR / "manage.py")
    found += [
        Child("web", ["-m", "granian", "--interface", "wsgi", "--host", settings.HOST,
                      "--port", str(settings.PORT), "--workers", "1", "--blocking-threads", "4",
                      "--respawn-failed-workers", "smsconsole.wsgi:application"]),
        # SQLite takes one writing process: its threads share the work.
        Child("worker", ["-m", "celery", "-A", "smsconsole", "worker", "--pool", pool[0],
                         "--concurrency", pool[1], "-Q", QUEUES, "--loglevel", "INFO",
                         "--without-gossip", "--without-mingle", "--without-heartbeat"]),
        Child("ticker", [manage, "tick", "--loop"]),
    ]  # fmt: skip
    return found


def practice_child(receipts: str) -> Child:
    """The practice carrier on the port it had before, if that is still free."""
    remembered = settings.PRACTICE_HOME / "port"
    settings.PRACTICE_HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = int(remembered.read_text()) if remembered.exists() else 0
    port = free_port(wanted)
    remembered.write_text(str(port))
    first_run.place_practice_carrier(port)
    command = ["-m", "sms.practice", "--port", str(port), "--home", str(settings.PRACTICE_HOME)]
    return Child("practice", [*command, "--receipts-url", receipts, "--with-parent"], alone=True)


def wait_for_web(supervisor: Supervisor) -> bool:
    """True once the web process answers; says where to look if it does not."""
    deadline = time.monotonic() + READY_SECONDS
    while not supervisor.stopping and time.monotonic() < deadline:
        supervisor.watch()
        with contextlib.suppress(OSError, http.client.HTTPException):
            call = http.client.HTTPConnection(settings.LOCAL_HOST, settings.PORT, timeout=5)
            call.request("GET", "/healthz")
            call.getresponse()
            return True
        time.sleep(0.1)
    if not supervisor.stopping:
        sys.stderr.write(f"The web process does not answer. See {supervisor.logs / 'web.log'}\n")
    return False
