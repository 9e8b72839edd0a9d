"""Suspension thresholds: money is asked for before it is spent, and a refusal suspends.

Every function that reads or moves a window runs inside the caller's transaction under
``lock(workspace)``: claims, releases and changes of a limit take turns, so a window can never
be passed by one segment, and one opened while messages are under way misses none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts import audit
from accounts.middleware import zone_of
from accounts.models import User, Workspace
from billing.models import (
    Charge,
    Period,
    Place,
    Scope,
    Threshold,
    ThresholdWindow,
    ThresholdWindowQuerySet,
)
from billing.periods import borders, span

Held = Callable[[datetime, datetime], Mapping[str, int]]
"""Segments by country that already count from the first moment up to, not including, the second."""
_PERIODS = list(Period)
_SCOPES = list(Scope)


class Changed(Exception):
    """The threshold is not the one any more that the person saw."""


class ThresholdReached(Exception):
    """The segments do not fit; nothing was taken."""


class Taken(NamedTuple):
    """Where segments were reserved: release gives them back to those windows and no others."""

    workspace_id: int
    at: datetime
    country: str


@dataclass(slots=True)
class Limits:
    """What holds for one claim: its open windows, and how many messages a number gets a day.

    What is taken is only noted here; ``reserve`` writes all of it.
    """

    windows: list[ThresholdWindow]
    a_number: int | None = None
    taken: dict[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.windows) or self.a_number is not None

    def room(self, country: str) -> int | None:
        """Segments to *country* that still fit in every window; None where there is none."""
        rooms = (self._room(window) for window in self.windows if _covers(window, country))
        return min(rooms, default=None)

    def holds_all(self, segments: int) -> bool:
        """Do so many not fit into what all countries share?"""
        shared = (window for window in self.windows if not window.threshold.country)
        return any(self._room(window) < segments for window in shared)

    def take(self, country: str, segments: int) -> None:
        for window in self.windows:
            if _covers(window, country):
                self.taken[window.pk] = self.taken.get(window.pk, 0) + segments

    def _room(self, window: ThresholdWindow) -> int:
        return max(0, window.limit - window.used - self.taken.get(window.pk, 0))


def _covers(window: ThresholdWindow, country: str) -> bool:
    return window.threshold.country in ("", country)


@dataclass(frozen=True, slots=True)
class Usage:
    """One threshold's present window, in segments. At ``resets_at`` the next one begins."""

    threshold: Threshold
    start: datetime
    resets_at: datetime
    used: int

    @property
    def period(self) -> str:
        return self.threshold.period

    @property
    def country(self) -> str:
        return self.threshold.country

    @property
    def limit(self) -> int:
        return self.threshold.limit

    @property
    def warn_percent(self) -> int:
        return self.threshold.warn_percent

    @property
    def room(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def level(self) -> str:
        """ok, warn or reached."""
        if self.used >= self.limit:
            return "reached"
        return "warn" if self.used * 100 >= self.limit * self.warn_percent else "ok"


def lock(workspace_id: int) -> Workspace:
    """The workspace row, locked: at most one transaction at a time moves its thresholds."""
    return Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)


def limits(workspace: Workspace, countries: Collection[str], at: datetime, held: Held) -> Limits:
    """What applies to segments to *countries* at the moment *at*, opened with what counts already.

    One look where no threshold is set, and two where none has to be opened.
    """
    asked = Q(country="") | Q(country__in=countries)
    rows = {row.pk: row for row in Threshold.objects.filter(asked, workspace=workspace)}
    caps = [rows.pop(pk).limit for pk, row in list(rows.items()) if row.scope == Scope.NUMBER]
    found = Limits([], caps[0] if caps else None)
    if rows:
        windows = ThresholdWindow.objects.holding(at).filter(threshold_id__in=list(rows))
        found.windows = list(windows.order_by("pk").select_for_update(no_key=True))
        known = {window.threshold_id for window in found.windows}
        missing = [row for pk, row in sorted(rows.items()) if pk not in known]
        if missing:
            found.windows += _open(workspace, missing, at, held)
        for window in found.windows:
            window.threshold = rows[window.threshold_id]
    return found


def _open(
    workspace: Workspace, missing: list[Threshold], at: datetime, held: Held
) -> list[ThresholdWindow]:
    zone = zone_of(workspace.time_zone)
    times = {row.period: borders(row.period, at, zone) for row in missing}
    sums = {period: held(*time) for period, time in times.items()}
    windows = []
    for threshold in missing:
        start, end = times[threshold.period]
        used = _of(sums[threshold.period], threshold.country)
        windows.append(
            ThresholdWindow(
                threshold=threshold, start=start, end=end, limit=threshold.limit,
                ceiling=max(threshold.limit, used), used=used,
            )
        )  # fmt: skip
    return ThresholdWindow.objects.bulk_create(windows)


def _of(sums: Mapping[str, int], country: str) -> int:
    return sums.get(country, 0) if country else sum(sums.values())


def reserve(found: Limits) -> None:
    """Write what was taken, all of it in one statement, or raise ThresholdReached (roll back)."""
    taken = {pk: segments for pk, segments in found.taken.items() if segments}
    if taken and not ThresholdWindow.objects.take(taken):
        raise ThresholdReached
    for window in found.windows:
        window.used += taken.get(window.pk, 0)
    found.taken = {}


def release(taken: Taken, segments: int) -> None:
    """Give segments that certainly did not leave back to the windows they were taken from."""
    lock(taken.workspace_id)
    _windows(taken).give_back(segments)


def release_all(freed: Mapping[Taken, int]) -> None:
    """``release`` of several, in an order that all who do this keep."""
    for taken, segments in sorted(freed.items()):
        if segments:
            release(taken, segments)


def force(taken: Taken, segments: int) -> None:
    """Count segments that did leave although we had given them back: the truth wins."""
    lock(taken.workspace_id)
    _windows(taken).update(
        ceiling=Greatest(F("ceiling"), F("used") + segments), used=F("used") + segments
    )


def _windows(taken: Taken) -> ThresholdWindowQuerySet:
    return ThresholdWindow.objects.holding(taken.at).filter(
        threshold__workspace=taken.workspace_id, threshold__country__in=("", taken.country)
    )


def newly_warned(found: Iterable[ThresholdWindow]) -> list[ThresholdWindow]:
    """Windows that passed their warning value since the last call: each is told once."""
    told = []
    for window in found:
        percent = window.threshold.warn_percent
        warned = window.warned_at or not window.limit
        if not warned and window.used * 100 >= window.limit * percent:
            window.warned_at = timezone.now()
            window.save(update_fields=["warned_at"])
            told.append(window)
    return told


def move_borders(workspace: Workspace, zone_name: str, at: datetime) -> None:
    """The zone changes: open windows go on, and end with the hour, day or month of the new one."""
    zone = zone_of(zone_name)
    rows = ThresholdWindow.objects.holding(at).filter(threshold__workspace=workspace)
    for period in Period:
        end = borders(period, at, zone)[1]
        rows.filter(threshold__period=period).update(end=end)


@transaction.atomic
def set_limit(
    workspace: Workspace, period: str, limit: int, warn_percent: int, by: User, seen: str = "",
    *, scope: str = Scope.WORKSPACE, country: str = "",
) -> Threshold:  # fmt: skip
    """Set or change a threshold, at once and for the open window too.

    Lowered below what is used it leaves no room and grants nothing; raised, it lets a person
    resume what is suspended. Nothing resumes by itself. *seen* is the limit that the person saw
    ("none" for none): Changed if it is another by now.
    """
    lock(workspace.pk)
    which = Place(scope, country, period)
    threshold = Threshold.objects.filter(workspace=workspace, **which._asdict()).first()
    if seen and seen != _told(threshold):
        raise Changed
    old, old_warn = (None, None) if threshold is None else (threshold.limit, threshold.warn_percent)
    threshold = threshold or Threshold(workspace=workspace, **which._asdict())
    threshold.limit, threshold.warn_percent = limit, warn_percent
    threshold.changed_by, threshold.changed_at = by, timezone.now()
    threshold.save()
    threshold.windows.filter(end__gt=timezone.now()).update(
        limit=limit, ceiling=Greatest(F("used"), limit), warned_at=None
    )
    audit.record(
        "threshold.set", threshold, by, **_said(which), old=old, new=limit,
        old_warn=old_warn, new_warn=warn_percent,
    )  # fmt: skip
    return threshold


@transaction.atomic
def clear(
    workspace: Workspace, period: str, by: User, seen: str,
    *, scope: str = Scope.WORKSPACE, country: str = "",
) -> None:  # fmt: skip
    """Remove a threshold with its windows; the ledger keeps what was spent.

    *seen* is the limit that the person was asked about: Changed if it is another by now.
    """
    lock(workspace.pk)
    which = Place(scope, country, period)
    threshold = Threshold.objects.filter(workspace=workspace, **which._asdict()).first()
    if threshold is None or seen != _told(threshold):
        raise Changed
    audit.record("threshold.clear", threshold, by, **_said(which), old=threshold.limit)
    threshold.delete()


def _told(threshold: Threshold | None) -> str:
    """A limit as forms tell which one a person saw."""
    return "none" if threshold is None else str(threshold.limit)


def _said(which: Place) -> dict[str, str]:
    """For the audit: what it counts is said where that is not everything."""
    return {name: str(value) for name, value in which._asdict().items()
            if value and value != Scope.WORKSPACE}  # fmt: skip


def usage(workspace: Workspace, at: datetime | None = None) -> list[Usage]:
    """Where each window stands now, or stood at *at*: those of all countries first."""
    at, zone = at or timezone.now(), zone_of(workspace.time_zone)
    rows = Threshold.objects.suspending().filter(workspace=workspace)
    windows = ThresholdWindow.objects.holding(at).filter(threshold__workspace=workspace)
    opened = {window.threshold_id: window for window in windows}
    sums: dict[str, Mapping[str, int]] = {}
    found = []
    for threshold in sorted(rows, key=order):
        window, period = opened.get(threshold.pk), threshold.period
        if window is not None:
            found.append(Usage(threshold, window.start, window.end, window.used))
            continue
        start, end = borders(period, at, zone)
        if period not in sums:
            sums[period] = charged(workspace, period, at)
        found.append(Usage(threshold, start, end, _of(sums[period], threshold.country)))
    return found


def order(threshold: Threshold) -> tuple[int, str, int]:
    """As pages list thresholds: all countries, then each country, then numbers; hours first."""
    scope, period = _SCOPES.index(Scope(threshold.scope)), _PERIODS.index(Period(threshold.period))
    return scope, threshold.country, period


def number_cap(workspace: Workspace) -> Threshold | None:
    """The most messages that one number gets a day, where that is set."""
    return Threshold.objects.filter(workspace=workspace, scope=Scope.NUMBER).first()


def charged(workspace: Workspace, period: str, at: datetime) -> dict[str, int]:
    """Segments by country that the ledger holds for the hour, day or month of *at*."""
    zone = zone_of(workspace.time_zone)
    first, after = span(period, at.astimezone(zone).date())
    rows = Charge.objects.filter(workspace=workspace, day__gte=first, day__lt=after)
    if period == Period.HOUR:
        start, end = borders(period, at, zone)
        rows = rows.filter(at__gte=start, at__lt=end)
    return dict(rows.values_list("country").annotate(total=Sum("segments")).order_by())


def today(workspace: Workspace) -> date:
    """The calendar day it is now in the workspace's zone."""
    return timezone.now().astimezone(zone_of(workspace.time_zone)).date()
