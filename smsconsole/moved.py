"""A page that was made in another workspace than the one its person works in by now.

Somebody in two workspaces may have a tab of each. What a page of the one sends must not act in
the other: its forms carry their workspace in a field, which the tag ``csrf_token`` writes (an
upload, whose form is read later, in its address), and what its scripts ask for in a header.
Whatever carries neither belongs to the current one: this keeps people from a slip, and guards no
border.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts import team
from accounts.access import path_before
from accounts.models import Membership
from accounts.quotas import read_away
from smsconsole import stale

FIELD, HEADER = "in_workspace", "X-Workspace"
BACK = "move_back"  # the button that goes back to the workspace of the form, and sends it there
OF_A_PERSON = frozenset({None, "profile.edit"})  # permissions of views that act in no workspace
SEEN_BY_HTMX = "moved"  # console.js shows what base.html holds ready


class OtherWorkspace:
    """Refuse (409) what a page of another workspace asks for, with the way back to it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: Any, view: Callable[..., Any], *_place: Any
    ) -> HttpResponse | None:
        """After the check of the form's token, before the view."""
        here = request.membership
        if here is None or getattr(view, "permission", None) in OF_A_PERSON:
            return None
        is_upload = getattr(view, "csrf_exempt", False)
        given = _said_first(request) if is_upload else request.POST
        made_in = given.get(FIELD) or request.headers.get(HEADER) or str(here.workspace.key)
        if made_in == str(here.workspace.key):
            return None
        mine = Membership.objects.active().filter(user=request.user).select_related("workspace")
        there = next((one for one in mine if str(one.workspace.key) == made_in), None)
        if there and not is_upload and given.get(BACK) == made_in:
            _move_back(request, there)
            return None
        if is_upload:
            read_away(request)
        return _refused(request, there, [] if is_upload else stale.typed(request))


def _said_first(request: Any) -> Any:
    """What an upload says in its address, as its body is read later. To look at its page does not
    depend on that: the address stays in the browser, and in bookmarks.
    """
    return request.GET if request.method == "POST" else {}


def _move_back(request: Any, there: Membership) -> None:
    """Go on with the request in the workspace its form was made in."""
    team.enter(request.session, there, request.user)
    request.user.membership = request.membership = there
    messages.success(request, _("You work in %(name)s now.") % {"name": there.workspace})


def _refused(request: Any, there: Membership | None, typed: list[tuple[str, str]]) -> HttpResponse:
    if request.headers.get(HEADER):
        return HttpResponse(status=409, headers={"HX-Trigger": SEEN_BY_HTMX})
    context = {
        "there": there, "fields": [pair for pair in typed if pair[0] != BACK],
        "action": request.get_full_path(),
        "came_from": path_before(request),
    }  # fmt: skip
    return render(request, "409.html", context, status=409)
