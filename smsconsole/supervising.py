"""Keep the processes of the one-command run alive, and leave none of them behind.

Each child has a process session of its own, so that Ctrl-C reaches only the supervisor, and
writes to a log file of its own. A child that dies is started again, later and later. When the
supervisor dies the children notice (``smsconsole.lifeline``); what still runs at the next
start, after a partial kill, is found by its mark and removed before anything new begins.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

POLL_SECONDS = 0.2
STOP_SECONDS = 25.0
STEADY_SECONDS = 60.0
LONGEST_PAUSE = 30.0
LOG_BYTES = 5_000_000
MARK = "SMSCONSOLE_RUN"


class AlreadyRunning(Exception):
    """Another supervisor works on this folder; ``about`` is what it wrote about itself."""

    def __init__(self, about: str) -> None:
        super().__init__(about)
        self.about = about


def take_lock(path: Path, about: str) -> IO[str]:
    """The folder's one lock, held as long as the file is open; a dead holder holds nothing."""
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        raise AlreadyRunning(file.read().strip()) from None
    file.truncate(0)
    file.write(about)
    file.flush()
    return file


def rotate(path: Path) -> None:
    """Start a new log file when the old one is large; one old one is kept."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))


@dataclass
class Child:
    """One process to keep alive. ``alone`` children watch their parent by themselves."""

    name: str
    command: list[str]
    alone: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    due: float = 0.0
    failures: int = 0

    def pause(self, now: float, code: int) -> float:
        """How long to wait before the next start: 1 s, 2 s, 4 s, ... after quick failures.

        A child that was killed did not fail: it comes back at once.
        """
        if code == -signal.SIGKILL:
            return 0.0
        self.failures = 0 if now - self.started > STEADY_SECONDS else self.failures + 1
        return min(LONGEST_PAUSE, 2.0 ** max(0, self.failures - 1))


class Supervisor:
    """Runs the children until a signal asks it to stop."""

    def __init__(self, home: Path, env: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.logs = home / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.stopping = 0
        self._record = home / "console.groups"
        self._mark = secrets.token_hex(8)
        self._env = {**env, MARK: self._mark}
        self._say = say
        self._said_stopping = False
        self._children: list[Child] = []
        self._groups: list[int] = []
        self._lifeline = os.pipe()  # not inheritable: only who is given the read end has it

    def sweep(self) -> bool:
        """Kill what an earlier supervisor of this folder left behind; was it ended by force?"""
        try:
            left = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return False
        pids = [pid for pid in _processes(left["groups"]) if _has_mark(pid, left["mark"])]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + STOP_SECONDS  # the kernel frees their ports as they go
        while not all(map(_is_gone, pids)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return True

    def add(self, child: Child) -> None:
        rotate(self.logs / f"{child.name}.log")
        self._children.append(child)
        self._start(child)

    def listen(self) -> None:
        """From now on Ctrl-C and SIGTERM stop the run; a second one stops it at once."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._asked)

    def run(self) -> None:
        """Watch the children until asked to stop, then stop them in reverse order."""
        while not self.stopping:
            self.watch()
            time.sleep(POLL_SECONDS)
        self.stop()

    def watch(self) -> None:
        """Look at each child once: note a death, start again what is due."""
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.due:
                    self._start(child)
            elif child.process.poll() is not None:
                self._died(child, now)

    def stop(self) -> None:
        """End every child: a request first, after some seconds or a second signal by force.

        The first child goes last: the practice carrier answers until nobody asks any more.
        """
        if self.stopping and not self._said_stopping:
            self._said_stopping = True
            self._say("Stopping: finishing what is under way (some seconds) ...")
        for child in reversed(self._children):
            self._end(child)
        with contextlib.suppress(OSError):
            self._record.unlink()

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self.stopping += 1

    def _start(self, child: Child) -> None:
        read_end = self._lifeline[0]
        wrapper = [] if child.alone else ["-m", "smsconsole.lifeline", str(read_end)]
        with _log(self.logs / f"{child.name}.log") as log:
            child.process = subprocess.Popen(  # noqa: S603
                [sys.executable, *wrapper, *child.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env,
                start_new_session=True,
                pass_fds=() if child.alone else (read_end,),
            )
        child.started = time.monotonic()
        self._groups.append(child.process.pid)
        self._write_down()

    def _write_down(self) -> None:
        """Whom a later run has to end if this one is killed; on a full disk the old list stays."""
        new = self._record.with_suffix(".new")
        with contextlib.suppress(OSError):
            new.write_text(json.dumps({"mark": self._mark, "groups": self._groups}))
            new.replace(self._record)

    def _died(self, child: Child, now: float) -> None:
        assert child.process is not None  # noqa: S101
        code = child.process.returncode
        _kill_group(child.process.pid, signal.SIGKILL)  # what the dead leader left behind
        pause = child.pause(now, code)
        child.process, child.due = None, now + pause
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        log = self.logs / f"{child.name}.log"
        self._say(f"The {child.name} process ended ({how}), next try in {pause:.0f} s. See {log}")

    def _end(self, child: Child) -> None:
        if child.process is None:
            return
        _kill_group(child.process.pid, signal.SIGTERM, leader_only=True)
        deadline = time.monotonic() + STOP_SECONDS
        while child.process.poll() is None and time.monotonic() < deadline and self.stopping < 2:
            time.sleep(0.05)
        _kill_group(child.process.pid, signal.SIGKILL)
        child.process.wait()


def _log(path: Path) -> IO[bytes]:
    """The log, or nothing in its place: what a process says as it starts would else end it."""
    try:
        log = path.open("ab", buffering=0)
    except OSError:
        return Path(os.devnull).open("ab")
    try:
        log.write(b"--- started\n")
    except OSError:
        log.close()
        return Path(os.devnull).open("ab")
    return log


def _kill_group(group: int, number: signal.Signals, leader_only: bool = False) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(group, number) if leader_only else os.killpg(group, number)


def _processes(groups: list[int]) -> list[int]:
    """Processes in these groups, where the system lists them in /proc."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(place.name)) in groups:
                found.append(int(place.name))
    return found


def _has_mark(pid: int, mark: str) -> bool:
    """Was it started by the supervisor with this mark? Process ids are used again."""
    try:
        return f"{MARK}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _is_gone(pid: int) -> bool:
    """Has it given back all it held? A zombie has, once no thread of it is left."""
    try:
        threads = [place.read_text() for place in Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:  # one of them went while we looked: the next look tells
        return not Path(f"/proc/{pid}").exists()
    return all(text.rpartition(")")[2].split()[0] in "ZX" for text in threads)
