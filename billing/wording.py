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
