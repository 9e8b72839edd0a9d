"""One dispatcher at a time on SQLite, guarded by a lock that dies with its process."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection


@contextmanager
def sole_dispatcher() -> Iterator[bool]:
    """True inside for the one dispatcher on SQLite, False for a second; always True elsewhere.

    The kernel drops the lock when its holder dies, however it dies: whoever gets it next knows
    that every lease it finds is its dead predecessor's, and need not wait for it to run out.
    """
    if connection.vendor == "postgresql":
        yield True
        return
    settings.HOME.mkdir(parents=True, exist_ok=True)
    with (settings.HOME / "dispatcher.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
