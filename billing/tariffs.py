"""The rates of a workspace as a person keeps them: current, to come, before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from django.db import transaction

from accounts import audit
from accounts.models import User, Workspace
from billing import thresholds
from billing.models import Rate


@dataclass(slots=True)
class Line:
    """One country's rates, newest first. Without a current one its price is unknown."""

    country: str
    current: Rate | None = None
    coming: list[Rate] = field(default_factory=list)
    past: list[Rate] = field(default_factory=list)


def read(rates: Iterable[Rate], today: date, currency: str) -> list[Line]:
    """Each country's line. Of two rates from the same day the one entered later holds.

    A rate in another currency than the workspace's is kept as past: nothing is converted.
    """
    ordered = sorted(rates, key=lambda rate: (rate.country, rate.valid_from, rate.pk))
    groups = groupby(ordered, lambda rate: rate.country)
    return [_line(country, list(rows), today, currency) for country, rows in groups]


def _line(country: str, rows: list[Rate], today: date, currency: str) -> Line:
    line = Line(country)
    for rate in reversed(rows):
        foreign = rate.currency != currency
        if rate.valid_from > today and not foreign:
            line.coming.append(rate)
        elif line.current is None and not foreign:
            line.current = rate
        else:
            line.past.append(rate)
    return line


class AlreadyKept(Exception):
    """The same price holds from the same day; nothing was written."""


def enter(workspace: Workspace, country: str, price: int, valid_from: date, by: User) -> Rate:
    """Append a rate in the workspace's currency, with its audit event; AlreadyKept if it holds."""
    with transaction.atomic():
        thresholds.lock(workspace.pk)  # a sheet that was looked at is compared with what is kept
        earlier = Rate.objects.filter(workspace=workspace, country=country).valid_on(valid_from)
        old = earlier.order_by("-valid_from", "-pk").values_list("price", flat=True).first()
        same_day = earlier.filter(valid_from=valid_from, currency=workspace.currency)
        newest = same_day.order_by("-pk").values_list("price", flat=True).first()
        if newest == price:
            raise AlreadyKept
        rate = Rate.objects.create(
            workspace=workspace, country=country, price=price, currency=workspace.currency,
            valid_from=valid_from, entered_by=by,
        )  # fmt: skip
        audit.record(
            "rate.enter", rate, by,
            country=country, valid_from=valid_from.isoformat(), old=old, new=price,
        )  # fmt: skip
    return rate
