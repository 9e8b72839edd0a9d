"""How far the thresholds still let a workspace go, in the words and parts that pages show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.middleware import zone_of
from accounts.models import User, Workspace
from billing import thresholds
from billing.models import Charge, Period


@dataclass(frozen=True, slots=True)
class Spend:
    """What the ledger holds: money where a rate was known, segments where none was.

    ``amounts`` are (currency, micro-units), the workspace's own currency first; none when nothing
    that was sent had a price: then there is no sum, not a 0.
    """

    amounts: tuple[tuple[str, int], ...]
    segments: int
    unpriced: int  # segments without a known price


@dataclass(frozen=True, slots=True)
class Meter:
    """One threshold as a page shows it. ``usage`` is None where none is set.

    ``billed`` are the segments of every campaign; ``spend`` is what the reader sees of them in
    money.
    """

    period: str
    usage: thresholds.Usage | None
    billed: int
    spend: Spend
    resets_at: datetime

    @property
    def room(self) -> int | None:
        return None if self.usage is None else self.usage.room

    @property
    def reserved(self) -> int:
        """Of the used segments those that no carrier has taken yet: being sent, or in doubt."""
        return 0 if self.usage is None else max(0, self.usage.used - self.billed)

    @property
    def level(self) -> str:
        """none, ok, warn or reached."""
        if self.usage is None:
            return "none"
        if self.usage.used >= self.usage.limit:
            return "reached"
        warned = self.usage.used * 100 >= self.usage.limit * self.usage.warn_percent
        return "warn" if warned else "ok"

    @property
    def title(self) -> str:
        return _("Segments a day") if self.period == Period.DAY else _("Segments a month")

    @property
    def now(self) -> str:
        """The window in one word: today, or this month."""
        return _("today") if self.period == Period.DAY else _("this month")

    @property
    def adjective(self) -> str:
        """As in: the daily threshold."""
        daily = self.period == Period.DAY
        return pgettext("threshold", "daily") if daily else pgettext("threshold", "monthly")


def spend(
    workspace: Workspace, start: date, end: date | None = None, author: User | None = None
) -> Spend:
    """What was charged on the days from *start* up to, not including, *end*.

    Of all campaigns, or of those that *author* made.
    """
    rows = Charge.objects.filter(workspace=workspace, day__gte=start)
    if author is not None:
        rows = rows.filter(author=author)
    if end is not None:
        rows = rows.filter(day__lt=end)
    sums = rows.values_list("currency").annotate(
        a=Sum("amount"), s=Sum("segments"), u=Sum("segments", filter=Q(amount=None), default=0)
    )
    found = sorted(sums.order_by(), key=lambda row: (row[0] != workspace.currency, row[0]))
    amounts = tuple((row[0], row[1]) for row in found if row[1] is not None)
    return Spend(
        amounts if found else ((workspace.currency, 0),),
        segments=sum(row[2] for row in found),
        unpriced=sum(row[3] for row in found),
    )


def meters(workspace: Workspace, author: User | None = None) -> list[Meter]:
    """The day's and the month's meter, each also where no threshold is set.

    Money is that of all campaigns, or of those that *author* made.
    """
    known = {usage.period: usage for usage in thresholds.usage(workspace)}
    day = thresholds.today(workspace)
    zone = zone_of(workspace.time_zone)
    found = []
    for period in (Period.DAY, Period.MONTH):
        start, end = thresholds.span(period, day)
        resets_at = datetime(end.year, end.month, end.day, tzinfo=zone)
        spent = spend(workspace, start, end, author)
        billed = spent.segments
        if author is not None:
            billed = thresholds.charged(workspace, start, end)
        found.append(Meter(period, known.get(period), billed, spent, resets_at))
    return found


def room(workspace: Workspace) -> int | None:
    """Segments that may still leave now under every threshold; None where none is set."""
    return min((usage.room for usage in thresholds.usage(workspace)), default=None)
