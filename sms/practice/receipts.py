"""Receipts the carrier owes, and posting them until the receiver says it has them.

A batch is a JSON array, signed: ``X-Practice-Signature`` is the hex HMAC-SHA256, keyed with the
token, of ``<X-Practice-Timestamp>.<raw body>``. Any 2xx acknowledges the whole batch; after
anything else the same receipts are posted again with a growing pause.
"""

from __future__ import annotations

import asyncio
import heapq
import hmac
import json
import time
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

import aiohttp

from sms.practice.fates import FATES
from sms.practice.ledger import Entry, Ledger
from sms.practice.settings import Settings

MAX_BATCH = 250  # of the longest receipts there are: below the 64 KB receivers allow
TICK_SECONDS = 0.05
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
TRY_LATER = (408, 425, 429)
POST_TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)


class Owed(NamedTuple):
    """One receipt to come; sorts by when it is due to be posted next."""

    due: float
    at: float
    key: str
    reference: str
    carrier_id: str
    segments: int
    status: str
    code: str


def owed_for(entry: Entry) -> list[Owed]:
    """Every receipt that *entry* will ever have."""
    fate = FATES[entry.fate]
    return [
        Owed(
            entry.due + nth * fate.spacing,
            entry.due + nth * fate.spacing,
            f"{entry.carrier_id}/{nth}",
            entry.reference,
            entry.carrier_id,
            entry.segments,
            status,
            code,
        )
        for nth, (status, code) in enumerate(fate.reports)
    ]


def encode_batch(batch: list[Owed], *, with_reference: bool) -> bytes:
    """The body of one post. Carriers without references name only their own id."""
    entries = [
        {
            "id": owed.carrier_id,
            "reference": owed.reference if with_reference else None,
            "status": owed.status,
            "code": owed.code,
            "segments": owed.segments,
            "at": datetime.fromtimestamp(owed.at, UTC).isoformat(timespec="milliseconds"),
        }
        for owed in batch
    ]
    return json.dumps(entries, separators=(",", ":")).encode()


def sign(token: str, timestamp: str, body: bytes) -> str:
    return hmac.new(token.encode(), timestamp.encode() + b"." + body, sha256).hexdigest()


class Outbox:
    """Receipts by due time. Nothing leaves it before the receiver's 2xx is on disk."""

    def __init__(self, settings: Settings, token: str, ledger: Ledger) -> None:
        self._settings = settings
        self._token = token
        self._ledger = ledger
        self._owed: list[Owed] = []
        self._posting: list[Owed] = []

    @property
    def pending(self) -> int:
        return len(self._owed) + len(self._posting)

    def restore(self) -> None:
        """Read the ledger's files and owe again what was never acknowledged."""
        for entry, acknowledged in self._ledger.restore():
            self._owed += [owed for owed in owed_for(entry) if owed.key not in acknowledged]
        heapq.heapify(self._owed)

    def add(self, entry: Entry) -> None:
        for owed in owed_for(entry):
            heapq.heappush(self._owed, owed)

    async def run(self) -> None:
        """Post what is due, for ever.

        A receiver that is away is asked again with a growing pause. One that answers and will
        not have a batch gets halves of it, until the receipt it dislikes stands alone and waits
        without holding up the others.
        """
        pause, most = 0.0, MAX_BATCH
        async with aiohttp.ClientSession(timeout=POST_TIMEOUT) as session:
            while True:
                await asyncio.sleep(pause or (0 if self._is_due() else TICK_SECONDS))
                if not self._is_due():
                    continue
                self._take(most)
                status = await self._post(session, self._posting)
                if 200 <= status < 300:
                    self._ledger.acknowledge([owed.key for owed in self._posting])
                    pause, most = 0.0, min(MAX_BATCH, most * 2)
                elif 400 <= status < 500 and status not in TRY_LATER:
                    alone = len(self._posting) == 1
                    self._put_back(LONGEST_PAUSE if alone else 0.0)
                    pause, most = FIRST_PAUSE, max(1, len(self._posting) // 2)
                else:
                    self._put_back(0.0)
                    pause = min(LONGEST_PAUSE, pause * 2 or FIRST_PAUSE)
                self._posting = []

    def _is_due(self) -> bool:
        return bool(self._settings.receipts_url and self._owed) and self._owed[0].due <= time.time()

    def _take(self, most: int) -> None:
        now = time.time()
        while self._owed and self._owed[0].due <= now and len(self._posting) < most:
            self._posting.append(heapq.heappop(self._owed))

    def _put_back(self, wait: float) -> None:
        due = time.time() + wait
        for owed in self._posting:
            heapq.heappush(self._owed, owed._replace(due=due))

    async def _post(self, session: aiohttp.ClientSession, batch: list[Owed]) -> int:
        """The status of the answer, 0 for none."""
        body = encode_batch(batch, with_reference=self._settings.carrier_class != "blind")
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "X-Practice-Timestamp": timestamp,
            "X-Practice-Signature": sign(self._token, timestamp, body),
        }
        try:
            async with session.post(
                self._settings.receipts_url, data=body, headers=headers, allow_redirects=False
            ) as response:
                await response.content.read(1024)
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0
