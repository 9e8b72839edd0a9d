"""Receipts: stored as they came, answered after the commit, then applied in bulk."""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from billing import ledger, thresholds
from billing.thresholds import Taken
from campaigns import bulk, clock
from campaigns.counting import Deltas, billed
from campaigns.failpoints import hit
from campaigns.models import Batch, Campaign, DeliveryReceipt, Message, MessageEvent, ReceiptState
from campaigns.models.receipts import SET_APART
from campaigns.settling import account_of
from campaigns.states import (
    BILLED,
    FREED,
    MESSAGE_MOVES,
    PAID_FOR_NOTHING,
    BatchState,
    MessageState,
)
from carriers.models import Carrier
from sms.gateways.base import Outcome, Receipt

CHUNK = 500
FUTURE = timedelta(minutes=10)
# A message has its reference long before it leaves. Were unknown ones kept in line for long, every
# pass over the inbox would read them all; as orphans they are looked at once a minute.
UNKNOWN_FOR = timedelta(minutes=1)
CONTRADICTION = "contradiction"
logger = logging.getLogger(__name__)

TARGETS = {
    Outcome.DELIVERED.value: MessageState.DELIVERED,
    Outcome.UNDELIVERED.value: MessageState.UNDELIVERED,
    Outcome.EXPIRED.value: MessageState.EXPIRED,
}


def record(carrier: Carrier, receipts: Sequence[Receipt], raw: str) -> None:
    """Put receipts into the inbox, committed when this returns: only then answer the carrier.

    A repeat finds its own dedupe key and is only counted. All of it is one statement, which
    commits by itself: a third of the time that a transaction around two takes.
    """
    now = timezone.now()
    rows = {row[0]: row for row in (_inbox_row(carrier, each, raw, now) for each in receipts)}
    hit("receipt.before_commit")
    bulk.insert_or_count(DeliveryReceipt, _INBOX, list(rows.values()), "repeats")
    hit("receipt.after_commit")


def _inbox_row(carrier: Carrier, receipt: Receipt, raw: str, now: datetime) -> tuple[Any, ...]:
    """The columns of ``_INBOX``. What one cannot hold is left out of it: refused, the carrier
    would send the same again for ever.
    """
    said = (carrier.pk, receipt.reference, receipt.carrier_id, receipt.outcome, receipt.done_at)
    known = _uuid(receipt.reference)
    return (
        hashlib.sha256(repr(said).encode()).hexdigest(),
        carrier.pk,
        str(known or _plain(receipt.reference)[:80]),
        _plain(receipt.carrier_id)[:80],
        receipt.outcome.value,
        receipt.reason.value if receipt.reason else "",
        _plain(receipt.detail)[:160],
        receipt.segments if receipt.segments in _COUNTS else None,
        receipt.done_at,
        _plain(raw) if len(raw) <= 2_000 else "",
        now,
        0,
        ReceiptState.PENDING.value,
        "",
    )


def _plain(text: str) -> str:
    return text.replace("\0", "")


_COUNTS = range(1, 256)
_INBOX = (
    ("dedupe", "text"),
    ("account", "bigint"),
    ("reference", "text"),
    ("carrier_id", "text"),
    ("outcome", "text"),
    ("reason", "text"),
    ("detail", "text"),
    ("segments", "int"),
    ("done_at", "time"),
    ("raw", "text"),
    ("arrived_at", "time"),
    ("repeats", "int"),
    ("state", "text"),
    ("why", "text"),
)


def apply() -> int:
    """Apply waiting receipts, chunk by chunk; answer how many left the inbox.

    A receipt whose message is not settled yet stays and is tried again.
    """
    done, after = 0, 0
    waiting = DeliveryReceipt.objects.filter(state=ReceiptState.PENDING).order_by("pk")
    while ids := list(waiting.filter(pk__gt=after).values_list("pk", flat=True)[:CHUNK]):
        done += _apply(ids)
        after = ids[-1]
    return done


def _apply(ids: list[int]) -> int:
    """Apply these in one transaction. One that breaks is found by halving and set apart, so that
    it holds up no other.
    """
    try:
        with transaction.atomic():
            rows = DeliveryReceipt.objects.filter(pk__in=ids, state=ReceiptState.PENDING)
            return _apply_chunk(list(rows.order_by("pk").select_for_update(skip_locked=True)))
    except (OperationalError, InterfaceError):
        raise  # the database's trouble and no receipt's: all of them are tried again
    except Exception as error:
        if len(ids) > 1:
            half = len(ids) // 2
            return _apply(ids[:half]) + _apply(ids[half:])
        logger.exception("Receipt %s could not be applied", ids[0])
        return _set_apart(ids[0], type(error).__name__)


def _set_apart(pk: int, error: str) -> int:
    mine = DeliveryReceipt.objects.filter(pk=pk, state=ReceiptState.PENDING)
    return mine.update(state=ReceiptState.ORPHAN, why=f"{SET_APART} ({error})"[:60])


def _apply_chunk(chunk: list[DeliveryReceipt]) -> int:
    references = {ref for row in chunk if (ref := _uuid(row.reference))}
    messages, unsettled = _hold(references)
    campaigns = Campaign.objects.select_related("workspace", "carrier").in_bulk(
        {message.campaign_id for message in messages.values()}
    )
    work = _Chunk(now=clock.now(), deltas=Deltas(), campaigns=campaigns, moved={}, events=[])
    for row in chunk:
        reference = _uuid(row.reference)
        if reference not in unsettled:
            work.consider(row, messages.get(reference) if reference else None)
    work.write(chunk)
    return sum(row.state != ReceiptState.PENDING for row in chunk)


def _hold(references: set[uuid.UUID]) -> tuple[dict[uuid.UUID, Message], set[uuid.UUID]]:
    """Their messages, held until the transaction ends; and those references whose messages
    somebody else is about to settle. These are not waited for: whoever settles holds rows in an
    order of its own, and the two could wait for each other.
    """
    unsettled = _unsettled(Message.objects.filter(reference__in=references))
    rows = Message.objects.filter(reference__in=references - unsettled).defer("text")
    held = {m.reference: m for m in rows.select_for_update(no_key=True).order_by("pk")}
    # One that was in doubt a moment ago may be queued again by now.
    queued = [m.pk for m in held.values() if m.state == MessageState.QUEUED]
    return held, unsettled | (
        _unsettled(Message.objects.filter(pk__in=queued)) if queued else set()
    )


def _unsettled(messages: QuerySet[Message]) -> set[uuid.UUID]:
    """Those of *messages* that wait for their batch: once it is done, nobody settles them."""
    queued = messages.filter(state=MessageState.QUEUED).annotate(batch=_of_its_batch("state"))
    return set(queued.exclude(batch=BatchState.DONE).values_list("reference", flat=True))


def _of_its_batch(column: str) -> Subquery:
    """*column* of the batch that a message belongs to: of all batches that begin at or before it,
    the last."""
    rows = Batch.objects.filter(campaign_id=OuterRef("campaign_id"), lo__lte=OuterRef("position"))
    return Subquery(rows.order_by("-lo").values(column)[:1])


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@dataclass(slots=True)
class _Chunk:
    """One transaction's worth of receipts."""

    now: datetime
    deltas: Deltas
    campaigns: dict[int, Campaign]
    moved: dict[int, Message]
    events: list[MessageEvent]
    unkept: list[int] = field(default_factory=list)
    failed: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    freed: list[int] = field(default_factory=list)

    def consider(self, row: DeliveryReceipt, message: Message | None) -> None:
        """Decide what one receipt does; the row keeps the answer."""
        if message is None:
            waited = self.now - row.arrived_at > UNKNOWN_FOR
            row.state = ReceiptState.ORPHAN if waited else ReceiptState.PENDING
            row.why = "no message has this reference" if waited else ""
            return
        campaign = self.campaigns[message.campaign_id]
        if campaign.carrier_id != row.account_id:
            row.state, row.why = ReceiptState.ORPHAN, "the reference belongs to another carrier"
            return
        row.message = message
        if not message.number:  # erased, or older than numbers are kept: neither is this kept
            row.detail = ""
            self.unkept.append(row.pk)
        target = TARGETS.get(row.outcome)
        if message.state == MessageState.IN_DOUBT and target is None:
            target = MessageState.ACCEPTED
        self._apply(row, message, campaign, target)

    def _apply(
        self,
        row: DeliveryReceipt,
        message: Message,
        campaign: Campaign,
        target: MessageState | None,
    ) -> None:
        was = MessageState(message.state)
        if target is None or target == was:
            row.state, row.why = ReceiptState.IGNORED, "no news" if target else "not final"
        elif target not in MESSAGE_MOVES[was]:
            row.state, row.why = ReceiptState.IGNORED, f"already {was}"
            self._event(message, CONTRADICTION, was, target, row)
        else:
            row.state = ReceiptState.APPLIED
            self._move(row, message, campaign, target)

    def _move(
        self, row: DeliveryReceipt, message: Message, campaign: Campaign, target: MessageState
    ) -> None:
        was = MessageState(message.state)
        before = (campaign.pk, message.country, was.value, message.reason)
        paid = message.billed_segments
        self.deltas.add(before, -1, -message.segments, -paid, message.price)
        if was in BILLED:
            at = message.accepted_at or self.now
            self.deltas.hour(campaign.workspace_id, campaign.pk, at, was, -1)
        else:
            self._charge(row, message, campaign, was)
        if was in PAID_FOR_NOTHING:
            self._count_failed(message, -1)
        message.state = target
        if target in PAID_FOR_NOTHING:
            self._count_failed(message, 1)
        message.reason = row.reason if target != MessageState.DELIVERED else ""
        message.detail = row.detail
        message.carrier_id = message.carrier_id or row.carrier_id
        message.receipt_at = self._receipt_time(row, message) if target in _FINAL else None
        after = (campaign.pk, message.country, target.value, message.reason)
        self.deltas.add(after, 1, message.segments, message.billed_segments, message.price)
        at = message.accepted_at or self.now
        self.deltas.hour(campaign.workspace_id, campaign.pk, at, target, 1)
        if was in (MessageState.QUEUED, MessageState.IN_DOUBT):
            self._event(message, "receipt", was, target, row)
        elif was not in (MessageState.ACCEPTED, MessageState.NO_RECEIPT):
            self._event(message, CONTRADICTION, was, target, row)
        self.moved[message.pk] = message

    def _charge(
        self, row: DeliveryReceipt, message: Message, campaign: Campaign, was: MessageState
    ) -> None:
        """The carrier had it after all: bill it now, in the month of this truth."""
        segments = billed(MessageState.ACCEPTED, row.segments or message.segments)
        day = clock.day_of(campaign.workspace, self.now)
        account = account_of(campaign, campaign.route)
        message.charge = ledger.charge(account, day, message.country, message.price, 1, segments)
        message.billed_segments = segments
        message.accepted_at = self.now
        if was in FREED:
            self.freed.append(message.pk)
        if was == MessageState.REJECTED:  # its own hour is not known any more: corrected in this
            self.deltas.hour(campaign.workspace_id, campaign.pk, self.now, was, -1)

    def _count_failed(self, message: Message, sign: int) -> None:
        """Its charge stands; that nothing was got for it is written beside the charge."""
        if message.charge_id is not None:
            sums = self.failed[message.charge_id]
            sums[0] += sign
            sums[1] += sign * message.billed_segments

    def _count_again(self) -> None:
        """What we had given back to the thresholds did leave."""
        again: dict[Taken, int] = defaultdict(int)
        rows = Message.objects.filter(pk__in=self.freed).annotate(at=_of_its_batch("reserved_at"))
        found = rows.exclude(at=None).values_list(
            "campaign__workspace_id", "at", "country", "segments"
        )
        for workspace_id, at, country, segments in found if self.freed else ():
            again[Taken(workspace_id, at, country)] += segments
        for taken, segments in sorted(again.items()):
            thresholds.force(taken, segments)

    def _receipt_time(self, row: DeliveryReceipt, message: Message) -> datetime:
        """The carrier's time, unless it lies in the future or long before we handed it over."""
        said, sent = row.done_at, message.accepted_at or self.now
        if said is None or said > row.arrived_at + FUTURE or said < sent - FUTURE:
            return row.arrived_at
        return said

    def _event(
        self,
        message: Message,
        kind: str,
        was: MessageState,
        target: MessageState,
        row: DeliveryReceipt,
    ) -> None:
        note = row.detail[:200]
        self.events.append(
            MessageEvent(message=message, kind=kind, was=was, now=target, note=note, at=self.now)
        )

    def _news(self) -> list[MessageEvent]:
        """A carrier that contradicts itself in the same way again is written down once."""
        said = [event for event in self.events if event.kind == CONTRADICTION]
        known = MessageEvent.objects.filter(
            kind=CONTRADICTION, message__in={event.message_id for event in said}
        )
        seen = set(known.values_list("message_id", "was", "now")) if said else set()
        news = []
        for event in self.events:
            told = (event.message_id, str(event.was), str(event.now))
            if event.kind != CONTRADICTION or told not in seen:
                news.append(event)
            if event.kind == CONTRADICTION:
                seen.add(told)
        return news

    def write(self, chunk: list[DeliveryReceipt]) -> None:
        rows = [
            (m.pk, m.state, m.reason, m.detail, m.carrier_id, m.billed_segments, m.charge_id,
             m.accepted_at, m.receipt_at)
            for m in self.moved.values()
        ]  # fmt: skip
        bulk.update("campaigns_message", "id", _COLUMNS, rows)
        MessageEvent.objects.bulk_create(self._news())
        self._count_again()
        self.deltas.write()
        ledger.note_failed(self.failed, self.now)
        changed = [r for r in chunk if r.state != ReceiptState.PENDING]
        bulk.update(
            "campaigns_deliveryreceipt",
            "id",
            (("state", "text"), ("why", "text"), ("message_id", "bigint")),
            [(r.pk, str(r.state), r.why, r.message_id) for r in changed],
        )
        DeliveryReceipt.objects.filter(pk__in=self.unkept).update(raw="", detail="")


_FINAL = frozenset({MessageState.DELIVERED, MessageState.UNDELIVERED, MessageState.EXPIRED})
_COLUMNS = (
    ("state", "text"),
    ("reason", "text"),
    ("detail", "text"),
    ("carrier_id", "text"),
    ("billed_segments", "int"),
    ("charge_id", "bigint"),
    ("accepted_at", "time"),
    ("receipt_at", "time"),
)


def rematch_orphans() -> int:
    """Give unmatched receipts of the last 72 hours another chance; answer how many."""
    since = clock.now() - timedelta(hours=settings.RECEIPT_WAIT_HOURS)
    orphans = DeliveryReceipt.objects.filter(state=ReceiptState.ORPHAN, arrived_at__gte=since)
    rows = [
        (pk, reference, account)
        for pk, text, account in orphans.values_list("pk", "reference", "account")
        if (reference := _uuid(text))
    ]
    found = 0
    for start in range(0, len(rows), CHUNK):
        some = rows[start : start + CHUNK]
        messages = Message.objects.filter(reference__in={reference for _pk, reference, _a in some})
        known = set(messages.values_list("reference", "campaign__carrier"))
        again = [pk for pk, reference, account in some if (reference, account) in known]
        found += orphans.filter(pk__in=again).update(state=ReceiptState.PENDING)
    return found
