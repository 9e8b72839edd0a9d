"""The receipts inbox at full size: carriers that say everything wrongly, and a database that dies.

``CHAOS_SCALE`` is 1 for 20,000 messages and for a flood of 60 s; the line each test prints is one
JSON object. What must come of the receipts is worked out here, from what was posted and from the
carrier's own ledger, without the console's code.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.console import until
from tests.chaos.fleet import Fleet
from tests.chaos.flood import Address, Answered, Ask, Said, all_at_once, at_pace, percentile
from tests.chaos.flood import receipts as requests
from tests.chaos.judge import carrier_ledger
from tests.chaos.reporting import SCALE, SEED, tell
from tests.services import Postgres, services

RATE = 200.0
BAR_SECONDS = 0.2
REST_SECONDS = 120

pytestmark = pytest.mark.chaos


def address_of(fleet: Fleet) -> Address:
    [(token,)] = fleet.query("SELECT receipts_token FROM carriers_carrier")
    return Address(f"http://127.0.0.1:{fleet.env['PORT']}/receipts/{token}/", fleet.carrier.token)


def messages_of(fleet: Fleet) -> list[str]:
    rows = fleet.query("SELECT reference FROM campaigns_message ORDER BY id")
    return [str(reference) for (reference,) in rows]


# --- T11: everything a carrier can say wrongly ------------------------------------------------


@dataclass
class Script:
    """What the carrier will say: before it has answered the submission, and after."""

    early: list[Said] = field(default_factory=list)
    later: list[Said] = field(default_factory=list)
    contradictions: set[str] = field(default_factory=set)
    unknown: int = 0


def said(reference: str, status: str, code: str = "") -> Said:
    fresh = Said.fresh(reference)
    return Said(reference, f"c{reference}", status, code, fresh.at)


def script(references: Sequence[str], dice: random.Random) -> Script:
    """30 % early, 20 % twice, 20 % in the wrong order, 2 % contradictory, 1 % of nobody."""
    told = Script()
    for reference in references:
        last = said(reference, "delivered")
        if dice.random() < 0.2:
            last = said(reference, *dice.choice(FAILURES))
        parts = [said(reference, "buffered"), last]
        if dice.random() < 0.2:
            parts.reverse()
        if dice.random() < 0.02:
            told.contradictions.add(reference)
            failed = said(reference, "undelivered", "unreachable")
            pair = [failed, said(reference, "delivered")]
            dice.shuffle(pair)
            parts = [parts[0], *pair] if parts[0].status == "buffered" else pair
        if dice.random() < 0.2:
            parts += dice.sample(parts, 1)
        (told.early if dice.random() < 0.3 else told.later).extend(parts)
        if dice.random() < 0.01:
            told.later.append(said(str(uuid.UUID(int=dice.getrandbits(128))), "delivered"))
            told.unknown += 1
    return told


FAILURES = (
    ("undelivered", "unreachable"), ("undelivered", "unknown_subscriber"), ("expired", "expired"),
)  # fmt: skip


def expected(fleet: Fleet, references: Sequence[str], told: Script) -> dict[str, str]:
    """The state each message must have: *delivered* if anybody ever said so; a failure counts only
    for what the carrier had accepted; what nobody spoke of stays as it was handed over.
    """
    taken, _segments = carrier_ledger(fleet.carrier.home)
    heard: dict[str, list[str]] = {}
    for one in [*told.early, *told.later]:
        if one.status != "buffered":
            heard.setdefault(one.reference, []).append(one.status)
    states = {}
    for reference in references:
        final, has_it = heard.get(reference, []), reference.replace("-", "") in taken
        states[reference] = "accepted" if has_it else "rejected"
        if "delivered" in final:
            states[reference] = "delivered"
        elif final and has_it:
            states[reference] = final[0]
    return states


def post_all(address: Address, told: Sequence[Said], most: int = 40) -> Counter[int]:
    """In order, several at a time, in batches as carriers send them."""
    posts: list[tuple[str, Ask]] = [
        ("", lambda session, some=told[start : start + most]: address.post(session, *some))
        for start in range(0, len(told), most)
    ]
    return Counter(one.status for one in asyncio.run(all_at_once(posts, lines=1)))


DUMP = (
    "SELECT reference, state, reason, billed_segments, charge_id, receipt_at"
    " FROM campaigns_message ORDER BY id",
    "SELECT id, messages, segments, amount FROM billing_charge ORDER BY id",
    "SELECT charge_id, messages, segments FROM billing_failedcharge ORDER BY id",
    "SELECT campaign_id, country, state, reason, messages, segments, billed, amount"
    " FROM campaigns_campaigntally ORDER BY 1, 2, 3, 4",
    "SELECT campaign_id, hour, bucket, messages FROM campaigns_hourtally ORDER BY 1, 2, 3",
    "SELECT message_id, kind, was, now FROM campaigns_messageevent ORDER BY id",
    "SELECT dedupe, state, why FROM campaigns_deliveryreceipt ORDER BY id",
    "SELECT id, used FROM billing_thresholdwindow ORDER BY id",
)


def dump(fleet: Fleet) -> list[Any]:
    return [fleet.query(sql) for sql in DUMP]


def inbox_is_read(fleet: Fleet) -> bool:
    """Nothing waits; strays are unmatched once they have waited long enough."""
    fleet.execute(
        "UPDATE campaigns_deliveryreceipt SET arrived_at = now() - interval '1 hour'"
        " WHERE state = %s AND message_id IS NULL AND arrived_at > now() - interval '1 hour'",
        ["pending"],
    )
    rows = fleet.query("SELECT COUNT(*) FROM campaigns_deliveryreceipt WHERE state = 'pending'")
    return not rows[0][0]


def test_receipts_early_twice_reversed_and_contradictory_come_to_what_they_say(
    folder: Path,
) -> None:
    rows, dice, began = max(200, round(20_000 * SCALE)), random.Random(SEED), time.monotonic()
    with (
        services() as (postgres, redis),
        Fleet(folder, postgres, redis, "idempotent", 0, SMSCONSOLE_LEASE_SECONDS="60") as fleet,
    ):
        fleet.carrier.change(receipts_url="")
        fleet.limit(rows * 10)
        fleet.set_carrier(rate=1_000_000)
        fleet.execute("UPDATE accounts_workspace SET sending_off_at = %s", ["now"])
        fleet.seed(rows, SEED)
        until(lambda: len(messages_of(fleet)) == rows, "the messages were not written")
        address, references = address_of(fleet), messages_of(fleet)
        told = script(references, dice)
        statuses = post_all(address, told.early)
        early = rows - fleet.settled()
        fleet.execute("UPDATE accounts_workspace SET sending_off_at = %s", [None])
        until(lambda: fleet.settled() == rows, "the campaign was not sent", within=600)
        statuses += post_all(address, told.later)
        until(lambda: inbox_is_read(fleet), "the inbox was not applied", within=REST_SECONDS)
        once = dump(fleet)
        states = dict(fleet.query("SELECT reference::text, state FROM campaigns_message"))
        wrong = {
            reference: (states[reference], state)
            for reference, state in expected(fleet, references, told).items()
            if states[reference] != state
        }
        again = post_all(address, [*told.early, *told.later])
        time.sleep(3)
        until(lambda: inbox_is_read(fleet), "the inbox was not applied", within=REST_SECONDS)
        changed = sum(one != two for one, two in zip(once, dump(fleet), strict=True))
        kept = Counter(state for _key, state, _why in once[6])
        verified = fleet.verified()
    contradicted = {message for message, kind, _was, _now in once[5] if kind == "contradiction"}
    report = {
        "test": "T11", "seed": SEED, "rows": rows, "early": early,
        "receipts": len(told.early) + len(told.later), "states": Counter(states.values()),
        "inbox": kept, "wrong": len(wrong), "changed_by_replay": changed,
        "unknown": told.unknown, "contradicted": len(contradicted),
        "verify_differences": verified["differences"],
        "wall_s": round(time.monotonic() - began, 1),
    }  # fmt: skip
    report["pass"] = not wrong and not changed and verified["ok"]
    tell(report)
    assert not wrong, list(wrong.items())[:5]
    assert report["pass"], (report, verified)
    assert set(statuses) | set(again) == {200}, (statuses, again)
    assert kept["orphan"] == told.unknown
    assert len(contradicted) >= len(told.contradictions)
    assert early == rows, "nothing was early: nothing was tested"


# --- T12: a flood while the database dies and comes back -----------------------------------------


@dataclass(frozen=True, slots=True)
class Outage:
    """From the kill of PostgreSQL until it was started again, on the monotonic clock."""

    began: float
    ended: float


def outage(postgres: Postgres, after: float, away: float) -> Outage:
    """By the main thread: a server goes when the thread that started it ends."""
    time.sleep(after)
    began = time.monotonic()
    postgres.stop(signal.SIGKILL)
    time.sleep(away)
    Fleet.start_again(postgres)
    return Outage(began, time.monotonic())


@pytest.mark.fleet
def test_a_flood_during_a_crash_of_the_database_keeps_all_it_took(folder: Path) -> None:
    seconds, began = max(15.0, 60 * SCALE), time.monotonic()
    count = int(RATE * seconds)
    rows = count + count // 5  # some numbers are refused by the carrier
    with (
        services(durable=True) as (postgres, redis),
        Fleet(folder, postgres, redis, "idempotent", hired=0) as fleet,
    ):
        fleet.carrier.change(receipts_url="")
        fleet.set_carrier(rate=1_000_000)
        fleet.seed(rows, SEED)
        until(lambda: fleet.settled() == rows, "the campaign was not sent", within=600)
        found = fleet.query("SELECT reference FROM campaigns_message WHERE state = 'accepted'")
        references = [str(reference) for (reference,) in found[:count]]
        address = address_of(fleet)
        asyncio.run(all_at_once(requests(address, [str(uuid.uuid4()) for _ in range(40)]), 8))
        with ThreadPoolExecutor(1) as pool:
            flood = pool.submit(asyncio.run, at_pace(requests(address, references), RATE))
            away = outage(postgres, seconds / 3, min(5.0, seconds / 6))
            answered = flood.result()
        until(lambda: inbox_is_read(fleet), "the inbox was not applied", within=REST_SECONDS)
        kept = {said for (said,) in fleet.query(
            "SELECT carrier_id FROM campaigns_deliveryreceipt")}  # fmt: skip
        delivered = fleet.query("SELECT COUNT(*) FROM campaigns_message WHERE state = 'delivered'")[
            0
        ][0]
        verified = fleet.verified()
    report = {"test": "T12", "seed": SEED, **judged(answered, kept, away)}
    report |= {
        "delivered": delivered, "verify_differences": verified["differences"],
        "load": os.getloadavg()[0], "wall_s": round(time.monotonic() - began, 1),
    }  # fmt: skip
    report["pass"] = (
        not report["receipts_lost"] and verified["ok"] and set(report["statuses"]) <= {"200", "503"}
        and report["p99_ms_outside"] <= BAR_SECONDS * 1000
    )  # fmt: skip
    tell(report)
    assert report["pass"], (report, verified)
    assert report["statuses"].get("503"), "nobody noticed the crash: nothing was tested"
    assert delivered >= report["statuses"]["200"] > 0


def judged(answered: Sequence[Answered], kept: set[str], away: Outage) -> dict[str, Any]:
    """What the carrier saw. The outage lasts until the first receipt is taken again."""
    back = [one.due for one in answered if one.due >= away.ended and one.status == 200]
    again = min(back, default=away.ended)
    outside = [one for one in answered if not away.began - 1 <= one.due <= again + 1]
    taken = [one for one in answered if 200 <= one.status < 300]
    return {
        "requests": len(answered),
        "statuses": dict(Counter(str(one.status) for one in answered)),
        "receipts_lost": sum(one.said not in kept for one in taken),
        "away_s": round(away.ended - away.began, 1),
        "taken_again_after_s": round(again - away.ended, 1),
        "p50_ms_outside": round(percentile((o.seconds for o in outside), 0.5) * 1000, 1),
        "p99_ms_outside": round(percentile((o.seconds for o in outside), 0.99) * 1000, 1),
        "longest_ms_inside": round(max(one.seconds for one in answered) * 1000),
    }
