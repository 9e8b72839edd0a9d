"""How fast it goes, and how soon it goes on: after a worker's death, after PostgreSQL's."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.chaos.console import until
from tests.chaos.fleet import Fleet
from tests.chaos.reporting import SEED, report, scaled
from tests.services import services

LEASE_SECONDS = 30
CRASHES = 2
BACK_SECONDS = 15
MESSAGES_A_SECOND = 100
LEASED = "SELECT id, attempt FROM campaigns_batch WHERE state = 'leased'"

pytestmark = [pytest.mark.chaos, pytest.mark.fleet]


@pytest.mark.small
def test_undisturbed_everything_arrives(folder: Path) -> None:
    rows = scaled(5_000)
    began = time.monotonic()
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, "idempotent") as fleet,
    ):
        fleet.limit(rows * 10)
        fleet.seed(rows, SEED)
        fleet.rest()
        [(seconds,)] = fleet.query(
            "SELECT EXTRACT(epoch FROM ended_at - started_at) FROM campaigns_campaign"
        )
        rate = round(rows / float(seconds))
        told = report("T1", fleet, rows, began, messages_a_second=rate)
    assert told["pass"], told
    assert rate >= MESSAGES_A_SECOND or rows < 1_000


def test_what_a_dead_worker_held_moves_within_the_lease_and_five_seconds(folder: Path) -> None:
    rows = 2_000
    began = time.monotonic()
    with (
        services(durable=True) as (postgres, redis),
        Fleet(
            folder, postgres, redis, "idempotent", SMSCONSOLE_LEASE_SECONDS=str(LEASE_SECONDS)
        ) as fleet,
    ):
        fleet.set_carrier(rate=rows / 60)
        fleet.seed(rows, SEED)
        until(lambda: fleet.settled() > 0, "nothing was sent")
        held = set(fleet.query(LEASED))
        assert held
        fleet.kill("celery")
        killed = time.monotonic()
        fleet.replace_dead()
        until(
            lambda: not held & set(fleet.query(LEASED)),
            "a batch of the dead workers never came free",
            LEASE_SECONDS + 5,
        )
        waited = round(time.monotonic() - killed, 1)
        fleet.rest()
        told = report("B6", fleet, rows, began, waited=waited, held=len(held))
    assert told["pass"], told


def test_sending_goes_on_soon_after_a_crash_of_postgresql(folder: Path) -> None:
    dice, began = random.Random(SEED), time.monotonic()
    rows = max(scaled(5_000), 1_000)
    waited = []
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, "idempotent") as fleet,
    ):
        fleet.limit(rows * 10)
        fleet.set_carrier(rate=rows / 60)
        fleet.seed(rows, SEED)
        until(lambda: fleet.settled() > 0, "nothing was sent")
        for _crash in range(CRASHES):
            fleet.crash_postgres(dice)
            waited.append(fleet.moves_again(BACK_SECONDS))
            time.sleep(dice.uniform(2, 5))
        fleet.rest()
        told = report("B8", fleet, rows, began, waited=waited)
    assert told["pass"], told
