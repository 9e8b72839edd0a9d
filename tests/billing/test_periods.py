"""Hours, days and months where clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from billing.periods import borders

HOUR = timedelta(hours=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "zone", "at", "start", "end"),
    [
        ("day", "UTC", "2026-11-23T12:00", "2026-11-23T00:00", "2026-11-24T00:00"),
        ("month", "UTC", "2028-02-29T12:00", "2028-02-01T00:00", "2028-03-01T00:00"),
        ("day", "Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        ("day", "Europe/Berlin", "2026-10-25T12:00", "2026-10-24T22:00", "2026-10-25T23:00"),
        ("month", "Europe/Berlin", "2026-10-25T12:00", "2026-09-30T22:00", "2026-10-31T23:00"),
        ("hour", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T00:00", "2026-10-25T01:00"),
        ("hour", "Europe/Berlin", "2026-10-25T01:30", "2026-10-25T01:00", "2026-10-25T02:00"),
        ("hour", "Asia/Kolkata", "2026-11-23T10:15", "2026-11-23T09:30", "2026-11-23T10:30"),
        ("day", "Asia/Kolkata", "2026-11-23T18:29", "2026-11-22T18:30", "2026-11-23T18:30"),
        ("hour", "Asia/Kathmandu", "2026-11-23T10:15", "2026-11-23T10:15", "2026-11-23T11:15"),
        ("day", "Africa/Cairo", "2026-04-24T12:00", "2026-04-23T22:00", "2026-04-24T21:00"),
    ],
)
def test_a_window_begins_and_ends_by_the_clock_on_the_wall(
    period: str, zone: str, at: str, start: str, end: str
) -> None:
    assert borders(period, utc(at), ZoneInfo(zone)) == (utc(start), utc(end))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo", "UTC"])
@pytest.mark.parametrize("period", ["hour", "day", "month"])
def test_every_moment_is_in_its_window(zone: str, period: str) -> None:
    at = utc("2026-01-01T00:00")
    while at < utc("2027-01-02T00:00"):
        start, end = borders(period, at, ZoneInfo(zone))
        assert start <= at < end
        at += timedelta(minutes=50 if period == "hour" else 550)
