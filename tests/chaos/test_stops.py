"""Stopped while it sends: nothing leaves later than two seconds after the click."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.chaos.console import until
from tests.chaos.fleet import Fleet
from tests.chaos.judge import accepted_at
from tests.chaos.reporting import SEED, report, scaled
from tests.services import services

STOPS = 20
ROWS = 1_000
LATEST_SECONDS = 2
STOP = """
from campaigns.models import Campaign
from campaigns import tasks
Campaign.objects.get(pk={pk}).move("stop")
tasks.ring.delay({pk})
"""

pytestmark = [pytest.mark.chaos, pytest.mark.fleet]


@pytest.mark.parametrize("carrier_class", ["idempotent", "queryable"])
def test_nothing_leaves_two_seconds_after_the_stop(carrier_class: str, folder: Path) -> None:
    dice, began = random.Random(SEED), time.monotonic()
    late = 0
    stops = scaled(STOPS)
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, carrier_class) as fleet,
    ):
        fleet.limit(stops * ROWS * 10)
        fleet.set_carrier(rate=60)
        for number in range(stops):
            [pk] = fleet.seed(ROWS, SEED + number)
            until(lambda pk=pk: fleet.settled(pk) > 0, "nothing was sent")
            time.sleep(dice.uniform(0, 3))
            fleet.manage("shell", "-c", STOP.format(pk=pk))
            [(stopped,)] = fleet.query(
                "SELECT EXTRACT(epoch FROM ended_at) FROM campaigns_campaign"
                f" WHERE id = {pk} AND state = 'stopped'"
            )
            until(lambda pk=pk: not fleet.left(pk), "what was left was never cancelled")
            time.sleep(LATEST_SECONDS)
            last = max(accepted_at(fleet.carrier.home))
            late += last > float(stopped) + LATEST_SECONDS
        fleet.rest()
        states = dict(fleet.query("SELECT state, COUNT(*) FROM campaigns_message GROUP BY 1"))
        told = report(f"T15 {carrier_class}", fleet, stops * ROWS, began, late=late, stops=stops)
    assert told["pass"], told
    assert not late
    assert states["cancelled"] > 0, "every campaign was over before its stop: nothing was tested"
