"""What a disk without room looks like."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from sheets import disk

pytestmark = pytest.mark.usefixtures("seen_anew")


def caused_by(error: BaseException) -> OperationalError:
    wrapped = OperationalError("as Django says it")
    wrapped.__cause__ = error
    return wrapped


@pytest.mark.parametrize(("free", "low", "least"), [(10, 0, 0), (9, 1, 0), (5, 1, 0), (4, 1, 1)])
def test_a_tenth_is_low_and_a_twentieth_the_least(free: int, low: int, least: int) -> None:
    room = disk.Room(free * 1000, 100_000)
    assert (room.is_low, room.is_least) == (bool(low), bool(least))


def test_a_large_disk_has_room_with_less_than_a_twentieth() -> None:
    room = disk.Room(11 * 1024**3, 1000 * 1024**3)
    assert not room.is_low
    assert disk.Room(4 * 1024**3, 1000 * 1024**3).is_least


def test_bytes_may_be_set_instead(settings: Any) -> None:
    settings.DISK_LOW_BYTES, settings.DISK_LEAST_BYTES = 500, 100
    assert disk.Room(499, 1000).is_low
    assert not disk.Room(100, 1_000_000).is_least


def test_each_folder_counts(settings: Any, small_disk: Path) -> None:
    settings.EXPORTS = small_disk / "not" / "there" / "yet"
    assert not disk.look().is_low
    (small_disk / "filler").write_bytes(b"0" * (1024 * 1024 - 80 * 1024))
    assert disk.look().is_low
    assert not disk.look().is_least
    with pytest.raises(OSError, match="No space") as caught:
        (small_disk / "more").write_bytes(b"0" * 200_000)
    assert disk.is_full(caught.value)
    assert disk.look().is_least


def test_a_claim_asks_the_disk_at_most_once_a_second(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    monkeypatch.setattr(disk, "look", lambda: looks.append(1) or disk.Room(1, 1))
    for _ in range(50):
        disk.room()
    assert len(looks) == 1


def test_every_full_disk_is_known(small_disk: Path) -> None:
    assert disk.is_full(OSError(errno.ENOSPC, "No space left on device"))
    assert disk.is_full(caused_by(psycopg.errors.DiskFull("could not extend file")))
    assert not disk.is_full(caused_by(psycopg.errors.UniqueViolation("twice")))
    assert not disk.is_full(OSError(errno.EACCES, "no"))
    database = sqlite3.connect(small_disk / "db")
    database.execute("CREATE TABLE t (a)")
    with pytest.raises(sqlite3.OperationalError) as caught, database:
        database.execute("INSERT INTO t VALUES (zeroblob(2000000))")
    database.close()
    assert disk.is_full(caused_by(caught.value))


@pytest.mark.django_db
def test_the_database_of_this_machine_is_looked_at() -> None:
    connection.ensure_connection()
    folder = disk.database_folder()
    assert folder is not None
    name = "*.sqlite3*" if connection.vendor == "sqlite" else "PG_VERSION"
    assert list(folder.glob(name))
