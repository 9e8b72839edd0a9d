"""Hours, days and months in a workspace's zone: by the calendar, and as exact instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from billing.models import Period

HOUR = timedelta(hours=1)


def span(period: str, day: date) -> tuple[date, date]:
    """First day of the day or month that holds *day*, and first day of the one after it."""
    if period != Period.MONTH:
        return day, day + timedelta(days=1)
    start = day.replace(day=1)
    return start, (start + timedelta(days=32)).replace(day=1)


def borders(period: str, at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of the hour, day or month that holds *at*, and that of the next one.

    A day has 23 or 25 hours where the clock changes. An hour is counted from its own beginning,
    so that one that comes twice is two.
    """
    local = at.astimezone(zone)
    if period == Period.HOUR:
        over = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
        start = at.astimezone(UTC) - over
        return start, start + HOUR
    first, after = span(period, local.date())
    return midnight(first, zone), midnight(after, zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of *day*, also where the clock skips or repeats its first hour."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
