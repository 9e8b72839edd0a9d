"""Disks that fill up while a campaign is sent: the console's, PostgreSQL's and that of the logs."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.console import Console, until
from tests.chaos.fleet import Fleet
from tests.chaos.judge import accepted_at, is_clean, judge
from tests.chaos.reporting import report, scaled, tell
from tests.services import Postgres, services

pytestmark = pytest.mark.chaos
ROWS = 5_000
MEGABYTES = 64
POSTGRES_MEGABYTES = 200
FULL_SECONDS = 15
LOGS = ("web", "worker", "ticker", "practice")


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> None:
    """Use up all there is, as a runaway log would."""
    with (place / "filler").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"0" * 65_536)
        except OSError:
            return


def test_a_full_disk_stops_sending_and_room_starts_it_again(folder: Path) -> None:
    began, rows = time.monotonic(), max(1_000, scaled(ROWS))
    with (
        small_disk(folder / "disk", MEGABYTES) as place,
        Console(place / "home", WEB_STATEMENT_SECONDS="0") as console,
    ):
        console.set_carrier(rate=rows // 20)
        console.seed(rows, 1)
        until(lambda: console.settled() > 100, "nothing was sent")
        fill(place)
        time.sleep(FULL_SECONDS - 3)  # leases run out while nothing can be written
        during = console.settled()
        time.sleep(3)
        stood = console.settled() == during
        (place / "filler").unlink()
        until(lambda: console.state() == "completed", "it did not go on")
        found = judge(console.query, console.home / "practice", rows)
        verified = console.verified()
    wall = round(time.monotonic() - began, 1)
    is_good = stood and is_clean(found, rows) and verified["ok"]
    told = {"test": "T17", "stood": stood, "settled_when_full": during, "wall_s": wall, **found}
    tell(told | {"pass": is_good})
    assert during < rows, "it was over before the disk was full: nothing was tested"
    assert is_good, (told, verified)


@pytest.mark.fleet
def test_postgresql_without_room_loses_nothing(folder: Path) -> None:
    """Its log of changes cannot be written, so it ends, or answers every change with an error."""
    began, rows = time.monotonic(), max(1_000, scaled(ROWS))
    folder.chmod(0o755)  # the server is another user
    with (
        small_disk(folder / "disk", POSTGRES_MEGABYTES) as place,
        services(durable=True) as (postgres, redis),
    ):
        _move(postgres, place)
        with Fleet(folder, postgres, redis, "idempotent") as fleet:
            fleet.set_carrier(rate=rows // 20)
            fleet.seed(rows, 1)
            until(lambda: fleet.settled() > 100, "nothing was sent")
            fill(place)
            time.sleep(FULL_SECONDS)
            calls = len(accepted_at(fleet.carrier.home))
            time.sleep(3)
            stood = len(accepted_at(fleet.carrier.home)) == calls
            (place / "filler").unlink()
            if has_ended := postgres.process.poll() is not None:
                fleet.start_again(postgres)
            fleet.rest()
            told = report(
                "T17 PostgreSQL", fleet, rows, began, accepted_when_full=calls, stood=stood,
                server_ended=has_ended,
            )  # fmt: skip
    assert calls < rows, "it was over before the disk was full: nothing was tested"
    assert stood, "messages left that could not be written down"
    assert told["pass"], told


def _move(postgres: Postgres, place: Path) -> None:
    """Let its data lie on another disk."""
    postgres.stop()
    data = postgres.folder / "data"
    subprocess.run(["cp", "-a", str(data), str(place)], check=True)
    shutil.rmtree(data)
    data.symlink_to(place / "data")
    postgres.start()


def test_logs_that_cannot_be_written_hold_nothing_up(tmp_path: Path) -> None:
    """/dev/full takes no byte, as a full disk."""
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    for name in LOGS:
        (home / "logs" / f"{name}.log").symlink_to("/dev/full")
    with Console(home, LOG_LEVEL="DEBUG") as console:
        console.seed(200, 1)
        until(lambda: console.state() == "completed", "it was not sent")
        found = judge(console.query, home / "practice", 200)
        assert console.manage("tick").returncode == 0
        for name in LOGS:
            (home / "logs" / f"{name}.log").unlink()  # they would be read for numbers, endlessly
    assert is_clean(found, 200), found
