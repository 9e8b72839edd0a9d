"""Whole numbers of one campaign for one person, for a quarter of an hour and with a reason.

Numbers are masked for everybody. The role is looked at each time, so that a reveal ends with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils import timezone

from accounts import audit
from accounts.models import Membership, User
from campaigns.models import Campaign, Reveal

LASTS = timedelta(minutes=15)
NEEDS = "campaigns.read_numbers"


def may(campaign: Campaign, user: User) -> bool:
    """Could this person reveal the numbers of *campaign*?"""
    membership: Membership | None = getattr(user, "membership", None)
    if membership is None or membership.workspace_id != campaign.workspace_id:
        return False
    return membership.can(NEEDS, campaign.author_id)


def reveal(campaign: Campaign, user: User, reason: str, now: datetime) -> Reveal:
    """Show whole numbers to *user* until 15 minutes after *now*; PermissionDenied without a right.

    Asked again, it lasts 15 minutes from then.
    """
    if not may(campaign, user):
        raise PermissionDenied(NEEDS)
    until = now + LASTS
    with transaction.atomic():
        made = Reveal.objects.create(
            campaign=campaign, user=user, reason=reason, at=now, until=until
        )
        audit.record("campaign.reveal", campaign, user, reason=reason, until=until.isoformat())
    return made


def hide(campaign: Campaign, user: User) -> None:
    """Mask the numbers again before the time is over; a second call changes nothing."""
    open_ones = Reveal.objects.filter(campaign=campaign, user=user, until__gt=Now())
    with transaction.atomic():
        if open_ones.update(until=Now()):
            audit.record("campaign.hide", campaign, user)


def shown_until(campaign: Campaign, user: User) -> datetime | None:
    """Until when this person sees whole numbers of *campaign*; None: they see masked ones."""
    return among([campaign], user).get(campaign.pk)


def is_open(campaign: Campaign, user: User) -> bool:
    return shown_until(campaign, user) is not None


def among(campaigns: Iterable[Campaign], user: User) -> dict[int, datetime]:
    """Those of *campaigns*, by key, whose whole numbers this person sees, and until when."""
    allowed = {campaign.pk for campaign in campaigns if may(campaign, user)}
    if not allowed:
        return {}
    rows = Reveal.objects.filter(campaign__in=allowed, user=user, until__gt=Now())
    ends = rows.values("campaign").annotate(end=Max("until"))
    return dict(ends.values_list("campaign", "end"))


def seconds_left(until: datetime | None) -> int:
    """After how many seconds a page should ask again; never a moment too early."""
    if until is None:
        return 0
    return max(int((until - timezone.now()).total_seconds()), 0) + 2
