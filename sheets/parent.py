"""Reading a file through the guarded child process. No Django here."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import IO

from .events import Done, Event, Request, decode
from .limits import MIB, Limits
from .sentences import BadFile

log = logging.getLogger(__name__)

BASE = Path(__file__).resolve().parents[1]
LINE_BYTES = 128 * MIB  # 1,000 rows of 64 full values, every character escaped
SCRUBBED = {"LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}


def read(path: str | Path, request: Request, limits: Limits | None = None) -> Iterator[Event]:
    """The events of `reading.read`, from a child that cannot hurt this process.

    Whatever happens to the child - killed, out of memory or time, talking nonsense - is a
    BadFile. Closing the iterator kills the child.
    """
    limits = limits or Limits()
    child = _start()
    too_late = threading.Event()
    watch = threading.Timer(limits.wall_seconds, _stop_late, [child, too_late])
    watch.daemon = True
    watch.start()
    is_done = False
    try:
        _ask(child, path, request, limits)
        for line in _lines(child):
            event = _decoded(line, too_late)
            is_done = isinstance(event, Done)
            yield event
        if not is_done:
            raise _death(child, timed_out=too_late.is_set())
    finally:
        watch.cancel()
        _close(child)


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-s", "-m", "sheets.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a traceback could hold numbers
        cwd=BASE,
        env=SCRUBBED,
        close_fds=True,
        start_new_session=True,
    )


def _ask(
    child: subprocess.Popen[bytes], path: str | Path, request: Request, limits: Limits
) -> None:
    asked = {
        "path": str(Path(path).resolve()),
        "request": asdict(request),
        "limits": asdict(limits),
    }
    # a child that is already dead is told by the end of its answers
    with contextlib.suppress(BrokenPipeError), _stream(child.stdin) as stdin:
        stdin.write(json.dumps(asked).encode())


def _lines(child: subprocess.Popen[bytes]) -> Iterator[bytes]:
    stdout = _stream(child.stdout)
    while line := stdout.readline(LINE_BYTES):
        yield line


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise ValueError("the child has no pipe")
    return stream


def _decoded(line: bytes, too_late: threading.Event) -> Event:
    try:
        return decode(line)
    except ValueError as error:
        if too_late.is_set():  # killed in the middle of a line
            raise BadFile("took_too_long") from error
        log.warning("import child wrote a line that is no event")
        raise BadFile("parser_died") from error


def _death(child: subprocess.Popen[bytes], *, timed_out: bool) -> BadFile:
    """Why the answers ended early, from the way the child ended."""
    try:
        status = child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        status = 0
    log.warning("import child ended early with status %d", status)
    if timed_out or status == -signal.SIGXCPU:
        return BadFile("took_too_long")
    return BadFile("parser_died")


def _stop_late(child: subprocess.Popen[bytes], too_late: threading.Event) -> None:
    too_late.set()  # first: the end of the answers is seen before this returns
    _kill(child)


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)


def _close(child: subprocess.Popen[bytes]) -> None:
    """Leave no process and no pipe. Only the reading thread may close what it reads."""
    _kill(child)
    child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
