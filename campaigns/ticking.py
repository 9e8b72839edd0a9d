"""One pass over everything that is due or stuck. The database is the clock; anybody may tick."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef

from accounts import resetting, sessions, throttling
from campaigns import clock, giving_up, receipts, sending
from campaigns.models import Batch, Campaign, DeliveryReceipt, ReceiptState
from campaigns.states import RUNNING, CampaignState
from senders import registering


@dataclass(frozen=True, slots=True)
class Bells:
    """Work for the queue: ids of campaigns to expand, and of those with batches that may leave."""

    expand: list[int] = field(default_factory=list)
    dispatch: list[int] = field(default_factory=list)
    receipts: bool = False


def tick() -> Bells:
    """Start what is due, recover what is stuck, finish what is done; say what else to ring for."""
    sending.start_due()
    sending.recover()
    for pk in _stopped_with_rest():
        sending.cancel_rest(pk)
    for pk in _sending():
        sending.finish(pk)
    return Bells(expand=_to_expand(), dispatch=_to_dispatch(), receipts=_receipts_wait())


def sweep() -> None:
    """The slow part of a pass, once a minute or so: look-ups, receipts that never came,
    registrations of sender IDs that run out; sessions, links and counted tries that are over.
    """
    sending.ask()
    registering.sweep(clock.now())
    receipts.rematch_orphans()
    giving_up.give_up_waiting()
    sessions.sweep(clock.now())
    resetting.sweep(clock.now())
    throttling.sweep(clock.now())


def _sending() -> list[int]:
    rows = Campaign.objects.filter(state=CampaignState.SENDING, expanded_at__isnull=False)
    return list(rows.values_list("pk", flat=True))


def _to_expand() -> list[int]:
    rows = Campaign.objects.filter(state__in=[*RUNNING, CampaignState.STOPPED], expanded_at=None)
    return list(rows.exclude(carrier=None).values_list("pk", flat=True))


def _to_dispatch() -> list[int]:
    ready = Batch.objects.ready().filter(campaign=OuterRef("pk"))
    rows = Campaign.objects.going().filter(Exists(ready))
    return list(rows.values_list("pk", flat=True))


def _stopped_with_rest() -> list[int]:
    left = Batch.objects.left().filter(campaign=OuterRef("pk"))
    rows = Campaign.objects.filter(Exists(left), state=CampaignState.STOPPED)
    return list(rows.values_list("pk", flat=True))


def _receipts_wait() -> bool:
    return DeliveryReceipt.objects.filter(state=ReceiptState.PENDING).exists()
