"""Stop all sending of the workspace, and send again: pages that ask, and the acts."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SignedIn, requires
from campaigns import stopping
from campaigns.questions import SwitchForm
from campaigns.views.detail import posted


@requires("sending.stop")
@require_http_methods(["GET", "POST"])
def sending_off(request: SignedIn) -> HttpResponse:
    """Ask for a reason that everybody will read, then stop everything of this workspace."""
    workspace, back = request.membership.workspace, _back(request)
    form = SwitchForm(posted(request))
    if request.method == "GET" or not form.is_valid():
        reach = stopping.reach(workspace)
        context = {"form": form, "workspace": workspace, "reach": reach, "back_url": back}
        return render(request, "campaigns/ask_sending_off.html", context)
    if stopping.switch_off(workspace, request.user, form.cleaned_data["reason"]):
        messages.success(request, _("All sending is stopped. What has not left waits."))
    return redirect(back)


@requires("sending.resume")
@require_http_methods(["GET", "POST"])
def sending_on(request: SignedIn) -> HttpResponse:
    """Ask, with what goes on then; and let it go on."""
    workspace, back = request.membership.workspace, _back(request)
    if request.method == "GET":
        reach = stopping.reach(workspace)
        context = {"workspace": workspace, "reach": reach, "back_url": back}
        return render(request, "campaigns/ask_sending_on.html", context)
    if stopping.switch_on(workspace, request.user):
        messages.success(request, _("Sending goes on."))
    return redirect(back)


def _back(request: SignedIn) -> str:
    may_see_system = request.membership.can("system.view")
    return reverse("system" if may_see_system else "billing:thresholds")
