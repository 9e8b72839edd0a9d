"""What the carrier said: the receipts inbox."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.models.messages import Message
from carriers.models import Carrier


class ReceiptState(models.TextChoices):
    PENDING = "pending", _("Waiting to be applied")
    APPLIED = "applied", _("Applied")
    IGNORED = "ignored", _("Kept without effect")
    ORPHAN = "orphan", _("Unmatched")


SET_APART = "it could not be applied"  # begins ``why``: an error of ours, in the log


class DeliveryReceiptQuerySet(models.QuerySet["DeliveryReceipt"]):
    def set_apart(self) -> DeliveryReceiptQuerySet:
        """Those that broke while they were applied; matched again like the unmatched."""
        return self.filter(state=ReceiptState.ORPHAN, why__startswith=SET_APART)

    def unmatched(self) -> DeliveryReceiptQuerySet:
        """Those that speak of no message of ours."""
        return self.filter(state=ReceiptState.ORPHAN).exclude(why__startswith=SET_APART)


class DeliveryReceipt(models.Model):
    """One receipt as it came, stored before it was answered. Its words are never changed.

    ``dedupe`` is made of what was said (carrier, id, reference, status, time): a repeat finds it.
    """

    account = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="+")
    dedupe = models.CharField(max_length=64, unique=True)
    reference = models.CharField(max_length=80)
    carrier_id = models.CharField(max_length=80, blank=True)
    outcome = models.CharField(max_length=12)
    reason = models.CharField(max_length=24, blank=True)
    detail = models.CharField(max_length=160, blank=True)
    segments = models.PositiveSmallIntegerField(null=True)
    done_at = models.DateTimeField(null=True)
    raw = models.TextField()
    arrived_at = models.DateTimeField(default=timezone.now)
    repeats = models.PositiveIntegerField(default=0)
    state = models.CharField(
        max_length=8, choices=ReceiptState.choices, default=ReceiptState.PENDING
    )
    why = models.CharField(max_length=60, blank=True)
    message = models.ForeignKey(
        Message, null=True, on_delete=models.PROTECT, related_name="receipts"
    )

    objects = DeliveryReceiptQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="receipt_waiting", condition=Q(state="pending")),
            models.Index(fields=["arrived_at"], name="receipt_orphan", condition=Q(state="orphan")),
        ]

    def __str__(self) -> str:
        return f"receipt {self.pk} {self.outcome}"
