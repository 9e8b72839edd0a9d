"""Change a workspace's settings without moving a border that money was counted up to."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import workspaces
from accounts.middleware import zone_of
from accounts.models import User, Workspace
from billing import thresholds
from billing.models import Charge, Period
from billing.periods import midnight, span
from campaigns import clock
from campaigns.models import Batch, Campaign
from campaigns.states import RUNNING, CampaignState

HALF_HOURS = 96  # two days: in so long every two zones that ever share a date do so


class CannotChange(Exception):
    """Nothing was changed; *problems* say why, by the name of the field."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


class Changed(CannotChange):
    """The settings are not those any more that the person saw."""


@transaction.atomic
def change(
    workspace: Workspace, by: User, values: dict[str, Any], seen: dict[str, Any] | None = None
) -> list[str]:
    """Write the settings, or raise CannotChange; claims wait for the end of this transaction.

    *seen* are the settings that the person saw: Changed if somebody else wrote others meanwhile.
    """
    locked = thresholds.lock(workspace.pk)
    if changed := _meanwhile(locked, values, seen or {}):
        raise Changed(changed)
    problems = {}
    if values["time_zone"] != locked.time_zone:
        problems["time_zone"] = _zone(locked, values["time_zone"], clock.now())
    if values["currency"] != locked.currency:
        problems["currency"] = why_not_currency(locked)
    problems = {name: said for name, said in problems.items() if said}
    if problems:
        raise CannotChange(problems)
    written = workspaces.change(locked, by, values)
    if "time_zone" in written:
        thresholds.move_borders(locked, values["time_zone"], clock.now())
    return written


def _meanwhile(
    workspace: Workspace, values: dict[str, Any], seen: dict[str, Any]
) -> dict[str, str]:
    """What somebody else wrote and these values would take back."""
    now = {name: getattr(workspace, name) for name in workspaces.FIELDS}
    words = _("Somebody changed this meanwhile: it is %(now)s now. Look again.")
    return {
        name: words % {"now": kept}
        for name, kept in now.items()
        if kept != seen.get(name, kept) and kept != values[name]
    }


def _zone(workspace: Workspace, new: str, now: datetime) -> str:
    """Why the zone cannot be changed now; empty if it can.

    Windows and statements are kept by the calendar day in the zone. While both zones are on the
    same date, today's windows simply go on and end at the new midnight. On different dates the
    change would open another day, or month, beside the one in which segments already count.
    """
    old_day, new_day = _day(workspace.time_zone, now), _day(new, now)
    if old_day == new_day or not _counts_since(workspace, min(old_day, new_day), old_day, new_day):
        return ""
    said = _(
        "It is %(old)s in the present zone and %(new)s in the new one, and messages count in "
        "these days already: a threshold would be counted twice."
    ) % {"old": old_day.isoformat(), "new": new_day.isoformat()}
    at = _same_date(workspace.time_zone, new, now)
    if at is None:
        return f"{said} {_('The two never share a date: change to UTC first.')}"
    local = at.astimezone(zone_of(workspace.time_zone)).strftime("%Y-%m-%d %H:%M")
    return said + " " + _("Change it after %(at)s, when both are on one date.") % {"at": local}


def _day(zone: str, at: datetime) -> date:
    return at.astimezone(zone_of(zone)).date()


def _counts_since(workspace: Workspace, first: date, *days: date) -> bool:
    """Does anything count in a day that would be left or entered, or in a month of theirs?"""
    if len({day.month for day in days}) > 1:
        first = span(Period.MONTH, first)[0]
    start = midnight(first, zone_of(workspace.time_zone))
    reserved = Batch.objects.filter(campaign__workspace=workspace, reserved_at__gte=start)
    return reserved.exists() or Charge.objects.filter(workspace=workspace, day__gte=first).exists()


def _same_date(old: str, new: str, now: datetime) -> datetime | None:
    start = now.replace(minute=0, second=0, microsecond=0)
    for half in range(1, HALF_HOURS + 1):
        at = start + timedelta(minutes=30 * half)
        if at > now and _day(old, at) == _day(new, at):
            return at
    return None


def why_not_currency(workspace: Workspace) -> str:
    """Why the currency cannot be changed now; empty if it can."""
    states = [CampaignState.SCHEDULED, *RUNNING]
    count = Campaign.objects.filter(workspace=workspace, state__in=states).count()
    if not count:
        return ""
    text = ngettext(
        "%(n)d campaign is scheduled or under way with prices in %(old)s. Wait until it is over.",
        "%(n)d campaigns are scheduled or under way with prices in %(old)s. Wait until they are "
        "over.",
        count,
    )
    return text % {"n": count, "old": workspace.currency}
