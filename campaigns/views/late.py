"""The answer to a page of a draft that was submitted or cancelled after the page was opened."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.access import SignedIn
from accounts.models import AuditEvent
from campaigns import controlling
from campaigns.forms import CampaignForm, typed
from campaigns.models import Campaign
from campaigns.models.campaign import ScenarioType
from sms.text import normalise

ENDS = ("campaign.submit", "campaign.cancel")
LINES = (
    "scenario", "name", "sender", "content", "manual_numbers", "cost_centre", "date", "time",
    "time_zone",
)  # fmt: skip


def answer(request: SignedIn, campaign: Campaign, form: CampaignForm) -> HttpResponse:
    """When and by whom it was submitted, and whatever was typed here that it does not hold.

    Whoever typed nothing new is led to the campaign.
    """
    context: dict[str, Any] = {
        "campaign": campaign,
        "event": _end(campaign),
        "acts": controlling.offered(campaign, request.membership),
    }
    if request.htmx:  # type: ignore[attr-defined]
        response = render(request, "campaigns/_too_late.html", context)
        response["HX-Reswap"] = "none"
        return response
    lost = _lost(request, campaign, form)
    if not lost:
        messages.warning(request, _("This campaign is no draft any more. Nothing was changed."))
        return redirect("campaigns:detail", campaign.key)
    return render(request, "campaigns/too_late.html", context | {"lost": lost}, status=409)


def _end(campaign: Campaign) -> AuditEvent | None:
    rows = AuditEvent.objects.filter(
        object_type="campaigns.campaign", object_id=str(campaign.pk), action__in=ENDS
    )
    return rows.select_related("actor").order_by("-pk").first()


def _lost(request: SignedIn, campaign: Campaign, form: CampaignForm) -> list[tuple[Any, str]]:
    """Each field that says something else than the campaign does, with what was typed."""
    stored = typed(campaign)
    skipped = () if "is_scheduled" in request.POST else ("date", "time", "time_zone")
    given = {name: request.POST[name] for name in LINES if name in request.POST}
    found: list[tuple[Any, str]] = [
        (form.fields[name].label, _shown(form, name, text))
        for name, text in given.items()
        if name not in skipped and _plain(text) != _plain(stored[name])
    ]
    if file := request.FILES.get("file"):
        found.append((form.fields["file"].label, file.name or ""))
    return found


def _plain(text: str) -> str:
    return normalise(text.replace("\x00", "")).strip()


def _shown(form: CampaignForm, name: str, text: str) -> str:
    if name == "sender":
        sender = form.cleaned_data.get("sender")
        return sender.value if sender else ""
    return str(dict(ScenarioType.choices).get(text, text)) if name == "scenario" else text
