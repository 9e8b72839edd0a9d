"""The carrier's HTTP side.

    POST /messages              202 {"id", "segments"}, or a documented no: 400 422 {"error"},
                                401 unauthorised, 402 no_balance, 429 with Retry-After
    GET  /messages/<reference>  200 {"id", "segments"} or 404 not_found (idempotent, queryable)
    GET  /stats                 accepted, repeats, segments, receipts pending, ...
    POST /faults                change faults, latency, rate, class, receipts while running

Every request carries ``Authorization: Bearer <token>``.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import math
import socket
import struct
import time
from typing import Any

from aiohttp import web

from sms.practice.fates import FATES, fate_of
from sms.practice.faults import AFTER, BEFORE, CANNED, Dice
from sms.practice.ledger import Entry, Ledger
from sms.practice.messages import Message, Unreadable, is_reference, read_message
from sms.practice.receipts import Outbox
from sms.practice.segments import count_segments
from sms.practice.settings import Settings

SILENCE_SECONDS = 60.0
EARLY_SECONDS = 0.5  # how long the answer waits when the receipt is to overtake it
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Bucket:
    """Segments a second. One message may overdraw it, so that a long one always fits."""

    def __init__(self) -> None:
        self._left = math.inf
        self._filled_at = time.monotonic()

    def take(self, segments: int, rate: float) -> bool:
        if not rate:
            return True
        now = time.monotonic()
        self._left = min(rate, self._left + (now - self._filled_at) * rate)
        self._filled_at = now
        if self._left <= 0:
            return False
        self._left -= segments
        return True


class Carrier:
    """One account at the practice carrier."""

    def __init__(self, settings: Settings, token: str, ledger: Ledger, outbox: Outbox) -> None:
        self.stopping = asyncio.Event()
        self._settings = settings
        self._bearer = f"Bearer {token}".encode()
        self._ledger = ledger
        self._outbox = outbox
        self._bucket = Bucket()
        self._dice = Dice(settings.seed, settings.faults)
        self._counts = {"refused": 0, "throttled": 0, "faults": 0}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode(errors="replace")
        if not hmac.compare_digest(given, self._bearer):
            return _answer(401, {"error": "unauthorised"})
        route = (request.method, request.path)
        if route == ("POST", "/messages"):
            return await self._submit(request)
        if route == ("POST", "/faults"):
            return await self._change(request)
        if route == ("GET", "/stats"):
            return _answer(200, self._stats())
        if request.method == "GET" and request.path.startswith("/messages/"):
            return self._look_up(request.path.removeprefix("/messages/"))
        return _answer(404, {"error": "no_such_address"})

    async def _submit(self, request: web.BaseRequest) -> web.StreamResponse:
        raw = await request.read()
        fault = self._dice.roll()
        if fault in BEFORE:
            return await self._misbehave(request, fault)
        try:
            message = read_message(raw, request.headers.get("Idempotency-Key", ""))
            known = self._ledger.find(message.reference)
            entry, fault, overtaken = self._take(message, known, fault)
        except Unreadable as no:
            return self._refuse(no)
        except OSError:  # the ledger did not take it, so nobody may believe it was accepted
            return _answer(500, {"error": "storage"})
        pause = self._settings.latency_ms / 1000 + (EARLY_SECONDS if overtaken else 0.0)
        if pause:
            await asyncio.sleep(pause)
        if fault in AFTER:
            return await self._misbehave(request, fault)
        return _accepted(202, entry)

    def _take(self, message: Message, known: Entry | None, fault: str) -> tuple[Entry, str, bool]:
        """The entry of the message in the ledger, the fault to answer with, and whether its
        receipt is to overtake the answer. Raises Unreadable for a documented no."""
        settings = self._settings
        name, moment = fate_of(settings.seed, message.reference, message.number)
        fate = FATES[name]
        if known is None and (fate.refusal or fault == "refused"):
            raise Unreadable(422, fate.refusal or "content")
        segments = count_segments(message.text)
        if not self._bucket.take(segments, settings.rate):
            raise Unreadable(429, "throttled")
        now = time.time()
        if known is not None and settings.carrier_class == "idempotent":
            self._ledger.repeat(now, known, message.number)
            return known, fault, False
        low, high = settings.receipt_delay
        due = now if fate.early else now + low + moment * (high - low)
        entry = self._ledger.accept(now, message.reference, message.number, segments, name, due)
        self._outbox.add(entry)
        if known is None and fate.first_answer:
            fault = fate.first_answer
        return entry, fault, fate.early

    def _refuse(self, no: Unreadable) -> web.Response:
        if no.status == 429:
            self._counts["throttled"] += 1
            return _answer(429, {"error": no.error}, {"Retry-After": "1"})
        self._counts["refused"] += 1
        return _answer(no.status, {"error": no.error})

    def _look_up(self, reference: str) -> web.Response:
        if self._settings.carrier_class not in ("idempotent", "queryable"):
            return _answer(404, {"error": "no_look_up"})
        entry = self._ledger.find(reference) if is_reference(reference) else None
        if entry is None:
            return _answer(404, {"error": "not_found"})
        return _accepted(200, entry)

    async def _change(self, request: web.BaseRequest) -> web.Response:
        try:
            wanted = json.loads(await request.read())
            if not isinstance(wanted, dict):
                raise ValueError("the body must be an object of settings")
            self._settings.change(wanted)
        except (ValueError, RecursionError) as error:
            return _answer(400, {"error": "bad_request", "detail": str(error)})
        if wanted.keys() & {"faults", "seed"}:
            self._dice = Dice(self._settings.seed, self._settings.faults)
        return _answer(200, self._settings.shown())

    def _stats(self) -> dict[str, Any]:
        return {
            "class": self._settings.carrier_class,
            "accepted": self._ledger.accepted,
            "repeats": self._ledger.repeats,
            "segments": self._ledger.segments,
            "receipts_pending": self._outbox.pending,
            **self._counts,
        }

    async def _misbehave(self, request: web.BaseRequest, fault: str) -> web.StreamResponse:
        self._counts["faults"] += 1
        canned = CANNED.get(fault)
        if canned:
            return web.Response(
                status=canned.status,
                body=canned.body,
                content_type=canned.content_type,
                headers=dict(canned.headers),
            )
        if fault.startswith("silence"):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), SILENCE_SECONDS)
        _reset(request)
        return web.Response()


def _reset(request: web.BaseRequest) -> None:
    """Close with a reset instead of a farewell, so that the caller sees the line go dead."""
    transport = request.transport
    if transport is None:
        return
    line = transport.get_extra_info("socket")
    if line is not None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()


def _accepted(status: int, entry: Entry) -> web.Response:
    body = f'{{"id":"{entry.carrier_id}","segments":{entry.segments}}}'.encode()
    return web.Response(status=status, body=body, content_type="application/json")


def _answer(
    status: int, fields: dict[str, Any], headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(fields).encode(),
        content_type="application/json",
        headers=headers,
    )
