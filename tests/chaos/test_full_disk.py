"""A console on a small disk that fills up while it sends, and logs on a disk that takes nothing."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.console import Console, until
from tests.chaos.judge import is_clean, judge

pytestmark = pytest.mark.chaos
ROWS = 2_000
MEGABYTES = 64
LOGS = ("web", "worker", "ticker", "practice")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> None:
    """Use up all there is, as a runaway log would."""
    with (place / "filler").open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"0" * 65_536)
        except OSError:
            return


def test_a_full_disk_stops_sending_and_room_starts_it_again(small_disk: Path) -> None:
    began = time.monotonic()
    with Console(small_disk / "home", WEB_STATEMENT_SECONDS="0") as console:
        console.set_carrier(rate=ROWS // 20)
        console.seed(ROWS, 1)
        until(lambda: console.settled() > 100, "nothing was sent")
        fill(small_disk)
        time.sleep(12)  # leases run out while nothing can be written
        during = console.settled()
        time.sleep(3)
        stood = console.settled() == during
        (small_disk / "filler").unlink()
        until(lambda: console.state() == "completed", "it did not go on")
        found = judge(console.query, console.home / "practice", ROWS)
        verified = console.verified()
    wall = round(time.monotonic() - began, 1)
    report = {"test": "T17", "stood": stood, "settled_when_full": during, "wall_s": wall, **found}
    print(json.dumps(report))  # noqa: T201 - the report is the point
    assert stood
    assert during < ROWS, "it was over before the disk was full: nothing was tested"
    assert is_clean(found, ROWS), report
    assert verified["ok"], verified


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
