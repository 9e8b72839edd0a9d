"""Acts on a campaign. Each is a page that asks (GET) and acts (POST), shown as a dialog."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedIn, check, requires
from billing import headroom
from campaigns import controlling, reading, tasks
from campaigns.announcing import announce
from campaigns.models import Campaign, CampaignTally, PauseReason, WrongState
from campaigns.questions import NeededReasonForm, ReasonForm, StopForm
from campaigns.states import CAMPAIGN_MOVES, Hold
from campaigns.views.detail import find_campaign, posted

asks = require_http_methods(["GET", "POST"])


def _campaign(request: SignedIn, key: UUID, permission: str) -> Campaign:
    """The campaign, if the person may do this to it: else 404 or 403."""
    campaign = find_campaign(request, key)
    check(request, permission, campaign.author_id)
    return campaign


def _ask(
    request: SignedIn, campaign: Campaign, action: str, form: forms.Form, **more: Any
) -> HttpResponse:
    """The question, with the numbers it is about; or why it comes too late."""
    if not controlling.is_due(campaign, action):
        return _too_late(request, campaign, action)
    result = reading.result_of(campaign, list(CampaignTally.objects.filter(campaign=campaign)))
    context = {"campaign": campaign, "form": form, "result": result, **more}
    context["back_url"] = _details(campaign).url
    context["planned"] = reading.planned(campaign)
    return render(request, f"campaigns/ask_{action}.html", context)


def _too_late(request: SignedIn, campaign: Campaign, action: str) -> HttpResponse:
    """Done already: the same page as after doing it. Else a sentence that says why not."""
    campaign.refresh_from_db(fields=["state", "send_at", "pause_reason"])
    if campaign.state == CAMPAIGN_MOVES[action][1]:
        return _details(campaign)
    membership = request.membership
    context = {
        "campaign": campaign,
        "why": controlling.why_not(campaign, action),
        "acts": controlling.offered(campaign, membership),
        "action": action,
    }
    status = 409 if request.method == "POST" else 200
    return render(request, "campaigns/refused.html", context, status=status)


def _details(campaign: Campaign) -> Any:
    return redirect("campaigns:detail", campaign.key)


def _ring(campaign: Campaign) -> None:
    """Tell the sender at once; a lost bell costs seconds, so it never fails the act."""
    transaction.on_commit(lambda: tasks.ring.delay(campaign.pk), robust=True)


@requires("campaigns.cancel")
@asks
def cancel(request: SignedIn, key: UUID) -> HttpResponse:
    """Cancel a draft, or a scheduled campaign until 5 minutes before its start."""
    campaign = _campaign(request, key, "campaigns.cancel")
    form = ReasonForm(posted(request))
    if request.method == "GET" or not form.is_valid():
        return _ask(request, campaign, "cancel", form)
    said = {"reason": form.cleaned_data["reason"]}
    try:
        campaign.move("cancel", by=request.user, ended_at=timezone.now(), audit=said)
    except WrongState:
        return _too_late(request, campaign, "cancel")
    messages.success(request, _("Cancelled. Nothing was sent."))
    return _details(campaign)


@requires("campaigns.edit")
@asks
def take_back(request: SignedIn, key: UUID) -> HttpResponse:
    """Make a scheduled campaign a draft again, under the same rule as cancelling."""
    campaign = _campaign(request, key, "campaigns.edit")
    form = ReasonForm(posted(request))
    if request.method == "GET" or not form.is_valid():
        return _ask(request, campaign, "edit", form)
    try:
        campaign.move("edit", by=request.user, audit={"reason": form.cleaned_data["reason"]})
    except WrongState:
        return _too_late(request, campaign, "edit")
    messages.success(request, _("It is a draft again and is not scheduled any more."))
    return redirect("campaigns:edit", campaign.key)


@requires("campaigns.pause")
@asks
def pause(request: SignedIn, key: UUID) -> HttpResponse:
    """Nothing more leaves until a person resumes it."""
    campaign = _campaign(request, key, "campaigns.pause")
    form = ReasonForm(posted(request))
    if request.method == "GET" or not form.is_valid():
        return _ask(request, campaign, "pause", form)
    said = {"reason": form.cleaned_data["reason"]}
    try:
        with transaction.atomic():
            campaign.move("pause", by=request.user, pause_reason=PauseReason.PERSON, audit=said)
            if campaign.author_id != request.user.pk:
                announce(campaign, "paused")
    except WrongState:
        return _too_late(request, campaign, "pause")
    messages.success(request, _("Paused. What has not left waits until you resume."))
    return _details(campaign)


@requires("campaigns.resume")
@asks
def resume(request: SignedIn, key: UUID) -> HttpResponse:
    """Let a paused campaign go on."""
    campaign = _campaign(request, key, "campaigns.resume")
    form = ReasonForm(posted(request))
    if request.method == "GET" or not form.is_valid():
        return _ask(request, campaign, "resume", form)
    changes: dict[str, Any] = {"pause_reason": "", "audit": {"reason": form.cleaned_data["reason"]}}
    if campaign.started_at is None:
        changes["started_at"] = timezone.now()
    try:
        with transaction.atomic():
            campaign.move("resume", by=request.user, **changes)
            controlling.free_held(campaign, Hold.SENDER)  # what still may not leave is held again
            _ring(campaign)
    except WrongState:
        return _too_late(request, campaign, "resume")
    messages.success(request, _("Resumed."))
    return _details(campaign)


@requires("campaigns.resume_suspended")
@asks
def resume_suspended(request: SignedIn, key: UUID) -> HttpResponse:
    """Let a suspended campaign go on as far as its thresholds have room; with a reason."""
    campaign = _campaign(request, key, "campaigns.resume_suspended")
    form = NeededReasonForm(posted(request))
    if request.method == "GET" or not form.is_valid():
        left = controlling.segments_left(campaign)
        every = headroom.meters(campaign.workspace)
        meters = [one for one in every if one.usage and one.place.country in ("", *left)]
        room = controlling.room_for(left, [one.usage for one in meters if one.usage])
        more = {"meters": meters, "room": room, "segments": sum(left.values())}
        return _ask(request, campaign, "resume_suspended", form, **more)
    said = {"reason": form.cleaned_data["reason"]}
    try:
        with transaction.atomic():
            campaign.move("resume_suspended", by=request.user, audit=said)
            controlling.free_held(campaign)
            _ring(campaign)
    except WrongState:
        return _too_late(request, campaign, "resume_suspended")
    messages.success(request, _("Resumed. It goes on as far as the thresholds have room."))
    return _details(campaign)


@requires("campaigns.stop")
@asks
def stop(request: SignedIn, key: UUID) -> HttpResponse:
    """End a campaign for good: what has not left becomes cancelled."""
    campaign = _campaign(request, key, "campaigns.stop")
    form = StopForm(posted(request))
    if request.method == "GET" or not form.is_valid():
        return _ask(request, campaign, "stop", form)
    left = reading.result_of(campaign, list(campaign.tallies.all())).left
    said = {"reason": form.cleaned_data["reason"], "left": left}
    try:
        with transaction.atomic():
            campaign.move("stop", by=request.user, ended_at=timezone.now(), audit=said)
            _ring(campaign)
    except WrongState:
        return _too_late(request, campaign, "stop")
    messages.success(request, _("Stopped. What had not left will not be sent."))
    return _details(campaign)
