"""The list of campaigns: tabs, search, filters, live rows, totals to take away."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import phonenumbers
from django.db.models import Count, Q
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.access import SignedIn, requires
from accounts.models import Membership
from campaigns import controlling, exports, reading
from campaigns.lookup import page
from campaigns.models import Campaign, CampaignQuerySet, RecipientImport
from campaigns.models.campaign import ScenarioType
from campaigns.reading import Planned
from campaigns.states import CampaignState
from campaigns.statistics import Result
from senders.models import SenderID
from sheets import writing
from sheets.writing import Cell

ROWS = 20
FLAGS = 4
EXPORT_STEP = 1_000
LISTS_READ = 500
TABS = (
    ("", _("All")),
    (CampaignState.DRAFT, _("Draft")),
    (CampaignState.SCHEDULED, _("Scheduled")),
    (CampaignState.SENDING, _("Sending")),
    (CampaignState.PAUSED, _("Paused")),
    (CampaignState.SUSPENDED, _("Suspended")),
    (CampaignState.COMPLETED, _("Completed")),
    (CampaignState.STOPPED, _("Stopped")),
    (CampaignState.CANCELLED, _("Cancelled")),
)
PERIODS = {"7": _("Last 7 days"), "30": _("Last 30 days"), "90": _("Last 90 days")}


@dataclass(frozen=True, slots=True)
class Chosen:
    """The filters of the list; words outside their lists are dropped."""

    state: str = ""
    q: str = ""
    scenario: str = ""
    sender: str = ""
    country: str = ""
    period: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Chosen:
        one_of: dict[str, Collection[str]] = {
            "state": set(CampaignState),
            "scenario": set(ScenarioType.values),
            "country": phonenumbers.SUPPORTED_REGIONS,
            "period": PERIODS.keys(),
        }
        kept = {n: given.get(n, "") for n, known in one_of.items() if given.get(n, "") in known}
        sender = given.get("sender", "")
        kept["sender"] = sender if re.fullmatch(r"[A-Za-z0-9]{1,15}", sender) else ""
        return cls(q=given.get("q", "").replace("\0", "").strip()[:100], **kept)

    def query(self, **changes: str) -> str:
        """These filters, with *changes*, as the query of an address."""
        words = {name: getattr(self, name) for name in self.__slots__} | changes
        return urlencode({name: word for name, word in words.items() if word})

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, name) for name in self.__slots__ if name != "state")

    def rows(self, campaigns: CampaignQuerySet, *, state: bool = True) -> CampaignQuerySet:
        """The campaigns that pass; without *state* those of every tab."""
        if state and self.state:
            campaigns = campaigns.filter(state=self.state)
        if self.scenario:
            campaigns = campaigns.filter(scenario=self.scenario)
        if self.sender:
            campaigns = campaigns.filter(sender__value=self.sender)
        if self.country:
            campaigns = campaigns.filter(recipients__countries__has_key=self.country)
        if self.period:
            since = timezone.now() - timedelta(days=int(self.period))
            campaigns = campaigns.filter(created_at__gte=since)
        return campaigns.filter(named(self.q)) if self.q else campaigns


def named(sought: str) -> Q:
    """Campaigns by a part of the task name, or by their short id (C-12, 12)."""
    found = Q(name__icontains=sought)
    label = re.fullmatch(r"(?:[cC]-?)?([0-9]{1,18})", sought)
    return found | Q(pk=int(label[1])) if label else found


@dataclass(frozen=True, slots=True)
class Row:
    """A campaign as the list shows it."""

    campaign: Campaign
    result: Result
    planned: Planned | None
    acts: frozenset[str]
    live: bool
    flags: list[str]
    more: int
    took: timedelta | None
    zone: str  # the campaign's time zone, where it is not the reader's


def rows_of(campaigns: list[Campaign], membership: Membership) -> list[Row]:
    """The rows of a page, their tallies read in one query."""
    found = reading.results(campaigns)
    return [_row(campaign, found[campaign.pk], membership) for campaign in campaigns]


def _row(campaign: Campaign, result: Result, membership: Membership) -> Row:
    counts = {} if campaign.recipients is None else campaign.recipients.countries
    countries = sorted(counts, key=lambda code: -counts[code])
    zone = campaign.time_zone
    return Row(
        campaign=campaign,
        result=reading.as_seen(result, campaign, membership),
        planned=reading.planned(campaign),
        acts=controlling.offered(campaign, membership),
        live=reading.is_live(campaign, result),
        flags=countries[:FLAGS],
        more=max(len(countries) - FLAGS, 0),
        took=reading.took(campaign),
        zone="" if zone == timezone.get_current_timezone_name() else zone,
    )


def _shown(request: SignedIn) -> CampaignQuerySet:
    return Campaign.objects.for_user(request.user).shown().select_related(*reading.SHOWN_WITH)


@requires("campaigns.view")
@require_GET
def campaign_list(request: SignedIn) -> HttpResponse:
    """Every campaign of the workspace; htmx asks for the rows, or for one that is sending."""
    if request.htmx and "row" in request.GET:  # type: ignore[attr-defined]
        return _one_row(request)
    chosen = Chosen.read(request.GET)
    rows = _shown(request)
    found = page(chosen.rows(rows), "pk", request.GET, ROWS, up=False)
    shown = rows_of(found.rows, request.membership)
    context: dict[str, Any] = {
        "rows": shown,
        "hides_costs": any(not row.result.shows_cost for row in shown),
        "chosen": chosen,
        "newer": found.newer and "?" + chosen.query(before=str(found.newer)),
        "older": found.older and "?" + chosen.query(after=str(found.older)),
        "first": chosen.query(),
    }
    if _wants(request, "campaign-rows"):
        return render(request, "campaigns/_rows.html", context)
    return render(request, "campaigns/list.html", context | _frame(request, rows, chosen))


def _wants(request: SignedIn, target: str) -> bool:
    htmx = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.history_restore_request and htmx.target == target


def _one_row(request: SignedIn) -> HttpResponse:
    campaign = get_object_or_404(_shown(request), key=_key(request.GET["row"]))
    rows = rows_of([campaign], request.membership)
    return render(request, "campaigns/_row.html", {"row": rows[0]})


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _frame(request: SignedIn, rows: CampaignQuerySet, chosen: Chosen) -> dict[str, Any]:
    """What stands around the rows: tabs with their counts, and the filters' choices."""
    counted = chosen.rows(rows, state=False).order_by().values("state")
    counts = {row["state"]: row["n"] for row in counted.annotate(n=Count("pk"))}
    tabs = [
        {
            "url": "?" + chosen.query(state=state),
            "label": label,
            "count": counts.get(state, 0) if state else sum(counts.values()),
            "current": state == chosen.state,
        }
        for state, label in TABS
    ]
    senders = SenderID.objects.for_user(request.user).order_by("value")
    return {
        "tabs": tabs,
        "counts": counts,
        "scenarios": ScenarioType.choices,
        "senders": list(senders.values_list("value", flat=True)[:200]),
        "countries": _countries(request, chosen),
        "periods": PERIODS.items(),
    }


def _countries(request: SignedIn, chosen: Chosen) -> Collection[str]:
    """The countries of the workspace's lists; every one where reading them all would be slow."""
    lists = RecipientImport.objects.filter(workspace=request.membership.workspace_id)
    rows = list(lists.exclude(accepted=0).values_list("countries", flat=True)[: LISTS_READ + 1])
    if len(rows) > LISTS_READ:
        return phonenumbers.SUPPORTED_REGIONS
    return {code for countries in rows for code in countries} | ({chosen.country} - {""})


@requires("campaigns.view")
@require_GET
def export_list(request: SignedIn) -> StreamingHttpResponse:
    """The totals of the filtered list as CSV: counts and money, no number and no text."""
    totals = _totals(Chosen.read(request.GET).rows(_shown(request)), request.membership)
    lines = writing.csv_lines(exports.TOTALS, totals)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="campaigns.csv"'
    return response


def _totals(rows: CampaignQuerySet, membership: Membership) -> Iterator[tuple[Cell, ...]]:
    """The latest first, some at a time: a long list is neither cut nor held as a whole."""
    rows = rows.order_by("-pk")
    found = list(rows[:EXPORT_STEP])
    while found:
        sums = reading.results(found)
        seen = {one.pk: reading.as_seen(sums[one.pk], one, membership) for one in found}
        yield from exports.total_rows(found, seen)
        found = list(rows.filter(pk__lt=found[-1].pk)[:EXPORT_STEP])
