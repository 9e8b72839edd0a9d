"""Start what is due: never early, once, and not at all when it is much too late."""

from __future__ import annotations

from django.db.models import F

from campaigns import clock, watching
from campaigns.announcing import announce
from campaigns.failpoints import hit
from campaigns.models import Campaign, PauseReason, WrongState


def start_due() -> list[int]:
    """Move due campaigns to *sending* and answer their ids.

    Any number of tickers may run this: the move is one conditional UPDATE. A start that was
    missed by more than the grace becomes *paused* and waits for a person. While the clock is not
    trusted only what was to start at once does.
    """
    due = Campaign.objects.due()
    if watching.is_held():
        due = due.filter(send_at__lte=F("submitted_at"))
    else:
        for campaign in Campaign.objects.late():
            _start_late(campaign)
    started = []
    for campaign in due:
        try:
            campaign.move("start", started_at=clock.now())
        except WrongState:
            continue
        hit("start.after_commit")
        started.append(campaign.pk)
    return started


def _start_late(campaign: Campaign) -> None:
    reason = PauseReason.LATE_START
    try:
        campaign.move("start_late", pause_reason=reason, audit={"reason": reason.value})
    except WrongState:
        return
    announce(campaign, "paused")
