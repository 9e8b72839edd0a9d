"""Erase a person's number, and see how far it is and what was erased."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.access import SignedIn, requires
from campaigns import erasing, tasks
from campaigns.models import Erasure, ErasureState
from campaigns.privacy_forms import EraseForm
from campaigns.views.workspace import told

SHOWN = 50
WAITS = {
    erasing.SENDING: gettext_lazy("Waits until messages under way have their answer."),
    erasing.IMPORTS: gettext_lazy("Waits until imports under way are checked."),
    erasing.EXPORTS: gettext_lazy("Waits until exports under way are written."),
    "": gettext_lazy("Begins in a moment."),
}


@requires("privacy.erase")
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("number")
def erase(request: SignedIn) -> HttpResponse:
    """Ask for the number, posted; the list of requests below tells what became of each."""
    form = EraseForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given, workspace = form.cleaned_data, request.membership.workspace
        with transaction.atomic():
            erasing.ask(workspace, given["number"], given["reason"], request.user)
            transaction.on_commit(lambda: tasks.erase.delay(workspace.pk), robust=True)
        messages.success(
            request, _("From now on nothing is sent to the number. It is being erased.")
        )
        return redirect("erase")
    template = "smsconsole/erase.html"
    if request.htmx and request.method == "GET":  # type: ignore[attr-defined]
        template = "smsconsole/_erasures.html"
    return render(request, template, {"form": form, **_requests(request)})


def _requests(request: SignedIn) -> dict[str, Any]:
    rows = Erasure.objects.for_user(request.user).select_related("asked_by").order_by("-pk")
    found = [(row, told(row.erased), WAITS.get(row.waits_for, "")) for row in rows[:SHOWN]]
    is_open = any(row.state == ErasureState.WAITING for row, *_rest in found)
    return {"requests": found, "is_open": is_open}
