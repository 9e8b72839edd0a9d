"""How fast receipts are taken and applied: ``python -m benchmarks.receipts_speed``.

A whole console on PostgreSQL with every commit on disk. Receipts come at a steady 200 a second
beside the empty page of the same web process at the same pace, in turns; then as many as it takes
at once; then what waits in the inbox is applied, beside a bare UPDATE of the same rows. One JSON
object is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import psycopg

from tests.chaos.console import until
from tests.chaos.fleet import Fleet
from tests.chaos.flood import Address, Answered, all_at_once, at_pace, percentile, receipts
from tests.services import services

RATE = 200.0
LINES = 32
CHUNK = 500
BARE = """
UPDATE campaigns_message AS t
SET state = v.state, receipt_at = now()
FROM unnest(%s::bigint[], %s::text[]) AS v(id, state) WHERE t.id = v.id
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Receipts a second, and how long each takes.")
    parser.add_argument("--seconds", type=float, default=20, help="of each kind of request")
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--commit-ms", type=int, default=0, help="as on a disk this slow")
    parser.add_argument("--waiting", type=int, default=20_000, help="receipts to apply")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="smsconsole-speed-") as name,
        services(durable=True) as (postgres, redis),
        Fleet(Path(name), postgres, redis, "idempotent", hired=0) as fleet,
    ):
        slow_down(postgres.url, options.commit_ms)
        found = measure(fleet, options.seconds, options.turns, options.waiting)
    sys.stdout.write(json.dumps(found) + "\n")


def slow_down(url: str, milliseconds: int) -> None:
    """Let every commit wait as long as a slower disk would make it, and others join it."""
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(f"ALTER SYSTEM SET commit_delay = {milliseconds * 1000:d}")
        database.execute("ALTER SYSTEM SET commit_siblings = 0")
        database.execute("SELECT pg_reload_conf()")


def measure(fleet: Fleet, seconds: float, turns: int, waiting: int) -> dict[str, Any]:
    steady, most, first = int(RATE * seconds), 4_000, 100
    references = accepted(fleet, first + steady + most + waiting)
    address = receipts_address(fleet)
    home = f"http://127.0.0.1:{fleet.env['PORT']}/healthz"
    warm = [references.pop() for _ in range(first)]  # each thread opens its line to the database
    asyncio.run(all_at_once(receipts(address, warm), LINES))
    taken, empty = [], []
    share = steady // turns
    for turn in range(turns):
        some = references[turn * share : (turn + 1) * share]
        taken += asyncio.run(at_pace(receipts(address, some), RATE))
        empty += asyncio.run(at_pace(((home, _get(home)) for _ in some), RATE))
    begun = time.monotonic()
    many = asyncio.run(all_at_once(receipts(address, references[steady : steady + most]), LINES))
    saturated = len(many) / (time.monotonic() - begun)
    fleet.kill_everything()
    return {
        "test": "receipts_speed",
        "rate": RATE,
        "cpus": os.cpu_count(),
        "receipt": _figures(taken),
        "empty_page": _figures(empty),
        "ratio_p50": round(_ms(taken, 0.5) / _ms(empty, 0.5), 2),
        "ratio_p99": round(_ms(taken, 0.99) / _ms(empty, 0.99), 2),
        "most_a_second": round(saturated),
        "most_statuses": dict(Counter(one.status for one in many)),
        **applying(fleet, references[steady + most :]),
    }


def accepted(fleet: Fleet, count: int) -> list[str]:
    """References of *count* messages that the carrier has accepted and sends no receipts for."""
    fleet.carrier.change(receipts_url="")
    fleet.set_carrier(rate=1_000_000)
    rows = count + count // 5  # the practice carrier refuses some numbers
    fleet.seed(rows, 1)
    until(lambda: fleet.settled() == rows, "the campaign was not sent", within=600)
    found = fleet.query("SELECT reference FROM campaigns_message WHERE state = 'accepted'")
    if len(found) < count:
        raise RuntimeError(f"only {len(found)} of {rows} messages were accepted")
    return [str(reference) for (reference,) in found[:count]]


def receipts_address(fleet: Fleet) -> Address:
    [(token,)] = fleet.query("SELECT receipts_token FROM carriers_carrier")
    return Address(f"http://127.0.0.1:{fleet.env['PORT']}/receipts/{token}/", fleet.carrier.token)


def _get(url: str) -> Any:
    async def ask(session: aiohttp.ClientSession) -> int:
        async with session.get(url) as response:
            await response.read()
            return response.status

    return ask


def _ms(found: Sequence[Answered], share: float) -> float:
    return percentile((one.seconds for one in found), share) * 1000


def _figures(found: Sequence[Answered]) -> dict[str, Any]:
    return {
        "requests": len(found),
        "p50_ms": round(_ms(found, 0.5), 1),
        "p99_ms": round(_ms(found, 0.99), 1),
        "max_ms": round(_ms(found, 1.0), 1),
        "statuses": dict(Counter(one.status for one in found)),
    }


def applying(fleet: Fleet, references: list[str]) -> dict[str, Any]:
    """Apply a waiting receipt for each of *references* in two turns, each beside a bare UPDATE."""
    os.environ.update(fleet.env, DJANGO_SETTINGS_MODULE="smsconsole.settings")
    import django

    django.setup()
    half = len(references) // 2
    ours = bare = 0.0
    for some in (references[:half], references[half:]):
        ours += _apply(fleet, some)
        bare += _bare_update(fleet, some)
    return {
        "applied": len(references),
        "applied_a_second": round(len(references) / ours),
        "bare_update_a_second": round(len(references) / bare),
    }


def _apply(fleet: Fleet, references: list[str]) -> float:
    from campaigns import receipts as inbox

    fleet.execute(
        "INSERT INTO campaigns_deliveryreceipt (account_id, dedupe, reference, carrier_id, outcome,"
        " reason, detail, raw, arrived_at, done_at, repeats, state, why)"
        " SELECT (SELECT MIN(id) FROM carriers_carrier), md5(random()::text), r, md5(r),"
        " 'delivered', '', 'delivered', '[]', now(), now(), 0, 'pending', ''"
        " FROM unnest(%s::text[]) AS r",
        [references],
    )
    begun = time.monotonic()
    left = inbox.apply()
    seconds = time.monotonic() - begun
    if left < len(references):
        raise RuntimeError(f"only {left} receipts left the inbox")
    return seconds


def _bare_update(fleet: Fleet, references: list[str]) -> float:
    with psycopg.connect(fleet.postgres.url, autocommit=True) as database:
        rows = database.execute(
            "SELECT id FROM campaigns_message WHERE reference = ANY(%s::uuid[])", [references]
        ).fetchall()
        ids = [pk for (pk,) in rows]
        begun = time.monotonic()
        for start in range(0, len(ids), CHUNK):
            some = ids[start : start + CHUNK]
            database.execute(BARE, [some, ["delivered"] * len(some)])
        return time.monotonic() - begun


if __name__ == "__main__":
    main()
