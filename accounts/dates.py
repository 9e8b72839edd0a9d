"""How a person has dates written. The words of the pages are English, whatever they choose.

Django's names of months and days are borrowed for a single date: no language is made active for
more than that, or Django's own sentences would change theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.utils import dateformat, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Manner:
    """One way to write dates: the parts that Django's date format puts together.

    ``joint`` stands between a day and its time. ``lowers`` is for languages that write no day and
    no month with a capital, which Django's short names have.
    """

    name: str | Promise
    weekday: str = "D j M Y"
    day: str = "j M Y"
    brief: str = "j M"
    month: str = "F Y"
    time: str = "H:i"
    seconds: str = "H:i:s"
    joint: str = ", "
    language: str = "en"
    lowers: bool = False
    leftward: bool = False

    def pattern(self, style: str) -> str:
        """The format of *style*, one of STYLES."""
        parts = STYLES[style]
        return self.joint.join(getattr(self, part) for part in parts)

    def write(self, value: date, style: str) -> str:
        with translation.override(self.language):
            text = dateformat.format(value, self.pattern(style))
        return text.lower() if self.lowers else text


STYLES = {
    "full": ("weekday", "time"),
    "short": ("brief", "time"),
    "seconds": ("brief", "seconds"),
    "exact": ("weekday", "seconds"),
    "moment": ("day", "time"),
    "day": ("weekday",),
    "date": ("day",),
    "brief": ("brief",),
    "month": ("month",),
    "time": ("time",),
}
DAYS = frozenset({"day", "date", "brief", "month"})
"""The styles that fit a day without a time."""

ENGLISH, FIGURES = "en", "iso"
MANNERS = {
    ENGLISH: Manner(_("English")),
    "en-us": Manner(
        _("English, United States"), "D, M j, Y", "M j, Y", "M j", time="g:i A", seconds="g:i:s A"
    ),
    "de": Manner(_("German"), "D, j. N Y", "j. N Y", "j. N", language="de"),
    "fr": Manner(_("French"), "D j N Y", "j N Y", "j N", language="fr", lowers=True),
    "es": Manner(_("Spanish"), "D j N Y", "j N Y", "j N", language="es", lowers=True),
    "pt": Manner(_("Portuguese"), "D j N Y", "j N Y", "j N", language="pt", lowers=True),
    "zh-hans": Manner(
        _("Chinese"), "Y年n月j日 D", "Y年n月j日", "n月j日", "Y年n月", joint=" ", language="zh-hans"
    ),
    "ja": Manner(
        _("Japanese"), "Y年n月j日(D)", "Y年n月j日", "n月j日", "Y年n月", joint=" ", language="ja"
    ),
    "ar": Manner(
        _("Arabic"), "l j F Y", "j F Y", "j F", joint="، ", language="ar", leftward=True
    ),
    FIGURES: Manner(_("Figures, as in ISO 8601"), "Y-m-d", "Y-m-d", "Y-m-d", "Y-m", joint=" "),
}  # fmt: skip
EXAMPLE = datetime(2026, 11, 22, 14, 5, 30, tzinfo=UTC)

_chosen: ContextVar[str] = ContextVar("how dates are written", default=ENGLISH)


@contextmanager
def written(code: str) -> Iterator[None]:
    """Within it, dates are written as *code* says; English for a code that is not in the list."""
    token = _chosen.set(code if code in MANNERS else ENGLISH)
    try:
        yield
    finally:
        _chosen.reset(token)


def manner() -> Manner:
    """The way that is in force."""
    return MANNERS[_chosen.get()]


def write(value: date, style: str) -> str:
    """A day, or a moment in the zone it is given in, as the person reads it."""
    return manner().write(value, style)


def choices() -> list[tuple[str, str]]:
    """Each way with an example of itself."""
    return [(code, f"{m.name} · {m.write(EXAMPLE, 'full')}") for code, m in MANNERS.items()]
