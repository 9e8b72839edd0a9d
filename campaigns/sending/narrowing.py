"""A row that breaks whoever handles it is found, and set apart, so that the others go on.

An exception is pinned on its row at once; five of them are enough. When the whole process dies
nobody can say of which row, so the lease is looked at: a batch that ran out thrice in a row without
one outcome is cut into sixteen. The sound parts are sent, the bad one is cut again; one row alone
that ran out five times is set apart. Suspects wait for moments of their own, so that a sound one is
not lost together with the bad one again and again. Nothing is thrown away without certainty: what
may have left is in doubt, and where the carrier is asked and never received it, it is rejected.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from billing import thresholds
from campaigns import clock
from campaigns.counting import Deltas
from campaigns.models import Batch, Campaign, Message, MessageEvent, MessageQuerySet
from campaigns.settling import Result, write_results
from campaigns.states import FREED, BatchState, MessageState
from sms.gateways.base import Reason

TRIES = 5
FRUITLESS = 3
PARTS = 16
APART_SECONDS = 10.0
BROKE, SET_APART = "broke", "set_apart"
DETAIL = "the console broke each time it handed the message over"


def count_break(message_id: int, what: str) -> int:
    """Write down that handling the message raised *what*; how often that happened by now."""
    queued = MessageState.QUEUED
    MessageEvent.objects.create(
        message_id=message_id, kind=BROKE, was=queued, now=queued, note=what[:200], at=clock.now()
    )
    return MessageEvent.objects.filter(message_id=message_id, kind=BROKE).count()


def is_bad(message: Message) -> bool:
    """Broke its handling so often that it is not queued once more."""
    kinds = list(message.events.values_list("kind", flat=True))
    return SET_APART in kinds or kinds.count(BROKE) >= TRIES


def narrow(batch_id: int) -> None:
    """Look at a batch whose lease ran out. Called inside the transaction that took it back."""
    batch = Batch.objects.get(pk=batch_id)
    if batch.state != BatchState.READY:
        return
    fruitless = _fruitless(batch)
    if batch.left == 1 and fruitless >= TRIES:
        _set_apart(batch)
    elif batch.left > 1 and fruitless >= FRUITLESS:
        _cut(batch)
    elif fruitless > 1:
        Batch.objects.filter(pk=batch.pk).update(not_before=_some_moment())


def _fruitless(batch: Batch) -> int:
    """How many of its last leases in a row ran out without one outcome."""
    latest = batch.attempts.order_by("-number").values_list("ended", "left")
    count = 0
    for ended, left in latest[:TRIES]:
        if ended != "expired" or left != batch.left:
            break
        count += 1
    return count


def _cut(batch: Batch) -> None:
    """Cut what is left into parts, each with a moment of its own."""
    rows = list(_queued(batch).values_list("position", "segments"))
    size = -(-len(rows) // PARTS)
    parts = [rows[first : first + size] for first in range(0, len(rows), size)]
    starts = [batch.lo, *(part[0][0] for part in parts[1:])]
    ends = [*(start - 1 for start in starts[1:]), batch.hi]
    for part, lo, hi in zip(parts, starts, ends, strict=True):
        shape = {
            "lo": lo, "hi": hi, "left": len(part), "segments": sum(n for _position, n in part),
            "not_before": _some_moment(),
        }  # fmt: skip
        if lo == batch.lo:
            Batch.objects.filter(pk=batch.pk).update(**shape)
        else:
            Batch.objects.create(
                campaign_id=batch.campaign_id, carrier_id=batch.carrier_id, country=batch.country,
                begun_to=batch.begun_to, hold=batch.hold, attempt=batch.attempt,
                reserved_at=batch.reserved_at, **shape,
            )  # fmt: skip


def _some_moment() -> datetime:
    seconds = random.uniform(0, APART_SECONDS)  # noqa: S311 - to keep apart, no secret
    return clock.now() + timedelta(seconds=seconds)


def _set_apart(batch: Batch) -> None:
    message = _queued(batch).get()
    campaign = Campaign.objects.select_related("workspace", "carrier").get(pk=batch.campaign_id)
    state, reason = MessageState.IN_DOUBT, ""
    if batch.begun_to < message.position:
        state, reason = MessageState.REJECTED, Reason.INTERNAL.value
    result = Result(message.pk, message.segments, state, reason, DETAIL)
    now, deltas = clock.now(), Deltas()
    write_results(campaign, batch.country, campaign.route, [result], now, deltas)
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.DONE, left=0, segments=0)
    if state in FREED and (taken := batch.taken(campaign)):
        thresholds.release(taken, message.segments)
    deltas.write()
    MessageEvent.objects.create(
        message=message, kind=SET_APART, was=MessageState.QUEUED, now=state, at=now
    )


def _queued(batch: Batch) -> MessageQuerySet:
    rows = Message.objects.filter(
        campaign_id=batch.campaign_id, position__gte=batch.lo, position__lte=batch.hi
    )
    return rows.filter(state=MessageState.QUEUED).order_by("position")
