"""Receipts posted at a steady pace, whatever is answered, and what the carrier saw of it."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import aiohttp

TIMEOUT = aiohttp.ClientTimeout(total=30)
NO_ANSWER = 0

Ask = Callable[[aiohttp.ClientSession], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Answered:
    """One request: when it was due (monotonic), how long after that it was answered, and how."""

    due: float
    seconds: float
    status: int
    said: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """One receipt as a carrier says it. ``carrier_id`` finds it again in the inbox."""

    reference: str
    carrier_id: str
    status: str = "delivered"
    code: str = ""
    at: str = ""

    @staticmethod
    def fresh(reference: str) -> Said:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return Said(reference, uuid.uuid4().hex, at=now)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a carrier posts, and the key it signs with."""

    url: str
    token: str

    def signed(self, told: Sequence[Said]) -> tuple[bytes, dict[str, str]]:
        entries = [
            {"id": one.carrier_id, "reference": one.reference, "status": one.status,
             "code": one.code, "at": one.at}
            for one in told
        ]  # fmt: skip
        body, stamp = json.dumps(entries).encode(), str(int(time.time()))
        signature = hmac.new(self.token.encode(), stamp.encode() + b"." + body, sha256)
        return body, {
            "Content-Type": "application/json",
            "X-Practice-Timestamp": stamp,
            "X-Practice-Signature": signature.hexdigest(),
        }

    async def post(self, session: aiohttp.ClientSession, *told: Said) -> int:
        body, headers = self.signed(told)
        async with session.post(self.url, data=body, headers=headers) as response:
            await response.read()
            if response.status == 503 and "Retry-After" not in response.headers:
                return -response.status  # a carrier is not told when to come again
            return response.status


async def at_pace(asks: Iterable[tuple[str, Ask]], rate: float) -> list[Answered]:
    """Make *rate* requests a second and wait for none of them before the next. Time counts from
    when a request was due, so that a server that stops for a second is not asked less.
    """
    async with aiohttp.ClientSession(
        timeout=TIMEOUT, connector=aiohttp.TCPConnector(limit=0)
    ) as session:
        begun, tasks = time.monotonic(), []
        for number, (said, ask) in enumerate(asks):
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.append(asyncio.create_task(_timed(session, ask, due, said)))
        return list(await asyncio.gather(*tasks))


async def all_at_once(asks: Iterable[tuple[str, Ask]], lines: int) -> list[Answered]:
    """Keep *lines* requests open until all are made: what the server can take at the most."""
    rest, found = iter(asks), []

    async def one_line(session: aiohttp.ClientSession) -> None:
        for said, ask in rest:
            found.append(await _timed(session, ask, time.monotonic(), said))

    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        await asyncio.gather(*(one_line(session) for _ in range(lines)))
    return found


async def _timed(session: aiohttp.ClientSession, ask: Ask, due: float, said: str) -> Answered:
    try:
        status = await ask(session)
    except (aiohttp.ClientError, TimeoutError):
        status = NO_ANSWER
    return Answered(due, time.monotonic() - due, status, said)


def receipts(address: Address, references: Iterable[str]) -> Iterator[tuple[str, Ask]]:
    """One delivered receipt for each of *references*, as requests."""
    for reference in references:
        said = Said.fresh(reference)
        yield said.carrier_id, lambda session, said=said: address.post(session, said)


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least *share* of all do not pass."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)] if ordered else 0.0
