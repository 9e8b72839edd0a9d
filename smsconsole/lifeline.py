"""``python -m smsconsole.lifeline FD (-m MODULE | SCRIPT) ...``: ends when its parent ends.

FD is the read end of a pipe whose write end only the supervisor holds. When the supervisor
dies, however it dies, the pipe ends: the child then asks its whole process group to stop and
kills what is left of it after some seconds.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 5.0


def watch(fd: int) -> None:
    """Wait for the end of the pipe, then take the process group down."""
    while os.read(fd, 1):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


def main(argv: list[str]) -> None:
    fd, *rest = argv
    threading.Thread(target=watch, args=(int(fd),), daemon=True).start()
    if rest[0] == "-m":
        sys.argv = rest[1:]
        runpy.run_module(rest[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = rest
        runpy.run_path(rest[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
