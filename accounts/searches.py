"""Who looked numbers up: each search is written down once, and a person has so many a minute."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts import audit, quotas
from accounts.keyed import digest
from accounts.models import AuditEvent, User

ONE_SEARCH = timedelta(minutes=15)  # turning pages and asking again are no new search


class TooMany(Exception):
    """A person looked up as many numbers as one may in a minute."""


def write_down(user: User, sought: str) -> None:
    """Note that *user* looks up *sought*, wherever they do it, and without the number."""
    key, now = digest(sought), timezone.now()
    mine = AuditEvent.objects.for_user(user).filter(actor=user, at__gte=now - ONE_SEARCH)
    if mine.filter(action="search.number", data__digest=key).exists():
        return
    if not quotas.take("number search", str(user.pk), settings.NUMBER_SEARCHES_A_MINUTE, now):
        raise TooMany
    audit.record("search.number", user.membership, user, digest=key)  # type: ignore[attr-defined]
