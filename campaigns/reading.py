"""Load what a page about campaigns shows: tallies, never a count of messages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import ngettext

from accounts.models import Membership
from billing.thresholds import Usage
from campaigns import statistics, tightness, trail
from campaigns.importing.reasons import DUPLICATE, OPTED_OUT
from campaigns.models import Batch, Campaign, CampaignTally, HourTally
from campaigns.states import OVER, CampaignState, Hold
from campaigns.statistics import CountryRow, HourRow, ReasonRow, Result

SHOWN_WITH = ("sender", "author", "carrier", "recipients")
SUMS = ("messages", "segments", "billed", "amount", "unpriced")
SUMS_BY = tuple(f"{name}__sum" for name in SUMS)
SOON = timedelta(seconds=60)


@dataclass(slots=True)
class StateSum:
    """Counts of one campaign in one state, over all countries and reasons."""

    state: str
    messages: int
    segments: int
    billed: int
    amount: int
    unpriced: int
    country: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything the details page shows of one campaign, from one look at the tallies."""

    tallies: list[CampaignTally]
    result: Result
    countries: list[CountryRow]
    reasons: list[ReasonRow]
    hours: list[HourRow]
    written: int  # messages
    segments: int  # of them
    gives_receipts: bool
    live: bool

    def without_cost(self) -> Reading:
        rows = [row.without_cost() for row in self.countries]
        return replace(self, result=self.result.without_cost(), countries=rows)

    @property
    def resendable(self) -> int:
        return sum(row.messages for row in self.reasons if row.resendable)


def shows_cost(campaign: Campaign, membership: Membership) -> bool:
    """May this person see what it cost? The statement has the same rule."""
    return membership.can("statements.view", campaign.author_id)


Seen = TypeVar("Seen", Result, Reading)


def as_seen(found: Seen, campaign: Campaign, membership: Membership) -> Seen:
    """*found* without the cost of a campaign of which the person may not see it."""
    return found if shows_cost(campaign, membership) else found.without_cost()


def number_of(campaign: Campaign) -> int:
    """Number of Numbers: frozen at submit; before that what the recipients hold."""
    if campaign.total or campaign.recipients is None:
        return campaign.total
    return campaign.recipients.accepted


def repeated(campaign: Campaign) -> int:
    """Messages that go to a number an earlier one goes to, with other values."""
    source = campaign.recipients
    return 0 if source is None else source.about.get("repeated") or 0


def most(campaign: Campaign) -> int:
    """How many messages it will ever have: none where it was cancelled before it started."""
    return 0 if campaign.state == CampaignState.CANCELLED else number_of(campaign)


def gives_receipts(campaign: Campaign) -> bool:
    return campaign.carrier is None or campaign.carrier.gives_receipts


@dataclass(frozen=True, slots=True)
class Planned:
    """What was estimated before sending: segments, and micro-units where a rate was known."""

    billable: int
    cost: int | None


def planned(campaign: Campaign) -> Planned | None:
    """The estimate kept with the campaign, None while there is none."""
    billable = campaign.estimate.get("billable")
    return None if billable is None else Planned(billable, campaign.estimate.get("cost"))


def took(campaign: Campaign) -> timedelta | None:
    """How long it sent, once it is over."""
    if campaign.started_at is None or campaign.ended_at is None:
        return None
    return campaign.ended_at - campaign.started_at


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of the list a campaign was made from."""

    read: int
    invalid: int
    duplicates: int
    opted_out: int


def imported(campaign: Campaign) -> Imported | None:
    source = campaign.recipients
    if source is None:
        return None
    duplicates, opted_out = source.tally.get(DUPLICATE, 0), source.tally.get(OPTED_OUT, 0)
    invalid = max(source.refused - duplicates - opted_out, 0)
    return Imported(source.rows_read, invalid, duplicates, opted_out)


def is_live(campaign: Campaign, found: Result) -> bool:
    """Should a page of it keep asking? Also in the moments between submission and start."""
    now = timezone.now()
    if campaign.state == CampaignState.SCHEDULED and campaign.send_at is not None:
        return abs(campaign.send_at - now) < SOON
    return statistics.is_live(campaign.state, found, campaign.ended_at, now)


def results(campaigns: Sequence[Campaign]) -> dict[int, Result]:
    """The result of each campaign by its key, in one query."""
    rows = CampaignTally.objects.filter(campaign__in=campaigns)
    groups: dict[int, list[StateSum]] = defaultdict(list)
    grouped = rows.values("campaign_id", "state").annotate(*map(Sum, SUMS))
    for pk, state, *sums in grouped.values_list("campaign_id", "state", *SUMS_BY):
        groups[pk].append(StateSum(state, *sums))
    return {
        campaign.pk: statistics.result(
            groups[campaign.pk],
            total=most(campaign),
            gives_receipts=gives_receipts(campaign),
            over=campaign.state in OVER,
        )
        for campaign in campaigns
    }


def held(campaign: Campaign) -> int:
    """Messages that wait in held batches."""
    rows = Batch.objects.filter(campaign=campaign).left().exclude(hold=Hold.NONE)
    return rows.aggregate(total=Sum("left"))["total"] or 0


def suspension(campaigns: Sequence[Campaign], usage: Sequence[Usage] | None = None) -> str:
    """Why these are suspended, with figures. A limit raised since is said to have been reached."""
    rows = Batch.objects.filter(campaign__in=campaigns).left().exclude(hold=Hold.NONE)
    left = rows.aggregate(total=Sum("left"))["total"] or 0
    tight = tightness.reached(campaigns[0], usage)
    if tight is None:
        words = ngettext(
            "A suspension threshold was reached: %(left)s message waits.",
            "A suspension threshold was reached: %(left)s messages wait.",
            left,
        )
        return words % {"left": f"{left:,}"}
    words = ngettext(
        "%(threshold)s is reached: %(left)s message waits.",
        "%(threshold)s is reached: %(left)s messages wait.",
        left,
    )
    which = trail.threshold(tight.period, tight.limit, tight.country)
    return words % {"threshold": which, "left": f"{left:,}"}


def result_of(campaign: Campaign, tallies: Sequence[CampaignTally]) -> Result:
    return statistics.result(
        tallies,
        total=most(campaign),
        held=held(campaign),
        gives_receipts=gives_receipts(campaign),
        over=campaign.state in OVER,
    )


def read(campaign: Campaign) -> Reading:
    """One campaign, whole, in three queries."""
    tallies = list(CampaignTally.objects.filter(campaign=campaign))
    receipts = gives_receipts(campaign)
    found = result_of(campaign, tallies)
    return Reading(
        tallies=tallies,
        result=found,
        countries=statistics.by_country(tallies, campaign.prices, gives_receipts=receipts),
        reasons=statistics.by_reason(tallies),
        hours=statistics.by_hour(HourTally.objects.filter(campaign=campaign)),
        written=sum(row.messages for row in tallies),
        segments=sum(row.segments for row in tallies),
        gives_receipts=receipts,
        live=is_live(campaign, found),
    )
