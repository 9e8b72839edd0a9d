"""The dispatcher: a rolling window of open calls per carrier, fed by leases, drained by settling.

One event loop. Calls run in it with no transaction open; everything that touches the database
runs in one thread beside it, so that no query ever blocks a call.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import TypeVar

import aiohttp
import uvloop
from django.conf import settings
from django.db import close_old_connections, connection

from campaigns import barring
from campaigns.sending import claiming, narrowing, recovering, resting
from campaigns.sending.claiming import Row
from campaigns.sending.ending import finish, halt_for_account
from campaigns.sending.line import Line
from campaigns.sending.sharing import Share
from campaigns.sending.sole import sole_dispatcher
from campaigns.sending.withholding import withhold
from campaigns.settling import Lease, Result, settle
from sms.gateways.base import CarrierClass

logger = logging.getLogger(__name__)
T = TypeVar("T")

SETTLE_ROWS = 500
SETTLE_SECONDS = 0.1
SUB_BATCH = 32
WATCH_SECONDS = 0.4
IDLE_SECONDS = 0.25
SHARE_SECONDS = 1.0
LOW_WATER_SECONDS = 3
BUDGET_SECONDS = 45.0  # a queue gives a task up for lost after two minutes
SWITCH_SECONDS = 0.0005  # a statement's answer waits no longer for calls that compute
SOLE_BUDGET_SECONDS = 3600.0  # the only dispatcher need not make room for another

shutting_down = threading.Event()
"""Set when the process is asked to end: dispatchers give back what they have not sent."""


def dispatch(budget: float | None = None) -> bool:
    """Send what is ready until nothing is left or *budget* seconds have passed.

    True if something may be left: the caller rings again. On SQLite a second dispatcher is
    refused at once, and the first one takes over what a dead predecessor had leased.
    """
    with sole_dispatcher() as alone:
        if not alone:
            return False
        if connection.vendor == "postgresql":
            budget = budget or BUDGET_SECONDS
        else:
            budget = budget or SOLE_BUDGET_SECONDS
            recovering.recover(everything=True)
        sys.setswitchinterval(SWITCH_SECONDS)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(Dispatcher(budget).run())


class Dispatcher:
    """Everything one run of ``dispatch`` holds in memory."""

    def __init__(self, budget: float) -> None:
        self.ends_at = monotonic() + budget
        self.lines: dict[int, Line] = {}
        self.leases: set[Lease] = set()
        self.results: dict[Lease, list[Result]] = defaultdict(list)
        self.unwritten = 0  # results in them
        self.wake = asyncio.Event()
        self.waiter: asyncio.Task[bool] | None = None
        self.failure: BaseException | None = None
        self.claim_at = 0.0
        self.share = Share()
        self.shared_at = monotonic()
        self.settled_at = monotonic()
        self.watched_at = monotonic()
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="dispatch-db")

    async def run(self) -> bool:
        timeout = aiohttp.ClientTimeout(total=call_seconds(), connect=min(3.0, call_seconds()))
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=30)
        try:
            async with aiohttp.ClientSession(
                timeout=timeout, connector=connector, trust_env=False, auto_decompress=False
            ) as session:
                self.session = session
                return await self._work()
        finally:
            await self._db(self.share.leave)
            await self._db(_close_connections)
            self.pool.shutdown()

    async def _work(self) -> bool:
        try:
            while self.failure is None:
                over = monotonic() > self.ends_at or shutting_down.is_set()
                idle = not over and not await self._refill()
                if over:
                    for lease in self.leases:
                        lease.halted = True
                self._drop_unsendable()
                await self._settle_if_due()
                await self._watch_if_due()
                await self._share_if_due()
                if not self.leases and (over or idle):
                    return over
                self.wake.clear()
                await asyncio.wait([self._waiter()], timeout=0.02)
            raise self.failure
        finally:
            await self._stop()

    def _waiter(self) -> asyncio.Task[bool]:
        if self.waiter is None or self.waiter.done():
            self.waiter = asyncio.create_task(self.wake.wait())
        return self.waiter

    async def _stop(self) -> None:
        for line in self.lines.values():
            line.stop()
        if self.waiter is not None:
            self.waiter.cancel()

    async def _refill(self) -> bool:
        """Lease more when a line runs low; False when there was nothing to lease."""
        now = monotonic()
        busy = [pk for pk, line in self.lines.items() if line.is_full(now)]
        if self.leases and (len(busy) == len(self.lines) or now < self.claim_at):
            return True
        found = await self._db(lambda: _claim(busy))
        if not found:
            self.claim_at = now + IDLE_SECONDS
        self.leases.update(lease for lease, _send, _known in found)
        for lease, send, known in found:
            self._note(lease, known)
            await self._feed(lease, send)
        return bool(found) or bool(self.leases)

    async def _feed(self, lease: Lease, rows: list[Row]) -> None:
        line = await self._line(lease)
        if lease.carrier.carrier_class == CarrierClass.IDEMPOTENT:
            line.queue.extend(rows)
        elif rows:
            line.unbegun.append(deque(rows))
        line.start(self)

    async def _line(self, lease: Lease) -> Line:
        line = self.lines.get(lease.carrier.pk)
        if line is None:
            line = self.lines[lease.carrier.pk] = Line(lease.carrier, LOW_WATER_SECONDS)
            others = await self._db(partial(self.share.of, lease.carrier.pk))
            line.join(others, SHARE_SECONDS)
            await self._learn_rests()
        return line

    async def _share_if_due(self) -> None:
        """Learn how many dispatchers send to the same carriers, and keep to the share."""
        if monotonic() - self.shared_at < SHARE_SECONDS:
            return
        self.shared_at = monotonic()
        for pk, line in self.lines.items():
            line.share(await self._db(partial(self.share.of, pk)))
        await self._learn_rests()

    async def _learn_rests(self) -> None:
        """Which carriers all dispatchers leave alone, and for how long.

        What came into trouble while this was asked is not in the answer.
        """
        asked = {pk: line for pk, line in self.lines.items() if not line.breaker.probing}
        were_open = {pk for pk, line in asked.items() if line.breaker.is_open}
        left = await self._db(partial(resting.seconds_left, list(asked)))
        for pk, line in asked.items():
            if pk in left or pk in were_open:
                line.breaker.learn(monotonic(), left.get(pk))

    async def rest(self, line: Line) -> None:
        """The line's carrier is in trouble: tell the other dispatchers."""
        await self._db(partial(resting.begin, line.carrier.pk))

    async def rested(self, line: Line) -> None:
        await self._db(partial(resting.end, line.carrier.pk))

    async def may_probe(self, line: Line) -> bool:
        """May this dispatcher make the one call that tells how the carrier is?"""
        if await self._db(partial(resting.take_probe, line.carrier.pk)):
            return True
        await self._learn_rests()
        return False

    async def next_row(self, line: Line) -> Row | None:
        """The next row to send, begun by commit where its carrier's class asks for that."""
        if not line.queue and line.unbegun and not line.beginning:
            await self._begin_some(line)
        return line.queue.popleft() if line.queue else None

    async def _begin_some(self, line: Line) -> None:
        line.beginning = True
        try:
            part = line.unbegun[0]
            rows = [part.popleft() for _ in range(min(SUB_BATCH, len(part)))]
            if not part:
                line.unbegun.popleft()
            lease = rows[0].lease
            if lease.lost or lease.halted:
                self.drop(rows)
                return
            upto = rows[-1].position
            if await self._db(lambda: claiming.begin(lease, upto)):
                line.queue.extend(rows)
            else:
                lease.halted = True
                self.drop(rows)
        finally:
            line.beginning = False

    def drop(self, rows: list[Row]) -> None:
        """Give rows up unsent; their batch goes back when its last row is accounted for."""
        for row in rows:
            row.lease.open_rows -= 1
            row.lease.dropped += 1

    def _drop_unsendable(self) -> None:
        """Take rows of halted and lost leases out of the queues."""
        if not any(lease.halted or lease.lost for lease in self.leases):
            return
        for line in self.lines.values():
            for rows in (line.queue, *line.unbegun):
                gone = [row for row in rows if row.lease.halted or row.lease.lost]
                if gone:
                    kept = [row for row in rows if not (row.lease.halted or row.lease.lost)]
                    rows.clear()
                    rows.extend(kept)
                    self.drop(gone)
            line.unbegun = deque(part for part in line.unbegun if part)

    def answered(self, row: Row, result: Result) -> None:
        """A row has its outcome; it is written at the next settlement."""
        row.lease.open_rows -= 1
        self.results[row.lease].append(result)
        self.unwritten += 1
        if self.unwritten >= SETTLE_ROWS:
            self.wake.set()

    def _note(self, lease: Lease, known: list[Result]) -> None:
        if not known:
            return
        lease.open_rows -= len(known)
        self.results[lease].extend(known)
        self.unwritten += len(known)

    def unanswered(self, row: Row, *, doubtful: bool, retry_after: float = 1.0) -> None:
        """A row is to be tried again under a later lease; nothing is written for it."""
        lease = row.lease
        lease.open_rows -= 1
        lease.dropped += 1
        lease.doubtful |= doubtful
        lease.retry_after = max(lease.retry_after, retry_after)

    async def _settle_if_due(self) -> None:
        due = monotonic() - self.settled_at >= SETTLE_SECONDS
        if self.unwritten >= SETTLE_ROWS or (due and (self.unwritten or self._finished())):
            groups, self.results = self.results, defaultdict(list)
            self.unwritten = 0
            if groups:
                await self._db(partial(settle, list(groups.items())))
            self.settled_at = monotonic()
            await self._give_back()

    def _finished(self) -> list[Lease]:
        return [
            ls for ls in self.leases
            if (ls.open_rows <= 0 or ls.lost) and not self.results.get(ls)
        ]  # fmt: skip

    async def _give_back(self) -> None:
        """Let go of leases whose rows are all accounted for."""
        done = self._finished()
        self.leases.difference_update(done)
        campaigns = {lease.campaign.pk for lease in done}
        for lease in done:
            if lease.dropped and not lease.lost:
                await self._db(partial(recovering.give_back, lease))
        for pk in campaigns:
            await self._db(partial(finish, pk))

    async def _watch_if_due(self) -> None:
        """See what may not go on (paused, stopped, sender withdrawn), and keep the rest alive."""
        if monotonic() - self.watched_at < WATCH_SECONDS or not self.leases:
            return
        self.watched_at = monotonic()
        stopped = await self._db(partial(barring.halted, list(self.leases)))
        renewable = []
        for lease in self.leases:
            if lease in stopped:
                lease.halted = True
            elif lease.deadline - monotonic() < settings.LEASE_SECONDS * 0.6:
                renewable.append(lease)
        if renewable:
            await self._db(lambda: claiming.renew(renewable))

    async def count_break(self, row: Row, what: str) -> int:
        return await self._db(partial(narrowing.count_break, row.message_id, what))

    async def account_refused(self, lease: Lease, detail: str) -> None:
        """The carrier refuses the whole account: pause the campaign, keep its messages."""
        lease.halted = True
        await self._db(lambda: halt_for_account(lease.campaign, detail))

    def task_ended(self, task: asyncio.Task[None]) -> None:
        """A pump or a database that breaks ends the run: its leases are recovered by time."""
        if not task.cancelled() and task.exception() is not None:
            self.failure = task.exception()
            self.wake.set()

    async def _db(self, work: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, work)


def _claim(busy: Collection[int]) -> list[tuple[Lease, list[Row], list[Result]]]:
    """Leases with the rows to send, and with results that are certain without a call."""
    return [(lease, *withhold(lease, rows)) for lease, rows in claiming.claim(busy)]


def call_seconds() -> float:
    """The longest a call may take: well inside a lease, and never over 10 s."""
    return min(10.0, settings.LEASE_SECONDS / 3)


def _close_connections() -> None:
    close_old_connections()
    connection.close()
