"""The invitations of a person who has an account already: join the team, or not."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from accounts import inviting, team
from accounts.access import public, to_sign_in
from accounts.middleware import SESSION_KEY
from accounts.models import Membership


@public
def invitations(request: HttpRequest) -> HttpResponse:
    """Who invites the person, and their answer. Somebody signed in may be in no workspace yet."""
    if not request.user.is_authenticated:
        return to_sign_in(request)
    rows = inviting.invitations(request.user)
    if request.method == "POST":
        pk = request.POST.get("invitation", "")
        wanted = int(pk) if pk.isascii() and pk.isdecimal() and len(pk) < 18 else 0
        return _answered(request, get_object_or_404(rows, pk=wanted))
    return render(request, "accounts/invitations.html", {"invitations": rows})


def _answered(request: HttpRequest, member: Membership) -> HttpResponse:
    """Accepted, the person goes on in the new workspace, in a session of a new id."""
    name = {"name": member.workspace}
    is_accepted = "accept" in request.POST
    try:
        (inviting.accept if is_accepted else inviting.decline)(member, request.user)  # type: ignore[arg-type]
    except team.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("accounts:invitations")
    if not is_accepted:
        messages.success(request, _("You declined the invitation of %(name)s.") % name)
        return redirect("overview")
    request.session[SESSION_KEY] = member.workspace_id
    request.session.cycle_key()
    messages.success(request, _("You work in %(name)s now.") % name)
    return redirect("overview")
