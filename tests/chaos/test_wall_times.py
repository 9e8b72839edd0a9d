"""T18: wall times about the days when clocks change, beside what the zone itself says of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sms.schedule import WallTimeMissing, WallTimeTwice, resolve
from tests.chaos.reporting import tell

ZONES = (
    "Europe/Berlin", "America/New_York", "America/Santiago", "America/Havana", "America/St_Johns",
    "Africa/Cairo", "Africa/Casablanca", "Asia/Jerusalem", "Australia/Lord_Howe",
    "Pacific/Auckland",
)  # fmt: skip
YEAR = 2027
QUARTER = timedelta(minutes=15)
FARTHEST = timedelta(hours=15)

pytestmark = [pytest.mark.chaos, pytest.mark.small]


def changes(zone: ZoneInfo) -> list[datetime]:
    """The first two moments of the year at which the clock of *zone* jumps, in UTC."""
    at, found = datetime(YEAR, 1, 1, tzinfo=UTC), []
    while len(found) < 2:
        after = at + QUARTER
        if at.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            found.append(after)
        at = after
    return found


def moments(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Every moment at which a clock of *zone* shows *wall*, found by looking at the clock."""
    at, found = wall.replace(tzinfo=UTC) - FARTHEST, []
    while at <= wall.replace(tzinfo=UTC) + FARTHEST:
        if at.astimezone(zone).replace(tzinfo=None) == wall:
            found.append(at)
        at += QUARTER
    return found


def resolved(wall: datetime, zone: str) -> list[datetime]:
    """The same, as the console schedules it."""
    try:
        return [resolve(wall, zone)]
    except WallTimeMissing:
        return []
    except WallTimeTwice as both:
        return [both.first_utc, both.second_utc]


def test_every_wall_time_is_the_moment_that_clocks_there_show() -> None:
    cases = [
        (name, at.astimezone(ZoneInfo(name)).replace(tzinfo=None) + offset)
        for name in ZONES
        for at in changes(ZoneInfo(name))
        for offset in (-QUARTER, timedelta())
    ]
    kinds = [len(moments(wall, ZoneInfo(name))) for name, wall in cases]
    wrong = [
        (name, wall, resolved(wall, name))
        for name, wall in cases
        if resolved(wall, name) != moments(wall, ZoneInfo(name))
    ]
    tell({
        "test": "T18", "cases": len(cases), "missing": kinds.count(0), "once": kinds.count(1),
        "twice": kinds.count(2), "wrong": len(wrong), "pass": not wrong,
    })  # fmt: skip
    assert not wrong
    assert {0, 1, 2} == set(kinds), "no clock was changed: nothing was tested"
