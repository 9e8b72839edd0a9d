"""Reveal numbers: a page that asks for a reason, and the way back before the time is over."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import SignedIn, check, requires
from campaigns import clock, revealing
from campaigns.lookup import Filter
from campaigns.models import Campaign
from campaigns.questions import RevealForm
from campaigns.views.detail import find_campaign, posted


@requires(revealing.NEEDS)
@require_http_methods(["GET", "POST"])
def reveal(request: SignedIn, key: UUID) -> HttpResponse:
    """Whole numbers of this campaign for 15 minutes, for a reason that is kept."""
    campaign = find_campaign(request, key)
    check(request, revealing.NEEDS, campaign.author_id)
    form = RevealForm(posted(request))
    back = _back(request, campaign)
    if request.method == "GET" or not form.is_valid():
        context = {"campaign": campaign, "form": form, "back_url": back}
        return render(request, "campaigns/ask_reveal.html", context)
    revealing.reveal(campaign, request.user, form.cleaned_data["reason"], clock.now())
    return redirect(back)


@requires(revealing.NEEDS)
@require_POST
def hide(request: SignedIn, key: UUID) -> HttpResponse:
    """Mask the numbers again now."""
    campaign = find_campaign(request, key)
    check(request, revealing.NEEDS, campaign.author_id)
    revealing.hide(campaign, request.user)
    return redirect(_back(request, campaign))


def _back(request: SignedIn, campaign: Campaign) -> str:
    """Where the person came from: a draft, the refused rows, an export, else the table as
    filtered.
    """
    to = request.GET.get("to", "")
    if to in ("numbers", "edit"):
        return reverse(f"campaigns:{to}", args=[campaign.key])
    try:
        return reverse("campaigns:job", args=[UUID(to)])
    except ValueError:
        query = Filter.read(request.GET).address
        details = reverse("campaigns:detail", args=[campaign.key])
        return f"{details}{query and '?' + query}#phones"
