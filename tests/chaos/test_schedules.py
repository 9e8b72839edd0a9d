"""A thousand starts at one instant with three tickers that die; cancelling at the last instant."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.chaos.console import ROOT
from tests.chaos.fleet import Fleet
from tests.chaos.reporting import SEED, report, scaled
from tests.services import services

TICKERS = 2  # beside the console's own
ROWS = 5
LATEST_SECONDS = 10
LEAD_SECONDS = 20
SESSIONS = 2
PACE_SECONDS = 0.1
CANCEL_SECONDS = 300
START_AT = """
UPDATE campaigns_campaign SET send_at = to_timestamp(given.start)
FROM unnest(%s::bigint[], %s::float8[]) AS given (id, start)
WHERE campaigns_campaign.id = given.id
"""

pytestmark = [pytest.mark.chaos, pytest.mark.fleet]


class Tickers:
    """More tickers of one console, each started again when it was killed."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._processes: list[subprocess.Popen[bytes]] = []

    def keep(self) -> None:
        self._processes = [one for one in self._processes if one.poll() is None]
        while len(self._processes) < TICKERS:
            command = [sys.executable, "manage.py", "tick", "--loop"]
            with (self._fleet.home.parent / "tickers.log").open("ab") as out:
                one = subprocess.Popen(
                    command, cwd=ROOT, env=self._fleet.env, stdout=out, stderr=out
                )
            self._processes.append(one)

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


def test_each_starts_once_never_early_and_soon(folder: Path) -> None:
    dice, began, kills = random.Random(SEED), time.monotonic(), 0
    count = scaled(1_000)
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, "idempotent") as fleet,
    ):
        tickers = Tickers(fleet)
        fleet.seed(ROWS, SEED, campaigns=count, at=_far_from_now())
        fleet.execute("UPDATE campaigns_campaign SET send_at = now() + %s", [f"{LEAD_SECONDS} s"])
        try:
            end = time.monotonic() + LEAD_SECONDS + 60
            while fleet.scheduled():
                tickers.keep()
                kills += fleet.kill_by_chance("tick --loop", dice)
                time.sleep(dice.uniform(0.2, 1.5))
                assert time.monotonic() < end, "some never started"
        finally:
            tickers.end()
        fleet.rest()
        [(first, last)] = fleet.query(
            "SELECT MIN(EXTRACT(epoch FROM started_at - send_at)),"
            " MAX(EXTRACT(epoch FROM started_at - send_at)) FROM campaigns_campaign"
        )
        starts = fleet.happened("campaign.start")
        told = report(
            "T13", fleet, count * ROWS, began,
            kills=kills, first_s=round(float(first), 2), last_s=round(float(last), 2),
        )  # fmt: skip
    assert told["pass"], told
    assert set(starts.values()) == {1}
    assert len(starts) == count
    assert kills > 2
    assert 0 <= first <= last <= LATEST_SECONDS


@pytest.mark.small
def test_at_the_last_instant_it_is_cancelled_or_sent_and_never_both(folder: Path) -> None:
    began = time.monotonic()
    pairs = scaled(500)
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, "idempotent") as fleet,
    ):
        ids = fleet.seed(2, SEED, campaigns=pairs, at=_far_from_now())
        sessions = [_session(fleet) for _ in range(SESSIONS)]
        lasts = [time.time() + 5 + PACE_SECONDS * number for number in range(pairs)]
        fleet.execute(START_AT, [ids, [last + CANCEL_SECONDS for last in lasts]])
        tries = _race(sessions, list(zip(ids, lasts, strict=True)))
        cancelled = {pk for pk, _began, _ended, won in tries if won}
        fleet.execute("UPDATE campaigns_campaign SET send_at = now() WHERE state = 'scheduled'")
        fleet.rest()
        events = fleet.happened("campaign.cancel")
        states = dict(fleet.query("SELECT id, state FROM campaigns_campaign"))
        rows = 2 * (pairs - len(cancelled))
        told = report("T14", fleet, rows, began, pairs=pairs, cancelled=len(cancelled))
    assert told["pass"], told
    assert 0 < len(cancelled) < pairs, "the race was no race"
    assert events == Counter(cancelled), "two sessions cancelled one campaign"
    for pk, state in states.items():
        assert state == ("cancelled" if pk in cancelled else "completed")
    for pk, begun, ended, won in tries:
        last = lasts[ids.index(pk)]
        assert not (won and begun > last), "cancelled after the last instant"
        assert won or ended > last or pk in cancelled, "refused before the last instant"


def _session(fleet: Fleet) -> subprocess.Popen[str]:
    """A session that waits to be told what to cancel, and when."""
    command = [sys.executable, "-m", "tests.chaos.cancelling"]
    found = subprocess.Popen(
        command, cwd=ROOT, env=fleet.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert found.stdout.readline() == "ready\n"
    return found


def _race(
    sessions: list[subprocess.Popen[str]], last_instants: list[tuple[int, float]]
) -> list[list]:
    told = json.dumps(last_instants)
    with ThreadPoolExecutor(SESSIONS) as pool:
        answers = pool.map(lambda session: session.communicate(told)[0], sessions)
    assert not any(session.returncode for session in sessions)
    return [one for answer in answers for one in json.loads(answer)]


def _far_from_now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 4 * 3600))
