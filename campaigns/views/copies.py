"""Make a new draft from an old campaign: duplicate it, or resend to those it failed."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedIn, check, requires
from campaigns import controlling, copying, families, reading
from campaigns.copying import Resending
from campaigns.models import Campaign
from campaigns.models.campaign import Origin
from campaigns.questions import DuplicateForm, ResendForm
from campaigns.reading import Reading
from campaigns.views.detail import find_campaign, posted

asks = require_http_methods(["GET", "POST"])


def _ask(
    request: SignedIn, campaign: Campaign, template: str, form: Any, **more: Any
) -> HttpResponse:
    context = {"campaign": campaign, "form": form, **more}
    context["back_url"] = redirect("campaigns:detail", campaign.key).url
    return render(request, template, context)


@requires("campaigns.create")
@asks
def duplicate(request: SignedIn, key: UUID) -> HttpResponse:
    """A new draft with the content and settings, and the recipients if the person says so."""
    campaign = find_campaign(request, key)
    check(request, "campaigns.read_text", campaign.author_id)
    if campaign.texts_purged_at:
        return _refused(request, campaign, _not_kept(campaign))
    ready = campaign.recipients if campaign.recipients and campaign.recipients.is_ready else None
    form = DuplicateForm(posted(request), initial={"token": uuid.uuid4()})
    if request.method == "GET" or not form.is_valid():
        return _ask(request, campaign, "campaigns/ask_duplicate.html", form, recipients=ready)
    given = form.cleaned_data
    try:
        draft = copying.duplicate(
            campaign, request.user, given["token"], recipients=given["recipients"]
        )
    except copying.NoLongerKept:
        return _refused(request, campaign, _not_kept(campaign))
    messages.success(request, _("%(label)s is a copy of it.") % {"label": draft.label})
    return redirect("campaigns:edit", draft.key)


@requires("campaigns.create")
@asks
def resend(request: SignedIn, key: UUID) -> HttpResponse:
    """A linked draft to the numbers that failed for reasons a second try can overcome."""
    campaign = find_campaign(request, key)
    check(request, "campaigns.read_numbers", campaign.author_id)
    found = reading.read(campaign)
    rows = [row for row in found.reasons if row.resendable]
    sizes = copying.resending(campaign, {row.code for row in rows})
    token = {"token": uuid.uuid4()}
    form = ResendForm(posted(request), rows=rows, initial=token | _preset(request, found))
    if why := _why_not(request, campaign, sizes):
        return _refused(request, campaign, why)
    if request.method == "GET" or not form.is_valid():
        about = {"sizes": sizes, "earlier": _earlier(campaign)}
        return _ask(request, campaign, "campaigns/ask_resend.html", form, **about)
    given = form.cleaned_data
    try:
        draft = copying.resend(campaign, request.user, given["token"], given["reasons"])
    except copying.NoLongerKept:
        return _refused(request, campaign, _not_kept(campaign))
    except copying.NothingToResend:
        return _refused(request, campaign, _nobody())
    messages.success(request, _("Resend created as %(label)s.") % {"label": draft.label})
    return redirect("campaigns:edit", draft.key)


def _not_kept(campaign: Campaign) -> str:
    if campaign.texts_purged_at:
        return _("Its text and values are no longer kept. Create a new campaign.")
    if not campaign.numbers_purged_at:
        return _(
            "The phone numbers of another resend are no longer kept, so nobody knows whom it"
            " reached. Create a new campaign."
        )
    return _("Its phone numbers are no longer kept. Import the recipients again.")


def _nobody() -> str:
    return _("Nobody is left: they have opted out since, or another resend has reached them.")


def _why_not(request: SignedIn, campaign: Campaign, sizes: Resending) -> str:
    """What stands in the way of a resend; empty if nothing does."""
    if campaign.texts_purged_at or campaign.numbers_purged_at or families.is_forgotten(campaign):
        return _not_kept(campaign)
    if "resend" not in controlling.offered(campaign, request.membership):
        return _("Wait until the campaign is completed or stopped.")
    if sizes.numbers:
        return ""
    if sizes.reached:
        return _("Nobody is left: another resend has reached all of them or is about to.")
    return _("No message failed for a reason worth a second try.")


def _preset(request: SignedIn, found: Reading) -> dict[str, Any]:
    """The one reason whose button was clicked, else all of them."""
    reason = request.GET.get("reason")
    known = {row.code for row in found.reasons if row.resendable}
    return {"reasons": [reason]} if reason in known else {}


def _earlier(campaign: Campaign) -> QuerySet[Campaign]:
    return Campaign.objects.filter(parent=campaign, origin=Origin.RESEND).order_by("pk")


def _refused(request: SignedIn, campaign: Campaign, why: str) -> HttpResponse:
    context = {"campaign": campaign, "why": why, "acts": frozenset()}
    return render(request, "campaigns/refused.html", context)
