"""One search over all campaigns: what did this number get, when, with which result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedIn, requires
from campaigns import reading, revealing
from campaigns.lookup import PAGE, Page, find, page
from campaigns.models import Campaign, Message
from campaigns.views.detail import PhoneRow, phone_row
from campaigns.views.listing import Row, named, rows_of
from senders import optouts
from senders.models import OptOut
from senders.seeking import NotSought
from sms.display import grouped, mask

CAMPAIGNS = 10


@dataclass(frozen=True, slots=True)
class Person:
    """What one number got, newest first, and its opt-out."""

    number: str  # as this person may see it
    country: str
    phones: list[PhoneRow]
    opt_out: OptOut | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found; ``newer`` and ``older`` are the keys of the neighbouring pages."""

    campaigns: list[Row] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    tells_opt_outs: bool = False
    newer: int | None = None
    older: int | None = None
    ask_again_in: int = 0  # seconds after which a reveal is over
    problem: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.campaigns or self.people)


@requires("search.use")
@require_http_methods(["GET", "POST"])
def search(request: SignedIn) -> HttpResponse:
    """By task name, C-12, number, last digits or message ID. Posted, so that no number is kept
    in an address, a history or a log.
    """
    sought = request.POST.get("q", "").replace("\0", "").strip()[:100]
    found = _search(request, sought, request.POST) if sought else None
    return render(request, "campaigns/search.html", {"sought": sought, "found": found})


def _search(request: SignedIn, sought: str, given: Mapping[str, str]) -> Found:
    membership = request.membership
    campaigns = Campaign.objects.for_user(request.user).shown()
    campaigns = campaigns.filter(named(sought)).select_related(*reading.SHOWN_WITH)
    by_name = rows_of(list(campaigns.order_by("-pk")[:CAMPAIGNS]), membership)
    rows = Message.objects.filter(campaign__workspace_id=membership.workspace_id)
    rows = rows.select_related("campaign__carrier", "campaign__sender").defer("text")
    try:
        rows, number = find(rows, sought, request.user)
    except NotSought as refused:
        return Found(campaigns=by_name, problem="" if by_name else str(refused))
    shown = page(rows, "pk", given, PAGE, up=False)
    open_ones = revealing.among({m.campaign for m in shown.rows}, request.user)
    return Found(
        campaigns=by_name,
        people=_people(request, shown, open_ones, number.text if number and number.whole else ""),
        tells_opt_outs=membership.can("optouts.view"),
        newer=shown.newer,
        older=shown.older,
        ask_again_in=revealing.seconds_left(min(open_ones.values(), default=None)),
    )


def _people(
    request: SignedIn, shown: Page, open_ones: Mapping[int, object], typed: str
) -> list[Person]:
    """The messages of a page by number; a number typed whole is told of without any message."""
    rows: dict[str, list[Message]] = {}
    for message in shown.rows:
        rows.setdefault(message.number, []).append(message)
    gone = _opt_outs(request, {*rows, *filter(None, [typed])})
    if typed in gone:
        rows.setdefault(typed, [])
    return [
        _person(request, number, found, open_ones, gone.get(number))
        for number, found in rows.items()
    ]


def _person(
    request: SignedIn,
    number: str,
    messages: list[Message],
    open_ones: Mapping[int, object],
    opt_out: OptOut | None,
) -> Person:
    is_open = any(message.campaign_id in open_ones for message in messages)
    phones = [
        phone_row(
            m, m.campaign, request.membership, clear=is_open,
            receipts=reading.gives_receipts(m.campaign),
        )
        for m in messages
    ]  # fmt: skip
    country = messages[0].country if messages else ""
    shown = grouped(number) if is_open else mask(number)
    return Person(shown if number else _("Deleted number"), country, phones, opt_out)


def _opt_outs(request: SignedIn, numbers: Iterable[str]) -> dict[str, OptOut]:
    """The opt-outs among *numbers*, for who may know of them."""
    if not request.membership.can("optouts.view"):
        return {}
    return optouts.of_numbers(request.membership.workspace_id, numbers)
