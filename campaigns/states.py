"""States and the tables of their moves; pure. The words on screen are the same words."""

from __future__ import annotations

import enum


class CampaignState(enum.StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"


class MessageState(enum.StrEnum):
    """Stored states. *Claimed* and *submitting* are read from the batch that holds the message."""

    QUEUED = "queued"
    ACCEPTED = "accepted"
    IN_DOUBT = "in_doubt"
    NO_RECEIPT = "no_receipt"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class Bucket(enum.StrEnum):
    SENT = "sent"
    FAILED = "failed"
    OTHER = "other"


class BatchState(enum.StrEnum):
    READY = "ready"
    LEASED = "leased"
    DONE = "done"


class Hold(enum.StrEnum):
    """Why a batch waits. A waiting batch is not claimed."""

    NONE = ""
    THRESHOLD = "threshold"
    SENDER = "sender"
    PERSON = "person"


class Scenario(enum.StrEnum):
    OTP = "otp"
    NOTIFICATION = "notification"
    MARKETING = "marketing"


C = CampaignState
CAMPAIGN_MOVES: dict[str, tuple[frozenset[CampaignState], CampaignState]] = {
    "submit": (frozenset({C.DRAFT}), C.SCHEDULED),
    "edit": (frozenset({C.SCHEDULED}), C.DRAFT),
    "start": (frozenset({C.SCHEDULED}), C.SENDING),
    "start_late": (frozenset({C.SCHEDULED}), C.PAUSED),
    "pause": (frozenset({C.SENDING}), C.PAUSED),
    "resume": (frozenset({C.PAUSED}), C.SENDING),
    "suspend": (frozenset({C.SENDING}), C.SUSPENDED),
    "resume_suspended": (frozenset({C.SUSPENDED}), C.SENDING),
    "finish": (frozenset({C.SENDING}), C.COMPLETED),
    "reopen": (frozenset({C.COMPLETED}), C.SENDING),
    "cancel": (frozenset({C.DRAFT, C.SCHEDULED}), C.CANCELLED),
    "stop": (frozenset({C.SENDING, C.PAUSED, C.SUSPENDED}), C.STOPPED),
}
SUBMITTED = frozenset(C) - {C.DRAFT}
RUNNING = frozenset({C.SENDING, C.PAUSED, C.SUSPENDED})
OVER = frozenset({C.COMPLETED, C.CANCELLED, C.STOPPED})

M = MessageState
MESSAGE_MOVES: dict[MessageState, frozenset[MessageState]] = {
    M.QUEUED: frozenset(
        {M.ACCEPTED, M.REJECTED, M.IN_DOUBT, M.CANCELLED, M.DELIVERED, M.UNDELIVERED, M.EXPIRED}
    ),
    M.IN_DOUBT: frozenset(
        {M.ACCEPTED, M.REJECTED, M.QUEUED, M.DELIVERED, M.UNDELIVERED, M.EXPIRED}
    ),
    M.ACCEPTED: frozenset({M.DELIVERED, M.UNDELIVERED, M.EXPIRED, M.NO_RECEIPT}),
    M.NO_RECEIPT: frozenset({M.DELIVERED, M.UNDELIVERED, M.EXPIRED}),
    M.UNDELIVERED: frozenset({M.DELIVERED}),
    M.EXPIRED: frozenset({M.DELIVERED}),
    M.REJECTED: frozenset({M.DELIVERED}),
    M.CANCELLED: frozenset({M.DELIVERED}),
    M.DELIVERED: frozenset(),
}
BILLED = frozenset({M.ACCEPTED, M.NO_RECEIPT, M.DELIVERED, M.UNDELIVERED, M.EXPIRED})
PAID_FOR_NOTHING = frozenset({M.UNDELIVERED, M.EXPIRED})
"""Failed after the carrier had accepted: billed, and nobody read it."""
FREED = frozenset({M.REJECTED, M.CANCELLED})
"""States in which a message's segments count against no threshold."""


def bucket(state: str, gives_receipts: bool = True) -> Bucket:
    """Sent, Failed or Other. Without receipts on the route, accepted counts as sent."""
    if state == M.DELIVERED or (state == M.ACCEPTED and not gives_receipts):
        return Bucket.SENT
    if state in (M.UNDELIVERED, M.EXPIRED, M.REJECTED):
        return Bucket.FAILED
    return Bucket.OTHER
