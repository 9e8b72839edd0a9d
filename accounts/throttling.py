"""Sign-in tries are counted before the password is looked at, so that no two slip through.

After five failures an account takes one try per delay, which grows to a quarter of an hour; an
address may fail fifty times an hour. Nobody is locked out: a browser that has signed in as this
person before is counted on its own and not against its address, which others may share. A link by
mail is not held up by tries. Wishes for one are limited by address, and for a person as long as a
link lives: whoever uses them up for somebody else leaves them the link that was mailed last.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import IPv6Address, IPv6Network

from django.conf import settings
from django.core import signing
from django.db.models import Case, F, Q, Value, When
from django.http import HttpRequest, HttpResponse

from accounts import resetting
from accounts.keyed import digest
from accounts.models import Throttle, User
from accounts.quotas import begun, give_back, take

ACCOUNT, ADDRESS, MAIL, PASSWORD = "signin", "signin-address", "reset", "password"
FREE = 5
DELAYS = tuple(timedelta(minutes=n) for n in (1, 2, 4, 8, 15))
FORGOTTEN = timedelta(hours=24)
AN_HOUR = timedelta(hours=1)
PER_ADDRESS = 50
MAILS_PER_ADDRESS = 20
MAILS_PER_PERSON = 3
KNOWN_AGE = 365 * 24 * 3600


def address(request: HttpRequest) -> str:
    """The caller's address: behind a proxy the one that the proxy itself saw.

    Of IPv6 it is the network: one customer has a whole /64.
    """
    if settings.BEHIND_PROXY:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", 1)[-1].strip()
        if hops:
            return _network(hops[:64])
    return _network(str(request.META.get("REMOTE_ADDR", "")))


def _network(text: str) -> str:
    text = _without_port(text)
    try:
        found = IPv6Address(text)
    except ValueError:
        return text
    return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False))


def _without_port(text: str) -> str:
    """The address alone: some proxies forward 192.0.2.1:5555 or [2001:db8::1]:5555."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    host, _colon, port = text.partition(":")
    return host if "." in host and port.isdecimal() else text


def may_try(request: HttpRequest, email: str, now: datetime) -> datetime | None:
    """Count a try to sign in; None if it may be made, else the moment from which it may."""
    if not is_known(request, email) and not take(
        ADDRESS, address(request), PER_ADDRESS, now, AN_HOUR
    ):
        return begun(ADDRESS, address(request), now) + AN_HOUR
    return _delayed(ACCOUNT, _account(request, email), now)


def may_try_password(user: User, now: datetime) -> datetime | None:
    """Count a try at the present password of somebody signed in, as tries to sign in are."""
    return _delayed(PASSWORD, f"password {user.pk}", now)


def _delayed(kind: str, source: str, now: datetime) -> datetime | None:
    """Count a try of *source*; None if it may be made, else the moment from which it may."""
    key = {"kind": kind, "source": digest(source)}
    Throttle.objects.get_or_create(**key, defaults={"since": now})
    rows = Throttle.objects.filter(**key)
    rows.filter(since__lte=now - FORGOTTEN).update(count=0, until=None, since=now)
    longer = [When(count=FREE - 1 + n, then=Value(now + wait)) for n, wait in enumerate(DELAYS)]
    free = When(count__lt=FREE - 1, then=Value(None))
    counted = rows.filter(Q(until=None) | Q(until__lte=now)).update(
        until=Case(free, *longer, default=Value(now + DELAYS[-1])), count=F("count") + 1, since=now
    )
    if counted:
        return None
    return rows.values_list("until", flat=True).first() or now


def succeeded(request: HttpRequest, email: str) -> None:
    """The password was right: nothing is held against the account or the address."""
    Throttle.objects.filter(kind=ACCOUNT, source=digest(_account(request, email))).delete()
    if not is_known(request, email):
        give_back(ADDRESS, address(request))


def password_was_right(user: User) -> None:
    """Nothing is held against the person who knew it."""
    Throttle.objects.filter(kind=PASSWORD, source=digest(f"password {user.pk}")).delete()


def may_mail(request: HttpRequest, email: str, now: datetime) -> bool:
    """Count a wish for a link by mail, whoever's it is; False when there were too many."""
    return take(MAIL, address(request), MAILS_PER_ADDRESS, now, AN_HOUR) and take(
        MAIL, _plain(email), MAILS_PER_PERSON, now, resetting.LINK_LIFE
    )


def sweep(now: datetime) -> None:
    """Forget tries that count no more."""
    Throttle.objects.filter(since__lt=now - FORGOTTEN).delete()


def remember(response: HttpResponse, email: str) -> None:
    """Let this browser be known as one that *email* has signed in with."""
    response.set_signed_cookie(
        settings.KNOWN_COOKIE_NAME, digest(_plain(email)), max_age=KNOWN_AGE,
        secure=settings.HTTPS, httponly=True, samesite="Lax",
    )  # fmt: skip


def is_known(request: HttpRequest, email: str) -> bool:
    """Has somebody signed in as *email* with this browser before?"""
    try:
        known = request.get_signed_cookie(settings.KNOWN_COOKIE_NAME, "", max_age=KNOWN_AGE)
    except signing.BadSignature:
        return False
    return bool(known == digest(_plain(email)))


def _account(request: HttpRequest, email: str) -> str:
    """Whose tries are counted: the account's, or those of a browser known to it."""
    email = _plain(email)
    return f"known {email}" if is_known(request, email) else email


def _plain(email: str) -> str:
    return email.strip().lower()
