"""Places where a fault test may kill, freeze or break the process on purpose.

Inert unless ``SMSCONSOLE_ALLOW_FAILPOINTS=1`` outside production. The variable
``SMSCONSOLE_FAILPOINT`` reads ``<name>:<kill9|stop:15s|raise>:<probability>``, and after another
colon, if it is not to go on for ever, how often at most. Each hit leaves a byte in the file
``failpoint`` of the console's folder.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys

from django.conf import settings

NAMES = frozenset(
    {
        "claim.after_commit",
        "wire.before_call",
        "wire.after_call",
        "settle.before_commit",
        "settle.after_commit",
        "import.mid",
        "expand.mid",
        "receipt.before_commit",
        "receipt.after_commit",
        "start.after_commit",
        "cancel.before_commit",
    }
)


# Read once: this is asked twice for every message.
_ACTIVE = settings.FAILPOINT.partition(":")[0] if settings.ALLOW_FAILPOINTS else ""


class FailpointHit(RuntimeError):
    """Raised by a failpoint of the kind ``raise``."""


def hit(name: str) -> None:
    """Do what the configured failpoint says, if it is this one and the dice agree."""
    if name != _ACTIVE:
        return
    _name, action, *rest = settings.FAILPOINT.split(":")
    seconds = rest.pop(0) if action == "stop" else ""
    chance, most = float(rest[0]), int(rest[1]) if rest[1:] else None
    if random.random() >= chance or not _count(most):  # noqa: S311 - a fault test's dice
        return
    if action == "kill9":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "stop":
        _freeze(seconds)
    if action == "raise":
        raise FailpointHit(name)


def _count(most: int | None) -> bool:
    """Note one more hit; False when there were enough."""
    with (settings.HOME / "failpoint").open("ab") as file:
        if most is not None and file.tell() >= most:
            return False
        file.write(b".")
    return True


def _freeze(seconds: str) -> None:
    """Stop this whole process like a frozen machine; a child of it wakes it up again."""
    wake = "import os,sys,time,signal;time.sleep(float(sys.argv[2]));os.kill(int(sys.argv[1]),18)"
    pid = os.getpid()
    subprocess.Popen([sys.executable, "-c", wake, str(pid), seconds.removesuffix("s")])  # noqa: S603
    os.kill(pid, signal.SIGSTOP)
