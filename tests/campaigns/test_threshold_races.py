"""Processes that race for the same windows, on a PostgreSQL that waits for its disk.

Marked *postgres*: it brings a server of its own. THRESHOLD_RACES says how many races, 25 unless
told otherwise.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import services

ROOT = Path(__file__).parents[2]
RACES = int(os.environ.get("THRESHOLD_RACES", "25"))

pytestmark = pytest.mark.postgres


def test_four_processes_never_pass_a_window_nor_what_a_number_gets(tmp_path: Path) -> None:
    with services(durable=True) as (postgres, redis):
        env = {
            **os.environ, "DATABASE_URL": postgres.url, "REDIS_URL": redis.url,
            "SMSCONSOLE_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "smsconsole.settings",
        }  # fmt: skip
        for command in (
            ["manage.py", "migrate", "-v0"],
            ["-m", "tests.campaigns.race_thresholds", "drive", str(RACES)],
        ):
            done = subprocess.run(
                [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr[-3_000:]
    races = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(races) == RACES
    for race in races:
        sys.stdout.write(f"{json.dumps(race)}\n")
        assert (race["overshoot"], race["wrong"]) == (0, 0), race
        assert race["most_to_a_number"] == 2, race
        # What is refused after the last claim gives its room back: that much may be left.
        assert race["least_left"] < 100, "one of them was filled up"
