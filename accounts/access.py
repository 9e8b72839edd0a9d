"""Who gets into which view. Every view is either ``requires(...)`` or ``public``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import Membership, User
from accounts.notices import people_to_tell
from accounts.roles import PERMISSIONS, can

View = Callable[..., HttpResponseBase]


class SignedIn(HttpRequest):
    """What a view behind ``requires`` gets: a person, working in a workspace."""

    user: User
    membership: Membership


def requires(permission: str) -> Callable[[View], View]:
    """Let a view in only for people whose role holds *permission*: nobody -> sign-in, else 403.

    The permission is kept on the view, where a test reads it for every URL.
    """
    if permission not in PERMISSIONS:
        raise KeyError(permission)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_sign_in(request)
            membership = getattr(request.user, "membership", None)
            if membership is None:
                return without_workspace(request)
            if not can(membership.role, permission):
                raise PermissionDenied(permission)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """To the sign-in page and from there back; htmx is told to leave the page it is on."""
    htmx = getattr(request, "htmx", None)
    came_from = ""
    if htmx:
        with suppress(ValueError):  # the browser's address is none
            came_from = htmx.current_url_abs_path
    elif request.method in ("GET", "HEAD"):
        came_from = request.get_full_path()
    else:
        came_from = path_before(request)
    if not (came_from and url_has_allowed_host_and_scheme(came_from, None)):
        came_from = "/"
    where = redirect_to_login(came_from).url
    if why := getattr(request, "ended", ""):
        where += f"&ended={why}"
    if request.method not in ("GET", "HEAD"):
        where += "&unsaved=1"
    if htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": where})
    return HttpResponseRedirect(where)


def path_before(request: HttpRequest) -> str:
    """The path of the page a request was sent from; empty if its Referer is no address."""
    try:
        return urlsplit(request.META.get("HTTP_REFERER", "")).path
    except ValueError:
        return ""


def without_workspace(request: HttpRequest) -> HttpResponse:
    """Tell somebody who belongs to no workspace any more which ones they were in, and whom to ask.

    The part of a page that htmx asks for is nothing to tell it in: the page is loaded anew.
    """
    if getattr(request, "htmx", None):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    if Membership.objects.offered(request.user).exists():
        return HttpResponseRedirect(reverse("accounts:invitations"))
    former = Membership.objects.filter(user=request.user.pk, accepted_at__isnull=False)
    former = former.select_related("workspace")
    ended = [(one.workspace, people_to_tell(one.workspace)) for one in former.order_by("pk")]
    return render(request, "accounts/no_workspace.html", {"ended": ended}, status=403)


def public(view: View) -> View:
    """Mark a view that is open without signing in; a test holds the list of them."""
    view.permission = None  # type: ignore[attr-defined]
    return view


def check(request: HttpRequest, permission: str, author_id: int | None) -> None:
    """Refuse (403) what the person's role may do only to their own, when it is not theirs."""
    if not request.user.membership.can(permission, author_id):  # type: ignore[union-attr]
        raise PermissionDenied(permission)
