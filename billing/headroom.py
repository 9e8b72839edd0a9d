"""How far the thresholds still let a workspace go, in the words and parts that pages show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, Sum
from django.utils import timezone

from accounts.middleware import zone_of
from accounts.models import User, Workspace
from billing import thresholds, wording
from billing.models import Charge, Period, Place, Scope
from billing.periods import borders, midnight, span


@dataclass(frozen=True, slots=True)
class Spend:
    """What the ledger holds: money where a rate was known, segments where none was.

    ``amounts`` are (currency, micro-units), the workspace's own currency first; none when nothing
    that was sent had a price: then there is no sum, not a 0.
    """

    amounts: tuple[tuple[str, int], ...]
    segments: int
    unpriced: int  # segments without a known price


NOTHING = Spend((), 0, 0)


@dataclass(frozen=True, slots=True)
class Meter:
    """One threshold as a page shows it. ``usage`` is None where none is set.

    ``billed`` are the segments of every campaign; ``spend`` is what the reader sees of them in
    money.
    """

    place: Place
    usage: thresholds.Usage | None
    billed: int
    spend: Spend
    resets_at: datetime

    @property
    def period(self) -> str:
        return self.place.period

    @property
    def caps_numbers(self) -> bool:
        """It is no window of segments: it counts the messages of each number."""
        return self.place.scope == Scope.NUMBER

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
        return wording.counted(self.place)

    @property
    def now(self) -> str:
        """The window in one word: today, or this month."""
        return wording.now(self.period)

    @property
    def noun(self) -> str:
        """As in: the daily threshold."""
        return wording.noun(self.place)


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
    """The day's and the month's meter of all countries, each also where no threshold is set, then
    every other that is set.

    Money is that of all campaigns, or of those that *author* made.
    """
    usage = thresholds.usage(workspace)
    known = {one.threshold.place: one for one in usage}
    always = [Place(Scope.WORKSPACE, "", period) for period in (Period.DAY, Period.MONTH)]
    found = []
    for place in always:
        start, end = span(place.period, thresholds.today(workspace))
        spent = spend(workspace, start, end, author)
        billed = spent.segments
        if author is not None:
            billed = sum(thresholds.charged(workspace, place.period, timezone.now()).values())
        resets_at = midnight(end, zone_of(workspace.time_zone))
        found.append(Meter(place, known.get(place), billed, spent, resets_at))
    return [
        *found,
        *_others(workspace, [one for one in usage if one.threshold.place not in always]),
    ]


def _others(workspace: Workspace, usage: Sequence[thresholds.Usage]) -> Iterator[Meter]:
    charged = {
        period: thresholds.charged(workspace, period, timezone.now())
        for period in {one.period for one in usage}
    }
    for one in usage:
        sums = charged[one.period]
        billed = sums.get(one.country, 0) if one.country else sum(sums.values())
        yield Meter(one.threshold.place, one, billed, NOTHING, one.resets_at)


def meter(workspace: Workspace, place: Place) -> Meter:
    """The one of *place*, also where no threshold is set there."""
    now, zone = timezone.now(), zone_of(workspace.time_zone)
    start, end = borders(place.period, now, zone)
    if place.scope == Scope.NUMBER:
        cap = thresholds.number_cap(workspace)
        usage = None if cap is None else thresholds.Usage(cap, start, end, 0)
        return Meter(place, usage, 0, NOTHING, end)
    known = {one.threshold.place: one for one in thresholds.usage(workspace)}
    sums = thresholds.charged(workspace, place.period, now)
    billed = sums.get(place.country, 0) if place.country else sum(sums.values())
    return Meter(place, known.get(place), billed, NOTHING, end)
