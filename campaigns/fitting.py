"""How far a campaign gets under the workspace's thresholds, before anything is spent.

Read fresh each time: other campaigns use the same windows, or will.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Sum

from billing import thresholds
from campaigns import clock
from campaigns.estimating import Estimate
from campaigns.models import Batch, Campaign, CampaignTally
from campaigns.states import RUNNING, BatchState, CampaignState

ALL = ""  # beside the countries: all of them together


@dataclass(frozen=True, slots=True)
class Room:
    """One threshold's window at the time of sending, in segments, with what is planned in it.

    *reserved* is the part of *used* that no carrier has taken yet; *asked* is what the campaign
    that is looked at needs of it: all it sends, or what it sends to one country.
    """

    period: str
    country: str
    start: datetime
    resets_at: datetime
    limit: int
    used: int
    reserved: int
    planned: int
    asked: int

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

    @property
    def over(self) -> int:
        return max(0, self.asked - self.free)


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether what is *asked*, segments by country, fits, and if not, what stops where."""

    rooms: tuple[Room, ...]
    asked: Mapping[str, int]
    people: Mapping[str, int]  # numbers by country
    zone: str  # of the windows
    a_number: int | None = None  # messages a day that one number gets at most

    @property
    def numbers(self) -> int:
        return sum(self.people.values())

    @property
    def billable(self) -> int:
        return sum(self.asked.values())

    @property
    def tightest(self) -> Room | None:
        return min(self.rooms, key=lambda room: room.free - room.asked, default=None)

    @property
    def stops(self) -> tuple[Room, ...]:
        """Those that something does not fit into."""
        return tuple(room for room in self.rooms if room.over)

    @property
    def fits(self) -> bool:
        return not self.stops

    def _granted(self, country: str) -> int:
        free = [room.free for room in self.rooms if room.country == country]
        return min([self.asked[country], *free])

    @property
    def _sent(self) -> int:
        """Segments that leave: each country's up to its own windows, all up to the shared."""
        free = [room.free for room in self.rooms if not room.country]
        return min([sum(map(self._granted, self.asked)), *free])

    @property
    def reach(self) -> int:
        """About how many numbers are sent to before all that is left is held."""
        by_country = {
            country: n * self._granted(country) // self.asked[country] if self.asked[country] else n
            for country, n in self.people.items()
        }
        granted = sum(map(self._granted, self.asked))
        reached = sum(by_country.values())
        return reached * self._sent // granted if granted else reached

    @property
    def over(self) -> int:
        return self.billable - self._sent


def fit(campaign: Campaign, counted: Estimate, at: datetime) -> Fit:
    """How *counted* stands against the workspace's thresholds at the moment *at*."""
    asked = {line.country: line.billable for line in counted.lines}
    cap = thresholds.number_cap(campaign.workspace)
    return Fit(
        tuple(rooms(campaign, at, asked)),
        asked,
        {line.country: line.numbers for line in counted.lines},
        campaign.workspace.time_zone,
        None if cap is None else cap.limit,
    )


def rooms(campaign: Campaign, at: datetime, asked: Mapping[str, int]) -> Iterable[Room]:
    """The windows that a start at *at* falls into: used, and planned by other campaigns."""
    workspace = campaign.workspace
    known: dict[str, tuple[Counter[str], Counter[str]]] = {}
    wanted = {ALL: sum(asked.values()), **asked}
    for one in thresholds.usage(workspace, at):
        if one.country not in wanted:
            continue
        if one.period not in known:
            charged = Counter(thresholds.charged(workspace, one.period, at))
            charged[ALL] = charged.total()
            known[one.period] = charged, _planned(campaign, one.start, one.resets_at)
        charged, planned = known[one.period]
        yield Room(
            one.period, one.country, one.start, one.resets_at, one.limit, one.used,
            max(0, one.used - charged[one.country]), planned[one.country],
            wanted[one.country],
        )  # fmt: skip


def _planned(campaign: Campaign, start: datetime, end: datetime) -> Counter[str]:
    """Segments by country that other campaigns will still take: scheduled ones, and the rest of
    running ones.
    """
    others = Campaign.objects.filter(workspace=campaign.workspace).exclude(pk=campaign.pk)
    scheduled = others.filter(state=CampaignState.SCHEDULED, send_at__gte=start, send_at__lt=end)
    planned: Counter[str] = Counter()
    for other in scheduled.only("estimate"):
        planned.update(_estimated(other.estimate))
    if start <= clock.now() < end:
        waiting = Batch.objects.filter(campaign__in=others, reserved_at=None)
        rows = waiting.exclude(state=BatchState.DONE).values_list("country").order_by()
        left = Counter(dict(rows.annotate(total=Sum("segments"))))
        planned.update(left)
        planned[ALL] += left.total()
        planned.update(_unwritten(others))
    return planned


def _estimated(estimate: Mapping[str, Any]) -> Counter[str]:
    lines: Mapping[str, Any] = estimate.get("countries", {})
    found = Counter({country: line[3] for country, line in lines.items()})
    found[ALL] = estimate.get("billable", 0)
    return found


def _unwritten(campaigns: QuerySet[Campaign]) -> Counter[str]:
    """Segments of running ones whose messages are not written yet, so that no batch holds them."""
    found = {
        pk: _estimated(estimate)
        for pk, estimate in campaigns.filter(state__in=RUNNING, expanded_at=None).values_list(
            "pk", "estimate"
        )
    }
    tallies = CampaignTally.objects.filter(campaign__in=list(found)) if found else ()
    for row in tallies:
        found[row.campaign_id][row.country] -= row.segments
        found[row.campaign_id][ALL] -= row.segments
    left: Counter[str] = Counter()
    for each in found.values():
        left += each  # what is below 0 counts for nothing
    return left
