"""Campaigns and everything that happens to them, one file per subject."""

from __future__ import annotations

from campaigns.models.campaign import (
    Campaign,
    CampaignQuerySet,
    PauseReason,
    WrongState,
    content_digest,
)
from campaigns.models.clocks import ClockJump
from campaigns.models.messages import (
    Attempt,
    Batch,
    BatchQuerySet,
    Message,
    MessageEvent,
    MessageQuerySet,
)
from campaigns.models.privacy import Erasure, ErasureState, Retention
from campaigns.models.receipts import DeliveryReceipt, ReceiptState
from campaigns.models.recipients import (
    ImportProblem,
    ImportState,
    Recipient,
    RecipientImport,
    emptied,
    is_erased,
)
from campaigns.models.reveals import Reveal
from campaigns.models.tallies import CampaignTally, HourTally

__all__ = [
    "Attempt",
    "Batch",
    "BatchQuerySet",
    "Campaign",
    "CampaignQuerySet",
    "CampaignTally",
    "ClockJump",
    "DeliveryReceipt",
    "Erasure",
    "ErasureState",
    "HourTally",
    "ImportProblem",
    "ImportState",
    "Message",
    "MessageEvent",
    "MessageQuerySet",
    "PauseReason",
    "ReceiptState",
    "Recipient",
    "RecipientImport",
    "Retention",
    "Reveal",
    "WrongState",
    "content_digest",
    "emptied",
    "is_erased",
]
