"""T16: the database's clock jumps while one campaign is sent and another waits for its time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import psycopg
import pytest

from tests import turning
from tests.chaos.console import until
from tests.chaos.fleet import Fleet
from tests.chaos.judge import is_clean, judge
from tests.chaos.reporting import tell
from tests.services import services

ROWS, WAITING = 600, 51
SHIFTS = (3_600, 0, -3_600, 0, 86_400, 0, -86_400, 0)
STAY_SECONDS = 6
REST_SECONDS = 120
# The campaign of so many rows is to start in twenty minutes.
LATER = f"""
CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    IF NEW.total = {WAITING} AND OLD.state = 'draft' AND NEW.state = 'scheduled' THEN
        NEW.send_at := now() + interval '20 minutes';
    END IF;
    RETURN NEW;
END$$;
CREATE TRIGGER later BEFORE UPDATE ON campaigns_campaign FOR EACH ROW EXECUTE FUNCTION later()
"""

pytestmark = [pytest.mark.chaos, pytest.mark.fleet]


def test_nothing_starts_early_and_nothing_is_sent_twice(folder: Path) -> None:
    with services(durable=True) as (postgres, redis):
        with psycopg.connect(postgres.url) as database:
            for statement in turning.CLOCK:
                database.execute(statement)
            database.execute(f"ALTER DATABASE postgres SET search_path = {turning.PATH}")
        with Fleet(folder, postgres, redis, "idempotent") as fleet:
            fleet.set_carrier(rate=ROWS // (len(SHIFTS) * STAY_SECONDS))
            fleet.execute(LATER, [])
            fleet.seed(ROWS, 1)
            fleet.seed(WAITING, 2)
            until(lambda: fleet.settled() > 0, "nothing was sent")
            states, jumps = _turn_about(fleet)
            fleet.manage("confirm_clock")
            before = time.monotonic()
            fleet.execute(
                "UPDATE campaigns_campaign SET send_at = now() WHERE total = %s", [WAITING]
            )
            end = time.monotonic() + REST_SECONDS
            while not fleet.is_over():
                assert time.monotonic() < end, json.dumps(fleet.seen(), default=str)
                time.sleep(1)
            wall = round(time.monotonic() - before, 1)
            found = judge(fleet.query, fleet.carrier.home, ROWS + WAITING)
    is_good = states == {"scheduled"} and jumps >= 1 and is_clean(found, ROWS + WAITING)
    told = {"test": "T16", "shifts": SHIFTS, "waited": sorted(states), "jumps": jumps,
            "end_s": wall, **found, "pass": is_good}  # fmt: skip
    tell(told)
    assert is_good, told


def _turn_about(fleet: Fleet) -> tuple[set[str], int]:
    """Every state in which the waiting campaign was seen, and how many jumps were written down."""
    states = set()
    for seconds in SHIFTS:
        fleet.execute(turning.TURN, [seconds])
        end = time.monotonic() + STAY_SECONDS
        while time.monotonic() < end:
            [(state,)] = fleet.query(
                f"SELECT state FROM campaigns_campaign WHERE total = {WAITING}"
            )
            states.add(state)
            time.sleep(0.3)
    [(jumps,)] = fleet.query("SELECT COUNT(*) FROM campaigns_clockjump")
    return states, int(jumps)
