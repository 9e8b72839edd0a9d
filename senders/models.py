"""Sender IDs, their registrations by country, and numbers that asked not to be written to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.keyed import digest
from accounts.models import User, Workspace, WorkspaceQuerySet
from sheets.spoken import LABEL_FEWEST, without_numbers
from sms.display import mask


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
        audit.record(f"sender.{action}", self, by, old=self.state, new=target, reason=reason)
        self.refresh_from_db()


class RegistrationState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Submitted")
    IN_REVIEW = "in_review", _("In review")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    EXPIRED = "expired", _("Expired")
    REVOKED = "revoked", _("Revoked")


R = RegistrationState
REGISTRATION_MOVES: dict[str, tuple[frozenset[str], str]] = {
    "submit": (frozenset({R.DRAFT, R.REJECTED, R.EXPIRED, R.REVOKED}), R.SUBMITTED),
    "review": (frozenset({R.SUBMITTED}), R.IN_REVIEW),
    "approve": (frozenset({R.SUBMITTED, R.IN_REVIEW}), R.APPROVED),
    "renew": (frozenset({R.APPROVED, R.EXPIRED}), R.APPROVED),
    "reject": (frozenset({R.SUBMITTED, R.IN_REVIEW}), R.REJECTED),
    "expire": (frozenset({R.APPROVED}), R.EXPIRED),
    "revoke": (frozenset({R.APPROVED}), R.REVOKED),
}
ENDED = frozenset({R.REJECTED, R.EXPIRED, R.REVOKED})
"""What a registry said no to: nothing is sent to that country under the name."""


class RegistrationQuerySet(models.QuerySet):
    def ended(self, day: date) -> Self:
        """Rejected, revoked or expired on *day*, written down as such or not yet."""
        over = models.Q(state=RegistrationState.APPROVED, expires_on__lt=day)
        return self.filter(over | models.Q(state__in=ENDED))


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

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sender", "country"], name="one_registration_a_country")
        ]

    def __str__(self) -> str:
        return f"{self.sender_id} {self.country}"

    def state_on(self, day: date) -> str:
        """The state as it is to be read on *day*: what has run out is expired, swept or not."""
        is_over = self.expires_on is not None and self.expires_on < day
        if self.state == RegistrationState.APPROVED and is_over:
            return RegistrationState.EXPIRED
        return self.state

    def move(self, action: str, by: User | None, now: datetime, **changes: Any) -> None:
        """Change the state, once, with its audit event on the sender ID: WrongSenderState if
        somebody else was first. *changes* are columns: reference, note, reason, expires_on.
        """
        origins, target = REGISTRATION_MOVES[action]
        old = self.state
        rows = Registration.objects.filter(pk=self.pk, state=old)
        changes = {"reason": "", **changes}
        if old not in origins or not rows.update(
            state=target, changed_by=by, changed_at=now, **changes
        ):
            raise WrongSenderState(action)
        told = ("reason", "reference", "expires_on")
        said = {name: str(changes[name]) for name in told if changes.get(name)}
        audit.record(
            f"registration.{action}", self.sender, by,
            country=self.country, old=old, new=target, **said,
        )  # fmt: skip
        self.refresh_from_db()


class OptOutSource(models.TextChoices):
    TYPED = "typed", _("Typed")
    FILE = "file", _("Imported from a file")
    ERASED = "erased", _("Erased person")


class OptOutQuerySet(WorkspaceQuerySet):
    def among(self, workspace_id: int, numbers: Iterable[str]) -> set[str]:
        """Those of *numbers* (at most some thousands) that opted out."""
        rows = self.filter(workspace_id=workspace_id)
        if not rows.exists():
            return set()
        digests = {digest(number): number for number in numbers}
        rows = rows.filter(digest__in=digests)
        return {digests[found] for found in rows.values_list("digest", flat=True)}


class OptOut(models.Model):
    """A number that must not be written to, with when and how it said so.

    It is recognised by its digest: an erased person's number is empty here and still left out.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT)
    number = models.CharField(max_length=16, blank=True)
    digest = models.CharField(max_length=64, editable=False)
    source = models.CharField(max_length=40, choices=OptOutSource.choices)
    file_name = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    added_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    objects = OptOutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workspace", "digest"], name="one_optout_per_number")
        ]
        indexes = [
            models.Index(fields=["workspace", "-id"], name="optout_of_workspace"),
            models.Index(fields=["workspace", "source", "-id"], name="optout_by_source"),
        ]

    def __str__(self) -> str:
        return f"opt-out {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.number:
            self.digest = digest(self.number)
        super().save(*args, **kwargs)

    @property
    def masked(self) -> str:
        """The number as the list shows it; empty once it was erased."""
        return mask(self.number) if self.number else ""

    @property
    def told_reason(self) -> str:
        """The reason without a number that it may hold from before they were refused in it."""
        return without_numbers(self.reason)

    @property
    def told_file(self) -> str:
        """The file's name without a number that it may hold from before it was kept so."""
        return without_numbers(self.file_name, LABEL_FEWEST)
