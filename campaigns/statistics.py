"""Results from tallies: Sent, Failed and Other with their parts, by reason, country and hour.

Pure: these functions read tally rows that somebody else loaded. At any moment
Sent + Failed + Other = messages, and the countries sum to the total.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.failures import Failure, failure
from campaigns.states import OVER, RUNNING, Bucket, CampaignState, MessageState, bucket

M = MessageState
LIVE_AFTER_END = timedelta(minutes=15)
HOURS_SHOWN = 48

PARTS: dict[str, str | Promise] = {
    M.DELIVERED: _("delivery confirmed"),
    "accepted_final": _("accepted, this carrier gives no receipts"),
    M.UNDELIVERED: _("not delivered"),
    M.EXPIRED: _("not delivered in time"),
    M.REJECTED: _("refused before sending"),
    "waiting": _("waiting to be sent"),
    "reserved": _("reserved, not sent yet"),
    "held": _("held by a threshold or a person"),
    M.ACCEPTED: _("no receipt yet"),
    M.IN_DOUBT: _("in doubt"),
    M.NO_RECEIPT: _("receipt never came"),
    M.CANCELLED: _("cancelled before sending"),
}
BUCKET_OF = {
    "accepted_final": Bucket.SENT,
    "waiting": Bucket.OTHER,
    "reserved": Bucket.OTHER,
    "held": Bucket.OTHER,
}


class Tally(Protocol):
    """A row of counts: ``CampaignTally``, or a sum of several."""

    country: str
    state: str
    reason: str
    messages: int
    segments: int
    billed: int
    amount: int
    unpriced: int


class Hour(Protocol):
    hour: datetime
    bucket: str
    messages: int


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bucket, in words: "141 no receipt yet"."""

    key: str
    label: str | Promise
    messages: int


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a campaign's messages so far."""

    sent: int = 0
    failed: int = 0
    other: int = 0
    parts: tuple[Part, ...] = ()
    billed: int = 0  # segments
    amount: int = 0  # micro-units
    unpriced: int = 0  # billed segments without a price
    refused: int = 0  # messages that no carrier took: not billed
    refused_segments: int = 0
    shows_cost: bool = True

    def without_cost(self) -> Result:
        """The same for somebody who sees no money of it: the amounts are gone, not only unshown."""
        return replace(self, amount=0, unpriced=0, shows_cost=False)

    @property
    def total(self) -> int:
        return self.sent + self.failed + self.other

    @property
    def rate(self) -> float | None:
        """Delivery rate: Sent / (Sent + Failed), None before there is either."""
        final = self.sent + self.failed
        return self.sent / final if final else None

    @property
    def cost(self) -> int | None:
        """Micro-units, or None when nothing billed has a price: never 0 for "not known"."""
        if not self.shows_cost:
            return None
        return None if self.unpriced and self.unpriced == self.billed else self.amount

    def part(self, key: str) -> int:
        return next((p.messages for p in self.parts if p.key == key), 0)

    @property
    def in_doubt(self) -> int:
        """Messages of which nobody knows whether the carrier took them."""
        return self.part(M.IN_DOUBT)

    @property
    def left(self) -> int:
        """Messages that have not left: waiting, reserved and held."""
        return self.part("waiting") + self.part("reserved") + self.part("held")

    def with_reserved(self, messages: int) -> Result:
        """The same with *messages* of those that wait told apart: their segments are reserved."""
        told = min(messages, self.part("waiting"))
        moved = {"waiting": -told, "reserved": told}
        parts = (replace(p, messages=p.messages + moved.get(p.key, 0)) for p in self.parts)
        return replace(self, parts=tuple(parts))

    @property
    def underway(self) -> int:
        """The part of Other that has left or is over: what a progress bar draws."""
        return self.other - self.left

    @property
    def handed(self) -> int:
        """Messages that are through: handed over or refused, cancelled ones not."""
        return self.total - self.left - self.part(M.CANCELLED)

    @property
    def sent_parts(self) -> tuple[Part, ...]:
        return self._of(Bucket.SENT)

    @property
    def other_parts(self) -> tuple[Part, ...]:
        return self._of(Bucket.OTHER)

    def _of(self, which: Bucket) -> tuple[Part, ...]:
        """The parts of one bucket that hold messages."""
        return tuple(p for p in self.parts if p.messages and _bucket_of(p.key) == which)


@dataclass(frozen=True, slots=True)
class CountryRow:
    country: str
    result: Result
    price: int | None  # a segment, as frozen at submit

    def without_cost(self) -> CountryRow:
        return replace(self, result=self.result.without_cost(), price=None)


@dataclass(frozen=True, slots=True)
class ReasonRow:
    failure: Failure
    code: str
    messages: int
    segments: int
    billed: int  # segments

    @property
    def resendable(self) -> bool:
        return self.failure.retryable


@dataclass(frozen=True, slots=True)
class HourRow:
    hour: datetime
    sent: int
    failed: int
    other: int


def _bucket_of(key: str) -> str:
    return BUCKET_OF.get(key) or bucket(key)


def result(
    tallies: Iterable[Tally],
    *,
    total: int = 0,
    held: int = 0,
    gives_receipts: bool = True,
    over: bool = False,
) -> Result:
    """The result of a campaign of *total* messages, of which *held* wait in held batches.

    Messages that are not written yet count as waiting, or as cancelled when the campaign is
    *over*, so that the three buckets always sum to its number of messages.
    """
    counts: dict[str, int] = defaultdict(int)
    sums: dict[str, int] = defaultdict(int)
    for row in tallies:
        counts[row.state] += row.messages
        sums["billed"] += row.billed
        sums["amount"] += row.amount
        sums["unpriced"] += row.unpriced
        if row.state == M.REJECTED:
            sums["refused"] += row.messages
            sums["refused_segments"] += row.segments
    unwritten = max(total - sum(counts.values()), 0)
    waiting = counts.pop(M.QUEUED, 0)
    if over:
        counts[M.CANCELLED] += unwritten
    else:
        waiting += unwritten
    counts["held"] = min(held, waiting)
    counts["waiting"] = waiting - counts["held"]
    if not gives_receipts:
        counts["accepted_final"] = counts.pop(M.ACCEPTED, 0)
    parts = tuple(Part(str(key), label, counts[key]) for key, label in PARTS.items())
    return Result(
        *_buckets(parts), parts,
        sums["billed"], sums["amount"], sums["unpriced"],
        sums["refused"], sums["refused_segments"],
    )  # fmt: skip


def _buckets(parts: Iterable[Part]) -> tuple[int, int, int]:
    """Messages that are Sent, Failed and Other."""
    found: dict[str, int] = defaultdict(int)
    for part in parts:
        found[_bucket_of(part.key)] += part.messages
    return found[Bucket.SENT], found[Bucket.FAILED], found[Bucket.OTHER]


def by_country(
    tallies: Iterable[Tally], prices: Mapping[str, int | None], *, gives_receipts: bool = True
) -> list[CountryRow]:
    """A row for each country, the largest first."""
    groups: dict[str, list[Tally]] = defaultdict(list)
    for row in tallies:
        groups[row.country].append(row)
    rows = [
        CountryRow(country, result(group, gives_receipts=gives_receipts), prices.get(country))
        for country, group in groups.items()
    ]
    rows = [row for row in rows if row.result.total]
    return sorted(rows, key=lambda row: (-row.result.total, row.country))


def by_reason(tallies: Iterable[Tally]) -> list[ReasonRow]:
    """Failed messages by reason, the most frequent first."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in tallies:
        if bucket(row.state) != Bucket.FAILED or not row.messages:
            continue
        code = reason_of(row.state, row.reason)
        for at, value in enumerate((row.messages, row.segments, row.billed)):
            sums[code][at] += value
    rows = [ReasonRow(failure(code), code, *counts) for code, counts in sums.items()]
    return sorted(rows, key=lambda row: (-row.messages, row.code))


def reason_of(state: str, reason: str) -> str:
    """The reason of a failed message; the state says it where the carrier did not."""
    if reason:
        return reason
    return str(M.EXPIRED) if state == M.EXPIRED else "unknown"


def by_hour(hours: Iterable[Hour]) -> list[HourRow]:
    """One row an hour without gaps, at most the first two days of them."""
    counts: dict[datetime, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in hours:
        counts[row.hour][row.bucket] += row.messages
    if not counts:
        return []
    first, last = min(counts), max(counts)
    steps = min(int((last - first) / timedelta(hours=1)) + 1, HOURS_SHOWN)
    found = (first + timedelta(hours=step) for step in range(steps))
    return [HourRow(hour, *(counts[hour][b] for b in Bucket)) for hour in found]


def is_live(state: str, found: Result, ended_at: datetime | None, now: datetime) -> bool:
    """Should a page of it keep asking? While it sends, and while its receipts come in."""
    if state == CampaignState.SENDING:
        return True
    recent = state in OVER and ended_at is not None and now - ended_at < LIVE_AFTER_END
    is_open = found.part(M.ACCEPTED) + found.part(M.IN_DOUBT) > 0
    return is_open and (recent or state in RUNNING)
