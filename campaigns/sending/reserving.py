"""Which of the batches at hand may go: what fits is reserved, what does not is held or refused.

All of it inside the claim's transaction, under the workspace's lock: what is read here cannot be
overtaken by another claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import NamedTuple

from django.db.models import Count, OuterRef, Q, Subquery, Sum

from accounts.middleware import zone_of
from accounts.models import Workspace
from billing import thresholds
from billing.models import Period
from billing.periods import borders
from campaigns.announcing import warn_threshold
from campaigns.counting import Deltas
from campaigns.models import Batch, Campaign, Message, MessageQuerySet
from campaigns.settling import Result, write_results
from campaigns.states import FREED, BatchState, Hold, MessageState
from sms.gateways.base import Reason


def reserve(
    workspace: Workspace, campaign: Campaign, found: list[Batch], now: datetime
) -> list[Batch]:
    """Those of *found* whose segments fit; the first of a country that fits only in part is split.

    What does not fit into its country's windows is held with all that follows it there, and the
    other countries go on; what does not fit into the workspace's holds everything. No smaller
    message overtakes a held one.
    """
    limits = thresholds.limits(
        workspace, {batch.country for batch in found}, now,
        lambda start, end: held_segments(workspace.pk, start, end),
    )  # fmt: skip
    if not limits:
        return found
    fitting = _Fitting(campaign, limits)
    if limits.a_number is not None:
        fitting.read([batch for batch in found if batch.reserved_at is None], workspace, now)
    granted = [batch for batch in found if fitting.grants(batch)]
    thresholds.reserve(limits)
    fitting.write(granted, now)
    for window in thresholds.newly_warned(limits.windows):
        warn_threshold(workspace, window)
    return [batch for batch in granted if batch.state != BatchState.DONE]


def held_segments(workspace_id: int, start: datetime, end: datetime) -> dict[str, int]:
    """Segments by country that count from *start* up to *end*: reserved, sent or in doubt.

    One statement, however many batches: it runs while the workspace's row is held.
    """
    rows = Message.objects.filter(
        campaign=OuterRef("campaign"), position__range=(OuterRef("lo"), OuterRef("hi"))
    )
    counted = rows.exclude(state__in=FREED).order_by().values("campaign")
    batches = Batch.objects.filter(
        campaign__workspace_id=workspace_id, reserved_at__gte=start, reserved_at__lt=end
    )
    sums = batches.annotate(held=Subquery(counted.annotate(n=Sum("segments")).values("n")))
    found = sums.values("country").annotate(total=Sum("held")).order_by()
    return {country: total or 0 for country, total in found.values_list("country", "total")}


class _Row(NamedTuple):
    message_id: int
    position: int
    number: str
    segments: int


@dataclass(slots=True)
class _Fitting:
    """What fits, decided in the program, batch by batch in their order, and written at the end."""

    campaign: Campaign
    limits: thresholds.Limits
    rows: dict[int, list[_Row]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)  # messages that a number got today
    over: dict[int, list[_Row]] = field(default_factory=dict)  # by batch: more than a number gets
    rests: list[Batch] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    holds_all: bool = False

    def read(self, fresh: list[Batch], workspace: Workspace, now: datetime) -> None:
        """Learn the rows of *fresh*, and what their numbers got today."""
        day = borders(Period.DAY, now, zone_of(workspace.time_zone))
        if fresh:
            self.rows = _rows(self.campaign, fresh)
            numbers = {row.number for rows in self.rows.values() for row in rows}
            self.counts = _counts(workspace.pk, numbers, day)

    def grants(self, batch: Batch) -> bool:
        if batch.reserved_at is not None:
            return True
        if self.holds_all or batch.country in self.held:
            return False
        room = self.limits.room(batch.country)
        if self.limits.a_number is None and (room is None or batch.segments <= room):
            self.limits.take(batch.country, batch.segments)
            return True
        return self._grants_part(batch, room)

    def _grants_part(self, batch: Batch, room: int | None) -> bool:
        """Go through its messages until one does not fit; those for numbers that have theirs for
        today take no room.
        """
        rows = self.rows.get(batch.pk) or _rows(self.campaign, [batch])[batch.pk]
        over: list[_Row] = []
        taken = passed = 0
        for row in rows:
            if self._is_over(row):
                over.append(row)
            elif room is not None and taken + row.segments > room:
                break
            else:
                taken += row.segments
                self.counts[row.number] += 1
            passed += 1
        self.limits.take(batch.country, taken)
        if passed < len(rows):
            self._hold(batch.country, rows[passed].segments)
            if not passed:
                return False
            self.rests.append(_cut(batch, rows[:passed]))
        self.over[batch.pk] = over
        return True

    def _is_over(self, row: _Row) -> bool:
        most = self.limits.a_number
        return most is not None and bool(row.number) and self.counts[row.number] >= most

    def _hold(self, country: str, segments: int) -> None:
        """A message of so many *segments* did not fit: who waits for it?"""
        if self.limits.holds_all(segments):
            self.holds_all = True
        self.held.add(country)

    def write(self, granted: list[Batch], now: datetime) -> None:
        """Hold what has no reservation. Those just *granted* have theirs, and are leased next: a
        hold would keep them from whoever takes them over after a crash or a pause.
        """
        Batch.objects.bulk_create(self.rests)
        if self.held:
            rows = Batch.objects.filter(
                campaign=self.campaign, state=BatchState.READY, reserved_at=None, hold=Hold.NONE
            )
            if not self.holds_all:
                rows = rows.filter(country__in=self.held)
            rows.exclude(pk__in=[b.pk for b in granted]).update(hold=Hold.THRESHOLD)
        if any(self.over.values()):
            self._refuse(granted, now)

    def _refuse(self, granted: list[Batch], now: datetime) -> None:
        deltas = Deltas()
        for batch in granted:
            results = [
                Result(row.message_id, row.segments, MessageState.REJECTED, Reason.NUMBER_LIMIT)
                for row in self.over.get(batch.pk, ())
            ]
            if not results:
                continue
            write_results(self.campaign, batch.country, self.campaign.route, results, now, deltas)
            batch.left -= len(results)
            batch.segments -= sum(result.segments for result in results)
            batch.state = batch.state if batch.left else BatchState.DONE
            batch.save(update_fields=["left", "segments", "state"])
        deltas.write()


def _cut(batch: Batch, first: list[_Row]) -> Batch:
    """Cut *batch* behind its *first* rows; the rest of it, which waits."""
    last, segments = first[-1].position, sum(row.segments for row in first)
    rest = Batch(
        campaign_id=batch.campaign_id, carrier_id=batch.carrier_id, country=batch.country,
        lo=last + 1, hi=batch.hi, begun_to=batch.begun_to, left=batch.left - len(first),
        segments=batch.segments - segments, hold=Hold.THRESHOLD,
    )  # fmt: skip
    batch.hi, batch.left, batch.segments = last, len(first), segments
    batch.save(update_fields=["hi", "left", "segments"])
    return rest


def queued(campaign_id: int, lo: int, hi: int) -> MessageQuerySet:
    """What waits at the positions *lo* to *hi*, in order."""
    rows = Message.objects.filter(campaign_id=campaign_id, position__gte=lo, position__lte=hi)
    return rows.filter(state=MessageState.QUEUED).order_by("position")


def _rows(campaign: Campaign, batches: list[Batch]) -> dict[int, list[_Row]]:
    """What waits in each of *batches*, in order; read at once."""
    ranges = [Q(position__range=(batch.lo, batch.hi)) for batch in batches]
    rows = Message.objects.filter(reduce(or_, ranges), campaign=campaign, state=MessageState.QUEUED)
    columns = rows.order_by("position").values_list("pk", "position", "number", "segments")
    waiting = [_Row(*row) for row in columns]
    return {
        batch.pk: [row for row in waiting if batch.lo <= row.position <= batch.hi]
        for batch in batches
    }


def _counts(
    workspace_id: int, numbers: Collection[str], day: tuple[datetime, datetime]
) -> Counter[str]:
    """How many messages *numbers* got on this day, or will: those of reserved batches.

    The messages themselves are counted, found by the index on their numbers: a counter beside
    them would have to be given back, purged and erased with them.
    """
    start, end = day
    today = Batch.objects.filter(
        campaign__workspace=workspace_id, reserved_at__gte=start, reserved_at__lt=end
    )
    its_batch = Batch.objects.filter(campaign=OuterRef("campaign"), lo__lte=OuterRef("position"))
    rows = Message.objects.filter(number__in=numbers, campaign__in=today.values("campaign"))
    rows = rows.exclude(state__in=FREED).annotate(
        reserved=Subquery(its_batch.order_by("-lo").values("reserved_at")[:1])
    )
    rows = rows.filter(reserved__gte=start, reserved__lt=end).order_by()
    return Counter(dict(rows.values_list("number").annotate(n=Count("pk"))))
