"""Messages in doubt: a page that asks what they count as from now on, and the act."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.access import SignedIn, check, requires
from accounts.models import Job
from campaigns import reading, resolving, tasks
from campaigns.models import Campaign
from campaigns.questions import ResolveForm
from campaigns.resolving import Decision
from campaigns.sending import asking
from campaigns.states import MessageState
from campaigns.views.detail import find_campaign, posted
from sms.gateways.base import CarrierClass

CLASSES = {
    CarrierClass.IDEMPOTENT: gettext_lazy(
        "It knows a message by its reference and takes it only once."
    ),
    CarrierClass.QUERYABLE: gettext_lazy("It says what became of a message when it is asked."),
    CarrierClass.RECEIPTS: gettext_lazy(
        "It cannot be asked, but a receipt names the message it is about."
    ),
    CarrierClass.BLIND: gettext_lazy(
        "It cannot be asked, and its receipts do not know our reference."
    ),
}


@requires("campaigns.resolve")
@require_http_methods(["GET", "POST"])
def resolve(request: SignedIn, key: UUID) -> HttpResponse:
    """Decide about all messages in doubt that the person saw; to queue again needs more rights."""
    campaign = find_campaign(request, key)
    check(request, "campaigns.resolve", campaign.author_id)
    if request.POST.get("decision") == Decision.QUEUE:
        check(request, "campaigns.queue_doubts", campaign.author_id)
    if campaign.carrier is None:
        return _nothing(request, campaign)
    form = ResolveForm(posted(request), choices=_choices(request, campaign))
    if request.method == "GET" or not form.is_valid():
        return _ask(request, campaign, form)
    given = form.cleaned_data
    try:
        job = resolving.decide(
            campaign, Decision(given["decision"]), request.user, given["reason"],
            seen=given["seen"], asked=given["asked"],
        )  # fmt: skip
    except resolving.MoreInDoubt:
        form.add_error(None, _("More messages came into doubt meanwhile. Look at them again."))
        return _ask(request, campaign, form)
    messages.success(request, _carry_out(job))
    return redirect("campaigns:detail", campaign.key)


def _choices(request: SignedIn, campaign: Campaign) -> list[tuple[str, str]]:
    """What this person may decide about the messages of this campaign."""
    offered = {Decision.SENT, Decision.LEAVE}
    if resolving.can_answer(campaign):
        offered.add(Decision.LOOK_UP)
    may = request.membership.can("campaigns.queue_doubts", campaign.author_id)
    if may and resolving.may_queue(campaign):
        offered.add(Decision.QUEUE)
    return [(each.value, str(each.label)) for each in Decision if each in offered]


def _ask(request: SignedIn, campaign: Campaign, form: ResolveForm) -> HttpResponse:
    doubts = resolving.doubts(campaign)
    if not doubts.count:
        return _nothing(request, campaign)
    context = {
        "campaign": campaign,
        "form": form,
        "doubts": doubts,
        "offered": [value for value, _label in _choices(request, campaign)],
        "chosen": request.POST.get("decision", ""),
        "about_carrier": CLASSES[asking.class_of(campaign)],
        "shows_cost": reading.shows_cost(campaign, request.membership),
        "back_url": redirect("campaigns:detail", campaign.key).url,
    }
    return render(request, "campaigns/ask_resolve.html", context)


def _nothing(request: SignedIn, campaign: Campaign) -> HttpResponse:
    messages.info(request, _("No message of this campaign is in doubt any more."))
    return redirect("campaigns:detail", campaign.key)


def _carry_out(job: Job) -> str:
    """At once if there are few; answer what happened, or what will."""
    if job.options["decision"] == Decision.LOOK_UP:
        _ring(job)
        return _("The carrier is asked now. What it answers stands here within a minute or two.")
    if not resolving.is_small(job):
        _ring(job)
        return _("This goes on in the background. You get a notice when it is done.")
    resolving.run(job.pk)
    job.refresh_from_db()
    return _said(resolving.counts(job))


def _ring(job: Job) -> None:
    transaction.on_commit(lambda: tasks.resolve_doubts.delay(job.pk), robust=True)


def _said(found: dict[str, int]) -> str:
    """What became of them, in a sentence."""
    parts = [
        (MessageState.ACCEPTED, _("%(n)s marked as sent")),
        (MessageState.QUEUED, _("%(n)s queued again")),
        (MessageState.CANCELLED, _("%(n)s marked as not sent")),
        (resolving.BUSY, _("%(n)s still in doubt, as others of their batch are just being sent")),
        (resolving.GONE, _("%(n)s had news from the carrier or from somebody else meanwhile")),
    ]
    told = [words % {"n": f"{found[name]:,}"} for name, words in parts if found.get(name)]
    return ", ".join(told) + "." if told else _("Nothing was left to do.")
