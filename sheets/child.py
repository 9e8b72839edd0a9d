"""The process that reads an uploaded file: `python -m sheets.child`.

It gets one JSON request on standard input and answers with JSON lines on standard output.
Before the file is opened it gives up what a hostile file could use: memory and CPU beyond the
limits, writing files, starting processes and opening sockets. It inherits no connection, no
secret and no setting, and its death is a normal result (`parent.py`).

The audit hook is a tripwire inside Python, not a sandbox of the operating system.
"""

from __future__ import annotations

import gc
import json
import sys
import warnings
from dataclasses import replace
from typing import IO, Any

from .events import Request, encode, encode_bad
from .limits import Limits
from .reading import read
from .sentences import BadFile

FORBIDDEN = ("socket.", "subprocess.", "os.exec", "os.posix_spawn", "os.fork", "os.system", "pty.")
CPU_GRACE = 5
COLLECT_AFTER = 100_000  # objects: rows make no cycles, and each look at them all costs
WRITING = frozenset("wax+")


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith(FORBIDDEN):
        raise PermissionError(event)
    if event == "open" and WRITING.intersection(arguments[1] or ""):
        raise PermissionError(event)


def _limit(limits: Limits) -> None:
    """Bound this process. A platform without one of the limits keeps the others."""
    try:
        import resource
    except ImportError:  # not on Windows: the wall clock of the parent remains
        return
    bounds = (
        ("RLIMIT_AS", limits.memory_bytes),
        ("RLIMIT_CPU", limits.cpu_seconds),
        ("RLIMIT_NOFILE", limits.open_files),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_NPROC", 0),
    )
    for name, bound in bounds:
        if not hasattr(resource, name):
            continue
        try:
            # the hard limit of CPU time kills without saying why, the soft one says so
            hard = bound + CPU_GRACE if name == "RLIMIT_CPU" else bound
            resource.setrlimit(getattr(resource, name), (bound, hard))
        except (ValueError, OSError):  # macOS knows RLIMIT_AS but does not take it
            continue


def _asked(line: str) -> tuple[str, Request, Limits]:
    fields = json.loads(line)
    request = Request(**fields["request"])
    request = replace(
        request,
        variables=tuple(request.variables),
        accept=tuple(request.accept),
        allow_empty=tuple(request.allow_empty),
        columns=tuple(map(tuple, request.columns)),
        optional=tuple(request.optional),
        quote=tuple(request.quote),
    )
    return fields["path"], request, Limits(**fields["limits"])


def main(asked: IO[str], answers: IO[str]) -> int:
    """Read what *asked* names and write every event to *answers*."""
    path, request, limits = _asked(asked.read())
    warnings.simplefilter("ignore")
    gc.set_threshold(COLLECT_AFTER)
    _limit(limits)
    sys.addaudithook(_refuse)
    try:
        for event in read(path, request, limits):
            answers.write(encode(event) + "\n")
            answers.flush()
    except BadFile as bad:
        answers.write(encode_bad(bad) + "\n")
    except MemoryError:
        return 3  # the parent says so: there may be no memory left to say it here
    answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.stdin, sys.stdout))
