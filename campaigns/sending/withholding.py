"""What must not leave although it was leased: opted-out numbers, and what the inbox knows."""

from __future__ import annotations

from campaigns.models import DeliveryReceipt, ReceiptState
from campaigns.sending.claiming import Row
from campaigns.settling import Lease, Result
from campaigns.states import MessageState, Scenario
from senders.models import OptOut
from sms.gateways.base import Reason


def withhold(lease: Lease, rows: list[Row]) -> tuple[list[Row], list[Result]]:
    """Split *rows* into those to send and results that are certain without a call.

    A number that opted out after the import is refused here (one-time codes are exempt). Of a
    batch leased before, a row whose receipt waits in the inbox was accepted: sending it again
    could send it twice.
    """
    known: dict[str, Result] = {}
    if lease.again:
        known |= _from_inbox(lease, rows)
    if lease.campaign.scenario != Scenario.OTP:
        numbers = [row.number for row in rows if row.reference not in known]
        out = OptOut.objects.among(lease.campaign.workspace_id, numbers)
        for row in rows:
            if row.number in out and row.reference not in known:
                known[row.reference] = Result(
                    row.message_id, row.segments, MessageState.REJECTED, Reason.OPTED_OUT.value
                )
    return [row for row in rows if row.reference not in known], list(known.values())


def _from_inbox(lease: Lease, rows: list[Row]) -> dict[str, Result]:
    by_reference = {row.reference: row for row in rows}
    waiting = DeliveryReceipt.objects.filter(
        account=lease.carrier, state=ReceiptState.PENDING, reference__in=list(by_reference)
    )
    return {
        receipt.reference: Result(
            by_reference[receipt.reference].message_id,
            by_reference[receipt.reference].segments,
            MessageState.ACCEPTED,
            carrier_id=receipt.carrier_id,
            carrier_segments=receipt.segments,
        )
        for receipt in waiting
    }
