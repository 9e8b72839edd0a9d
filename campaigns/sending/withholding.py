"""What must not leave although it was leased: opted-out numbers, and what the inbox knows."""

from __future__ import annotations

from accounts.keyed import digest
from campaigns.models import DeliveryReceipt, Erasure, ReceiptState
from campaigns.sending.claiming import Row
from campaigns.settling import Lease, Result
from campaigns.states import MessageState, Scenario
from senders.models import OptOut
from sms.gateways.base import Reason


def withhold(lease: Lease, rows: list[Row]) -> tuple[list[Row], list[Result]]:
    """Split *rows* into those to send and results that are certain without a call.

    A number that opted out after the import is refused here (one-time codes are exempt), and so
    is one that was erased since the campaign was submitted, codes included. Of a batch leased
    before, a row whose receipt waits in the inbox was accepted: sending it again
    could send it twice. Where a row may have left under an earlier lease, nobody can refuse it any
    more: it is in doubt, and the carrier is asked for it.
    """
    known: dict[str, Result] = {}
    if lease.again:
        known |= _from_inbox(lease, rows)
    out = _refused(lease, [row.number for row in rows if row.reference not in known])
    for row in rows:
        is_empty = not (row.number and row.text)
        if row.reference in known or not (is_empty or row.number in out):
            continue
        known[row.reference] = _unsent(row, may_have_left=lease.doubtful and not is_empty)
    return [row for row in rows if row.reference not in known], list(known.values())


def _unsent(row: Row, *, may_have_left: bool) -> Result:
    if not may_have_left:
        state, reason = MessageState.REJECTED, Reason.OPTED_OUT.value
        return Result(row.message_id, row.segments, state, reason)
    detail = "it may have left before its number opted out"
    return Result(row.message_id, row.segments, MessageState.IN_DOUBT, detail=detail)


def _refused(lease: Lease, numbers: list[str]) -> set[str]:
    """Those of *numbers* whose owners want nothing of this campaign."""
    campaign = lease.campaign
    if campaign.scenario != Scenario.OTP:
        return OptOut.objects.among(campaign.workspace_id, numbers)
    since = Erasure.objects.filter(workspace_id=campaign.workspace_id)
    if campaign.submitted_at is not None:
        since = since.filter(asked_at__gte=campaign.submitted_at)
    digests = {digest(number): number for number in numbers} if since.exists() else {}
    rows = since.filter(digest__in=digests)
    return {digests[found] for found in rows.values_list("digest", flat=True)}


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
