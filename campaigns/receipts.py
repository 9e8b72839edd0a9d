"""Receipts: stored as they came, answered after the commit, then applied in bulk."""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from billing import ledger, thresholds
from campaigns import bulk, clock
from campaigns.counting import Deltas, billed
from campaigns.failpoints import hit
from campaigns.models import Batch, Campaign, DeliveryReceipt, Message, MessageEvent, ReceiptState
from campaigns.settling import account_of
from campaigns.states import BILLED, FREED, MESSAGE_MOVES, PAID_FOR_NOTHING, MessageState
from carriers.models import Carrier
from sms.gateways.base import Outcome, Receipt

CHUNK = 500
FUTURE = timedelta(minutes=10)

TARGETS = {
    Outcome.DELIVERED.value: MessageState.DELIVERED,
    Outcome.UNDELIVERED.value: MessageState.UNDELIVERED,
    Outcome.EXPIRED.value: MessageState.EXPIRED,
}


def record(carrier: Carrier, receipts: Sequence[Receipt], raw: str) -> None:
    """Put receipts into the inbox, committed when this returns: only then answer the carrier.

    A repeat finds its own dedupe key and is only counted.
    """
    with transaction.atomic():
        rows = [_inbox_row(carrier, receipt, raw) for receipt in receipts]
        keys = [row.dedupe for row in rows]
        known = DeliveryReceipt.objects.filter(dedupe__in=keys)
        known.update(repeats=F("repeats") + 1)
        DeliveryReceipt.objects.bulk_create(rows, ignore_conflicts=True)
        hit("receipt.before_commit")
    hit("receipt.after_commit")


def _inbox_row(carrier: Carrier, receipt: Receipt, raw: str) -> DeliveryReceipt:
    said = (carrier.pk, receipt.reference, receipt.carrier_id, receipt.outcome, receipt.done_at)
    return DeliveryReceipt(
        account=carrier,
        dedupe=hashlib.sha256(repr(said).encode()).hexdigest(),
        reference=receipt.reference[:80],
        carrier_id=receipt.carrier_id[:80],
        outcome=receipt.outcome.value,
        reason=receipt.reason.value if receipt.reason else "",
        detail=receipt.detail[:160],
        segments=receipt.segments,
        done_at=receipt.done_at,
        raw=raw if len(raw) <= 2_000 else "",
    )


def apply() -> int:
    """Apply waiting receipts, chunk by chunk; answer how many left the inbox.

    A receipt whose message is not settled yet stays and is tried again.
    """
    done, after = 0, 0
    while True:
        with transaction.atomic():
            rows = DeliveryReceipt.objects.filter(state=ReceiptState.PENDING, pk__gt=after)
            chunk = list(rows.order_by("pk").select_for_update(skip_locked=True)[:CHUNK])
            if not chunk:
                return done
            done += _apply_chunk(chunk)
        after = chunk[-1].pk


def _apply_chunk(chunk: list[DeliveryReceipt]) -> int:
    now = clock.now()
    references = {ref for row in chunk if (ref := _uuid(row.reference))}
    messages = {
        message.reference: message
        for message in Message.objects.filter(reference__in=references)
        .select_for_update(no_key=True)
        .order_by("pk")
    }
    campaigns = Campaign.objects.select_related("workspace", "carrier").in_bulk(
        {message.campaign_id for message in messages.values()}
    )
    work = _Chunk(now=now, deltas=Deltas(), campaigns=campaigns, moved={}, events=[])
    for row in chunk:
        reference = _uuid(row.reference)
        work.consider(row, messages.get(reference) if reference else None)
    work.write(chunk)
    return sum(row.state != ReceiptState.PENDING for row in chunk)


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
    again: dict[tuple[int, date], int] = field(default_factory=lambda: defaultdict(int))

    def consider(self, row: DeliveryReceipt, message: Message | None) -> None:
        """Decide what one receipt does; the row keeps the answer."""
        if message is None:
            waited = self.now - row.arrived_at > timedelta(minutes=15)
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
        if message.state == MessageState.QUEUED and not self._left(message):
            return  # it outran our own settlement: matched again in a moment
        if message.state == MessageState.IN_DOUBT and target is None:
            target = MessageState.ACCEPTED
        self._apply(row, message, campaign, target)

    def _left(self, message: Message) -> bool:
        """A queued message whose batch is done cannot be settled by anybody else any more."""
        rows = Batch.objects.filter(
            campaign_id=message.campaign_id, lo__lte=message.position, hi__gte=message.position
        )
        return rows.filter(state="done").exists()

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
            self._event(message, "contradiction", was, target, row)
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
        if was not in (MessageState.ACCEPTED, MessageState.NO_RECEIPT):
            self._event(message, "receipt", was, target, row)
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
            self._count_again(message, campaign)
        if was == MessageState.REJECTED:  # its own hour is not known any more: corrected in this
            self.deltas.hour(campaign.workspace_id, campaign.pk, self.now, was, -1)

    def _count_failed(self, message: Message, sign: int) -> None:
        """Its charge stands; that nothing was got for it is written beside the charge."""
        if message.charge_id is not None:
            sums = self.failed[message.charge_id]
            sums[0] += sign
            sums[1] += sign * message.billed_segments

    def _count_again(self, message: Message, campaign: Campaign) -> None:
        batch = Batch.objects.filter(
            campaign=campaign, lo__lte=message.position, hi__gte=message.position
        ).first()
        if batch and batch.reserved_on:
            self.again[(campaign.workspace_id, batch.reserved_on)] += message.segments

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

    def write(self, chunk: list[DeliveryReceipt]) -> None:
        rows = [
            (m.pk, m.state, m.reason, m.detail, m.carrier_id, m.billed_segments, m.charge_id,
             m.accepted_at, m.receipt_at)
            for m in self.moved.values()
        ]  # fmt: skip
        bulk.update("campaigns_message", "id", _COLUMNS, rows)
        MessageEvent.objects.bulk_create(self.events)
        for (workspace_id, day), segments in sorted(self.again.items()):
            thresholds.force(workspace_id, day, segments)
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
    references = {
        ref for text in orphans.values_list("reference", flat=True) if (ref := _uuid(text))
    }
    known = Message.objects.filter(reference__in=references).values_list("reference", flat=True)
    return orphans.filter(reference__in=[str(r) for r in known]).update(state=ReceiptState.PENDING)


def give_up_waiting() -> int:
    """Messages accepted longer ago than validity + 72 hours without a receipt: *no_receipt*."""
    given_up = 0
    waiting = Campaign.objects.filter(
        tallies__state=MessageState.ACCEPTED, tallies__messages__gt=0, carrier__isnull=False
    ).distinct()
    for campaign in waiting.select_related("workspace", "carrier"):
        hours = campaign.route.validity_hours + settings.RECEIPT_WAIT_HOURS
        before = clock.now() - timedelta(hours=hours)
        if campaign.route.gives_receipts and campaign.started_at and campaign.started_at < before:
            given_up += _give_up(campaign, before)
    return given_up


@transaction.atomic
def _give_up(campaign: Campaign, before: datetime) -> int:
    rows = Message.objects.filter(
        campaign=campaign, state=MessageState.ACCEPTED, accepted_at__lt=before
    )
    messages = list(rows.select_for_update(no_key=True).order_by("pk")[:5_000])
    deltas = Deltas()
    for m in messages:
        key = (campaign.pk, m.country)
        deltas.add((*key, "accepted", m.reason), -1, -m.segments, -m.billed_segments, m.price)
        deltas.add((*key, "no_receipt", "no_receipt"), 1, m.segments, m.billed_segments, m.price)
    states = (("state", "text"), ("reason", "text"))
    changes = [(m.pk, "no_receipt", "no_receipt") for m in messages]
    bulk.update("campaigns_message", "id", states, changes, guard="t.state = 'accepted'")
    deltas.write()
    return len(messages)
