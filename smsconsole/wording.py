"""How numbers, money and time are written on every page: one way each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts import dates

NOTHING = "–"
MICRO = Decimal(1_000_000)
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}


def number(value: int | float | None) -> str:
    """A count with separators between thousands; a dash where there is none."""
    if value is None:
        return NOTHING
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def percent(part: float | None, whole: float | None) -> str:
    """*part* of *whole* with one decimal. Not everything is never written as 100.0%."""
    if not whole or part is None:
        return NOTHING
    text = f"{100 * part / whole:.1f}%"
    return "99.9%" if text == "100.0%" and part < whole else text


def money(micros: int | None, currency: str = "USD", places: int = 2) -> str:
    """Integer micro-units of *currency*, rounded half up only here, for the eye.

    What costs less than half of the last place is no 0: it is less than one of it, <$0.01.
    """
    if micros is None:
        return NOTHING
    least = Decimal(1).scaleb(-places)
    amount = (Decimal(micros) / MICRO).quantize(least, ROUND_HALF_UP)
    sign = "−" if amount < 0 else ""
    if micros > 0 and not amount:
        sign, amount = "<", least
    symbol = SYMBOLS.get(currency, f"{currency} ")
    return f"{sign}{symbol}{abs(amount):,}"


def amounts(found: Iterable[tuple[str, int]]) -> str:
    """Sums of several currencies are named one beside the other and never added: $12.30 + €4.10."""
    return " + ".join(money(micros, code).replace(" ", "\u00a0") for code, micros in found)


def duration(value: timedelta | float | None) -> str:
    """The two largest units that say it: 45 s, 8 min, 2 h 41 min, 3 d 4 h."""
    if value is None:
        return NOTHING
    seconds = round(value.total_seconds() if isinstance(value, timedelta) else value)
    if seconds < 60:
        return _("%(s)d s") % {"s": max(seconds, 0)}
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return _("%(m)d min") % {"m": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        text = _("%(h)d h %(m)d min") if minutes else _("%(h)d h")
        return text % {"h": hours, "m": minutes}
    days, hours = divmod(hours, 24)
    text = _("%(d)d d %(h)d h") if hours else _("%(d)d d")
    return text % {"d": days, "h": hours}


def moment(value: datetime | date | None, style: str = "full", zone: str = "") -> SafeString | str:
    """A moment in the viewer's zone (or in *zone*, then named), with UTC in the tooltip."""
    if value is None:
        return NOTHING
    if not isinstance(value, datetime):
        day = dates.write(value, style if style in dates.DAYS else "day")
        return format_html('<time datetime="{}"{}>{}</time>', value.isoformat(), tongue(), day)
    local = timezone.localtime(value, ZoneInfo(zone) if zone else None)
    universal = value.astimezone(UTC)
    text = dates.write(local, style)
    return format_html(
        '<time datetime="{}" title="{} UTC"{}>{}</time>',
        universal.strftime("%Y-%m-%dT%H:%M:%SZ"),
        dates.write(universal, "exact"),
        tongue(),
        f"{text} {zone}" if zone else text,
    )


def tongue() -> SafeString | str:
    """What a reader aloud, and a language written leftward, need to know of a date."""
    manner = dates.manner()
    if manner.language == dates.ENGLISH:
        return ""
    return format_html(' lang="{}" dir="{}"', manner.language, "rtl" if manner.leftward else "ltr")
