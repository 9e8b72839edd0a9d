"""Countries of a sender ID: asked for, submitted, and what their registries answered."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import SignedIn, requires
from senders import registering
from senders.forms import ApprovalForm, CountryForm, ReasonForm
from senders.models import Registration, SenderID, WrongSenderState
from senders.rules import RULES, Rule
from sms.countries import country_name


@dataclass(frozen=True, slots=True)
class Question:
    """How a move is asked for: heading, what it means, and its button."""

    title: str | Promise
    body: str | Promise
    button: str | Promise
    is_stop: bool = False


_t = gettext_lazy
ASKED = {
    "submit": Question(
        _t("Submit %(value)s for %(country)s?"),
        _t("An admin brings it to the registry or the carrier and writes down the answer."),
        _t("Submit"),
    ),
    "review": Question(
        _t("Is %(value)s in review in %(country)s?"),
        _t("The registry or the carrier has it and has not decided yet."),
        _t("Mark as in review"),
    ),
    "approve": Question(
        _t("Was %(value)s approved in %(country)s?"),
        _t("Write down what the registry answered. Campaigns show it as registered from now on."),
        _t("Record the approval"),
    ),
    "renew": Question(
        _t("Was %(value)s renewed in %(country)s?"),
        _t("Write down the new date. Without one it is valid until it is revoked."),
        _t("Record the renewal"),
    ),
    "reject": Question(
        _t("Was %(value)s rejected in %(country)s?"),
        _t("Nothing is sent to this country under the name until it is registered again."),
        _t("Record the rejection"),
        is_stop=True,
    ),
    "revoke": Question(
        _t("Was %(value)s revoked in %(country)s?"),
        _t("Campaigns that send there under the name hold these messages within seconds."),
        _t("Record the revocation"),
        is_stop=True,
    ),
}
RECORDED = frozenset(ASKED) - {"submit"}


@dataclass(frozen=True, slots=True)
class Row:
    """One country of a sender ID as a page shows it."""

    registration: Registration
    state: str
    rule: Rule | None
    acts: list[str]


def rows_of(sender: SenderID, *, may_request: bool, may_decide: bool) -> list[Row]:
    """Every country of *sender* by name, with the moves this person may make now."""
    day = registering.today(sender.workspace, timezone.now())
    allowed = (RECORDED if may_decide else frozenset()) | ({"submit"} if may_request else set())
    found = sorted(sender.registrations.all(), key=lambda row: country_name(row.country))
    return [
        Row(
            row, row.state_on(day), RULES.get(row.country),
            [act for act in registering.offered(row, day) if act in allowed],
        )
        for row in found
    ]  # fmt: skip


@requires("senders.view")
def rules(request: SignedIn) -> HttpResponse:
    """What countries ask of a sender ID, with how sure that is."""
    ordered = sorted(RULES.values(), key=lambda rule: country_name(rule.country))
    return render(request, "senders/rules.html", {"rules": ordered})


@requires("senders.request")
def add(request: SignedIn, key: UUID) -> HttpResponse:
    """Ask for one more country: kept as a draft, or submitted at once."""
    sender = _sender(request, key)
    taken = set(sender.registrations.values_list("country", flat=True))
    form = CountryForm(request.POST or None, taken=taken)
    if request.method == "POST" and form.is_valid():
        country = form.cleaned_data["country"]
        registering.add(sender, [country], request.user, form.cleaned_data["note"])
        if request.POST.get("then") == "submit":
            registering.submit_drafts(sender, request.user, [country])
        given = {"country": _(country_name(country)), "value": sender.value}
        messages.success(request, _("%(country)s is added to %(value)s.") % given)
        return redirect("senders:detail", key)
    return render(request, "senders/country_add.html", {"sender": sender, "form": form})


@requires("senders.request")
def submit(request: SignedIn, key: UUID, country: str) -> HttpResponse:
    """Submit a country, the first time or again after a no."""
    return _move(request, _registration(request, key, country), "submit", forms.Form())


@requires("senders.decide")
def record(request: SignedIn, key: UUID, country: str, action: str) -> HttpResponse:
    """Write down what the registry did: in review, approved, renewed, rejected, revoked."""
    if action not in RECORDED:
        raise Http404
    registration = _registration(request, key, country)
    form: forms.BaseForm = forms.Form(request.POST or None)
    if action in ("reject", "revoke"):
        form = ReasonForm(request.POST or None)
    elif action in ("approve", "renew"):
        today = registering.today(registration.sender.workspace, timezone.now())
        form = ApprovalForm(request.POST or None, instance=registration, today=today)
    return _move(request, registration, action, form)


def _move(
    request: SignedIn, registration: Registration, action: str, form: forms.BaseForm
) -> HttpResponse:
    """Ask, then move; whoever comes too late is told what it is by now."""
    sender = registration.sender
    given = {"value": sender.value, "country": _(country_name(registration.country))}
    now = timezone.now()
    fresh = Registration.objects.get(pk=registration.pk)
    if action not in registering.offered(fresh, registering.today(sender.workspace, now)):
        return _too_late(request, registration, given)
    if request.method == "POST" and (not form.fields or form.is_valid()):
        fresh.sender = sender
        try:
            registering.move(fresh, action, request.user, **getattr(form, "cleaned_data", {}))
        except WrongSenderState:
            return _too_late(request, registration, given)
        said = _("%(value)s in %(country)s: %(state)s.")
        state = fresh.get_state_display()
        messages.success(request, said % {**given, "state": str(state).lower()})
        return redirect("senders:detail", sender.key)
    asked = ASKED[action]
    context = {
        "title": str(asked.title) % given, "asked": asked, "form": form, "sender": sender,
        "rule": RULES.get(registration.country), "back_url": _detail(sender),
    }  # fmt: skip
    return render(request, "senders/country_move.html", context)


def _too_late(request: SignedIn, registration: Registration, given: dict[str, str]) -> HttpResponse:
    state = Registration.objects.get(pk=registration.pk).get_state_display()
    said = _("Nothing was changed: %(value)s in %(country)s is “%(state)s” by now.")
    messages.error(request, said % {**given, "state": state})
    return redirect("senders:detail", registration.sender.key)


def _detail(sender: SenderID) -> str:
    return reverse("senders:detail", args=[sender.key])


def _sender(request: SignedIn, key: UUID) -> SenderID:
    rows = SenderID.objects.for_user(request.user).select_related("workspace")
    return get_object_or_404(rows, key=key)


def _registration(request: SignedIn, key: UUID, country: str) -> Registration:
    rows = Registration.objects.filter(sender=_sender(request, key))
    rows = rows.select_related("sender__workspace", "sender__requested_by")
    return get_object_or_404(rows, country=country)
