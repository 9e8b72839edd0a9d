"""How far a campaign gets under the workspace's thresholds, before anything is spent.

Read fresh each time: other campaigns use the same windows, or will.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce

from billing import thresholds
from billing.models import Threshold
from campaigns import clock
from campaigns.estimating import Estimate
from campaigns.models import Batch, Campaign
from campaigns.states import RUNNING, BatchState, CampaignState


@dataclass(frozen=True, slots=True)
class Room:
    """One threshold's window on the day of sending, in segments, with what is planned in it.

    *reserved* is the part of *used* that no carrier has taken yet.
    """

    period: str
    start: date
    limit: int
    used: int
    reserved: int
    planned: int
    asked: int  # by the campaign that is looked at

    @property
    def taken(self) -> int:
        return self.used + self.planned + self.asked

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def free(self) -> int:
        """What is left when the others have taken what they plan."""
        return max(0, self.limit - self.used - self.planned)


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether *billable* segments fit, and if not, where they stop."""

    rooms: tuple[Room, ...]
    billable: int
    numbers: int

    @property
    def tightest(self) -> Room | None:
        return min(self.rooms, key=lambda room: room.free, default=None)

    @property
    def fits(self) -> bool:
        return self.tightest is None or self.billable <= self.tightest.free

    @property
    def reach(self) -> int:
        """About how many numbers are sent to before the tightest threshold suspends."""
        if self.tightest is None or not self.billable:
            return self.numbers
        return min(self.numbers, self.numbers * self.tightest.free // self.billable)

    @property
    def over(self) -> int:
        return max(0, self.billable - self.tightest.free) if self.tightest else 0


def fit(campaign: Campaign, counted: Estimate, at: datetime) -> Fit:
    """How *counted* stands against the workspace's thresholds on the day of *at*."""
    found = rooms(campaign, at, counted.billable)
    return Fit(tuple(found), counted.billable, counted.numbers)


def rooms(campaign: Campaign, at: datetime, asked: int) -> Iterable[Room]:
    """The windows that a start at *at* falls into: used, and planned by other campaigns."""
    workspace = campaign.workspace
    day = clock.day_of(workspace, at)
    for threshold in Threshold.objects.filter(workspace=workspace).order_by("period"):
        start, end = thresholds.span(threshold.period, day)
        window = threshold.windows.filter(start=start).first()
        charged = thresholds.charged(workspace, start, end)
        used = window.used if window else charged
        reserved = max(0, used - charged)
        planned = _planned(campaign, start, end)
        yield Room(threshold.period, start, threshold.limit, used, reserved, planned, asked)


def _planned(campaign: Campaign, start: date, end: date) -> int:
    """Segments that other campaigns will still take: scheduled ones, and the rest of running."""
    workspace = campaign.workspace
    others = Campaign.objects.filter(workspace=workspace).exclude(pk=campaign.pk)
    scheduled = others.filter(state=CampaignState.SCHEDULED).only("estimate", "send_at")
    planned = sum(
        other.estimate.get("billable", 0)
        for other in scheduled
        if other.send_at and start <= clock.day_of(workspace, other.send_at) < end
    )
    if start <= clock.day_of(workspace, clock.now()) < end:
        waiting = Batch.objects.filter(campaign__in=others, reserved_on=None)
        left = waiting.exclude(state=BatchState.DONE).aggregate(total=Sum("segments"))
        planned += (left["total"] or 0) + _unwritten(others)
    return planned


def _unwritten(campaigns: QuerySet[Campaign]) -> int:
    """Segments of running ones whose messages are not written yet, so that no batch holds them."""
    rows = campaigns.filter(state__in=RUNNING, expanded_at=None)
    written = rows.annotate(written=Coalesce(Sum("tallies__segments"), 0))
    found = written.values_list("estimate", "written")
    return sum(max(0, estimate.get("billable", 0) - segments) for estimate, segments in found)
