"""Four processes race for the last segments of a threshold, with every commit on disk."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import psycopg
import pytest

from tests.chaos.console import ROOT
from tests.chaos.mutations import JOINED_THRESHOLD_GUARD
from tests.chaos.reporting import SEED, scaled, tell
from tests.services import services

RACES = 100
PROCESSES = 4
ROWS = 300

UNGUARDED = """
INSERT INTO billing_thresholdwindow (threshold_id, start, "end", "limit", ceiling, used)
SELECT id, now() - interval '1 hour', now() + interval '1 hour', "limit", 1000000000, 0
FROM billing_threshold
"""

pytestmark = [pytest.mark.chaos, pytest.mark.fleet]


class Racer:
    """A process that answers each line with a number."""

    def __init__(self, role: str, root: Path, env: dict[str, str]) -> None:
        command = [sys.executable, "-m", "tests.chaos.racing", role]
        self.process = subprocess.Popen(
            command, cwd=root, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        self.hear()
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def tell(self, line: str) -> None:
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def hear(self) -> str:
        return self.process.stdout.readline().strip()


def race(races: int, root: Path, folder: Path, *, guarded: bool = True) -> dict[str, Any]:
    """By how much the threshold was passed, and where segments went that nobody counted. Not
    *guarded* the window is there before, and its CHECK allows anything.
    """
    dice, began = random.Random(SEED), time.monotonic()
    found: dict[str, Any] = {"overshoot": 0, "difference": 0, "left_over": 0, "passed": 0}
    with services(durable=True) as (postgres, redis):
        env = {
            **os.environ, "DATABASE_URL": postgres.url, "REDIS_URL": redis.url,
            "SMSCONSOLE_HOME": str(folder), "SMSCONSOLE_ALLOW_FAILPOINTS": "1",
        }  # fmt: skip
        with Racer("prepare", root, env) as prepare, psycopg.connect(postgres.url) as database:
            database.autocommit = True
            racers = [Racer("race", root, env).__enter__() for _ in range(PROCESSES)]
            for number in range(races):
                limit = dice.randrange(1, ROWS * 2)
                prepare.tell(f"{ROWS} {number}")
                prepare.hear()
                _limit(database, limit)
                if not guarded:
                    database.execute(UNGUARDED)
                for racer in racers:
                    racer.tell("go")
                granted = [int(racer.hear()) for racer in racers]
                [(used,)] = database.execute("SELECT used FROM billing_thresholdwindow").fetchall()
                found["overshoot"] = max(found["overshoot"], sum(granted) - limit, used - limit)
                found["difference"] += abs(sum(granted) - used)
                found["left_over"] += limit - used
                found["passed"] += sum(granted) > limit
                database.execute("UPDATE campaigns_campaign SET state = 'stopped'")
            for racer in racers:
                racer.__exit__()
    return found | {"races": races, "wall_s": round(time.monotonic() - began, 1)}


def _limit(database: psycopg.Connection, segments: int) -> None:
    database.execute("DELETE FROM billing_thresholdwindow")
    database.execute("DELETE FROM billing_threshold")
    database.execute("UPDATE campaigns_batch SET reserved_at = NULL")
    database.execute("UPDATE campaigns_message SET state = 'cancelled' WHERE campaign_id IN"
                     " (SELECT id FROM campaigns_campaign WHERE state = 'stopped')")  # fmt: skip
    database.execute(
        'INSERT INTO billing_threshold (workspace_id, scope, country, period, "limit",'
        " warn_percent, changed_at)"
        " SELECT id, 'workspace', '', 'day', %s, 80, now() FROM accounts_workspace",
        [segments],
    )


def test_no_race_passes_it_by_one_segment(folder: Path) -> None:
    found = race(max(10, scaled(RACES)), ROOT, folder)
    tell({"test": "threshold races", "seed": SEED, **found, "pass": not found["overshoot"]})
    assert not found["overshoot"]
    assert not found["difference"]
    assert not found["left_over"], "segments that would have fitted were not granted"


def test_the_races_turn_red_with_a_joined_guard(folder: Path) -> None:
    found = race(40, JOINED_THRESHOLD_GUARD.apply(folder), folder, guarded=False)
    tell({"test": "mutation joined_threshold_guard", "seed": SEED, **found})
    assert found["overshoot"] > 0, "nobody noticed"
