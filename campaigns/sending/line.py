"""One carrier as the dispatcher sees it: a queue of rows and a window of open calls."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from django.db import Error as DatabaseError

from campaigns.failpoints import hit
from campaigns.sending.narrowing import TRIES
from campaigns.sending.pacing import DOUBTS_IN_A_ROW, FEWER_DOUBTS, Breaker, TokenBucket
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

logger = logging.getLogger(__name__)
IDLE_SECONDS = 0.005
MOST_WAITING = 5_000  # rows in memory, however fast the carrier is
CAN_ASK = (CarrierClass.IDEMPOTENT, CarrierClass.QUERYABLE)


class Line:
    """Rows waiting for one carrier, and the open calls that send them, at its pace."""

    def __init__(self, carrier: Carrier, low_water_seconds: float) -> None:
        self.carrier = carrier
        self.gateway = carrier.open()
        self.repeats = self.gateway.carrier_class == CarrierClass.IDEMPOTENT
        self.bucket = TokenBucket(float(carrier.rate))
        can_ask = self.gateway.carrier_class in CAN_ASK
        self.breaker = Breaker(DOUBTS_IN_A_ROW if can_ask else FEWER_DOUBTS)
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
            try:
                await self._send(dispatcher, row)
            except DatabaseError:
                raise
            except Exception as error:
                self.breaker.undecided()
                await self._broke(dispatcher, row, error)

    def _at_once(self) -> Row | None:
        """A row that may be sent this moment, if nobody waits before us."""
        now, breaker = monotonic(), self.breaker
        if self.turn.locked() or not self.queue or breaker.is_open or not breaker.may_call(now):
            return None
        if not self.bucket.take(self.queue[0].segments, now):
            return None
        return self.queue.popleft()

    async def _next(self, dispatcher: Dispatcher) -> Row:
        """The next row, as soon as there is one and the carrier may be called at all."""
        while True:
            if (self.queue or self.unbegun) and await self._may_call(dispatcher):
                row = await dispatcher.next_row(self)
                if row is not None:
                    return row
            await asyncio.sleep(IDLE_SECONDS)

    async def _may_call(self, dispatcher: Dispatcher) -> bool:
        if not self.breaker.may_call(monotonic()):
            return False
        return not self.breaker.is_open or await dispatcher.may_probe(self)

    async def _broke(self, dispatcher: Dispatcher, row: Row, error: Exception) -> None:
        """Nobody foresaw this of the row. It may have left: with a key it is tried again, though
        not for ever, else it is in doubt. The others go on.
        """
        logger.error("handing message %d over broke", row.message_id, exc_info=error)
        what = type(error).__name__
        times = await dispatcher.count_break(row, what)
        if self.repeats and times < TRIES:
            dispatcher.unanswered(row, doubtful=True)
            return
        state = MessageState.IN_DOUBT
        detail = f"the console broke while it handed the message over ({what})"
        dispatcher.answered(row, Result(row.message_id, row.segments, state, detail=detail))

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
            self.queue.appendleft(row)
            await self._answered(dispatcher)
            self.breaker.throttled(monotonic(), error.retry_after)
        except Unavailable:
            self.queue.appendleft(row)
            await self._failed(dispatcher, doubtful=False)
        except InDoubt as error:
            self._in_doubt(dispatcher, row, str(error))
            await self._failed(dispatcher, doubtful=True)
        else:
            hit("wire.after_call")
            await self._certain(dispatcher, row, answer)
            await self._answered(dispatcher)

    async def _failed(self, dispatcher: Dispatcher, *, doubtful: bool) -> None:
        if self.breaker.failed(monotonic(), doubtful=doubtful):
            await dispatcher.rest(self)

    async def _answered(self, dispatcher: Dispatcher) -> None:
        if self.breaker.answered():
            await dispatcher.rested(self)

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
