"""Lease batches and reserve their segments, in one short transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Subquery, Sum
from django.db.models.functions import Now

from accounts.models import Workspace
from billing import thresholds
from campaigns import barring, clock
from campaigns.announcing import announce, warn_threshold
from campaigns.failpoints import hit
from campaigns.models import Attempt, Batch, Campaign, Message, MessageQuerySet, PauseReason
from campaigns.sending.ending import finish
from campaigns.settling import Lease
from campaigns.states import FREED, BatchState, CampaignState, Hold, MessageState
from carriers.models import Carrier
from senders.models import SenderState
from sheets import disk
from sms.gateways.base import CarrierClass

BATCHES_AT_ONCE = 4


@dataclass(slots=True)
class Row:
    """One message of a leased batch, as the wire needs it."""

    lease: Lease
    message_id: int
    position: int
    reference: str
    number: str
    text: str
    segments: int


def claim(busy_carriers: Collection[int] = ()) -> list[tuple[Lease, list[Row]]]:
    """Lease a few ready batches of the campaign that waited longest; [] when there is none.

    Carriers in *busy_carriers* are left alone, and those that rest: they are in trouble. While a
    disk is so full that what becomes of a message might not be written down, nothing is leased.
    """
    if disk.room().is_least:
        return []
    ready = Batch.objects.ready().filter(campaign=OuterRef("pk"))
    waiting = Campaign.objects.going().filter(Exists(ready))
    waiting = waiting.exclude(carrier_id__in=busy_carriers)
    waiting = waiting.exclude(carrier__resting_until__gt=Now())
    for campaign_id in waiting.order_by(F("served_at").asc(nulls_first=True))[:5].values_list(
        "pk", flat=True
    ):
        if leases := _claim_from(campaign_id):
            hit("claim.after_commit")
            return [(lease, _load(lease)) for lease in leases]
    return []


def _claim_from(campaign_id: int) -> list[Lease]:
    begun = monotonic()
    with transaction.atomic():
        campaign = _take_turn(campaign_id)
        if campaign is None:
            return []
        workspace = thresholds.lock(campaign.workspace_id)
        if workspace.sending_off_at is not None:
            return []
        barring.hold_ended(campaign, clock.day_of(workspace, clock.now()))
        rows = Batch.objects.ready().filter(campaign=campaign)
        found = list(rows.select_for_update(skip_locked=True)[:BATCHES_AT_ONCE])
        now = clock.now()  # after the locks: not before the end of a lease given back meanwhile
        day = clock.day_of(workspace, now)
        granted = _reserve(workspace, campaign, found, day)
        carrier = campaign.route
        leases = [_lease(batch, campaign, carrier, now, day, begun) for batch in granted]
    if not leases:
        finish(campaign_id)
    return leases


def _take_turn(campaign_id: int) -> Campaign | None:
    """The campaign, its row locked and still *sending*, or None. A withdrawn sender pauses it."""
    mine = Campaign.objects.filter(pk=campaign_id, state=CampaignState.SENDING)
    if not mine.update(served_at=Now()):
        return None
    campaign = Campaign.objects.select_related("workspace", "sender", "carrier").get(pk=campaign_id)
    if campaign.sender is None or campaign.sender.state != SenderState.APPROVED:
        reason = PauseReason.SENDER
        campaign.move("pause", pause_reason=reason, audit={"reason": reason.value})
        announce(campaign, "paused")
        return None
    return campaign


def _reserve(
    workspace: Workspace, campaign: Campaign, found: list[Batch], day: date
) -> list[Batch]:
    """Those of *found* whose segments fit; the first that fits only in part is split.

    What does not fit is held, with every later batch: workspace windows hold everything, and no
    smaller message overtakes a held one.
    """
    windows = thresholds.windows(
        workspace, day, lambda start, end: held_segments(workspace.pk, start, end)
    )
    granted: list[Batch] = []
    for batch in found:
        if batch.reserved_on is None and windows:
            room = thresholds.room(windows) or 0
            if batch.segments > room and not _split(batch, room):
                _hold_rest(campaign, granted)
                break
            thresholds.reserve(windows, batch.segments)
        granted.append(batch)
    for window in thresholds.newly_warned(windows):
        warn_threshold(workspace, window)
    return granted


def held_segments(workspace_id: int, start: date, end: date) -> int:
    """Segments that count in the days from *start* up to *end*: reserved, sent or in doubt.

    One statement, however many batches: it runs while the workspace's row is held.
    """
    rows = Message.objects.filter(
        campaign=OuterRef("campaign"), position__range=(OuterRef("lo"), OuterRef("hi"))
    )
    counted = rows.exclude(state__in=FREED).order_by().values("campaign")
    batches = Batch.objects.filter(
        campaign__workspace_id=workspace_id, reserved_on__gte=start, reserved_on__lt=end
    )
    sums = batches.annotate(held=Subquery(counted.annotate(n=Sum("segments")).values("n")))
    return sums.aggregate(total=Sum("held"))["total"] or 0


def _split(batch: Batch, room: int) -> bool:
    """Cut *batch* so that its first part fits into *room*; False if not even one message does."""
    taken = rows = 0
    last = batch.lo - 1
    waiting = _queued(batch.campaign_id, batch.lo, batch.hi)
    for position, segments in waiting.values_list("position", "segments"):
        if taken + segments > room:
            break
        taken, rows, last = taken + segments, rows + 1, position
    if not rows:
        return False
    Batch.objects.create(
        campaign_id=batch.campaign_id, carrier_id=batch.carrier_id, country=batch.country,
        lo=last + 1, hi=batch.hi, begun_to=batch.begun_to, left=batch.left - rows,
        segments=batch.segments - taken, hold=Hold.THRESHOLD,
    )  # fmt: skip
    Batch.objects.filter(pk=batch.pk).update(hi=last, left=rows, segments=taken)
    batch.hi, batch.left, batch.segments = last, rows, taken
    return True


def _hold_rest(campaign: Campaign, granted: list[Batch]) -> None:
    """Hold what has no reservation. Those just *granted* have theirs, and are leased next: a hold
    would keep them from whoever takes them over after a crash or a pause.
    """
    rows = Batch.objects.filter(campaign=campaign, state=BatchState.READY, reserved_on=None)
    rows = rows.exclude(pk__in=[batch.pk for batch in granted])
    rows.filter(hold=Hold.NONE).update(hold=Hold.THRESHOLD)


def _lease(
    batch: Batch, campaign: Campaign, carrier: Carrier, now: datetime, day: date, begun: float
) -> Lease:
    doubtful = batch.begun_to >= batch.lo
    begun_to = 0
    if carrier.carrier_class == CarrierClass.IDEMPOTENT:
        begun_to = batch.hi
    reserved_on = batch.reserved_on or day
    attempt = batch.attempt + 1
    Batch.objects.filter(pk=batch.pk).update(
        state=BatchState.LEASED,
        attempt=attempt,
        lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
        reserved_on=reserved_on,
        begun_to=begun_to,
        not_before=None,
    )
    Attempt.objects.create(
        batch=batch, number=attempt, claimed_at=now, begun_to=begun_to, left=batch.left
    )
    return Lease(
        batch_id=batch.pk, attempt=attempt, campaign=campaign, carrier=carrier,
        country=batch.country, lo=batch.lo, hi=batch.hi, begun_to=begun_to,
        reserved_on=reserved_on, deadline=begun + settings.LEASE_SECONDS, again=batch.attempt > 0,
        doubtful=doubtful,
    )  # fmt: skip


def _queued(campaign_id: int, lo: int, hi: int) -> MessageQuerySet:
    rows = Message.objects.filter(campaign_id=campaign_id, position__gte=lo, position__lte=hi)
    return rows.filter(state=MessageState.QUEUED).order_by("position")


def _load(lease: Lease) -> list[Row]:
    rows = _queued(lease.campaign.pk, lease.lo, lease.hi)
    found = rows.values_list("pk", "position", "reference", "number", "text", "segments")
    loaded = [Row(lease, pk, at, str(ref), no, text, n) for pk, at, ref, no, text, n in found]
    lease.open_rows = len(loaded)
    return loaded


def begin(lease: Lease, upto: int) -> bool:
    """Commit that rows up to position *upto* are about to be sent; False: no longer ours."""
    begun = monotonic()
    rows = Batch.objects.filter(
        pk=lease.batch_id, attempt=lease.attempt, state=BatchState.LEASED,
        campaign__in=Campaign.objects.going(),
    )  # fmt: skip
    until = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
    if not rows.update(begun_to=upto, lease_until=until):
        return False
    Attempt.objects.filter(batch_id=lease.batch_id, number=lease.attempt).update(begun_to=upto)
    lease.begun_to, lease.deadline = upto, begun + settings.LEASE_SECONDS
    return True


def renew(leases: Iterable[Lease]) -> None:
    """Keep the leases that still have work; learn which are lost and which campaigns halted."""
    for lease in leases:
        begun = monotonic()
        until = clock.now() + timedelta(seconds=settings.LEASE_SECONDS)
        rows = Batch.objects.filter(
            pk=lease.batch_id, attempt=lease.attempt, state=BatchState.LEASED
        )
        if rows.update(lease_until=until):
            lease.deadline = begun + settings.LEASE_SECONDS
        else:
            lease.lost = True
