"""What we did: messages, the batches that lease them, and the record of attempts."""

from __future__ import annotations

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now, Right
from django.utils import timezone

from billing.models import Charge
from billing.thresholds import Taken
from campaigns.models.campaign import Campaign
from campaigns.models.recipients import Recipient
from campaigns.states import BatchState, Hold, MessageState
from carriers.models import Carrier


class MessageQuerySet(models.QuerySet):
    def ending(self, digits: str) -> Self:
        """Messages whose number ends in these four *digits*, looked up by index."""
        return self.annotate(tail=Right("number", 4)).filter(tail=digits)


class Message(models.Model):
    """One message to one recipient: written at expansion, once at settlement, then by receipts.

    No index mentions the state, so that PostgreSQL can update a row in place (HOT).
    """

    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="messages", db_index=False
    )
    position = models.PositiveIntegerField()
    recipient = models.ForeignKey(
        Recipient, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    reference = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    number = models.CharField(max_length=16)
    country = models.CharField(max_length=2)
    text = models.TextField()
    encoding = models.CharField(max_length=5)
    segments = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, default=MessageState.QUEUED)
    reason = models.CharField(max_length=24, blank=True)
    detail = models.CharField(max_length=160, blank=True)
    carrier_id = models.CharField(max_length=80, blank=True)
    billed_segments = models.PositiveSmallIntegerField(default=0)
    price = models.BigIntegerField(null=True)  # micro-units a segment, as frozen at submit
    charge = models.ForeignKey(
        Charge, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    accepted_at = models.DateTimeField(null=True)
    receipt_at = models.DateTimeField(null=True)  # the carrier's time; ours is on the receipt

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "position"], name="one_message_a_position")
        ]
        indexes = [
            models.Index(fields=["number"], name="message_number"),
            models.Index(Right("number", 4), name="message_last_digits"),
        ]

    def __str__(self) -> str:
        return f"message {self.reference}"

    @property
    def amount(self) -> int | None:
        """What it cost in micro-units; None where no rate was known."""
        return None if self.price is None else self.price * self.billed_segments


class MessageEvent(models.Model):
    """Something unusual that happened to a message: in doubt, contradiction, decision."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=24)
    was = models.CharField(max_length=12)
    now = models.CharField(max_length=12)
    note = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"


class BatchQuerySet(models.QuerySet):
    def ready(self) -> Self:
        """Batches that may be claimed now: reserved ones first, then in order.

        A recovered batch that is already reserved goes first; behind a full threshold it would
        starve, and what the carrier has of it would stay uncharged.
        """
        waiting = Q(not_before=None) | Q(not_before__lte=Now())
        rows = self.filter(waiting, state=BatchState.READY, hold=Hold.NONE)
        return rows.order_by(models.F("reserved_at").asc(nulls_last=True), "lo")

    def expired(self) -> Self:
        """Leases that ran out: their worker is dead or frozen."""
        return self.filter(state=BatchState.LEASED, lease_until__lt=Now())

    def left(self) -> Self:
        return self.exclude(state=BatchState.DONE)


class Batch(models.Model):
    """The lease unit: positions ``lo..hi`` of one campaign, one country.

    Leased and ``position <= begun_to`` is *submitting*; leased and above it is *claimed*.
    ``reserved_at`` is the moment in whose threshold windows its segments count; a batch leased
    again reserves nothing. ``attempt`` is the fence: whoever holds an older number
    may neither send nor settle.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="batches")
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="+")
    country = models.CharField(max_length=2)
    lo = models.PositiveIntegerField()
    hi = models.PositiveIntegerField()
    begun_to = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField()  # rows without an outcome
    segments = models.PositiveIntegerField()  # of those rows
    state = models.CharField(max_length=6, default=BatchState.READY)
    hold = models.CharField(max_length=12, blank=True, default=Hold.NONE)
    not_before = models.DateTimeField(null=True)
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    reserved_at = models.DateTimeField(null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "lo"], name="one_batch_a_start")]
        indexes = [
            models.Index(fields=["campaign", "lo"], name="batch_left", condition=~Q(state="done")),
            models.Index(fields=["lease_until"], name="batch_leased", condition=Q(state="leased")),
            models.Index(
                fields=["reserved_at"],
                name="batch_reserved",
                condition=Q(reserved_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"batch {self.pk} {self.lo}-{self.hi}"

    def taken(self, campaign: Campaign) -> Taken | None:
        """Where its segments were reserved; None where nothing is."""
        if self.reserved_at is None:
            return None
        return Taken(campaign.workspace_id, self.reserved_at, self.country)


class Attempt(models.Model):
    """One lease of one batch: when it was taken and how it ended. Evidence for the audit."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    claimed_at = models.DateTimeField(default=timezone.now)
    begun_to = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)  # rows without an outcome when it was taken
    ended_at = models.DateTimeField(null=True)
    ended = models.CharField(max_length=10, blank=True)  # settled, returned, expired

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="one_row_an_attempt")
        ]

    def __str__(self) -> str:
        return f"attempt {self.batch_id}/{self.number}"
