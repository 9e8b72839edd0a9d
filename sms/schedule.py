"""Scheduled times: a wall time in a named zone is the promise, UTC is what the clock fires.

Where a zone's clock jumps, a wall time can be missing or come twice. Both are asked about:
`datetime` alone would silently move the first and take the earlier of the second.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, available_timezones

MAX_DAYS = 90
_MINUTE = timedelta(minutes=1)

# Names whose meaning is no place, or the reverse of what they seem: Etc/GMT+8 is UTC-8.
_MISLEADING = re.compile(r"(?:posix|right|SystemV)/.*|(?:Etc/)?GMT[+-].*|Factory|localtime")


class ScheduleError(ValueError):
    """A time that cannot be scheduled; *message* says why and what to do."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class UnknownZone(ScheduleError):
    """No such time zone."""

    def __init__(self) -> None:
        super().__init__("There is no such time zone. Choose one from the list.")


class BadWallTime(ScheduleError):
    """No such date or time of day in the calendar."""


class WallTimeMissing(ScheduleError):
    """The clock jumps over this time; *before* and *after* are the nearest wall times."""

    def __init__(self, before: datetime, after: datetime) -> None:
        self.before = before
        self.after = after
        super().__init__(
            "The clocks go forward then, so this time does not exist. "
            f"Choose {before:%Y-%m-%d %H:%M} or {after:%Y-%m-%d %H:%M}."
        )


class WallTimeTwice(ScheduleError):
    """The clock passes this time twice: at *first_utc*, and again at *second_utc*."""

    def __init__(self, first_utc: datetime, second_utc: datetime) -> None:
        self.first_utc = first_utc
        self.second_utc = second_utc
        super().__init__(
            "The clocks go back then, so this time comes twice: at "
            f"{first_utc:%H:%M} UTC and at {second_utc:%H:%M} UTC. Choose one of them."
        )


class NotAhead(ScheduleError):
    """The time has passed."""


class TooFarAhead(ScheduleError):
    """Prices and consent go stale."""


# --- zones ------------------------------------------------------------------------------


@cache
def zones() -> tuple[str, ...]:
    """The zones offered in a list: one name for each place that keeps its own clock, and UTC."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return ("UTC", *sorted({row[2] for row in rows} & available_timezones()))


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(name for name in available_timezones() if not _MISLEADING.fullmatch(name))


def find_zone(name: str) -> ZoneInfo:
    """The zone of that name, old aliases included; anything else is UnknownZone.

    Asking `ZoneInfo` directly would raise different errors for an empty name, a path, a
    folder and a missing zone, and would accept names that mean the reverse of what they say.
    """
    if name not in _known_zones():
        raise UnknownZone
    return ZoneInfo(name)


def offset_label(zone: str, at: datetime) -> str:
    """The zone's distance from UTC at an aware moment: "UTC+8", "UTC-3:30", "UTC+0"."""
    if at.tzinfo is None:
        raise ValueError("a moment carries its zone")
    seconds = _offset(at.astimezone(find_zone(zone))).total_seconds()
    minutes = round(abs(seconds) / 60)
    label = f"UTC{'-' if seconds < 0 else '+'}{minutes // 60}"
    return f"{label}:{minutes % 60:02}" if minutes % 60 else label


def _offset(local: datetime) -> timedelta:
    return local.utcoffset() or timedelta(0)


# --- wall time to UTC -------------------------------------------------------------------

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


def wall_time(date: str, time: str) -> datetime:
    """The naive wall time of the two fields of a form, "2027-03-14" and "09:30"."""
    date, time = date.strip(), time.strip()
    if not _DATE.fullmatch(date) or not _TIME.fullmatch(time):
        raise BadWallTime("Enter the date as 2027-03-14 and the time of day as 09:30.")
    try:
        return datetime.fromisoformat(f"{date}T{time}")
    except ValueError:
        raise BadWallTime("The calendar has no such date. Choose another one.") from None


def resolve(wall: datetime, zone: str, fold: int | None = None) -> datetime:
    """The UTC moment of a naive *wall* time in *zone*.

    *fold* says which of two equal wall times is meant, 0 the first; where there is only one
    it changes nothing.
    """
    if wall.tzinfo is not None:
        raise ValueError("a wall time carries no zone")
    place = find_zone(zone)
    try:
        first, second = (_moment(wall, place, which) for which in (0, 1))
        exists = first.astimezone(place).replace(tzinfo=None, fold=0) == wall.replace(fold=0)
    except OverflowError:
        raise BadWallTime("The date is outside the calendar. Choose another one.") from None
    if not exists:
        raise _missing(place, second, first)
    if first == second or fold is not None:
        return second if fold else first
    raise WallTimeTwice(first, second)


def _moment(wall: datetime, place: ZoneInfo, fold: int) -> datetime:
    return wall.replace(tzinfo=place, fold=fold).astimezone(UTC)


def _missing(place: ZoneInfo, low: datetime, high: datetime) -> WallTimeMissing:
    """The wall times on both sides of the jump that happens after *low*, at latest at *high*."""
    before = _offset(low.astimezone(place))
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if _offset(middle.astimezone(place)) == before:
            low = middle
        else:
            high = middle
    jump = high.replace(microsecond=0)
    return WallTimeMissing(
        (jump - _MINUTE).astimezone(place).replace(tzinfo=None, fold=0),
        jump.astimezone(place).replace(tzinfo=None, fold=0),
    )


# --- how far ahead, and until when it can be taken back ---------------------------------


def check_ahead(at: datetime, now: datetime, max_days: int = MAX_DAYS) -> None:
    """Refuse a moment that has come already or is more than *max_days* away."""
    if at <= now:
        raise NotAhead("This time has passed. Choose a later one.")
    if at - now > timedelta(days=max_days):
        raise TooFarAhead(f"Choose a time within the next {max_days} days.")
