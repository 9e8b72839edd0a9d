"""How much room is left where the console writes, and what a full disk looks like when it is hit.

Below *low* nothing new is stored. Below *least* nothing is claimed either: what was sent and cannot
be written down would be lost.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import psycopg
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

LOW_PERCENT, LEAST_PERCENT = 10, 5
LOW_CAP, LEAST_CAP = 10 * 1024**3, 5 * 1024**3
"""So much is room enough on a disk of any size."""
LOOK_SECONDS = 1.0
DATA_FOLDER = """
SELECT setting FROM pg_settings WHERE name = 'data_directory'
   AND (inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr())
"""


class NoRoom(OSError):
    """Refused before anything was written, because the disk is nearly full."""

    def __init__(self) -> None:
        super().__init__(errno.ENOSPC, "the disk is nearly full")


@dataclass(frozen=True, slots=True)
class Room:
    """The fullest of the disks that matter."""

    free: int
    total: int

    @property
    def percent(self) -> int:
        return self.free * 100 // max(1, self.total)

    @property
    def is_low(self) -> bool:
        return self.free < (settings.DISK_LOW_BYTES or self._part(LOW_PERCENT, LOW_CAP))

    @property
    def is_least(self) -> bool:
        return self.free < (settings.DISK_LEAST_BYTES or self._part(LEAST_PERCENT, LEAST_CAP))

    def _part(self, percent: int, cap: int) -> float:
        return min(self.total * percent / 100, cap)


def look() -> Room:
    """Look at the disks now."""
    found = (shutil.disk_usage(_existing(folder)) for folder in {*_folders()})
    rooms = [Room(usage.free, usage.total) for usage in found]
    return min(rooms, key=lambda room: (not room.is_least, not room.is_low, room.percent))


_seen: tuple[float, Room] | None = None


def room() -> Room:
    """As ``look``, at most once a second: every claim asks."""
    global _seen
    now = monotonic()
    if _seen is None or now - _seen[0] >= LOOK_SECONDS:
        _seen = now, look()
    return _seen[1]


def need_room() -> None:
    """NoRoom when the disk is too full to store something new."""
    if room().is_low:
        raise NoRoom


def no_room() -> str:
    """The sentence for who wants to store something."""
    return _(
        "The disk of the console is nearly full, so nothing new is stored. What is there is kept. "
        "Ask the person who runs this console to make room, then try again."
    )


def is_full(error: BaseException | None) -> bool:
    """Is it, or was it caused by, a disk without room: a file's, PostgreSQL's or SQLite's?"""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if isinstance(error, psycopg.errors.DiskFull) or _fills_sqlite(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _fills_sqlite(error: BaseException) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return False
    # A full disk under SQLite's shared memory is told as a failure to read or write.
    primary = code & 0xFF
    return primary == sqlite3.SQLITE_FULL or (primary == sqlite3.SQLITE_IOERR and look().is_least)


def _folders() -> Iterator[Path]:
    yield Path(settings.HOME)
    yield Path(settings.UPLOADS)
    yield Path(settings.EXPORTS)
    if folder := database_folder():
        yield folder


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())


_data_folders: dict[str, Path | None] = {}


def database_folder() -> Path | None:
    """Where the database lies, if that is on this machine and may be known; else None."""
    if connection.vendor == "sqlite":
        file = Path(str(connection.settings_dict["NAME"]))
        return file.parent if file.is_absolute() else None
    server = f"{connection.settings_dict['HOST']}:{connection.settings_dict['PORT']}"
    if server not in _data_folders and connection.connection is not None:
        try:
            _data_folders[server] = _ask_data_folder()
        except psycopg.Error:
            return None  # asked again when the server answers
    return _data_folders.get(server)


def _ask_data_folder() -> Path | None:
    """Ask PostgreSQL, once a process: it tells those who may read its settings, as an owner may."""
    with connection.connection.cursor() as cursor:
        found = cursor.execute(DATA_FOLDER).fetchone()
    if not found or not found[0]:
        return None
    folder = Path(found[0])
    try:
        return folder if folder.exists() else None
    except OSError:
        return None
