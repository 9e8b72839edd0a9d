"""Create Campaign: the form, its draft, the side panel beside it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import SignedIn, check, requires
from campaigns import cautions, destinations, drafting, estimating, fitting, revealing, tasks
from campaigns.forms import WALL, CampaignForm, typed
from campaigns.importing import samples
from campaigns.models import Campaign, WrongState
from campaigns.models.campaign import MANUAL_MAX, Source
from campaigns.views import late
from senders.models import SenderID
from sms.countries import country_name
from sms.sender_id import is_generic

# Without any of these there is nothing of a campaign: a zone or a date alone is no draft.
GIVEN = ("scenario", "name", "sender", "content", "manual_numbers", "cost_centre", "next")
SAMPLE_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


@require_http_methods(["GET", "POST"])
@requires("campaigns.create")
def create(request: SignedIn) -> HttpResponse:
    """An empty form with a fresh key; the key makes a repeated POST find the same draft."""
    if request.method == "POST":
        return save(request, _key(request.POST.get("key")))
    campaign = _unsaved(request, uuid.uuid4())
    form = CampaignForm(initial=typed(campaign), campaign=campaign)
    return page(request, campaign, form)


def _unsaved(request: SignedIn, key: uuid.UUID) -> Campaign:
    return Campaign(
        workspace=request.membership.workspace, author=request.user, key=key,
        time_zone=request.user.time_zone,
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
@requires("campaigns.edit")
def edit(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """A draft. With ``?check=1`` the page says what it still lacks."""
    if request.method == "POST":
        return save(request, key)
    campaign = draft(request, key)
    if not campaign.is_editable:
        return redirect("campaigns:detail", key)
    is_masked = _is_masked(request, campaign)
    form = CampaignForm(initial=typed(campaign), campaign=campaign, is_masked=is_masked)
    if "check" in request.GET:
        form = CampaignForm.of(campaign, is_masked=is_masked)
    return page(request, campaign, form)


def _is_masked(request: SignedIn, campaign: Campaign) -> bool:
    """Whether the typed numbers are somebody else's, and not revealed to this person."""
    if campaign.author_id == request.user.pk:
        return False
    return bool(campaign.manual_numbers.strip()) and not revealing.is_open(campaign, request.user)


def save(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """Keep whatever was typed, then do what the pressed button says."""
    campaign, form = opened(request, key)
    if refusal := keep(request, campaign, form):
        return refusal
    if request.htmx:  # type: ignore[attr-defined]
        return _autosaved(request, campaign, form)
    if request.POST.get("next") == "review":
        return _to_review(request, campaign, form)
    if request.POST.get("next") == "test":
        return redirect("campaigns:send_test", key)
    if form.lost() or "wall" in request.POST or campaign.pk is None:
        form.only(*form.lost(), "date", "time", "time_zone", "fold")
        return page(request, campaign, form)
    messages.success(request, _("Draft saved."))
    return redirect("campaigns:edit", key)


def opened(
    request: SignedIn, key: uuid.UUID, *, has_file: bool = False
) -> tuple[Campaign, CampaignForm]:
    """The draft that a form was posted for, with what was typed; made once there is something to
    keep or somebody pressed a button of the form.
    """
    is_empty = not (has_file or any(request.POST.get(name) for name in GIVEN))
    if is_empty and not drafting.is_kept(key):
        campaign = _unsaved(request, key)
    else:
        campaign = drafting.open_draft(request.user, key, _tab(request))
    check(request, "campaigns.edit", campaign.author_id)
    is_masked = _is_masked(request, campaign)
    return campaign, CampaignForm(_posted(request), campaign=campaign, is_masked=is_masked)


def keep(request: SignedIn, campaign: Campaign, form: CampaignForm) -> HttpResponse | None:
    """Store what was typed; the answer to give if that could not be done."""
    seen = request.POST.get("over") or request.POST.get("version")
    kept = form.kept()
    if campaign.pk is None:
        return None
    try:
        drafting.save(campaign, kept, request.user, seen=seen, tab=_tab(request))
    except WrongState:
        return late.answer(request, campaign, form)
    except drafting.Changed:
        return _changed(request, campaign, form, seen or "")
    return None


def _changed(request: SignedIn, campaign: Campaign, form: CampaignForm, seen: str) -> HttpResponse:
    """Somebody wrote the draft meanwhile: everything typed stays on the page, nothing is stored."""
    form.only()
    if not request.htmx:  # type: ignore[attr-defined]
        return page(request, campaign, form, is_changed=True, version=seen)
    context = {"campaign": campaign, "newer": drafting.version(campaign)}
    response = render(request, "campaigns/_not_saved.html", context)
    response["HX-Reswap"] = "none"
    return response


def page(request: SignedIn, campaign: Campaign, form: CampaignForm, **more: Any) -> HttpResponse:
    """The whole page for one draft."""
    senders = SenderID.objects.for_user(request.user)
    source = campaign.recipients
    context = {
        "form": form,
        "campaign": campaign,
        "list": source if source and not source.is_manual else None,
        "waiting_senders": senders.filter(state="pending").count(),
        "has_senders": senders.usable().exists(),
        "manual_max": MANUAL_MAX,
        "has_data": _has_data(campaign),
        "samples": preview(campaign),
        "variables": _columns(campaign),
        "used_before": drafting.used_before(campaign),
        "version": drafting.version(campaign),
        "newer": drafting.version(campaign),
        "tab": _tab(request) or str(uuid.uuid4()),
        **_typed_numbers(request, campaign, form),
        **panel(request, campaign, form),
        **more,
    }
    return render(request, "campaigns/create.html", context)


def _typed_numbers(request: SignedIn, campaign: Campaign, form: CampaignForm) -> dict[str, Any]:
    """Numbers that somebody else typed, masked, unless the page had a field for them; or until
    when they are revealed.
    """
    is_own = campaign.author_id == request.user.pk
    shown_until = None if is_own else revealing.shown_until(campaign, request.user)
    is_masked = form.is_masked and "manual_numbers" not in request.POST
    return {
        "masked": drafting.masked_numbers(campaign) if is_masked else [],
        "shown_until": shown_until,
        "ask_again_in": revealing.seconds_left(shown_until),
    }


def panel(request: SignedIn, campaign: Campaign, form: CampaignForm) -> dict[str, Any]:
    """What the side panel and the schedule hint show; a long count is rung for, not made."""
    is_file = bool(campaign.pk) and campaign.source == Source.IMPORT and _has_data(campaign)
    is_typed = campaign.source == Source.MANUAL
    estimate = estimating.estimate(campaign) if is_file else None
    estimate = estimating.estimate_typed(campaign) if is_typed else estimate
    at = form.send_at or campaign.send_at or timezone.now()
    is_counting = is_file and estimating.needs_task(campaign)
    if is_counting and estimating.should_ring(campaign):
        transaction.on_commit(lambda: tasks.count_campaign.delay(campaign.pk), robust=True)
    return {
        "estimate": estimate,
        "fit": fitting.fit(campaign, estimate, at) if estimate else None,
        "is_counting": is_counting,
        "cautions": cautions.cautions(campaign, estimate),
        "standing": destinations.standing(campaign, destinations.countries(campaign)),
        "send_at": form.send_at or campaign.send_at,
        "gap": form.gap,
        "twice": form.twice,
        "zone": campaign.time_zone,
        "is_generic": bool(campaign.sender and is_generic(campaign.sender.value)),
        "currency": request.membership.workspace.currency,
    }


def preview(campaign: Campaign) -> list[dict[str, Any]]:
    """Recipients for the phone preview, in the words compose.js shows."""
    shown = []
    for found in estimating.samples(campaign) if campaign.pk else []:
        country = _(country_name(found["country"]))
        words = {"row": found["row"], "country": country}
        where = _("%(country)s · number %(row)d") % words
        if campaign.source == Source.IMPORT:
            where = _("%(country)s · row %(row)d of the file") % words
        shown.append({"who": found["who"], "where": where, "values": found["values"]})
    return shown


def draft(request: SignedIn, key: uuid.UUID) -> Campaign:
    """A campaign of the person's workspace that they may edit; 404 or 403 otherwise."""
    rows = Campaign.objects.for_user(request.user).select_related(
        "workspace", "sender", "recipients", "author"
    )
    campaign = get_object_or_404(rows, key=key)
    check(request, "campaigns.edit", campaign.author_id)
    return campaign


@require_GET
@requires("campaigns.edit")
def side(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """The side panel alone, asked for again and again while a long list is counted."""
    campaign = draft(request, key)
    form = CampaignForm(initial=typed(campaign), campaign=campaign)
    context = {"campaign": campaign, "form": form, **panel(request, campaign, form)}
    return render(request, "campaigns/_counted.html", context)


@require_http_methods(["GET", "POST"])
@requires("campaigns.edit")
def sample(request: SignedIn, key: uuid.UUID, kind: str) -> HttpResponse:
    """Download Sample, made for the content as it stands in the form; a POST keeps the form."""
    if kind not in SAMPLE_TYPES:
        raise Http404
    if request.method == "POST":
        campaign, form = opened(request, key)
        if refusal := keep(request, campaign, form):
            return refusal
    else:
        campaign = draft(request, key)
    names = drafting.variables_of(campaign.content)
    response = HttpResponse(samples.sample(names, kind, translate=_))
    response["Content-Type"] = SAMPLE_TYPES[kind]
    response["Content-Disposition"] = attachment(f"{campaign.name or 'sample'}.{kind}")
    return response


@require_http_methods(["GET", "POST"])
@requires("campaigns.edit")
def switch(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """Ask before the present list is dropped for the other way of giving numbers."""
    campaign = draft(request, key)
    back = reverse("campaigns:edit", args=[key])
    to = Source.MANUAL if campaign.source == Source.IMPORT else Source.IMPORT
    if request.method == "POST":
        try:
            drafting.switch(campaign, to, request.user)
        except WrongState:
            return gone(request, campaign)
        return redirect(f"{back}#recipients")
    context = {"campaign": campaign, "to": to, "back_url": f"{back}#recipients"}
    return render(request, "campaigns/switch.html", context)


def attachment(name: str) -> str:
    """Content-Disposition for a download, in the form of RFC 6266."""
    return content_disposition_header(as_attachment=True, filename=name) or "attachment"


def _tab(request: SignedIn) -> str:
    """The name the page gave itself, if it is one of ours."""
    try:
        return str(uuid.UUID(request.POST.get("tab", "")))
    except ValueError:
        return ""


def _key(text: str | None) -> uuid.UUID:
    try:
        return uuid.UUID(text or "")
    except ValueError as error:
        raise Http404 from error


def _posted(request: SignedIn) -> Any:
    """What was typed; a suggested wall time that was clicked takes the place of the typed one."""
    data = request.POST.copy()
    wall = str(data.get("wall", ""))
    if WALL.fullmatch(wall):
        data["date"], _t, data["time"] = wall.partition("T")
        data["fold"] = ""
    return data


def _autosaved(request: SignedIn, campaign: Campaign, form: CampaignForm) -> HttpResponse:
    lost = [form.fields[name].label for name in form.lost()]
    context = {
        "campaign": campaign, "form": form, "lost": lost, "version": drafting.version(campaign),
        **panel(request, campaign, form),
    }  # fmt: skip
    response = render(request, "campaigns/_saved.html", context)
    if campaign.pk:
        response["HX-Replace-Url"] = reverse("campaigns:edit", args=[campaign.key])
    return response


def _to_review(request: SignedIn, campaign: Campaign, form: CampaignForm) -> HttpResponse:
    if drafting.needs_columns(campaign) or drafting.needs_optouts(campaign):
        try:
            source = drafting.check_again(campaign, request.user)
        except WrongState:
            return gone(request, campaign)
        if source is not None:
            transaction.on_commit(lambda: tasks.check_import.delay(source.pk), robust=True)
            messages.info(request, _("The file is checked again for the present content."))
            return redirect("campaigns:numbers", campaign.key)
    if not form.is_valid():
        return page(request, campaign, form)
    return redirect("campaigns:review", campaign.key)


def gone(request: SignedIn, campaign: Campaign) -> HttpResponse:
    """The campaign was submitted or cancelled meanwhile: show what it is now."""
    messages.warning(request, _("This campaign is no draft any more. Nothing was changed."))
    url = reverse("campaigns:detail", args=[campaign.key])
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def _has_data(campaign: Campaign) -> bool:
    """Whether switching the way of giving numbers would drop something."""
    if campaign.source == Source.MANUAL:
        return bool(campaign.manual_numbers.strip())
    return campaign.recipients is not None and not campaign.recipients.is_manual


def _columns(campaign: Campaign) -> list[str]:
    """Columns of the file that may be variables: those in use, then those that are not."""
    source = campaign.recipients
    if source is None or source.is_manual:
        return []
    return [*source.variables, *source.about.get("unused", ())][:40]
