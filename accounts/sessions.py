"""Where a person is signed in, for how long, and how that ends.

A session ends on the server: after SESSION_IDLE_MINUTES without a request that a person made,
SESSION_HOURS after signing in, or when somebody ends it. A page that only keeps itself fresh
is no activity: console.js marks such requests.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import login as sign_in
from django.contrib.auth import logout
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.middleware import SESSION_KEY
from accounts.models import Membership, Session, User, Workspace

BACKEND = "accounts.backends.EmailBackend"
STARTED, SEEN, AGENT = "started", "seen", "agent"
WRITTEN_EVERY = timedelta(seconds=60)
BY_ITSELF = "HTTP_X_BY_ITSELF"
IDLE, LONG, GONE = "idle", "long", "gone"


class SessionStore(DatabaseStore):
    """Sessions in the database, each with its person, beginning and last request."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        user = data.get("_auth_user_id")
        row.user_id = int(user) if user else None
        row.started_at = _moment(data.get(STARTED)) or timezone.now()
        row.seen_at = _moment(data.get(SEEN)) or row.started_at
        row.workspace_id = data.get(SESSION_KEY)
        row.agent = str(data.get(AGENT, ""))[:200]
        return row


def _moment(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)


def none_was_begun() -> bool:
    """Has nobody ever signed in, where the first link is in the terminal and comes by no mail?"""
    if settings.PRODUCTION and settings.EMAIL_URL:
        return False
    return not User.objects.filter(last_login__isnull=False).exists()


def begin(request: HttpRequest, user: User) -> None:
    """Sign *user* in, in a session of a new id, which knows since when and with what."""
    sign_in(request, user, backend=BACKEND)
    now = timezone.now()
    request.session[STARTED] = request.session[SEEN] = now.timestamp()
    request.session[AGENT] = request.META.get("HTTP_USER_AGENT", "")[:200]
    mine = Membership.objects.active().filter(user=user).order_by("pk")
    if here := mine.first():
        request.session[SESSION_KEY] = here.workspace_id
        Membership.objects.filter(pk=here.pk).update(last_seen_at=now)


def places(user: User, now: datetime) -> QuerySet[Session]:
    """The sessions of *user* that have not ended, the latest request first."""
    idle = timedelta(minutes=settings.SESSION_IDLE_MINUTES)
    rows = Session.objects.filter(user=user, expire_date__gt=now, seen_at__gt=now - idle)
    return rows.order_by("-seen_at")


def end_all(user: User, but: str | None = None) -> int:
    """End every session of *user*, but the one with the key *but*; how many there were."""
    rows = Session.objects.filter(user=user)
    ended, _by_model = (rows.exclude(session_key=but) if but else rows).delete()
    return ended


def end_in(workspace: Workspace, user: User) -> int:
    """End the sessions in which *user* works in *workspace*, and no other; how many."""
    ended, _by_model = Session.objects.filter(user=user, workspace=workspace).delete()
    return ended


def sweep(now: datetime) -> None:
    """Forget sessions that are over."""
    Session.objects.filter(expire_date__lt=now).delete()


class SessionLife:
    """End a session that is over, and keep the moment of the last request that somebody made.

    A browser that still names a session which is no more is told so, and forgets it by the answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.ended = ""  # type: ignore[attr-defined]
        if request.user.is_authenticated:
            now = timezone.now()
            why = _over(request, now)
            if why:
                logout(request)
                request.ended = why  # type: ignore[attr-defined]
            elif BY_ITSELF not in request.META:
                _seen(request, now)
        elif request.COOKIES.get(settings.SESSION_COOKIE_NAME) and request.session.is_empty():
            request.ended = GONE  # type: ignore[attr-defined]
        return self.get_response(request)


def _over(request: HttpRequest, now: datetime) -> str:
    """Why the session is over, or nothing. One without a beginning begins now."""
    started = _moment(request.session.setdefault(STARTED, now.timestamp()))
    seen = _moment(request.session.setdefault(SEEN, now.timestamp()))
    if started is None or now - started >= timedelta(hours=settings.SESSION_HOURS):
        return LONG
    if seen is None or now - seen >= timedelta(minutes=settings.SESSION_IDLE_MINUTES):
        return IDLE
    return ""


def _seen(request: HttpRequest, now: datetime) -> None:
    """Write the moment down, at most once a minute."""
    if now.timestamp() - request.session[SEEN] < WRITTEN_EVERY.total_seconds():
        return
    request.session[SEEN] = now.timestamp()
    here = {"user": request.user.pk, "workspace": request.session.get(SESSION_KEY)}
    Membership.objects.filter(**here).update(last_seen_at=now)
