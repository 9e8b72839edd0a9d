"""Sender IDs: list, register, review."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import SignedIn, requires
from accounts.models import AuditEvent
from senders import history, registering, reviewing
from senders.forms import ReasonForm, RecordForm, RegisterForm, by_name
from senders.models import ENDED, MOVES, RegistrationState, SenderID, SenderState, WrongSenderState
from senders.registration_views import rows_of
from senders.rules import RULES
from sms.sender_id import is_generic

PAGE = 50
DONE = {
    "approve": gettext_lazy("%(value)s is approved. Campaigns can use it now."),
    "reject": gettext_lazy("%(value)s is rejected. The person who registered it is told why."),
    "withdraw": gettext_lazy("%(value)s is withdrawn. No campaign can use it any more."),
}


def _actions(sender: SenderID, membership: Any) -> list[str]:
    """What this person may do to it now."""
    legal = [action for action, (origins, _to) in MOVES.items() if sender.state in origins]
    needs = {"resubmit": "senders.request"}
    return [name for name in legal if membership.can(needs.get(name, "senders.decide"))]


@requires("senders.view")
def sender_list(request: SignedIn) -> HttpResponse:
    """Sender IDs by state, in the order of their names."""
    rows = SenderID.objects.for_user(request.user).order_by("value")
    counts = dict(rows.order_by().values_list("state").annotate(n=Count("pk")))
    state = request.GET.get("state", "")
    if state in SenderState.values:
        rows = rows.filter(state=state)
    after = request.GET.get("after", "")[:15].replace("\x00", "")
    rows = rows.filter(value__gt=after).select_related("requested_by", "decided_by")
    found = list(rows.prefetch_related("registrations")[: PAGE + 1])
    tabs = [("", _("All"), sum(counts.values()))]
    tabs += [(value, str(label), counts.get(value, 0)) for value, label in SenderState.choices]
    shown = {"state": state} if state else {}
    more = {**shown, "after": found[PAGE - 1].value} if len(found) > PAGE else {}
    context = {
        "senders": [(sender, _countries(request, sender)) for sender in found[:PAGE]],
        "tabs": tabs, "state": state,
        "first_url": f"?{urlencode(shown)}" if after else "",
        "next_url": f"?{urlencode(more)}" if more else "",
        "may_request": request.membership.can("senders.request"),
    }  # fmt: skip
    return render(request, "senders/list.html", context)


def _countries(request: SignedIn, sender: SenderID) -> list[tuple[str, str, str]]:
    """Its countries with their states today, what has ended first."""
    day = registering.today(request.membership.workspace, timezone.now())
    found = [(row.country, row.state_on(day)) for row in sender.registrations.all()]
    ordered = sorted(found, key=lambda one: (one[1] not in ENDED, one[0]))
    return [(code, state, str(RegistrationState(state).label)) for code, state in ordered]


@requires("senders.request")
def register(request: SignedIn) -> HttpResponse:
    """Ask for a sender ID; an admin decides on it."""
    workspace = request.membership.workspace
    form = RegisterForm(request.POST or None, workspace=workspace)
    if request.method == "POST" and form.is_valid():
        try:
            countries = form.cleaned_data["countries"]
            reviewing.register(form.instance, workspace, request.user, countries)
        except IntegrityError:
            form.add_error("value", _("Somebody registered it a moment ago."))
        else:
            given = {"value": form.instance.value}
            messages.success(request, _("%(value)s is sent for review.") % given)
            return redirect("senders:detail", form.instance.key)
    rules = [RULES[code] for code, _name in by_name(RULES)]
    return render(request, "senders/record.html", {"form": form, "rules": rules})


@requires("senders.view")
def detail(request: SignedIn, key: UUID) -> HttpResponse:
    """One sender ID: its record, its history, and what this person may do."""
    rows = SenderID.objects.for_user(request.user)
    rows = rows.select_related("requested_by", "decided_by", "workspace")
    sender = get_object_or_404(rows, key=key)
    can = request.membership.can
    events = AuditEvent.objects.for_user(request.user)
    events = events.filter(object_type="senders.senderid", object_id=str(sender.pk))
    context = {
        "sender": sender,
        "generic": is_generic(sender.value),
        "steps": history.steps(events.select_related("actor").order_by("-pk")[:100]),
        "actions": _actions(sender, request.membership),
        "countries": rows_of(
            sender, may_request=can("senders.request"), may_decide=can("senders.decide")
        ),
        "may_request": can("senders.request"),
    }
    return render(request, "senders/detail.html", context)


@requires("senders.decide")
def decide(request: SignedIn, key: UUID, action: str) -> HttpResponse:
    """Ask, then approve, reject or withdraw. A no has a reason."""
    if action not in DONE:
        raise Http404
    sender = get_object_or_404(SenderID.objects.for_user(request.user), key=key)
    if sender.state not in MOVES[action][0]:
        return _too_late(request, sender)
    form = ReasonForm(request.POST or None) if action != "approve" else None
    if request.method == "POST" and (form is None or form.is_valid()):
        reason = form.cleaned_data["reason"] if form else ""
        try:
            reviewing.decide(sender, action, request.user, reason)
        except WrongSenderState:
            return _too_late(request, sender)
        messages.success(request, DONE[action] % {"value": sender.value})
        return redirect("senders:detail", key)
    context = {
        "sender": sender, "form": form, "generic": is_generic(sender.value),
        "back_url": reverse("senders:detail", args=[key]),
    }  # fmt: skip
    return render(request, f"senders/{action}.html", context)


def _too_late(request: SignedIn, sender: SenderID) -> HttpResponse:
    sender.refresh_from_db()
    said = _("Nothing was changed: %(value)s is “%(state)s” by now.")
    given = {"value": sender.value, "state": sender.get_state_display()}
    messages.error(request, said % given)
    return redirect("senders:detail", sender.key)


@requires("senders.request")
def resubmit(request: SignedIn, key: UUID) -> HttpResponse:
    """Mend the record of a rejected or withdrawn one and send it to review again."""
    sender = get_object_or_404(SenderID.objects.for_user(request.user), key=key)
    if sender.state not in MOVES["resubmit"][0]:
        return _too_late(request, sender)
    form = RecordForm(request.POST or None, instance=sender)
    if request.method == "POST" and form.is_valid():
        try:
            reviewing.resubmit(form.instance, request.user)
        except WrongSenderState:
            return _too_late(request, sender)
        sent = _("%(value)s is sent for review again.")
        messages.success(request, sent % {"value": sender.value})
        return redirect("senders:detail", key)
    return render(request, "senders/record.html", {"form": form, "sender": sender})
