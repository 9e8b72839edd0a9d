"""Where one is signed in, and ending it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts import audit, sessions
from accounts.access import SignedIn, requires


@requires("profile.edit")
def places(request: SignedIn) -> HttpResponse:
    """Every browser in which the person is signed in."""
    found = sessions.places(request.user, timezone.now())
    context = {"places": found, "own": request.session.session_key}
    return render(request, "accounts/sessions.html", context)


@requires("profile.edit")
@require_POST
def end(request: SignedIn) -> HttpResponse:
    """End the session that ``place`` names, or every one but this."""
    own, place = request.session.session_key, request.POST.get("place", "")
    if place:
        here = sessions.places(request.user, timezone.now())
        ended = sum(bool(one.delete()) for one in here if one.handle == place)
    else:
        ended = sessions.end_all(request.user, but=own)
    audit.record("user.end_sessions", request.user, request.user, ended=ended)
    words = ngettext("%(n)s session is ended.", "%(n)s sessions are ended.", ended)
    messages.success(request, words % {"n": ended})
    return redirect("accounts:sessions")
