"""Lease batches, their segments reserved, in one short transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from billing import thresholds
from campaigns import barring, clock
from campaigns.announcing import announce
from campaigns.failpoints import hit
from campaigns.models import Attempt, Batch, Campaign, PauseReason
from campaigns.sending.ending import finish, halt_for_account
from campaigns.sending.reserving import queued, reserve
from campaigns.settling import Lease
from campaigns.states import BatchState, CampaignState
from carriers.models import Carrier
from senders.models import SenderState
from sheets import disk
from sms.gateways.base import CarrierClass

BATCHES_AT_ONCE = 4
LOOK_SECONDS = 1.0


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
        if leases := _claim_soon(campaign_id):
            hit("claim.after_commit")
            return [(lease, _load(lease)) for lease in leases]
    return []


def _claim_soon(campaign_id: int) -> list[Lease]:
    """Leases of the campaign's next batches. Where all of the next are held or refused, those
    after them are looked at, for a moment: another country may have room.
    """
    until = monotonic() + LOOK_SECONDS
    looked_at, leases = _claim_from(campaign_id)
    while looked_at and not leases and monotonic() < until:
        looked_at, leases = _claim_from(campaign_id)
    if not leases:
        finish(campaign_id)
    return leases


def _claim_from(campaign_id: int) -> tuple[int, list[Lease]]:
    """How many batches were looked at, and the leases of those that may go."""
    begun = monotonic()
    with transaction.atomic():
        campaign = _take_turn(campaign_id)
        if campaign is None:
            return 0, []
        workspace = thresholds.lock(campaign.workspace_id)
        if workspace.sending_off_at is not None:
            return 0, []
        barring.hold_ended(campaign, clock.day_of(workspace, clock.now()))
        rows = Batch.objects.ready().filter(campaign=campaign)
        found = list(rows.select_for_update(skip_locked=True)[:BATCHES_AT_ONCE])
        now = clock.now()  # after the locks: not before the end of a lease given back meanwhile
        granted = reserve(workspace, campaign, found, now)
        carrier = campaign.route
        return len(found), [_lease(batch, campaign, carrier, now, begun) for batch in granted]


def _take_turn(campaign_id: int) -> Campaign | None:
    """The campaign, its row locked and still *sending*, or None. A withdrawn sender pauses it, and
    a carrier account that cannot be used as it is set up: nobody else waits for that.
    """
    mine = Campaign.objects.filter(pk=campaign_id, state=CampaignState.SENDING)
    if not mine.update(served_at=Now()):
        return None
    campaign = Campaign.objects.select_related("workspace", "sender", "carrier").get(pk=campaign_id)
    if campaign.sender is None or campaign.sender.state != SenderState.APPROVED:
        reason = PauseReason.SENDER
        campaign.move("pause", pause_reason=reason, audit={"reason": reason.value})
        announce(campaign, "paused")
        return None
    try:
        campaign.route.open()
    except ValueError as error:
        halt_for_account(campaign, str(error))
        return None
    return campaign


def _lease(
    batch: Batch, campaign: Campaign, carrier: Carrier, now: datetime, begun: float
) -> Lease:
    doubtful = batch.begun_to >= batch.lo
    begun_to = 0
    if carrier.carrier_class == CarrierClass.IDEMPOTENT:
        begun_to = batch.hi
    reserved_at = batch.reserved_at or now
    attempt = batch.attempt + 1
    Batch.objects.filter(pk=batch.pk).update(
        state=BatchState.LEASED,
        attempt=attempt,
        lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
        reserved_at=reserved_at,
        begun_to=begun_to,
        not_before=None,
    )
    Attempt.objects.create(
        batch=batch, number=attempt, claimed_at=now, begun_to=begun_to, left=batch.left
    )
    return Lease(
        batch_id=batch.pk, attempt=attempt, campaign=campaign, carrier=carrier,
        country=batch.country, lo=batch.lo, hi=batch.hi, begun_to=begun_to,
        reserved_at=reserved_at, deadline=begun + settings.LEASE_SECONDS, again=batch.attempt > 0,
        doubtful=doubtful,
    )  # fmt: skip


def _load(lease: Lease) -> list[Row]:
    rows = queued(lease.campaign.pk, lease.lo, lease.hi)
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
