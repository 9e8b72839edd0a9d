"""A campaign: one text to many numbers, from draft to its end."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.models import User, Workspace, WorkspaceQuerySet
from campaigns import failpoints
from campaigns.states import CAMPAIGN_MOVES, OVER, SUBMITTED, CampaignState, Scenario
from carriers.models import Carrier
from senders.models import SenderID

NAME_MAX = 30
MANUAL_MAX = 100


class WrongState(Exception):
    """The campaign has already left the state this move needs, or its last moment has passed."""

    def __init__(self, action: str) -> None:
        super().__init__(action)
        self.action = action


class ScenarioType(models.TextChoices):
    OTP = Scenario.OTP, _("Verification code (OTP)")
    NOTIFICATION = Scenario.NOTIFICATION, _("Notification")
    MARKETING = Scenario.MARKETING, _("Marketing")


class Source(models.TextChoices):
    IMPORT = "import", _("Import Data")
    MANUAL = "manual", _("Manual Input (Variables Unsupported)")


class PauseReason(models.TextChoices):
    PERSON = "person", _("Paused by a person")
    LATE_START = "late_start", _("Start time was missed by more than an hour")
    CARRIER_REFUSED = "carrier_refused", _("The carrier refused the account")
    SENDER = "sender", _("The sender ID is no longer approved")


class Origin(models.TextChoices):
    NEW = "new", _("New")
    COPY = "copy", _("Copy")
    RESEND = "resend", _("Resend to failed")
    TEST = "test", _("Test send")


class CampaignQuerySet(WorkspaceQuerySet):
    def going(self) -> Self:
        """Those of which messages may leave now: *sending*, and their workspace's sending is on."""
        return self.filter(state=CampaignState.SENDING, workspace__sending_off_at=None)

    def due(self) -> Self:
        """Scheduled campaigns whose instant has come by the database's clock, oldest first."""
        rows = self.filter(state=CampaignState.SCHEDULED, send_at__lte=Now())
        return rows.order_by("send_at", "pk")

    def late(self) -> Self:
        """Scheduled campaigns that are due for longer than the grace: a person decides."""
        grace = timedelta(minutes=settings.SCHEDULE_GRACE_MINUTES)
        return self.filter(state=CampaignState.SCHEDULED, send_at__lt=Now() - grace)

    def cancellable(self, at: Any = None) -> Self:
        """Drafts, and scheduled ones at least the cut-off before their start.

        *at* is the instant asked about; without one it is the database's present.
        """
        cutoff = timedelta(seconds=settings.CANCEL_CUTOFF_SECONDS)
        scheduled = Q(state=CampaignState.SCHEDULED, send_at__gte=(at or Now()) + cutoff)
        return self.filter(scheduled | Q(state=CampaignState.DRAFT))

    def shown(self) -> Self:
        """What lists show: everything but test sends."""
        return self.exclude(origin=Origin.TEST)


def content_digest(
    content: str,
    sender: str,
    scenario: str,
    recipients: str,
    carrier_id: int | None,
    prices: dict[str, int],
) -> str:
    """SHA-256 of all that is frozen at submit; *recipients* is the digest of the list."""
    words = [content, sender, scenario, recipients, carrier_id, sorted(prices.items())]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()


class Campaign(models.Model):
    """One text to many numbers. Content is frozen from the moment it is submitted."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="campaigns")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="campaigns")
    state = models.CharField(max_length=10, default=CampaignState.DRAFT)
    origin = models.CharField(max_length=6, choices=Origin.choices, default=Origin.NEW)
    parent = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="children")

    scenario = models.CharField(
        _("Scenario Type"), max_length=12, choices=ScenarioType.choices, blank=True
    )
    name = models.CharField(_("Task Name"), max_length=NAME_MAX, blank=True)
    sender = models.ForeignKey(SenderID, null=True, on_delete=models.PROTECT, related_name="+")
    content = models.TextField(_("Message Content"), blank=True)
    source = models.CharField(
        _("Recipient Numbers"), max_length=6, choices=Source.choices, default=Source.IMPORT
    )
    manual_numbers = models.TextField(blank=True)
    recipients = models.ForeignKey(
        "campaigns.RecipientImport", null=True, on_delete=models.PROTECT, related_name="campaigns"
    )
    cost_centre = models.CharField(_("Cost centre"), max_length=40, blank=True)
    edited_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    edited_in = models.CharField(max_length=36, blank=True)  # the page that wrote it last

    is_scheduled = models.BooleanField(_("Schedule Campaign"), default=False)
    wall_time = models.CharField(max_length=16, blank=True)  # local, 2026-11-27T19:00
    fold = models.SmallIntegerField(null=True)  # which of two equal wall times
    time_zone = models.CharField(max_length=64, blank=True)
    send_at = models.DateTimeField(null=True)

    # Frozen at submit
    carrier = models.ForeignKey(Carrier, null=True, on_delete=models.PROTECT, related_name="+")
    sender_value = models.CharField(max_length=15, blank=True)
    estimate = models.JSONField(default=dict)
    prices = models.JSONField(default=dict)  # country -> micro-units per segment
    currency = models.CharField(max_length=3, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    partial_ok = models.BooleanField(default=False)  # "send until suspended" was chosen
    submitted_at = models.DateTimeField(null=True)

    # Progress
    total = models.PositiveIntegerField(default=0)
    expanded_to = models.PositiveIntegerField(default=0)
    expanded_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=16, choices=PauseReason.choices, blank=True)
    served_at = models.DateTimeField(null=True)  # last claim: campaigns take turns
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    # What is not kept any more
    texts_purged_at = models.DateTimeField(null=True)  # content, texts of messages, values
    numbers_purged_at = models.DateTimeField(null=True)
    erased = models.PositiveIntegerField(default=0)  # messages without text: a person's request

    objects = CampaignQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "state", "-id"], name="campaign_list"),
            models.Index(fields=["send_at"], name="campaign_due", condition=Q(state="scheduled")),
            models.Index(fields=["state"], name="campaign_running", condition=Q(state="sending")),
        ]

    def __str__(self) -> str:
        return self.name or self.label

    @property
    def label(self) -> str:
        """The short id people use: C-1042."""
        return f"C-{self.pk}"

    @property
    def route(self) -> Carrier:
        """The carrier account it goes through; only a submitted campaign has one."""
        if self.carrier is None:
            raise WrongState("route")
        return self.carrier

    @property
    def is_editable(self) -> bool:
        return self.state == CampaignState.DRAFT

    @property
    def is_frozen(self) -> bool:
        return self.state in SUBMITTED

    @property
    def is_starting(self) -> bool:
        """Submitted to start at once, and not yet begun: there is nothing to wait for."""
        is_due = self.send_at and self.submitted_at and self.send_at <= self.submitted_at
        return self.state == CampaignState.SCHEDULED and bool(is_due)

    @property
    def cancel_until(self) -> datetime | None:
        """The last instant at which a scheduled campaign can be cancelled."""
        if self.send_at is None:
            return None
        return self.send_at - timedelta(seconds=settings.CANCEL_CUTOFF_SECONDS)

    def move(self, action: str, by: User | None = None, **changes: Any) -> None:
        """Change the state by one conditional UPDATE, with its audit event, or raise WrongState.

        *changes* are columns written in the same statement; ``audit`` in it is a dictionary of
        what the audit event should say (old and new values, reasons, counts).
        """
        said = changes.pop("audit", {})
        origins, target = CAMPAIGN_MOVES[action]
        rows = Campaign.objects.filter(pk=self.pk, state__in=origins)
        if action in ("cancel", "edit"):
            rows = rows.cancellable()
        if target in OVER:
            changes.setdefault("ended_at", Now())
        with transaction.atomic():
            if not rows.update(state=target, updated_at=timezone.now(), **changes):
                raise WrongState(action)
            audit.record(
                f"campaign.{action}", self, by, **{"old": self.state, "new": target} | said
            )
            failpoints.hit(f"{action}.before_commit")
        self.refresh_from_db()
