"""Take back what dead or frozen workers had leased."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import F

from campaigns import clock
from campaigns.counting import Deltas
from campaigns.models import Batch, Campaign, DeliveryReceipt, Message, ReceiptState
from campaigns.sending.narrowing import narrow
from campaigns.settling import Lease, Result, end_attempt, write_results
from campaigns.states import BatchState, MessageState
from carriers.models import Carrier
from sms.gateways.base import CarrierClass


def recover(*, everything: bool = False) -> int:
    """Make batches whose lease ran out ready again; answer how many.

    With *everything*, all leases count as run out: only for the sole dispatcher of an embedded
    run, which knows that whoever held them is dead.
    """
    rows = Batch.objects.all() if everything else Batch.objects.expired()
    found = list(rows.filter(state=BatchState.LEASED).values_list("pk", "attempt"))
    return sum(_recover_one(pk, attempt, everything) for pk, attempt in found)


@transaction.atomic
def _recover_one(batch_id: int, attempt: int, everything: bool) -> bool:
    carrier = Carrier.objects.get(pk=Batch.objects.values("carrier").get(pk=batch_id)["carrier"])
    try:
        doubts = carrier.carrier_class != CarrierClass.IDEMPOTENT
    except ValueError:  # its account is set up wrongly: until it is not, nobody knows its class
        return False
    rows = Batch.objects.all() if everything else Batch.objects.expired()
    mine = rows.filter(pk=batch_id, attempt=attempt, state=BatchState.LEASED)
    if not mine.update(state=BatchState.READY, lease_until=None):
        return False
    end_attempt(batch_id, attempt, "expired", clock.now())
    if doubts:
        _doubt_begun_rows(Batch.objects.get(pk=batch_id), carrier)
    narrow(batch_id)
    return True


def _doubt_begun_rows(batch: Batch, carrier: Carrier) -> None:
    """Rows that may have been sent are not sent again: a waiting receipt settles them now, the
    others are *in doubt* until certain news. The rest of the batch is certainly unsent."""
    rows = list(
        Message.objects.filter(
            campaign_id=batch.campaign_id,
            position__gte=batch.lo,
            position__lte=batch.begun_to,
            state=MessageState.QUEUED,
        ).values_list("pk", "segments", "reference")
    )
    references = [str(reference) for _pk, _segments, reference in rows]
    told = {
        receipt.reference: receipt
        for receipt in DeliveryReceipt.objects.filter(
            account=carrier, state=ReceiptState.PENDING, reference__in=references
        )
    }
    results = [
        _from_receipt(pk, segments, told.get(str(reference))) for pk, segments, reference in rows
    ]
    campaign = Campaign.objects.select_related("workspace").get(pk=batch.campaign_id)
    deltas = Deltas()
    write_results(campaign, batch.country, carrier, results, clock.now(), deltas)
    deltas.write()
    gone = sum(segments for _pk, segments, _reference in rows)
    Batch.objects.filter(pk=batch.pk).update(
        left=F("left") - len(rows), segments=F("segments") - gone, begun_to=0
    )
    Batch.objects.filter(pk=batch.pk, left=0).update(state=BatchState.DONE)


def _from_receipt(pk: int, segments: int, receipt: DeliveryReceipt | None) -> Result:
    if receipt is None:
        detail = "the worker stopped before the carrier's answer was written down"
        return Result(pk, segments, MessageState.IN_DOUBT, detail=detail)
    return Result(
        pk,
        segments,
        MessageState.ACCEPTED,
        carrier_id=receipt.carrier_id,
        carrier_segments=receipt.segments,
    )


def give_back(lease: Lease) -> None:
    """Return a batch with rows that still have no outcome, to be leased again after a pause."""
    now = clock.now()
    with transaction.atomic():
        mine = Batch.objects.filter(
            pk=lease.batch_id, attempt=lease.attempt, state=BatchState.LEASED
        )
        if mine.update(
            state=BatchState.READY,
            lease_until=None,
            begun_to=lease.begun_to if lease.doubtful else 0,
            not_before=now + timedelta(seconds=lease.retry_after) if lease.retry_after else None,
        ):
            end_attempt(lease.batch_id, lease.attempt, "returned", now)
