"""Which threshold holds a campaign back, and what it holds in them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Sum

from billing import thresholds
from billing.thresholds import Usage
from campaigns.models import Batch, Campaign, Message
from campaigns.models.messages import BatchQuerySet
from campaigns.states import Hold, MessageState


def reached(campaign: Campaign, usage: Sequence[Usage] | None = None) -> Usage | None:
    """The threshold that has no room for the next message now, the tightest first."""
    if usage is None:
        usage = thresholds.usage(campaign.workspace)
    left = Batch.objects.filter(campaign=campaign, left__gt=0).left()
    waiting = {"": left} if usage else {}
    if any(one.country for one in usage):
        countries = left.order_by().values_list("country", flat=True).distinct()
        waiting |= {country: left.filter(country=country) for country in countries}
    asked = {
        country: _next_segments(campaign, rows)
        for country, rows in waiting.items()
        if any(one.country == country for one in usage)
    }
    tight = [one for one in usage if one.room < asked.get(one.country, 0)]
    return min(tight, key=lambda one: one.room, default=None)


def reserved(campaign: Campaign) -> int:
    """Messages whose segments count in a threshold already, and that have not left."""
    rows = Batch.objects.filter(campaign=campaign, hold=Hold.NONE).left()
    return rows.exclude(reserved_at=None).aggregate(total=Sum("left"))["total"] or 0


def _next_segments(campaign: Campaign, waiting: BatchQuerySet) -> int:
    """Segments of the first message that still waits, sought in its batch alone: what was sent
    before it may be a million rows.
    """
    batch = waiting.order_by("lo").first()
    if batch is None:
        return 1
    rows = Message.objects.filter(
        campaign=campaign, position__range=(batch.lo, batch.hi), state=MessageState.QUEUED
    )
    return rows.order_by("position").values_list("segments", flat=True).first() or 1
