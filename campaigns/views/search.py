"""One search over all campaigns: what did this number get, when, with which result."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedIn, requires
from accounts.models import Membership
from campaigns import reading
from campaigns.lookup import TooShort, find, read_digits
from campaigns.models import Campaign, Message
from campaigns.views.detail import PhoneRow, phone_row
from campaigns.views.listing import Row, named, rows_of
from senders.models import OptOut
from sms.display import mask

CAMPAIGNS = 10
MESSAGES = 50


@dataclass(frozen=True, slots=True)
class Gone:
    """An opt-out, with the number as this person may see it."""

    opt_out: OptOut
    number: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found. ``more``: there are further messages than are shown."""

    campaigns: list[Row] = field(default_factory=list)
    phones: list[PhoneRow] = field(default_factory=list)
    opt_outs: list[Gone] = field(default_factory=list)
    more: bool = False
    problem: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.campaigns or self.phones or self.opt_outs)


@requires("search.use")
@require_http_methods(["GET", "POST"])
def search(request: SignedIn) -> HttpResponse:
    """By task name, C-12, number, last digits or message ID. Posted, so that no number is kept
    in an address, a history or a log.
    """
    sought = request.POST.get("q", "").replace("\0", "").strip()[:100]
    found = _search(request.membership, request.user, sought) if sought else None
    return render(request, "campaigns/search.html", {"sought": sought, "found": found})


def _search(membership: Membership, user: object, sought: str) -> Found:
    campaigns = Campaign.objects.for_user(user).shown().select_related(*reading.SHOWN_WITH)
    by_name = rows_of(list(campaigns.filter(named(sought)).order_by("-pk")[:CAMPAIGNS]), membership)
    rows = Message.objects.filter(campaign__workspace_id=membership.workspace_id)
    try:
        messages = list(
            find(rows, sought).select_related("campaign__carrier", "campaign__sender")
            .defer("text").order_by("-pk")[: MESSAGES + 1]
        )  # fmt: skip
        gone = _opt_outs(membership, sought, messages)
    except TooShort:
        problem = "" if by_name else _("Type at least 4 digits of a number.")
        return Found(campaigns=by_name, problem=problem)
    phones = [_phone(membership, message) for message in messages[:MESSAGES]]
    return Found(by_name, phones, gone, len(messages) > MESSAGES)


def _phone(membership: Membership, message: Message) -> PhoneRow:
    clear = membership.can("campaigns.read_numbers", message.campaign.author_id)
    receipts = reading.gives_receipts(message.campaign)
    return phone_row(message, message.campaign, clear=clear, receipts=receipts)


def _opt_outs(membership: Membership, sought: str, messages: list[Message]) -> list[Gone]:
    """Opt-outs of the number sought and of the numbers found."""
    numbers = {message.number for message in messages}
    digits, _whole = read_digits(sought)
    if digits:
        numbers.add("+" + digits)
    rows = OptOut.objects.filter(workspace_id=membership.workspace_id, number__in=numbers)
    mine = {
        m.number for m in messages if membership.can("campaigns.read_numbers", m.campaign.author_id)
    }
    found = rows.order_by("-at")[:MESSAGES]
    return [Gone(row, row.number if row.number in mine else mask(row.number)) for row in found]
