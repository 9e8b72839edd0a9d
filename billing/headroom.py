"""How far the thresholds still let a workspace go, in the words and parts that pages show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.middleware import zone_of
from accounts.models import User, Workspace
from billing import thresholds, wording
from billing.models import Charge, Period
from billing.periods import midnight, span


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
        return self.usage.level

    @property
    def title(self) -> str:
        return _("Segments a day") if self.period == Period.DAY else _("Segments a month")

    @property
    def now(self) -> str:
        """The window in one word: today, or this month."""
        return wording.now(self.period)

    @property
    def adjective(self) -> str:
        """As in: the daily threshold."""
        return wording.adjective(self.period)


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


def meters(
    workspace: Workspace,
    author: User | None = None,
    usage: Sequence[thresholds.Usage] | None = None,
) -> list[Meter]:
    """The day's and the month's meter of all countries, each also where no threshold is set.

    Money is that of all campaigns, or of those that *author* made.
    """
    if usage is None:
        usage = thresholds.usage(workspace)
    known = {one.period: one for one in usage if not one.country}
    day = thresholds.today(workspace)
    zone = zone_of(workspace.time_zone)
    found = []
    for period in (Period.DAY, Period.MONTH):
        start, end = span(period, day)
        resets_at = midnight(end, zone)
        spent = spend(workspace, start, end, author)
        billed = spent.segments
        if author is not None:
            billed = sum(thresholds.charged(workspace, period, timezone.now()).values())
        found.append(Meter(period, known.get(period), billed, spent, resets_at))
    return found
