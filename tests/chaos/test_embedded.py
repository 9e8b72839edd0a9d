"""Kill -9 the embedded console, again and again: nothing lost, nothing sent twice.

``make chaos`` runs it at full size: 2,000 numbers, 30 kills of the worker, 3 of everything.
``CHAOS_ROWS``, ``CHAOS_KILLS``, ``CHAOS_WHOLE`` and ``CHAOS_SEED`` change that; the line printed
is one JSON object with what the judge found.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.chaos.console import Console, until
from tests.chaos.judge import is_clean, judge
from tests.chaos.reporting import SEED, tell

ROWS = int(os.environ.get("CHAOS_ROWS", "800"))
KILLS = int(os.environ.get("CHAOS_KILLS", "8"))
WHOLE = int(os.environ.get("CHAOS_WHOLE", "1"))

pytestmark = pytest.mark.chaos


def test_a_campaign_survives_kills_of_the_worker_and_of_the_whole_console(
    tmp_path: Path,
) -> None:
    dice = random.Random(SEED)
    started = time.monotonic()
    kills = whole = 0
    with Console(tmp_path / "home") as console:
        console.set_carrier(rate=ROWS // 25)
        console.seed(ROWS, SEED)
        until(lambda: console.settled() > 0, "nothing was sent")
        for step in range(1, KILLS + WHOLE + 1):
            before = console.settled()
            if step % ((KILLS + WHOLE) // WHOLE) == 0:
                console.kill_everything()
                console.start()
                whole += 1
            else:
                until(lambda: console.pids("celery"), "no worker came back")
                assert console.kill("celery")
                kills += 1
            until(
                lambda before=before: console.settled() > before or console.settled() == ROWS,
                f"nothing moved after kill {step}",
            )
            time.sleep(dice.uniform(0, 0.3))
        still_sending = console.settled() < ROWS
        until(lambda: console.state() == "completed", "the campaign did not complete")
        found = judge(console.query, console.home / "practice", ROWS)
        verified = console.verified()
    report = {
        "test": "T24 embedded", "seed": SEED, "kills": kills, "whole": whole,
        "wall_s": round(time.monotonic() - started, 1), **found,
        "verify_differences": verified["differences"],
    }  # fmt: skip
    report["pass"] = is_clean(found, ROWS) and verified["ok"]
    tell(report)
    assert still_sending, "the campaign was over before the last kill: nothing was tested"
    assert (kills, whole) == (KILLS, WHOLE)
    assert report["pass"], (report, verified)
