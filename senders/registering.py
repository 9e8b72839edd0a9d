"""A registration's way in one country: asked for, submitted, and what the registry answered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import audit, dates, notices
from accounts.middleware import zone_of
from accounts.models import Notice, User, Workspace
from senders.models import (
    REGISTRATION_MOVES,
    Registration,
    RegistrationState,
    SenderID,
    WrongSenderState,
)
from sms.countries import country_name

DAYS_AHEAD = (30, 7)
ANSWERS = {
    "approve": gettext_lazy("%(value)s is registered in %(country)s"),
    "reject": gettext_lazy("%(value)s is rejected in %(country)s"),
    "revoke": gettext_lazy("%(value)s is revoked in %(country)s"),
    "expire": gettext_lazy("%(value)s has expired in %(country)s"),
}
"""What people hear of; the other moves are steps on the way."""


def today(workspace: Workspace, now: datetime) -> date:
    """The workspace's calendar day: registrations are valid to the end of it."""
    return now.astimezone(zone_of(workspace.time_zone)).date()


def offered(registration: Registration, day: date) -> list[str]:
    """The moves a person may make from the state it is in on *day*."""
    state = registration.state_on(day)
    moves = REGISTRATION_MOVES.items()
    return [action for action, (origins, _to) in moves if state in origins and action != "expire"]


def add(sender: SenderID, countries: Iterable[str], by: User, note: str = "") -> int:
    """Ask for *countries*, as drafts; one that is there already stays as it is."""
    made = 0
    with transaction.atomic():
        for country in countries:
            found, is_new = Registration.objects.get_or_create(
                sender=sender, country=country, defaults={"note": note, "changed_by": by}
            )
            if is_new:
                made += 1
                audit.record("registration.add", sender, by, country=country, new=found.state)
    return made


def submit_drafts(sender: SenderID, by: User, countries: Iterable[str]) -> None:
    """Submit those of *countries* that are drafts."""
    drafts = sender.registrations.filter(state=RegistrationState.DRAFT, country__in=countries)
    with transaction.atomic():
        for registration in drafts:
            registration.move("submit", by, timezone.now())


def move(registration: Registration, action: str, by: User | None, **changes: Any) -> None:
    """Make the move and tell whoever waits for it; WrongSenderState if it came too late."""
    now = timezone.now()
    with transaction.atomic():
        _write_expiry(registration, action, now)
        registration.move(action, by, now, **changes)
        if action in ANSWERS:
            _tell(registration, action, by)


def _write_expiry(registration: Registration, action: str, now: datetime) -> None:
    """What has run out is expired before anything else happens to it."""
    day = today(registration.sender.workspace, now)
    if action != "expire" and registration.state_on(day) != registration.state:
        registration.move("expire", None, now)


def _tell(registration: Registration, action: str, by: User | None) -> None:
    sender = registration.sender
    given = {"value": sender.value, "country": _(country_name(registration.country))}
    people = notices.people_to_tell(sender.workspace, sender.requested_by)
    told = [user for user in people if by is None or user.pk != by.pk]
    body = registration.reason
    if action in ("revoke", "expire", "reject"):
        body = f"{body}\n{_('Nothing more is sent to this country under that name.')}".strip()
    when = registration.changed_at.isoformat()
    _notify(told, registration, action, str(ANSWERS[action]) % given, body, when)


def _notify(
    users: list[User], registration: Registration, kind: str, title: str,
    body: str | Callable[[], str], which: str,
) -> None:  # fmt: skip
    sender = registration.sender
    path = reverse("senders:detail", args=[sender.key])
    dedupe = f"registration-{registration.pk}-{kind}-{which}"
    notices.notify(users, sender.workspace, f"registration.{kind}", title, body, path, dedupe[:120])


# --- time ---------------------------------------------------------------------------------


def sweep(now: datetime) -> None:
    """Expire what has run out, and tell admins of what will, 30 and 7 days ahead."""
    horizon = now.date() + timedelta(days=max(DAYS_AHEAD) + 1)
    rows = Registration.objects.filter(
        state=RegistrationState.APPROVED, expires_on__isnull=False, expires_on__lte=horizon
    ).select_related("sender__workspace", "sender__requested_by")
    for registration in rows:
        day = today(registration.sender.workspace, now)
        if registration.state_on(day) == RegistrationState.EXPIRED:
            _expire(registration)
        else:
            _warn(registration, day)


def _expire(registration: Registration) -> None:
    try:
        move(registration, "expire", None)
    except WrongSenderState:
        return  # renewed or revoked a moment ago


def _warn(registration: Registration, day: date) -> None:
    """Once for each of the two moments; one that was approved late is told of the nearest."""
    until: date = registration.expires_on  # type: ignore[assignment]
    left = (until - day).days
    ahead = min((days for days in DAYS_AHEAD if left <= days), default=None)
    which = f"{until}-{ahead}"
    known = Notice.objects.filter(dedupe=f"registration-{registration.pk}-expires-{which}")
    if ahead is None or known.exists():
        return
    sender = registration.sender
    words = ngettext(
        "%(value)s expires in %(country)s in %(n)d day",
        "%(value)s expires in %(country)s in %(n)d days",
        left,
    )
    country = _(country_name(registration.country))
    title = words % {"value": sender.value, "country": country, "n": left}
    body = _("It is valid until %(day)s. Have it renewed and write down the new date.")
    people = notices.people_to_tell(sender.workspace)
    _notify(
        people, registration, "expires", title,
        lambda: body % {"day": dates.write(until, "date")}, which,
    )  # fmt: skip
