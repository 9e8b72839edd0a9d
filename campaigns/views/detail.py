"""One campaign: basic information, result, reasons, countries, the phone-number table, trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedIn, requires
from accounts.models import AuditEvent, Membership
from campaigns import controlling, reading, revealing, tightness, trail
from campaigns.failures import failure
from campaigns.lookup import PAGE, Filter, Page, code_of, find, page
from campaigns.models import Campaign, Message
from campaigns.reading import Reading
from campaigns.states import RUNNING, Bucket, CampaignState, MessageState, bucket
from campaigns.statistics import reason_of
from senders import optouts
from senders.models import OptOut
from senders.seeking import NotSought
from sms.display import grouped, mask
from sms.gateways.base import Reason

PARTS = {
    "live": "campaigns/_live.html",
    "chart": "campaigns/_chart.html",
    "phone-rows": "campaigns/_phones.html",
}
UNWRITTEN = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.CANCELLED)
BUCKETS = ((Bucket.SENT, _("Sent")), (Bucket.FAILED, _("Failed")), (Bucket.OTHER, _("Other")))


def find_campaign(request: SignedIn, key: UUID) -> Campaign:
    """The campaign of this workspace with all a page shows of it, or 404."""
    rows = Campaign.objects.for_user(request.user)
    rows = rows.select_related(*reading.SHOWN_WITH, "workspace__sending_off_by", "parent")
    return get_object_or_404(rows, key=key)


def posted(request: SignedIn) -> QueryDict | None:
    """What a form is bound to: also an empty POST is an answer."""
    return request.POST if request.method == "POST" else None


@dataclass(frozen=True, slots=True)
class PhoneRow:
    """One line of the phone-number table; *number* is masked unless it was revealed."""

    message: Message
    number: str
    reason: object
    code: str
    currency: str
    shows_price: bool
    opt_out: OptOut | None = None

    @property
    def short(self) -> str:
        """The first part of the message ID; the whole stands in its tooltip."""
        return str(self.message.reference)[:8]


def phone_row(
    message: Message, campaign: Campaign, membership: Membership, *, clear: bool, receipts: bool
) -> PhoneRow:
    """The line as this person may see it."""
    number = grouped(message.number) if clear else mask(message.number)
    if not message.number:
        number = _("Deleted")
    which = bucket(message.state, receipts)
    reason: object = ""
    if which == Bucket.FAILED or message.state in (MessageState.CANCELLED, MessageState.NO_RECEIPT):
        own = "" if which == Bucket.FAILED else message.state
        reason = failure(reason_of(message.state, message.reason or own)).title
    code = message.detail if clear else code_of(message)
    priced = reading.shows_cost(campaign, membership)
    return PhoneRow(message, number, reason, code, campaign.currency, priced)


@requires("campaigns.view")
@require_http_methods(["GET", "POST"])
def detail(request: SignedIn, key: UUID) -> HttpResponse:
    """The details page; htmx asks for its live parts. A POST looks for a number."""
    campaign = find_campaign(request, key)
    part = _part(request)
    # Another state is another page: other acts, other cards, other rows.
    if part and request.GET.get("seen", campaign.state) != campaign.state:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    found = reading.as_seen(reading.read(campaign), campaign, request.membership)
    context = _facts(request, campaign, found)
    if part in ("", "live"):
        context["steps"] = trail.steps(_events(campaign))
    if part != "chart":
        context |= _phones(request, campaign, found, clear=context["shown_until"] is not None)
    template = PARTS.get(part, "campaigns/detail.html")
    return render(request, template, context | {"oob": bool(part)})


def _facts(request: SignedIn, campaign: Campaign, found: Reading) -> dict[str, Any]:
    """What every part of the page may show."""
    numbers = reading.number_of(campaign)
    is_suspended = campaign.state == CampaignState.SUSPENDED
    shown_until = revealing.shown_until(campaign, request.user)
    return {
        "campaign": campaign,
        "reading": found,
        "result": found.result.with_reserved(tightness.reserved(campaign)),
        "planned": reading.planned(campaign),
        "numbers": numbers,
        "distinct": numbers - reading.repeated(campaign),
        "imported": reading.imported(campaign),
        "took": reading.took(campaign),
        "acts": controlling.offered(campaign, request.membership),
        "shown_until": shown_until,
        "ask_again_in": revealing.seconds_left(shown_until),
        "running": campaign.state in RUNNING,
        "written": campaign.state not in UNWRITTEN,
        "why": reading.suspension([campaign]) if is_suspended else "",
    }


def _part(request: SignedIn) -> str:
    """The part of the page that htmx asks for, by the id of its place; else the whole page."""
    htmx = request.htmx  # type: ignore[attr-defined]
    if not htmx or htmx.history_restore_request or htmx.target not in PARTS:
        return ""
    return str(htmx.target)


def _events(campaign: Campaign) -> list[AuditEvent]:
    rows = AuditEvent.objects.filter(
        object_type="campaigns.campaign", object_id=str(campaign.pk)
    ).select_related("actor")
    return list(rows.order_by("-pk")[: trail.SHOWN])


def _phones(
    request: SignedIn, campaign: Campaign, found: Reading, *, clear: bool
) -> dict[str, Any]:
    """The phone-number table: filtered by address, searched by what was posted."""
    given: Mapping[str, str] = request.POST if request.method == "POST" else request.GET
    chosen = Filter.read(given)
    sought = given.get("q", "").strip()[:60] if request.method == "POST" else ""
    rows = chosen.rows(campaign, found.gives_receipts)
    problem = ""
    shown = Page([])
    try:
        if sought:
            rows, _number = find(rows, sought, request.user)
        shown = page(rows.defer("text"), "position", given, PAGE, up=True)
    except NotSought as refused:
        problem = str(refused)
    receipts = found.gives_receipts
    left_out = [m.number for m in shown.rows if m.reason == Reason.OPTED_OUT]
    gone = optouts.of_numbers(campaign.workspace_id, left_out)
    return {
        "phones": [
            replace(
                phone_row(m, campaign, request.membership, clear=clear, receipts=receipts),
                opt_out=gone.get(m.number),
            )
            for m in shown.rows
        ],
        "filter": chosen,
        "sought": sought,
        "problem": problem,
        "again": _again(given, chosen, sought),
        "countries": [row.country for row in found.countries],
        "matching": None if sought else chosen.count(found.tallies, receipts),
        "newer": shown.newer,
        "older": shown.older,
        "newer_url": shown.newer is not None and _url(chosen, before=shown.newer),
        "older_url": shown.older is not None and _url(chosen, after=shown.older),
        "buckets": _tabs(chosen, found),
    }


def _again(given: Mapping[str, str], chosen: Filter, sought: str) -> list[tuple[str, str]]:
    """What asks for the same rows of the table once more."""
    place = {name: given.get(name, "")[:18] for name in ("before", "after")}
    return [*chosen.query.items(), *((n, w) for n, w in (place | {"q": sought}).items() if w)]


def _url(chosen: Filter, **changes: object) -> str:
    return "?" + urlencode(chosen.query | changes)


def _tabs(chosen: Filter, found: Reading) -> list[dict[str, Any]]:
    """All, Sent, Failed, Other with their counts: links, each with an address."""
    rest = {name: word for name, word in chosen.query.items() if name == "country"}
    sums = {Bucket.SENT: found.result.sent, Bucket.FAILED: found.result.failed}
    sums[Bucket.OTHER] = found.result.other
    tabs = [("", _("All"), found.result.total)]
    tabs += [(str(which), label, sums[which]) for which, label in BUCKETS]
    return [
        {
            "url": "?" + urlencode(rest | ({"is": which} if which else {})),
            "label": label,
            "count": count,
            "current": which == chosen.bucket,
        }
        for which, label, count in tabs
    ]
