"""How a campaign stops sending: finished, suspended, paused by the console, or stopped."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from billing import thresholds
from billing.thresholds import Usage
from campaigns import clock, tightness
from campaigns.announcing import announce
from campaigns.counting import Deltas
from campaigns.models import Batch, Campaign, Message, PauseReason, WrongState
from campaigns.settling import Result, write_results
from campaigns.states import FREED, BatchState, CampaignState, Hold, MessageState
from sms.gateways.base import Reason


def finish(campaign_id: int) -> None:
    """Complete a campaign when nothing is left to hand over.

    When all that is left is held, a threshold suspends it, and a sender ID that may not be used
    any more pauses it. Its row is held meanwhile, so that a message in doubt that is queued again
    comes before or after, never in between.
    """
    rows = Campaign.objects.filter(state=CampaignState.SENDING, expanded_at__isnull=False)
    with transaction.atomic():
        campaign = rows.select_for_update(no_key=True).filter(pk=campaign_id).first()
        if campaign is not None:
            _finish(campaign)


def _finish(campaign: Campaign) -> None:
    # One look at all of it: between two the last batch may have been settled.
    left = Batch.objects.filter(campaign=campaign).left()
    holds = set(left.values_list("hold", flat=True).distinct())
    if not holds:
        _move(campaign, "finish", "completed")
    elif Hold.NONE in holds:
        return
    elif Hold.THRESHOLD in holds:
        tight = tightness.reached(campaign)
        which = {} if tight is None else _which(tight)
        _move(campaign, "suspend", "suspended", audit={"reason": "threshold"} | which)
    else:
        reason = PauseReason.SENDER
        _move(campaign, "pause", "paused", pause_reason=reason, audit={"reason": reason.value})


def _which(tight: Usage) -> dict[str, Any]:
    of = {"country": tight.country} if tight.country else {}
    return {"period": tight.period, "limit": tight.limit} | of


def halt_for_account(campaign: Campaign, detail: str) -> None:
    """Pause: the carrier refused the account, so every further message would be refused too."""
    reason = PauseReason.CARRIER_REFUSED
    said = {"reason": reason.value, "carrier_said": detail}
    _move(campaign, "pause", "paused", pause_reason=reason, audit=said)


def _move(campaign: Campaign, action: str, kind: str, **changes: Any) -> None:
    try:
        campaign.move(action, **changes)
    except WrongState:
        return
    announce(campaign, kind)


def cancel_rest(campaign_id: int) -> None:
    """Cancel what has not left of a stopped campaign, and give its segments back.

    Batches that are leased come back within seconds and are cancelled then. A row that a dead
    worker may have sent is *in doubt*, not cancelled: its receipt may still tell.
    """
    campaign = Campaign.objects.select_related("workspace", "carrier").get(pk=campaign_id)
    if campaign.state != CampaignState.STOPPED:
        return
    ready = Batch.objects.filter(campaign=campaign, state=BatchState.READY)
    for batch_id in list(ready.values_list("pk", flat=True)):
        _cancel_batch(campaign, batch_id)


@transaction.atomic
def _cancel_batch(campaign: Campaign, batch_id: int) -> None:
    mine = Batch.objects.filter(pk=batch_id, state=BatchState.READY)
    if not mine.update(state=BatchState.DONE, hold=Hold.NONE):
        return
    batch = Batch.objects.get(pk=batch_id)
    now = clock.now()
    rows = Message.objects.filter(
        campaign=campaign,
        position__gte=batch.lo,
        position__lte=batch.hi,
        state=MessageState.QUEUED,
    )
    results = [
        _cancelled(pk, segments, position <= batch.begun_to)
        for pk, segments, position in rows.values_list("pk", "segments", "position")
    ]
    deltas = Deltas()
    write_results(campaign, batch.country, campaign.route, results, now, deltas)
    Batch.objects.filter(pk=batch_id).update(left=0, segments=0)
    freed = sum(r.segments for r in results if r.state in FREED)
    if freed and (taken := batch.taken(campaign)):
        thresholds.release(taken, freed)
    deltas.write()  # after the workspace's row, as everywhere


def _cancelled(pk: int, segments: int, may_have_left: bool) -> Result:
    if may_have_left:
        detail = "stopped before the carrier's answer was known"
        return Result(pk, segments, MessageState.IN_DOUBT, detail=detail)
    return Result(pk, segments, MessageState.CANCELLED, Reason.CANCELLED.value)
