"""Suspension thresholds: money is asked for before it is spent, and a refusal suspends.

Every function that reads or moves a window runs inside the caller's transaction under
``lock(workspace)``: claims, releases and changes of a limit take turns, so a window can never
be passed by one segment, and one opened while messages are under way misses none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.db.models import F, Sum
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts import audit
from accounts.middleware import zone_of
from accounts.models import User, Workspace
from billing.models import Charge, Period, Threshold, ThresholdWindow

Held = Callable[[date, date], int]
"""Segments that already count in the days from the first up to, not including, the second."""


class Changed(Exception):
    """The threshold is not the one any more that the person saw."""


class ThresholdReached(Exception):
    """The segments do not fit; nothing was taken."""

    def __init__(self, window: ThresholdWindow) -> None:
        super().__init__(str(window))
        self.window = window


@dataclass(frozen=True, slots=True)
class Usage:
    """One threshold's present window, in segments. ``resets_on`` is the first day of the next."""

    threshold: Threshold
    period: str
    start: date
    resets_on: date
    limit: int
    used: int
    warn_percent: int

    @property
    def room(self) -> int:
        return max(0, self.limit - self.used)


def lock(workspace_id: int) -> Workspace:
    """The workspace row, locked: at most one transaction at a time moves its thresholds."""
    return Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)


def span(period: str, day: date) -> tuple[date, date]:
    """First day of the window that holds *day*, and first day of the one after it."""
    if period == Period.DAY:
        return day, day + timedelta(days=1)
    start = day.replace(day=1)
    return start, (start + timedelta(days=32)).replace(day=1)


def windows(workspace: Workspace, day: date, held: Held) -> list[ThresholdWindow]:
    """The workspace's windows for *day* in id order, opened with what already counts in them."""
    found = []
    for threshold in Threshold.objects.filter(workspace=workspace).order_by("pk"):
        start, end = span(threshold.period, day)
        window = threshold.windows.filter(start=start).first()
        if window is None:
            used = held(start, end)
            ceiling = max(threshold.limit, used)
            window = threshold.windows.create(
                start=start, limit=threshold.limit, ceiling=ceiling, used=used
            )
        found.append(window)
    return found


def room(found: Iterable[ThresholdWindow]) -> int | None:
    """How many segments still fit in all of them; None when no threshold is set."""
    return min((max(0, w.limit - w.used) for w in found), default=None)


def reserve(found: Iterable[ThresholdWindow], segments: int) -> None:
    """Take *segments* from every window, or raise ThresholdReached (roll back then)."""
    for window in found:
        if not ThresholdWindow.objects.filter(pk=window.pk).take(segments):
            raise ThresholdReached(window)
        window.used += segments


def release(workspace_id: int, day: date, segments: int) -> None:
    """Give segments that certainly did not leave back to the windows they were taken from."""
    lock(workspace_id)
    for threshold in Threshold.objects.filter(workspace_id=workspace_id):
        start, _end = span(threshold.period, day)
        threshold.windows.filter(start=start).give_back(segments)


def release_all(freed: Mapping[tuple[int, date], int]) -> None:
    """``release`` for several workspaces and days, in an order that all who do this keep."""
    for (workspace_id, day), segments in sorted(freed.items()):
        if segments:
            release(workspace_id, day, segments)


def force(workspace_id: int, day: date, segments: int) -> None:
    """Count segments that did leave although we had given them back: the truth wins."""
    lock(workspace_id)
    for threshold in Threshold.objects.filter(workspace_id=workspace_id):
        start, _end = span(threshold.period, day)
        threshold.windows.filter(start=start).update(
            ceiling=Greatest(F("ceiling"), F("used") + segments), used=F("used") + segments
        )


def newly_warned(found: Iterable[ThresholdWindow]) -> list[ThresholdWindow]:
    """Windows that passed their warning value since the last call: each is told once."""
    told = []
    for window in found:
        percent = window.threshold.warn_percent
        if window.limit and window.used * 100 >= window.limit * percent:
            rows = ThresholdWindow.objects.filter(pk=window.pk, warned_at=None)
            if rows.update(warned_at=timezone.now()):
                told.append(window)
    return told


@transaction.atomic
def set_limit(
    workspace: Workspace, period: str, limit: int, warn_percent: int, by: User, seen: str = ""
) -> Threshold:
    """Set or change a threshold, at once and for the open window too.

    Lowered below what is used it leaves no room and grants nothing; raised, it lets a person
    resume what is suspended. Nothing resumes by itself. *seen* is the limit that the person saw
    ("none" for none): Changed if it is another by now.
    """
    lock(workspace.pk)
    threshold = Threshold.objects.filter(workspace=workspace, period=period).first()
    if seen and seen != _told(threshold):
        raise Changed
    old, old_warn = (None, None) if threshold is None else (threshold.limit, threshold.warn_percent)
    threshold = threshold or Threshold(workspace=workspace, period=period)
    threshold.limit, threshold.warn_percent = limit, warn_percent
    threshold.changed_by, threshold.changed_at = by, timezone.now()
    threshold.save()
    start, _end = span(period, today(workspace))
    threshold.windows.filter(start__gte=start).update(
        limit=limit, ceiling=Greatest(F("used"), limit), warned_at=None
    )
    audit.record(
        "threshold.set", threshold, by, period=period, old=old, new=limit,
        old_warn=old_warn, new_warn=warn_percent,
    )  # fmt: skip
    return threshold


@transaction.atomic
def clear(workspace: Workspace, period: str, by: User, seen: str) -> None:
    """Remove a threshold with its windows; the ledger keeps what was spent.

    *seen* is the limit that the person was asked about: Changed if it is another by now.
    """
    lock(workspace.pk)
    threshold = Threshold.objects.filter(workspace=workspace, period=period).first()
    if threshold is None or seen != _told(threshold):
        raise Changed
    audit.record("threshold.clear", threshold, by, period=period, old=threshold.limit)
    threshold.delete()


def _told(threshold: Threshold | None) -> str:
    """A limit as forms tell which one a person saw."""
    return "none" if threshold is None else str(threshold.limit)


def usage(workspace: Workspace) -> list[Usage]:
    """Where each threshold stands now, day first."""
    day = today(workspace)
    found = []
    for threshold in Threshold.objects.filter(workspace=workspace).order_by("period"):
        start, end = span(threshold.period, day)
        window = threshold.windows.filter(start=start).first()
        used = charged(workspace, start, end) if window is None else window.used
        found.append(
            Usage(threshold, threshold.period, start, end, threshold.limit, used,
                  threshold.warn_percent)
        )  # fmt: skip
    return found


def charged(workspace: Workspace, start: date, end: date) -> int:
    """Segments the ledger holds for the days from *start* up to, not including, *end*."""
    rows = Charge.objects.filter(workspace=workspace, day__gte=start, day__lt=end)
    return rows.aggregate(total=Sum("segments"))["total"] or 0


def today(workspace: Workspace) -> date:
    """The calendar day it is now in the workspace's zone."""
    return timezone.now().astimezone(zone_of(workspace.time_zone)).date()
