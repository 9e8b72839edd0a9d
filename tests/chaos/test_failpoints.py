"""kill -9 exactly where it hurts: at every failpoint, some twenty times each.

``import.mid`` is killed in tests/chaos/test_imports.py.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.console import until
from tests.chaos.fleet import Fleet
from tests.chaos.reporting import report, scaled
from tests.services import services

KILLS = 20
ROWS = 1_000

pytestmark = [pytest.mark.chaos, pytest.mark.fleet]


@dataclass(frozen=True)
class Place:
    """A failpoint. Where a campaign passes it once only, many small ones are sent."""

    name: str
    chance: float
    campaigns: int = 1


PLACES = (
    Place("start.after_commit", 1.0, campaigns=KILLS),
    Place("expand.mid", 1.0, campaigns=KILLS),
    Place("claim.after_commit", 0.9),
    Place("wire.before_call", 0.05),
    Place("wire.after_call", 0.05),
    Place("settle.before_commit", 0.2),
    Place("settle.after_commit", 0.2),
    Place("receipt.before_commit", 1.0),
    Place("receipt.after_commit", 1.0),
)


SMALL = ("wire.after_call", "settle.before_commit")  # of those that take minutes of look-ups
CASES = [
    pytest.param(
        place, carrier_class, id=f"{place.name}-{carrier_class}",
        marks=[pytest.mark.small] if carrier_class == "idempotent" or place.name in SMALL else [],
    )
    for carrier_class in ("queryable", "idempotent")
    for place in PLACES
]  # fmt: skip


@pytest.mark.parametrize(("place", "carrier_class"), CASES)
def test_a_kill_there_loses_and_doubles_nothing(
    place: Place, carrier_class: str, folder: Path
) -> None:
    began = time.monotonic()
    most = scaled(KILLS)
    campaigns = min(place.campaigns, most)
    rows = max(scaled(ROWS), 100) // campaigns
    failpoint = f"{place.name}:kill9:{place.chance}:{most}"
    with (
        services(durable=True) as (postgres, redis),
        Fleet(
            folder, postgres, redis, carrier_class,
            SMSCONSOLE_FAILPOINT=failpoint, SMSCONSOLE_LEASE_SECONDS="3",
        ) as fleet,
    ):  # fmt: skip
        fleet.limit(rows * campaigns * 10)
        fleet.set_carrier(rate=rows * campaigns / 15)
        fleet.seed(rows, 1, campaigns=campaigns)
        until(lambda: fleet.settled() > 0, "nothing was sent")
        fleet.rest(within=600)
        kills = fleet.failpoint_hits()
        told = report(
            f"T3 {place.name} {carrier_class}", fleet, rows * campaigns, began, kills=kills
        )
    assert told["pass"], told
    assert kills == most, "too few processes were killed there"
