"""Four processes race for hours, days and months of all countries and of one, and for the
messages that a number gets a day, with every commit on disk.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.console import ROOT
from tests.chaos.reporting import scaled, tell
from tests.services import services

RACES = 100
pytestmark = [pytest.mark.chaos, pytest.mark.fleet, pytest.mark.small]


def test_four_processes_never_pass_a_window_nor_what_a_number_gets(folder: Path) -> None:
    count = max(3, scaled(RACES))
    with services(durable=True) as (postgres, redis):
        env = {
            **os.environ, "DATABASE_URL": postgres.url, "REDIS_URL": redis.url,
            "SMSCONSOLE_HOME": str(folder), "DJANGO_SETTINGS_MODULE": "smsconsole.settings",
        }  # fmt: skip
        for command in (
            ["manage.py", "migrate", "-v0"],
            ["-m", "tests.chaos.racing_scopes", "drive", str(count)],
        ):
            done = subprocess.run(
                [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr[-3_000:]
    races = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(races) == count
    tell({
        "test": "threshold races, hour day month of all and of one country, number cap",
        "races": count, "overshoot": max(race["overshoot"] for race in races),
        "threshold_diff": sum(race["wrong"] for race in races),
        "most_to_a_number": max(race["most_to_a_number"] for race in races),
        "pass": not any(race["overshoot"] or race["wrong"] for race in races),
    })  # fmt: skip
    for race in races:
        assert (race["overshoot"], race["wrong"]) == (0, 0), race
        assert race["most_to_a_number"] == 2, race
        # What is refused after the last claim gives its room back: that much may be left.
        assert race["least_left"] < 100, "one of them was filled up"
