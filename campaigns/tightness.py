"""Which threshold holds a campaign back."""

from __future__ import annotations

from collections.abc import Sequence

from billing import thresholds
from billing.thresholds import Usage
from campaigns.models import Campaign, Message
from campaigns.states import MessageState


def reached(campaign: Campaign, usage: Sequence[Usage] | None = None) -> Usage | None:
    """The threshold that has no room for the next message now, the tightest first."""
    if usage is None:
        usage = thresholds.usage(campaign.workspace)
    rows = Message.objects.filter(campaign=campaign, state=MessageState.QUEUED)
    asked = rows.order_by("position").values_list("segments", flat=True).first() or 1
    tight = [one for one in usage if one.room < asked]
    return min(tight, key=lambda one: one.room, default=None)
