"""Redis away for a minute: nothing is lost, and sending goes on soon after it is back."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.chaos.console import until
from tests.chaos.fleet import Fleet
from tests.chaos.reporting import SCALE, report, scaled
from tests.services import services

AWAY_SECONDS = 60 * min(1.0, max(SCALE, 0.2))
BACK_SECONDS = 10
ROUNDS = max(1, round(3 * SCALE))

pytestmark = [pytest.mark.chaos, pytest.mark.fleet]


@pytest.mark.small
def test_sending_goes_on_within_ten_seconds_of_its_return(folder: Path) -> None:
    rows = max(scaled(20_000), 2_000)
    began = time.monotonic()
    waited = []
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, "idempotent") as fleet,
    ):
        fleet.set_carrier(rate=rows / (ROUNDS * (AWAY_SECONDS + 50)))
        fleet.seed(rows, 1)
        until(lambda: fleet.settled() > 0, "nothing was sent")
        for _round in range(ROUNDS):
            redis.stop(signal.SIGKILL)
            time.sleep(AWAY_SECONDS)
            redis.start()
            waited.append(fleet.moves_again(BACK_SECONDS))
        fleet.set_carrier(rate=1_000)
        fleet.rest()
        told = report("B7", fleet, rows, began, waited=waited, away=AWAY_SECONDS * ROUNDS)
    assert told["pass"], told
