"""T9: a carrier that is down for minutes. T10: one that takes 50 a second and refuses the rest.

``CHAOS_SCALE`` cuts rows and minutes, though not below what can be measured.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.chaos.console import until
from tests.chaos.fleet import WORKERS, Fleet
from tests.chaos.judge import is_clean, judge
from tests.chaos.reporting import SCALE, tell
from tests.services import services

ROWS = max(600, round(5_000 * SCALE))
DOWN_SECONDS = max(50.0, 120 * SCALE)
SETTLED_SECONDS = 6.0  # by then every dispatcher has seen that it is down
PROBE_EVERY = 30.0
WINDOW = 4
DISPATCHERS = 2 * (WORKERS + 1)  # two children each, the console's own worker included
REST_SECONDS = 240
FEWER_DOUBTS = 3
TAKES = 50
PATIENT = {"SMSCONSOLE_LEASE_SECONDS": "30"}
FORCED = "RIGHT(number, 4) BETWEEN '0196' AND '0199'"  # in doubt or answered badly at any time
OF_A_FATE = "RIGHT(number, 4) BETWEEN '0180' AND '0199'"

pytestmark = [pytest.mark.chaos, pytest.mark.fleet]


def faults(fleet: Fleet) -> int:
    return int(fleet.carrier.stats()["faults"])


def rest(fleet: Fleet) -> None:
    until(fleet.is_over, "it does not come to its end", within=REST_SECONDS)


def test_a_carrier_that_answers_errors_is_asked_twice_a_minute(folder: Path) -> None:
    """T9"""
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, "blind", **PATIENT) as fleet,
    ):
        fleet.set_carrier(rate=ROWS // 30, window=WINDOW)
        fleet.seed(ROWS, 1)
        until(lambda: fleet.settled() > 20, "nothing was sent")
        before = faults(fleet)
        fleet.carrier.change(faults={"error_before": 1.0})
        time.sleep(SETTLED_SECONDS)
        at_first = faults(fleet) - before
        time.sleep(DOWN_SECONDS - SETTLED_SECONDS)
        probes = faults(fleet) - before - at_first
        sending = fleet.settled() < ROWS
        fleet.carrier.change(faults={})
        rest(fleet)
        [(doubts,)] = fleet.query(
            f"SELECT COUNT(*) FROM campaigns_message WHERE state = 'in_doubt' AND NOT {FORCED}"
        )
        found = judge(fleet.query, fleet.carrier.home, ROWS)
        verified = fleet.verified()
    is_good = (
        1 <= probes <= (DOWN_SECONDS - SETTLED_SECONDS) / PROBE_EVERY + 1
        and at_first <= FEWER_DOUBTS + WINDOW * DISPATCHERS
        and doubts == at_first + probes
        and is_clean(found, ROWS, may="in_doubt")
        and verified["ok"]
    )
    told = {"test": "T9", "down_s": DOWN_SECONDS, "at_first": at_first, "probes": probes,
            "doubts": doubts, **found, "pass": is_good}  # fmt: skip
    tell(told)
    assert sending, "it was over before the carrier was down: nothing was tested"
    assert is_good, (told, verified)


def test_a_carrier_that_is_away_costs_the_open_calls_at_most(folder: Path) -> None:
    """T9, killed: whoever was being answered is in doubt, nobody else."""
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, "blind", **PATIENT) as fleet,
    ):
        fleet.set_carrier(rate=ROWS // 20, window=WINDOW)
        fleet.carrier.change(latency_ms=50)
        fleet.seed(ROWS, 1)
        until(lambda: fleet.settled() > 20, "nothing was sent")
        port = fleet.carrier.port
        fleet.carrier.kill()
        time.sleep(DOWN_SECONDS)
        during = fleet.settled()
        sending = during < ROWS
        fleet.carrier.start("--port", str(port), "--receipts-url", fleet.receipts_url)
        back = time.monotonic()
        until(lambda: fleet.settled() > during, "it did not go on")
        waited = round(time.monotonic() - back, 1)
        rest(fleet)
        [(doubts,)] = fleet.query(
            f"SELECT COUNT(*) FROM campaigns_message WHERE state = 'in_doubt' AND NOT {FORCED}"
        )
        found = judge(fleet.query, fleet.carrier.home, ROWS)
    is_good = (
        doubts <= FEWER_DOUBTS + WINDOW * DISPATCHERS
        and waited <= PROBE_EVERY + 5
        and is_clean(found, ROWS, may="in_doubt")
    )
    told = {"test": "T9 away", "down_s": DOWN_SECONDS, "doubts": doubts, "back_after_s": waited,
            **found, "pass": is_good}  # fmt: skip
    tell(told)
    assert sending, "it was over before the carrier was away: nothing was tested"
    assert is_good, told


def test_a_carrier_that_throttles_gets_what_it_takes(folder: Path) -> None:
    """T10"""
    rows = max(1_500, ROWS)
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, "queryable", **PATIENT) as fleet,
    ):
        fleet.carrier.change(rate=TAKES)
        fleet.set_carrier(rate=4 * TAKES)
        fleet.seed(rows, 1)
        until(lambda: fleet.settled() >= 0.95 * rows, "it was not sent", within=REST_SECONDS)
        throttled = fleet.carrier.stats()["throttled"]
        rest(fleet)
        times = sorted(
            entry["at"] for entry in fleet.carrier.ledger() for _ in range(entry["segments"])
        )
        failed = fleet.query(
            "SELECT reason, detail, COUNT(*) FROM campaigns_message WHERE state IN"
            " ('rejected', 'in_doubt') AND reason NOT IN ('content_rejected',"
            f" 'unsupported_country') AND NOT {OF_A_FATE} GROUP BY 1, 2"
        )
        found = judge(fleet.query, fleet.carrier.home, rows)
    # What it takes at once before it counts, a second's worth, is not its pace.
    pace = round((len(times) - TAKES) / (times[-1] - times[0]), 1)
    is_good = 0.9 * TAKES <= pace <= TAKES and not failed and is_clean(found, rows, may="in_doubt")
    told = {"test": "T10", "pace": pace, "throttled": throttled, "failed": failed, **found}
    tell(told | {"pass": is_good})
    assert throttled, "it was never throttled: nothing was tested"
    assert is_good, told
