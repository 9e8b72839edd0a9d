"""Signing in and out, passwords, notices."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import audit, resetting, sessions, throttling
from accounts.access import SignedIn, public, requires
from accounts.forms import ChangePasswordForm, ResetForm, SetPasswordForm, SignInForm
from accounts.models import Notice, SignInLink, User

BY_LINK = "signed_in_by_link_at"
LINK_ASKS_NO_PASSWORD = 30 * 60  # seconds
NOTICES_A_PAGE = 30


def safe_next(request: HttpRequest, default: str | None = None) -> str:
    """Where the person wanted to go, if that is a page of this console."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    if is_ours and wanted.startswith("/"):  # redirect() takes a bare word for a name
        return wanted
    return default or reverse(settings.LOGIN_REDIRECT_URL)


ENDED = {
    sessions.IDLE: _lazy("You were signed out after %(minutes)s minutes without a click."),
    sessions.LONG: _lazy("You were signed out: a session ends %(hours)s hours after signing in."),
    sessions.GONE: _lazy(
        "You were signed out: an admin, a new password or you yourself in another browser ended "
        "this session."
    ),
}


@public
@never_cache
@sensitive_post_parameters("password")
def signin(request: HttpRequest) -> HttpResponse:
    """Sign in by e-mail address and password."""
    form = SignInForm(request, request.POST or None)
    if request.method == "POST" and form.is_valid():
        sessions.begin(request, form.user)
        audit.record("user.sign_in", form.user, form.user)
        response = redirect(safe_next(request))
        throttling.remember(response, form.user.email)
        return response
    if request.method != "POST" and request.user.is_authenticated:
        return redirect(safe_next(request))
    ended = ENDED.get(request.GET.get("ended", ""), "")
    lengths = {"minutes": settings.SESSION_IDLE_MINUTES, "hours": settings.SESSION_HOURS}
    context = {
        "form": form, "next": safe_next(request, default="/"), "ended": ended % lengths,
        "unsaved": "unsaved" in request.GET, "is_fresh": sessions.none_was_begun(),
    }  # fmt: skip
    return render(request, "accounts/signin.html", context, status=429 if form.is_late else 200)


@public
@never_cache
def reset(request: HttpRequest) -> HttpResponse:
    """Ask for a link by mail; the answer is the same for every address."""
    form = ResetForm(request.POST or None)
    is_asked = request.method == "POST" and form.is_valid()
    if is_asked:
        email, now = form.cleaned_data["email"], timezone.now()
        with transaction.atomic():  # one write to disk, whether the person is here or not
            if throttling.may_mail(request, email, now):
                resetting.ask(email, now)
    context = {
        "form": form, "is_asked": is_asked, "has_server": bool(settings.EMAIL_URL),
        "most": throttling.MAILS_PER_PERSON,
    }  # fmt: skip
    return render(request, "accounts/reset.html", context)


@public
@never_cache
def link(request: HttpRequest, token: str) -> HttpResponse:
    """A one-time link. Opening it changes nothing, since mail scanners open links too."""
    now = timezone.now()
    if request.method == "POST" and (user := SignInLink.use(token, now)):
        sessions.begin(request, user)
        request.session[BY_LINK] = now.timestamp()
        audit.record("user.sign_in_by_link", user, user)
        response = redirect("accounts:password")
        throttling.remember(response, user.email)
        return response
    found = SignInLink.unused(token, now).select_related("user").first()
    context = {"person": found and found.user}
    return render(request, "accounts/link.html", context, status=200 if found else 410)


@public
@require_POST
def signout(request: HttpRequest) -> HttpResponse:
    """End the session, and take what the browser kept of the pages."""
    logout(request)
    response = redirect("accounts:signin")
    # Not "cookies": the session's is deleted by logout, and the theme is no secret.
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _password_form(request: SignedIn) -> SetPasswordForm | ChangePasswordForm:
    """Whoever came by a link a moment ago may have no password to give."""
    since = timezone.now().timestamp() - request.session.get(BY_LINK, 0)
    kind: Any = SetPasswordForm if since < LINK_ASKS_NO_PASSWORD else ChangePasswordForm
    return kind(cast(User, request.user), request.POST or None)


@requires("profile.edit")
@sensitive_post_parameters()
def password(request: SignedIn) -> HttpResponse:
    """Set or change one's own password; other sessions of the person end by it."""
    form = _password_form(request)
    if request.method == "POST" and form.is_valid():
        user = form.save()
        update_session_auth_hash(request, user)
        sessions.end_all(user, but=request.session.session_key)
        resetting.drop_links(user)
        request.session.pop(BY_LINK, None)
        audit.record("user.password", user, user)
        messages.success(request, _("Password set. Other places you were signed in are ended."))
        return redirect("overview")
    context = {"form": form, "first": isinstance(form, SetPasswordForm)}
    status = 429 if getattr(form, "is_late", False) else 200
    return render(request, "accounts/password.html", context, status=status)


@requires("notices.view")
def notices(request: SignedIn) -> HttpResponse:
    """What the person should know, newest first."""
    rows = Notice.objects.for_user(request.user).filter(user=request.user).order_by("-pk")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdecimal():
        rows = rows.filter(pk__lt=min(int(before[:19]), 2**63 - 1))
    found = list(rows[: NOTICES_A_PAGE + 1])
    older = f"?before={found[NOTICES_A_PAGE - 1].pk}" if len(found) > NOTICES_A_PAGE else ""
    context = {"notices": found[:NOTICES_A_PAGE], "older": older, "before": before}
    return render(request, "accounts/notices.html", context)


@requires("notices.view")
@require_POST
def read_notice(request: SignedIn, pk: int) -> HttpResponse:
    """Mark a notice as read, and with ``open`` go to what it is about."""
    mine = Notice.objects.for_user(request.user).filter(user=request.user)
    notice = get_object_or_404(mine, pk=pk)
    mine.filter(pk=pk, read_at=None).update(read_at=timezone.now())
    if "open" in request.POST and url_has_allowed_host_and_scheme(notice.path, None):
        return redirect(notice.path)
    return redirect("accounts:notices")


@requires("notices.view")
@require_POST
def read_notices(request: SignedIn) -> HttpResponse:
    """Mark every notice of this workspace as read."""
    mine = Notice.objects.for_user(request.user).filter(user=request.user)
    mine.filter(read_at=None).update(read_at=timezone.now())
    return redirect("accounts:notices")
