"""One carrier as the dispatcher sees it: a queue of rows and a window of open calls."""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from campaigns.failpoints import hit
from campaigns.sending.pacing import Breaker, TokenBucket
from campaigns.settling import Result
from campaigns.states import MessageState
from carriers.models import Carrier
from sms.gateways.base import (
    Accepted,
    CarrierClass,
    InDoubt,
    Outbound,
    Refused,
    Throttled,
    Unavailable,
)

if TYPE_CHECKING:
    from campaigns.sending.claiming import Row
    from campaigns.sending.wire import Dispatcher

IDLE_SECONDS = 0.005
MOST_WAITING = 5_000  # rows in memory, however fast the carrier is


class Line:
    """Rows waiting for one carrier, and the open calls that send them, at its pace."""

    def __init__(self, carrier: Carrier, low_water_seconds: float) -> None:
        self.carrier = carrier
        self.gateway = carrier.open()
        self.repeats = self.gateway.carrier_class == CarrierClass.IDEMPOTENT
        self.bucket = TokenBucket(float(carrier.rate))
        self.breaker = Breaker()
        self.queue: deque[Row] = deque()
        self.unbegun: deque[deque[Row]] = deque()
        self.beginning = False
        self.low_water = min(MOST_WAITING, max(200.0, carrier.rate * low_water_seconds))
        self.turn = asyncio.Lock()
        self.callers: list[asyncio.Task[None]] = []

    def share(self, dispatchers: int) -> None:
        """Keep to this dispatcher's part of the carrier's rate."""
        self.bucket.rate = self.carrier.rate / dispatchers

    def join(self, dispatchers: int, learn_seconds: float) -> None:
        """Begin with this dispatcher's part, and only when the others had time to learn of it:
        until then they use up the whole rate.
        """
        self.share(dispatchers)
        if dispatchers > 1:
            self.bucket.at = monotonic()
            self.bucket.tokens = -self.bucket.rate * learn_seconds

    def is_full(self, now: float) -> bool:
        """True while it needs no more rows: enough are waiting, or it is backing off."""
        waiting = len(self.queue) + sum(map(len, self.unbegun))
        return waiting >= self.low_water or (waiting > 0 and not self.breaker.may_call(now))

    def start(self, dispatcher: Dispatcher) -> None:
        """Let as many callers work as the carrier's window allows; each makes one call at a time,
        so a finished call makes room for the next row at once.
        """
        if not self.callers:
            self.callers = [
                asyncio.create_task(self._call_on(dispatcher)) for _ in range(self.carrier.window)
            ]
            for caller in self.callers:
                caller.add_done_callback(dispatcher.task_ended)

    def stop(self) -> None:
        for caller in self.callers:
            caller.cancel()

    async def _call_on(self, dispatcher: Dispatcher) -> None:
        while True:
            row = self._at_once()
            if row is None:
                async with self.turn:  # one at a time waits for a row and for its moment
                    row = await self._next(dispatcher)
                    delay = self.bucket.wait(row.segments, monotonic())
                    if delay > 0:
                        await asyncio.sleep(delay)
            if row.lease.halted or row.lease.lost or not self._has_time(dispatcher, row):
                dispatcher.drop([row])
                continue
            self.breaker.called()
            await self._send(dispatcher, row)

    def _at_once(self) -> Row | None:
        """A row that may be sent this moment, if nobody waits before us."""
        now = monotonic()
        if self.turn.locked() or not self.queue or not self.breaker.may_call(now):
            return None
        if not self.bucket.take(self.queue[0].segments, now):
            return None
        return self.queue.popleft()

    async def _next(self, dispatcher: Dispatcher) -> Row:
        """The next row, as soon as there is one and the carrier may be called at all."""
        while True:
            if self.breaker.may_call(monotonic()):
                row = await dispatcher.next_row(self)
                if row is not None:
                    return row
            await asyncio.sleep(IDLE_SECONDS)

    def _has_time(self, dispatcher: Dispatcher, row: Row) -> bool:
        """Is there time for the longest call before the lease runs out on the monotonic clock?"""
        total = dispatcher.session.timeout.total or 0.0
        return monotonic() + total < row.lease.deadline

    async def _send(self, dispatcher: Dispatcher, row: Row) -> None:
        campaign = row.lease.campaign
        message = Outbound(
            reference=row.reference,
            number=row.number,
            sender=campaign.sender_value,
            text=row.text,
            scenario=campaign.scenario,
            segments=row.segments,
            validity_seconds=self.carrier.validity_hours * 3600,
        )
        hit("wire.before_call")
        try:
            answer = await self.gateway.submit(dispatcher.session, message)
        except Throttled as error:
            self.breaker.throttled(monotonic(), error.retry_after)
            self.queue.appendleft(row)
        except Unavailable:
            self.breaker.failed(monotonic(), doubtful=False)
            self.queue.appendleft(row)
        except InDoubt as error:
            self.breaker.failed(monotonic(), doubtful=True)
            self._in_doubt(dispatcher, row, str(error))
        else:
            hit("wire.after_call")
            self.breaker.answered()
            await self._certain(dispatcher, row, answer)

    def _in_doubt(self, dispatcher: Dispatcher, row: Row, detail: str) -> None:
        """The same key makes a repeat harmless; without one the row waits for certain news."""
        if self.repeats:
            dispatcher.unanswered(row, doubtful=True, retry_after=1.0)
            return
        state = MessageState.IN_DOUBT
        dispatcher.answered(row, Result(row.message_id, row.segments, state, detail=detail))

    async def _certain(self, dispatcher: Dispatcher, row: Row, answer: Accepted | Refused) -> None:
        if isinstance(answer, Accepted):
            result = Result(
                row.message_id, row.segments, MessageState.ACCEPTED,
                carrier_id=answer.carrier_id, carrier_segments=answer.segments,
            )  # fmt: skip
            dispatcher.answered(row, result)
        elif answer.account_wide:
            dispatcher.unanswered(row, doubtful=False)
            await dispatcher.account_refused(row.lease, answer.detail)
        else:
            state = MessageState.REJECTED
            result = Result(row.message_id, row.segments, state, answer.reason.value, answer.detail)
            dispatcher.answered(row, result)
