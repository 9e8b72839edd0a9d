"""A whole console in a folder of its own, to be killed on purpose."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from tests import traces

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0


class Console:
    """`manage.py console` with everything it starts, on SQLite."""

    def __init__(self, home: Path, *, root: Path = ROOT, **env: str) -> None:
        self.home = home
        self.root = root
        with socket.socket() as trial:
            trial.bind(("127.0.0.1", 0))
            port = trial.getsockname()[1]
        kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
        self.env = {
            **kept, "SMSCONSOLE_HOME": str(home), "PORT": str(port), "HOST": "127.0.0.1",
            "SMSCONSOLE_ALLOW_FAILPOINTS": "1", "SMSCONSOLE_LEASE_SECONDS": "5", **env,
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_everything()

    def start(self) -> None:
        out = (self.home.parent / "console.log").open("ab")
        command = [sys.executable, "manage.py", "console"]
        self.process = subprocess.Popen(
            command, cwd=self.root, env=self.env, stdout=out, stderr=out, start_new_session=True
        )
        out.close()
        until(lambda: bool(self.pids("celery")) and self.answers(), "the console did not start")

    def answers(self) -> bool:
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", int(self.env["PORT"]))) == 0

    def manage(
        self, *command: str, check: bool = True, within: float = PATIENCE
    ) -> subprocess.CompletedProcess[str]:
        """A command beside the console, without its failpoint."""
        return subprocess.run(
            [sys.executable, "manage.py", *command], cwd=self.root,
            env={**self.env, "SMSCONSOLE_FAILPOINT": ""}, check=check,
            capture_output=True, text=True, timeout=within,
        )  # fmt: skip

    def seed(self, rows: int, seed: int, *, campaigns: int = 1, at: str = "") -> list[int]:
        """Submit campaigns of *rows* each, to start *at* (UTC) or now; their ids."""
        sizes = ("--rows", str(rows), "--seed", str(seed), "--campaigns", str(campaigns))
        within = PATIENCE + campaigns
        done = self.manage("seed_campaign", *sizes, "--at", at, "--json", within=within)
        return [json.loads(line)["campaign"] for line in done.stdout.splitlines()]

    def set_carrier(self, **columns: Any) -> None:
        with sqlite3.connect(self.database, timeout=20) as database:
            for name, value in columns.items():
                database.execute(f"UPDATE carriers_carrier SET {name} = ?", [value])
        database.close()

    @property
    def database(self) -> Path:
        return self.home / "console.sqlite3"

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        database = sqlite3.connect(self.database, timeout=20)
        try:
            return database.execute(sql).fetchall()
        finally:
            database.close()

    def settled(self, campaign: int | None = None) -> int:
        """How many messages have an outcome, of *campaign* or of all."""
        sql = "SELECT COUNT(*) FROM campaigns_message WHERE state <> 'queued'"
        return int(self.query(sql + (f" AND campaign_id = {campaign}" if campaign else ""))[0][0])

    def state(self) -> str:
        return str(self.query("SELECT state FROM campaigns_campaign")[0][0])

    def verified(self) -> dict[str, Any]:
        done = self.manage("verify_ledger", "--json", check=False)
        return dict(json.loads(done.stdout))

    def pids(self, word: str = "") -> list[int]:
        """Processes of this console whose command line holds *word*, itself included."""
        return [pid for pid in self._processes() if word in _read(pid, "cmdline")]

    def _processes(self) -> Iterator[int]:
        mark = f"SMSCONSOLE_HOME={self.home}\0"
        for place in Path("/proc").glob("[0-9]*"):
            pid = int(place.name)
            if pid != os.getpid() and mark in _read(pid, "environ"):
                yield pid

    def kill(self, word: str) -> int:
        """kill -9 the processes that hold *word*; how many there were."""
        found = self.pids(word)
        for pid in found:
            _kill(pid)
        return len(found)

    def kill_everything(self) -> None:
        """kill -9 the supervisor and all it started, as a power cut would."""
        until(lambda: not self.kill(""), "some process of the console does not die")
        if self.process is not None:
            self.process.wait(PATIENCE)
        traces.keep(self.home, f"console-{os.getpid()}-{id(self)}")


def _read(pid: int, name: str) -> str:
    try:
        raw = Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return ""
    return raw.decode(errors="replace").replace("\0", " " if name == "cmdline" else "\0")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def until(happens: Callable[[], Any], otherwise: str, within: float = PATIENCE) -> None:
    """Wait for *happens*, or fail with the sentence *otherwise*."""
    end = time.monotonic() + within
    while not happens():
        if time.monotonic() > end:
            raise AssertionError(otherwise)
        time.sleep(0.05)
