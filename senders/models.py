"""Sender IDs, and numbers that asked not to be written to."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User, Workspace, WorkspaceQuerySet


class SenderState(models.TextChoices):
    PENDING = "pending", _("Under review")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


MOVES: dict[str, tuple[frozenset[str], str]] = {
    "approve": (frozenset({SenderState.PENDING, SenderState.REJECTED}), SenderState.APPROVED),
    "reject": (frozenset({SenderState.PENDING}), SenderState.REJECTED),
    "withdraw": (frozenset({SenderState.APPROVED, SenderState.PENDING}), SenderState.WITHDRAWN),
    "resubmit": (frozenset({SenderState.REJECTED, SenderState.WITHDRAWN}), SenderState.PENDING),
}


class WrongSenderState(Exception):
    """Somebody else was first: the sender ID has already left the state this move needs."""


class SenderIDQuerySet(WorkspaceQuerySet):
    def usable(self) -> Self:
        """Approved ones: those the picker offers and dispatch lets through."""
        return self.filter(state=SenderState.APPROVED)


class SenderID(models.Model):
    """A name or number that messages come from: at most 11 with a letter, 15 digits only."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="senders")
    value = models.CharField(_("sender ID"), max_length=15)
    company = models.CharField(_("legal company name"), max_length=50)
    website = models.CharField(_("website"), max_length=200, blank=True)
    note = models.TextField(_("what it is used for, with a sample text"), max_length=1000)
    state = models.CharField(
        max_length=10, choices=SenderState.choices, default=SenderState.PENDING
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)

    objects = SenderIDQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "value"], name="one_sender_per_workspace")
        ]

    def __str__(self) -> str:
        return self.value

    def move(self, action: str, by: User, now: datetime, reason: str = "") -> None:
        """Change the state, once: raises WrongSenderState if somebody else was first."""
        origins, target = MOVES[action]
        rows = SenderID.objects.filter(pk=self.pk, state__in=origins)
        if not rows.update(state=target, reason=reason, decided_by=by, decided_at=now):
            raise WrongSenderState(action)
        audit.record(f"sender.{action}", self, by, reason=reason)
        self.refresh_from_db()


class RegistrationState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Submitted")
    IN_REVIEW = "in_review", _("In review")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    EXPIRED = "expired", _("Expired")
    REVOKED = "revoked", _("Revoked")


class Registration(models.Model):
    """A sender ID's registration in one country; its history is the audit trail's."""

    sender = models.ForeignKey(SenderID, on_delete=models.PROTECT, related_name="registrations")
    country = models.CharField(_("country"), max_length=2)
    state = models.CharField(
        max_length=10, choices=RegistrationState.choices, default=RegistrationState.DRAFT
    )
    reference = models.CharField(_("reference at the registry"), max_length=80, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    expires_on = models.DateField(_("valid until"), null=True, blank=True)
    changed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sender", "country"], name="one_registration_a_country")
        ]

    def __str__(self) -> str:
        return f"{self.sender_id} {self.country}"


class OptOutQuerySet(WorkspaceQuerySet):
    def among(self, workspace_id: int, numbers: list[str]) -> set[str]:
        """Those of *numbers* (at most some thousands) that opted out."""
        rows = self.filter(workspace_id=workspace_id, number__in=numbers)
        return set(rows.values_list("number", flat=True))


class OptOut(models.Model):
    """A number that must not be written to, with when and how it said so."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT)
    number = models.CharField(max_length=16)
    source = models.CharField(max_length=40)
    reason = models.CharField(max_length=200, blank=True)
    added_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    objects = OptOutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "number"], name="one_optout_per_number")
        ]

    def __str__(self) -> str:
        return f"opt-out {self.pk}"
