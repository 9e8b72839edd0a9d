"""The judge turns red when a promise is broken: each mutation is found within some seeds."""

from __future__ import annotations

import contextlib
import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.console import until
from tests.chaos.fleet import Fleet
from tests.chaos.mutations import (
    CALL_BEFORE_COMMIT,
    CHARGE_IN_ITS_OWN_TRANSACTION,
    JOINED_THRESHOLD_GUARD,
    MUTATIONS,
    NO_ATTEMPT_FENCE,
    Mutation,
)
from tests.chaos.reporting import report
from tests.services import services

ROWS = 1_500
SEEDS = 3
FREEZES = 8
FAILPOINTS = {
    CALL_BEFORE_COMMIT.name: "wire.after_call:kill9:0.05:15",
    CHARGE_IN_ITS_OWN_TRANSACTION.name: "settle.before_commit:kill9:0.2:10",
}


@pytest.mark.parametrize(
    "mutation", [*MUTATIONS, JOINED_THRESHOLD_GUARD], ids=lambda mutation: mutation.name
)
def test_it_still_fits_the_source(mutation: Mutation) -> None:
    for name, text in mutation.changed().items():
        compile(text, name, "exec")


@pytest.mark.chaos
@pytest.mark.fleet
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_the_judge_turns_red(mutation: Mutation, folder: Path) -> None:
    tree = mutation.apply(folder)
    for seed in range(1, SEEDS + 1):
        (folder / str(seed)).mkdir()
        if _run(mutation, tree, folder / str(seed), seed)[mutation.red]:
            return
    pytest.fail(f"{mutation.red} stayed 0: nobody noticed")


def _run(mutation: Mutation, tree: Path, folder: Path, seed: int) -> dict[str, Any]:
    dice, began = random.Random(seed), time.monotonic()
    failpoint = FAILPOINTS.get(mutation.name, "")
    with (
        services(durable=True) as (postgres, redis),
        Fleet(
            folder, postgres, redis, "queryable", root=tree,
            SMSCONSOLE_FAILPOINT=failpoint, SMSCONSOLE_LEASE_SECONDS="3",
        ) as fleet,
    ):  # fmt: skip
        fleet.limit(ROWS * 10)
        fleet.set_carrier(rate=ROWS / 30)
        fleet.seed(ROWS, seed)
        until(lambda: fleet.settled() > 0, "nothing was sent")
        if mutation is NO_ATTEMPT_FENCE:
            for _ in range(FREEZES):
                fleet.freeze_one(dice)
                time.sleep(dice.uniform(1, 3))
                fleet.thaw()
        with contextlib.suppress(AssertionError):  # a broken engine need not come to rest
            fleet.rest()
        return report(f"mutation {mutation.name}", fleet, ROWS, began, seed=seed)
