"""Write down what became of messages: state, charge, tally and reservation in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.db.models import F

from billing import ledger, thresholds
from billing.thresholds import Taken
from campaigns import bulk, clock
from campaigns.counting import Deltas
from campaigns.failpoints import hit
from campaigns.models import Attempt, Batch, Campaign, MessageEvent
from campaigns.states import BILLED, FREED, BatchState, MessageState
from carriers.models import Carrier


@dataclass(slots=True, eq=False)
class Lease:
    """A batch that this process may send until ``deadline`` (monotonic seconds)."""

    batch_id: int
    attempt: int
    campaign: Campaign
    carrier: Carrier
    country: str
    lo: int
    hi: int
    begun_to: int
    reserved_at: datetime | None
    deadline: float
    again: bool = False  # leased before: the inbox may know what became of its rows
    open_rows: int = 0  # rows in memory without an answer yet
    dropped: int = 0  # rows given up unsent
    doubtful: bool = False  # some unanswered row may have reached the carrier
    lost: bool = False  # somebody else holds the batch
    halted: bool = False  # the campaign is no longer sending
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one message. ``segments`` is its frozen count."""

    message_id: int
    segments: int
    state: MessageState
    reason: str = ""
    detail: str = ""
    carrier_id: str = ""
    carrier_segments: int | None = None

    @property
    def billed(self) -> int:
        if self.state not in BILLED:
            return 0
        return self.segments if self.carrier_segments is None else self.carrier_segments


class LeaseLost(Exception):
    """The batch is no longer ours, or a row is not as we left it: nothing was written."""


def settle(groups: Sequence[tuple[Lease, list[Result]]]) -> None:
    """Settle the results of each lease that is still ours; mark the others ``lost``.

    One transaction for all of them; should a row not be as it was left, each batch is tried
    alone, so that only the wrong one is dropped.
    """
    live = sorted(((ls, rs) for ls, rs in groups if not ls.lost), key=lambda g: g[0].batch_id)
    try:
        _settle_together(live)
    except LeaseLost:
        for group in live:
            try:
                _settle_together([group])
            except LeaseLost:
                group[0].lost = True


def _settle_together(groups: Sequence[tuple[Lease, list[Result]]]) -> None:
    begun = monotonic()
    renewed: list[Lease] = []
    with transaction.atomic():
        now = clock.now()
        deltas = Deltas()
        freed: dict[Taken, int] = defaultdict(int)
        for lease, results in groups:
            _settle_batch(lease, results, now, deltas)
            renewed.append(lease)
            if lease.reserved_at:
                taken = Taken(lease.campaign.workspace_id, lease.reserved_at, lease.country)
                freed[taken] += sum(r.segments for r in results if r.state in FREED)
        thresholds.release_all(freed)
        deltas.write()
        hit("settle.before_commit")
    hit("settle.after_commit")
    for lease in renewed:
        lease.deadline = begun + settings.LEASE_SECONDS


def _settle_batch(lease: Lease, results: list[Result], now: datetime, deltas: Deltas) -> None:
    segments = sum(r.segments for r in results)
    fence = Batch.objects.filter(pk=lease.batch_id, attempt=lease.attempt, state=BatchState.LEASED)
    if not fence.update(
        left=F("left") - len(results),
        segments=F("segments") - segments,
        lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
    ):
        raise LeaseLost
    write_results(lease.campaign, lease.country, lease.carrier, results, now, deltas)
    done = Batch.objects.filter(pk=lease.batch_id, left=0)
    if done.update(state=BatchState.DONE, lease_until=None):
        end_attempt(lease.batch_id, lease.attempt, "settled", now)


def write_results(
    campaign: Campaign,
    country: str,
    carrier: Carrier,
    results: list[Result],
    now: datetime,
    deltas: Deltas,
    origin: MessageState = MessageState.QUEUED,
) -> None:
    """Move messages of one campaign and country out of *origin*, charged and counted.

    Raises LeaseLost when a row is not in *origin* any more.
    """
    price = campaign.prices.get(country)
    billed = [r for r in results if r.billed]
    charge_id = None
    if billed:
        charge_id = ledger.charge(
            account_of(campaign, carrier), clock.day_of(campaign.workspace, now), country, price,
            len(billed), sum(r.billed for r in billed),
        ).pk  # fmt: skip
    rows = [
        (r.message_id, r.state.value, r.reason, r.detail[:160], r.carrier_id[:80], r.billed,
         charge_id if r.billed else None, now if r.state in BILLED else None)
        for r in results
    ]  # fmt: skip
    changed = bulk.update("campaigns_message", "id", _COLUMNS, rows, guard=_GUARDS[origin])
    if changed != len(rows):
        raise LeaseLost
    _count(campaign, country, results, origin, price, now, deltas)
    unusual = [r for r in results if r.state == MessageState.IN_DOUBT]
    MessageEvent.objects.bulk_create(
        MessageEvent(message_id=r.message_id, kind="in_doubt", was=origin, now=r.state,
                     note=r.detail[:200], at=now)
        for r in unusual
    )  # fmt: skip


def _count(
    campaign: Campaign,
    country: str,
    results: list[Result],
    origin: MessageState,
    price: int | None,
    now: datetime,
    deltas: Deltas,
) -> None:
    sums: dict[tuple[MessageState, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for r in results:
        row = sums[(r.state, r.reason)]
        row[0] += 1
        row[1] += r.segments
        row[2] += r.billed
    for (state, reason), (messages, segments, billed) in sums.items():
        deltas.add((campaign.pk, country, origin.value, ""), -messages, -segments)
        kind = (campaign.pk, country, state.value, reason)
        deltas.add(kind, messages, segments, billed, price)
        if state not in (MessageState.IN_DOUBT, MessageState.CANCELLED, MessageState.QUEUED):
            deltas.hour(campaign.workspace_id, campaign.pk, now, state, messages)


_COLUMNS = (
    ("state", "text"),
    ("reason", "text"),
    ("detail", "text"),
    ("carrier_id", "text"),
    ("billed_segments", "int"),
    ("charge_id", "bigint"),
    ("accepted_at", "time"),
)
_GUARDS = {
    state: bulk.only_while("state", state.value)
    for state in (MessageState.QUEUED, MessageState.IN_DOUBT)
}


def account_of(campaign: Campaign, carrier: Carrier) -> ledger.Account:
    """The words of the campaign that a charge keeps."""
    return ledger.Account(
        workspace_id=campaign.workspace_id,
        author_id=campaign.author_id,
        campaign_key=campaign.key,
        campaign_name=campaign.name,
        cost_centre=campaign.cost_centre,
        sender=campaign.sender_value,
        carrier=carrier.name,
        scenario=campaign.scenario,
        currency=campaign.currency,
    )


def end_attempt(batch_id: int, number: int, how: str, now: datetime) -> None:
    """Write down how a lease ended: settled, returned or expired."""
    rows = Attempt.objects.filter(batch_id=batch_id, number=number, ended_at=None)
    rows.update(ended=how, ended_at=now)
