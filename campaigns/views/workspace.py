"""The workspace: its name, the borders of its days, its currency, how long it keeps what."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.access import SignedIn, requires
from accounts.models import Workspace
from accounts.workspaces import FIELDS
from billing import currencies
from billing.models import Rate
from campaigns import retention, zoning
from campaigns.models import Erasure, Retention
from campaigns.privacy_forms import WorkspaceForm

KINDS = {
    "uploads": gettext_lazy("Uploaded files"),
    "texts": gettext_lazy("Texts of messages"),
    "campaign_texts": gettext_lazy("Campaigns whose text went"),
    "numbers": gettext_lazy("Numbers of messages"),
    "campaign_numbers": gettext_lazy("Campaigns whose numbers went"),
    "drafts": gettext_lazy("Old drafts whose recipients went"),
    "values": gettext_lazy("Recipients' values"),
    "list_numbers": gettext_lazy("Recipients' numbers"),
    "refused_rows": gettext_lazy("Refused rows"),
    "receipts": gettext_lazy("Receipts"),
    "messages": gettext_lazy("Messages"),
    "recipients": gettext_lazy("Recipients"),
    "imports": gettext_lazy("Descriptions of files"),
    "typed": gettext_lazy("Typed lists"),
    "words": gettext_lazy("Reasons, notes, names and texts"),
    "notices": gettext_lazy("Notices"),
    "files": gettext_lazy("Exports and files of opt-outs"),
}


def told(counts: dict[str, int]) -> list[tuple[str, int]]:
    """What was deleted, in words, the kinds in a fixed order."""
    return [(str(words), counts[kind]) for kind, words in KINDS.items() if counts.get(kind)]


@requires("workspace.edit")
@require_http_methods(["GET", "POST"])
def workspace(request: SignedIn) -> HttpResponse:
    """Show and change it. What another currency or a shorter time means is asked about first."""
    found = request.membership.workspace
    form = WorkspaceForm(found, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if answer := _ask(request, found, form):
            return answer
        seen = form.cleaned_data["seen"]
        try:
            changed = zoning.change(found, request.user, form.cleaned_data, seen)
        except zoning.CannotChange as no:
            if isinstance(no, zoning.Changed):
                form.say_changed()
            for name, said in no.problems.items():
                form.add_error(name, said)
        else:
            _say(request, found, changed, form.cleaned_data["currency"])
            return redirect("workspace")
    return render(request, "smsconsole/workspace.html", {"form": form, **_about(request, found)})


def _ask(request: SignedIn, found: Workspace, form: WorkspaceForm) -> HttpResponse | None:
    """The first question that was not answered yet, for exactly this currency or these days."""
    currency = form.cleaned_data["currency"]
    yes = {name: request.POST[name] for name in ("sure", "sure_currency") if name in request.POST}
    context = {"form": form, "back_url": reverse("workspace")}
    if form.changes_currency and yes.get("sure_currency") != currency:
        if zoning.why_not_currency(found):
            return None  # the change is refused, and the form says why
        yes["sure_currency"] = currency
        context |= {"change": currencies.change(found, currency), "yes": yes.items()}
        return render(request, "smsconsole/workspace_currency.html", context)
    if form.shortens and yes.get("sure") != form.days:
        yes["sure"] = form.days
        wanted = Workspace(pk=found.pk, **{name: form.cleaned_data[name] for name in FIELDS})
        context |= {"forecast": retention.forecast(wanted, timezone.now()), "yes": yes.items()}
        return render(request, "smsconsole/workspace_sure.html", context)
    return None


def _say(request: SignedIn, found: Workspace, changed: list[str], currency: str) -> None:
    messages.success(request, _("The workspace is kept.") if changed else _("Nothing changed."))
    if "currency" in changed:
        rates = Rate.objects.filter(workspace=found)
        if rates.exclude(currency=currency).exists():
            text = _("Rates in another currency than %(currency)s are no price any more.")
            messages.warning(request, text % {"currency": currency})


def _about(request: SignedIn, found: Workspace) -> dict[str, Any]:
    last = Retention.objects.filter(workspace=found).first()
    return {
        "retention": last,
        "deleted": told(last.deleted) if last else [],
        "forecast": retention.forecast(found, timezone.now()),
        "erasures": Erasure.objects.for_user(request.user).count(),
        "may_erase": request.membership.can("privacy.erase"),
    }
