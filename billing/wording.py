"""Thresholds in words, the same on every page and in every notice."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from billing.models import Period, Place, Scope
from sms.countries import country_name


def adjective(period: str) -> str:
    """As in: the daily threshold."""
    if period == Period.HOUR:
        return pgettext("threshold", "hourly")
    daily = period == Period.DAY
    return pgettext("threshold", "daily") if daily else pgettext("threshold", "monthly")


def noun(which: Place) -> str:
    """As in: change the daily threshold to Australia."""
    if which.scope == Scope.NUMBER:
        return _("daily limit for each number")
    given = {"which": adjective(which.period), "country": country_name(which.country)}
    if which.scope == Scope.COUNTRY:
        return _("%(which)s threshold to %(country)s") % given
    return _("%(which)s threshold") % given


def counted(which: Place) -> str:
    """What it counts, as the title of its row."""
    if which.scope == Scope.NUMBER:
        return _("Messages a day to each number")
    words = {
        Period.HOUR: _("Segments an hour"),
        Period.DAY: _("Segments a day"),
        Period.MONTH: _("Segments a month"),
    }[Period(which.period)]
    if which.scope == Scope.COUNTRY:
        given = {"counted": words, "country": country_name(which.country)}
        return _("%(counted)s to %(country)s") % given
    return words


def now(period: str) -> str:
    """The present window: this hour, today, or this month."""
    if period == Period.HOUR:
        return _("this hour")
    return _("today") if period == Period.DAY else _("this month")


def name(which: Place) -> str:
    """As a heading or a sentence begins."""
    if which.scope == Scope.NUMBER:
        return _("Daily limit for each number")
    label = Period(which.period).label
    if which.scope == Scope.COUNTRY:
        given = {"period": label, "country": country_name(which.country)}
        return _("%(period)s threshold, %(country)s") % given
    return _("%(period)s threshold") % {"period": label}
