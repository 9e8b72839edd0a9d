"""Workers, Redis and PostgreSQL killed while campaigns are sent: nothing lost, nothing twice.

``make chaos`` runs every plan at full size. ``CHAOS_SCALE`` cuts rows and kills alike (1 is full
size), ``CHAOS_SEED`` chooses other dice; the line printed is one JSON object with what the judge
found.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.chaos.console import until
from tests.chaos.fleet import Fleet
from tests.chaos.reporting import SEED, report, scaled
from tests.services import services

FAULTS = {
    "error_before": 0.05, "error_after": 0.05, "silence_before": 0.01, "silence_after": 0.01,
    "reset_before": 0.03, "reset_after": 0.03, "throttled": 0.06, "garbage": 0.06,
}  # fmt: skip

pytestmark = [pytest.mark.chaos, pytest.mark.fleet]


@dataclass(frozen=True)
class Plan:
    """What goes wrong. The campaign's pace is such that it lasts until the last kill."""

    test: str
    rows: int
    kills: int
    carrier_class: str = "idempotent"
    faults: Mapping[str, float] = field(default_factory=dict)
    redis: int = 0
    postgres: int = 0
    frozen: int = 0
    may: str = ""
    limit: int = 0
    campaigns: int = 1
    pause: tuple[float, float] = (0.3, 2.5)

    def events(self, dice: random.Random) -> list[str]:
        """Every kill and event of the plan, in the order of the dice."""
        found = ["kill"] * scaled(self.kills)
        rarer = {"redis": self.redis, "postgres": self.postgres, "freeze": self.frozen}
        for name, count in rarer.items():
            found += [name] * min(count, scaled(count * 10))
        dice.shuffle(found)
        return found


PLANS = (
    Plan("T2", rows=20_000, kills=200),
    Plan("T4", rows=20_000, kills=200, faults=FAULTS),
    Plan("T5", rows=20_000, kills=200, faults=FAULTS, redis=4, postgres=2, frozen=4),
    Plan("T6", rows=20_000, kills=200, faults=FAULTS, redis=4, postgres=2, frozen=4,
         carrier_class="queryable"),
    Plan("T8", rows=5_000, kills=30, faults=FAULTS, limit=4_321, campaigns=2, may="held"),
    Plan("T7", rows=10_000, kills=100, faults=FAULTS, carrier_class="blind", may="in_doubt"),
)  # fmt: skip


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.test)
def test_nothing_is_lost_and_nothing_sent_twice(plan: Plan, folder: Path) -> None:
    dice = random.Random(SEED)
    rows = scaled(plan.rows) // plan.campaigns * plan.campaigns
    limit = scaled(plan.limit) or rows * 10
    began = time.monotonic()
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, plan.carrier_class) as fleet,
    ):
        fleet.limit(limit)
        fleet.carrier.change(faults=dict(plan.faults), seed=SEED)
        events = plan.events(dice)
        seconds = len(events) * sum(plan.pause) / 2
        fleet.set_carrier(rate=max(5, round(0.8 * rows / seconds)))
        for number in range(plan.campaigns):
            fleet.seed(rows // plan.campaigns, SEED + number)
        until(lambda: fleet.settled() > 0, "nothing was sent")
        done = _go_wrong(fleet, events, plan, dice)
        sending = fleet.settled() < min(rows, limit)
        fleet.carrier.change(faults={})  # what is asked again and again may come to an end
        fleet.rest(plan.may)
        leftover = limit - fleet.used() - fleet.refused() if plan.limit else 0
        told = report(plan.test, fleet, rows, began, may=plan.may, leftover=leftover, **done)
    assert told["pass"], told
    assert sending, "the campaign was over before the last kill: nothing was tested"


def _go_wrong(fleet: Fleet, events: list[str], plan: Plan, dice: random.Random) -> dict[str, int]:
    done = dict.fromkeys(("child", "parent", "redis", "postgres", "freeze"), 0)
    for event in events:
        fleet.thaw()
        kind = event
        if event == "kill":
            kind = fleet.kill_one(dice)
        elif event == "freeze":
            fleet.freeze_one(dice)
        elif event == "redis":
            fleet.lose_redis(dice)
        else:
            fleet.crash_postgres(dice)
        done[kind] += 1
        time.sleep(dice.uniform(*plan.pause))
    return {"kills": done["child"] + done["parent"], **done}
