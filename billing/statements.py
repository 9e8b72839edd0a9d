"""What a month cost, summed by the database from charges alone; days are the workspace's own.

Money stays in integer micro-units and is rounded once, where it is shown. Sums of different
currencies are never added, and segments without a price are counted, never priced at 0.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import F, Max, Q, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from accounts import dates
from accounts.models import Membership, User
from accounts.roles import allows
from billing.models import Charge, FailedCharge

GROUPS = {
    "country": _("Country"),
    "campaign": _("Campaign"),
    "sender": _("Sender ID"),
    "scenario": _("Scenario Type"),
    "cost_centre": _("Cost centre"),
    "day": _("Day"),
}
SCENARIOS = {
    "otp": _("Verification code (OTP)"),
    "notification": _("Notification"),
    "marketing": _("Marketing"),
}
NARROWING = ("country", "sender", "scenario", "cost_centre", "day")
FIRST_YEAR, LAST_YEAR = 2000, 9998
LONGEST = 40


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, by its first day."""

    first: date

    @classmethod
    def read(cls, text: str, today: date) -> Self:
        """The month written as 2026-11; this one for anything else and for one to come."""
        this = cls(today.replace(day=1))
        try:
            written = cls(date.fromisoformat(f"{text}-01"))
        except ValueError:
            return this
        return min(written, this) if written.first.year >= FIRST_YEAR else this

    @property
    def end(self) -> date:
        """The first day that is not in it any more."""
        return (self.first + timedelta(days=31)).replace(day=1)

    @property
    def next(self) -> Month:
        return Month(self.end)

    @property
    def previous(self) -> Month:
        return Month((self.first - timedelta(days=1)).replace(day=1))

    def holds(self, day: date) -> bool:
        return self.first <= day < self.end

    def __str__(self) -> str:
        return self.first.strftime("%Y-%m")

    @property
    def label(self) -> str:
        return dates.write(self.first, "month")


@dataclass(frozen=True, slots=True)
class Choice:
    """A month, how it is grouped, and what it is narrowed to, in the order of narrowing."""

    month: Month
    by: str = "country"
    where: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, given: Mapping[str, str], today: date) -> Self:
        """From the parameters of an address; words outside the lists are dropped."""
        month = Month.read(given.get("month", ""), today)
        where = [(name, given[name]) for name in given if name in NARROWING]
        choice = cls(month, where=tuple((n, v) for n, v in where if _fits(n, v, month)))
        by = given.get("by", "")
        return replace(choice, by=by if by in choice.groups else choice.groups[0])

    @property
    def groups(self) -> list[str]:
        """The ways to group that still tell something."""
        narrowed = dict(self.where)
        return [name for name in GROUPS if name not in narrowed]

    @property
    def query(self) -> str:
        return urlencode([("month", str(self.month)), ("by", self.by), *self.where])

    def grouped(self, by: str) -> Choice:
        return replace(self, by=by)

    def moved(self, month: Month) -> Choice:
        """Another month; a day belongs to its own."""
        return replace(self, month=month, where=tuple(w for w in self.where if w[0] != "day"))

    def narrowed(self, value: str) -> Choice:
        """Only one of the lines, grouped by what is next."""
        inner = replace(self, where=(*self.where, (self.by, value)))
        ways = inner.groups
        return replace(inner, by="campaign" if "campaign" in ways else ways[0])

    def widened(self, count: int) -> Choice:
        """Only the first *count* narrowings."""
        outer = replace(self, where=self.where[:count])
        return replace(outer, by=self.where[count][0])

    def rows(self, charges: QuerySet[Charge]) -> QuerySet[Charge]:
        return charges.filter(
            day__gte=self.month.first, day__lt=self.month.end, **dict(self.where)
        ).order_by()


def _fits(name: str, value: str, month: Month) -> bool:
    if name != "day":
        return len(value) <= LONGEST and "\0" not in value and (bool(value) or name in BLANK)
    try:
        return month.holds(date.fromisoformat(value))
    except ValueError:
        return False


BLANK = frozenset({"cost_centre"})


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums in one currency. An amount is None where nothing had a price."""

    currency: str
    messages: int = 0
    segments: int = 0
    unpriced: int = 0
    amount: int | None = None
    failed_messages: int = 0
    failed_segments: int = 0
    failed_unpriced: int = 0
    failed_amount: int | None = None

    @property
    def average(self) -> int | None:
        """Micro-units for a segment that had a price, rounded for display."""
        priced = self.segments - self.unpriced
        if self.amount is None or priced <= 0:
            return None
        return (2 * self.amount + priced) // (2 * priced)

    @property
    def paid_for_failed(self) -> int | None:
        """Nothing failed costs 0; what failed without a price has no sum."""
        return self.failed_amount if self.failed_segments else 0


MONEY = frozenset({"amount", "failed_amount"})


@dataclass(frozen=True, slots=True)
class Line:
    """One group in one currency."""

    key: str
    label: str
    sums: Sums

    @property
    def day(self) -> date:
        """Of a line that is a day."""
        return date.fromisoformat(self.key)


@dataclass(frozen=True, slots=True)
class Statement:
    """The lines of each currency, dearest first; the numbers of the newest rows they come from."""

    choice: Choice
    lines: list[Line]
    charge_id: int
    failed_id: int

    @property
    def totals(self) -> list[Sums]:
        """A sum for each currency, the one with most segments first."""
        return _totals(self.lines)

    @property
    def counts(self) -> Sums:
        """Messages and segments of every currency; they are the same things everywhere."""
        return replace(
            _added("", [line.sums for line in self.lines]), amount=None, failed_amount=None
        )


def _totals(lines: list[Line]) -> list[Sums]:
    found: dict[str, list[Sums]] = defaultdict(list)
    for line in lines:
        found[line.sums.currency].append(line.sums)
    sums = [_added(currency, parts) for currency, parts in sorted(found.items())]
    return sorted(sums, key=lambda one: -one.segments)


def _added(currency: str, parts: list[Sums]) -> Sums:
    """The sum of each figure; an amount that is nowhere known has none."""
    sums: dict[str, Any] = {}
    for name in Sums.__slots__:
        known = [value for part in parts if (value := getattr(part, name)) is not None]
        if name != "currency" and (known or name not in MONEY):
            sums[name] = sum(known)
    return Sums(currency, **sums)


def is_own_only(membership: Membership) -> bool:
    """This role reads the charges of the campaigns the person made, and no others."""
    return not allows(membership.role, "statements.view", own=False)


def whose(user: User, membership: Membership) -> User | None:
    """The person, if this role reads only the charges of their own campaigns; else nobody."""
    return user if is_own_only(membership) else None


def charges(user: User, membership: Membership) -> QuerySet[Charge]:
    """The charges that a person may read."""
    rows = Charge.objects.for_user(user)
    return rows.filter(author=user) if is_own_only(membership) else rows


def read(rows: QuerySet[Charge], choice: Choice) -> Statement:
    """The statement of *choice* over *rows*, by two queries."""
    found = _sums(choice.rows(rows), choice.by)
    newest = max((row["newest"] for row in found), default=0)
    failed = {(row["group"], row["currency"]): row for row in _failed(choice, rows, newest)}
    lines = [_line(choice.by, row, failed.get((row["group"], row["currency"]))) for row in found]
    lines.sort(key=lambda line: (line.key, line.sums.currency))
    if choice.by != "day":
        place = {sums.currency: at for at, sums in enumerate(_totals(lines))}
        lines.sort(key=lambda line: (
            place[line.sums.currency], -(line.sums.amount or 0), -line.sums.segments
        ))  # fmt: skip
    told = max((row["newest"] for row in failed.values()), default=0)
    return Statement(choice, lines, newest, told)


def _column(by: str) -> str:
    return "campaign_key" if by == "campaign" else by


def _sums(rows: QuerySet[Charge], by: str) -> list[dict[str, Any]]:
    groups: Any = rows.values("currency", group=F(_column(by)))
    return list(groups.annotate(
        name=Max("campaign_name"), newest=Max("pk"), n=Sum("messages"), s=Sum("segments"),
        a=Sum("amount"), u=Sum("segments", filter=Q(amount=None), default=0),
    ))  # fmt: skip


def _failed(choice: Choice, rows: QuerySet[Charge], newest: int) -> list[dict[str, Any]]:
    """The same groups over what failed of the charges up to *newest*."""
    told = FailedCharge.objects.filter(charge__in=choice.rows(rows).filter(pk__lte=newest))
    groups: Any = told.order_by().values(
        currency=F("charge__currency"), group=F(f"charge__{_column(choice.by)}")
    )
    return list(groups.annotate(
        newest=Max("pk"), n=Sum("messages"), s=Sum("segments"),
        a=Sum(F("segments") * F("charge__price")),
        u=Sum("segments", filter=Q(charge__price=None), default=0),
    ))  # fmt: skip


def _line(by: str, row: dict[str, Any], failed: dict[str, Any] | None) -> Line:
    sums = Sums(row["currency"], row["n"], row["s"], row["u"], row["a"])
    if failed is not None:
        sums = replace(
            sums, failed_messages=failed["n"], failed_segments=failed["s"],
            failed_unpriced=failed["u"], failed_amount=failed["a"],
        )  # fmt: skip
    key = str(row["group"])
    return Line(key, row["name"] if by == "campaign" else word(by, key), sums)


def word(name: str, value: str) -> str:
    """A scenario as people call it, a blank cost centre as none; anything else as it is."""
    if name == "cost_centre" and not value:
        return str(_("No cost centre"))
    return str(SCENARIOS.get(value, value)) if name == "scenario" else value


def days(rows: QuerySet[Charge], choice: Choice, today: date) -> list[tuple[date, int]]:
    """Billable messages on each day of the month that has begun."""
    sums = choice.rows(rows).values_list("day").annotate(s=Sum("segments"))
    found = dict(sums)
    end = min(choice.month.end, max(today, *found, choice.month.first) + timedelta(days=1))
    count = (end - choice.month.first).days
    return [
        (day, found.get(day, 0))
        for day in (choice.month.first + timedelta(days=n) for n in range(count))
    ]
