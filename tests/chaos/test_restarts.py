"""T19: every worker is asked to end in turn while a campaign is sent; nothing comes into doubt.

``CHAOS_SCALE`` cuts rows and restarts alike, as in the other plans.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.chaos.console import until
from tests.chaos.fleet import Fleet
from tests.chaos.judge import is_clean, judge
from tests.chaos.reporting import SCALE, tell
from tests.services import services

ROWS, RESTARTS = max(200, round(20_000 * SCALE)), max(4, round(200 * SCALE))
EVERY_SECONDS = 3
LATENCY_MS = 400  # calls are open whenever a worker is asked to end
LONGEST_SECONDS = 25
REST_SECONDS = 120
# Nobody is killed, so nothing waits for a lease; and a call may take its whole 10 s on a machine
# that is busy starting workers.
PATIENT = {"SMSCONSOLE_LEASE_SECONDS": "30"}

# The practice carrier leaves the numbers with these ends in doubt whatever we do.
DOUBTS = """
SELECT e.kind, e.note, COUNT(*) FROM campaigns_messageevent e JOIN campaigns_message m
    ON m.id = e.message_id WHERE RIGHT(m.number, 4) NOT BETWEEN '0196' AND '0199' GROUP BY 1, 2
"""

pytestmark = [pytest.mark.chaos, pytest.mark.fleet]


@pytest.mark.parametrize("carrier_class", ["queryable", "blind"])
def test_a_rolling_restart_leaves_nothing_in_doubt(carrier_class: str, folder: Path) -> None:
    began = time.monotonic()
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, carrier_class, **PATIENT) as fleet,
    ):
        fleet.carrier.change(latency_ms=LATENCY_MS)
        fleet.set_carrier(rate=max(5, round(0.8 * ROWS / (RESTARTS * EVERY_SECONDS))))
        fleet.seed(ROWS, 1)
        until(lambda: fleet.settled() > 0, "nothing was sent")
        longest = _restart_in_turn(fleet)
        sending = fleet.settled() < ROWS
        until(fleet.is_over, "it does not come to its end", within=REST_SECONDS)
        doubts = fleet.query(DOUBTS)
        found = judge(fleet.query, fleet.carrier.home, ROWS)
        verified = fleet.verified()
    report = {
        "test": "T19", "class": carrier_class, "restarts": RESTARTS, "doubts": doubts,
        "longest_s": round(longest, 1), "wall_s": round(time.monotonic() - began, 1), **found,
    }  # fmt: skip
    report["pass"] = is_clean(found, ROWS, may="in_doubt") and verified["ok"] and not doubts
    tell(report)
    assert report["pass"], (report, verified)
    assert longest < LONGEST_SECONDS
    assert sending, "the campaign was over before the last restart: nothing was tested"


def _restart_in_turn(fleet: Fleet) -> float:
    """Ask the oldest worker to end and start another at once; the longest that one took."""
    longest = 0.0
    for _ in range(RESTARTS):
        worker = fleet.workers.pop(0)
        asked = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        worker.wait(90)
        longest = max(longest, time.monotonic() - asked)
        fleet.workers.append(fleet.hire())
        time.sleep(max(0.0, asked + EVERY_SECONDS - time.monotonic()))
    return longest
