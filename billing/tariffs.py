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
    """Each country's line. Of two rates from the same day the one entered later holds; the other
    is past.

    A rate in another currency than the workspace's is kept as past: nothing is converted.
    """
    ordered = sorted(rates, key=lambda rate: (rate.country, rate.valid_from, rate.pk))
    groups = groupby(ordered, lambda rate: rate.country)
    return [_line(country, list(rows), today, currency) for country, rows in groups]


def _line(country: str, rows: list[Rate], today: date, currency: str) -> Line:
    line = Line(country)
    for rate in reversed(rows):
        days = {later.valid_from for later in line.coming}
        counts = rate.currency == currency and rate.valid_from not in days
        if counts and rate.valid_from > today:
            line.coming.append(rate)
        elif counts and line.current is None and rate.valid_from <= today:
            line.current = rate
        else:
            line.past.append(rate)
    return line


class AlreadyKept(Exception):
    """The same price holds from the same day; nothing was written."""


class AnotherKept(Exception):
    """Another price holds from the same day, and nobody said to replace it; nothing was written."""

    def __init__(self, rate: Rate) -> None:
        super().__init__(str(rate))
        self.rate = rate


def enter(
    workspace: Workspace,
    country: str,
    price: int,
    valid_from: date,
    by: User,
    *,
    replaces: str = "",
) -> Rate:
    """Append a rate in the workspace's currency, with its audit event.

    AlreadyKept if it holds. A rate of the same day counts no more, and is kept as history:
    AnotherKept unless *replaces* names that one by its key.
    """
    with transaction.atomic():
        thresholds.lock(workspace.pk)  # a sheet that was looked at is compared with what is kept
        rates = Rate.objects.filter(workspace=workspace, country=country)
        earlier = rates.filter(currency=workspace.currency).valid_on(valid_from)
        holds = earlier.select_related("entered_by").order_by("-valid_from", "-pk").first()
        if holds is not None and holds.valid_from == valid_from:
            if holds.price == price:
                raise AlreadyKept
            if replaces != str(holds.pk):
                raise AnotherKept(holds)
        old = None if holds is None else holds.price
        rate = Rate.objects.create(
            workspace=workspace, country=country, price=price, currency=workspace.currency,
            valid_from=valid_from, entered_by=by,
        )  # fmt: skip
        audit.record(
            "rate.enter", rate, by,
            country=country, valid_from=valid_from.isoformat(), old=old, new=price,
        )  # fmt: skip
    return rate
