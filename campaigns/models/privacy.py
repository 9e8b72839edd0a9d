"""What was deleted because its time was over, and whose number was erased."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace, WorkspaceQuerySet


class Retention(models.Model):
    """When a workspace's old rows were last looked for, and what was deleted the last time.

    Moving ``due_at`` forward is the claim of a run: of two sweeps at once one finds it moved.
    """

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, related_name="retention")
    due_at = models.DateTimeField(default=timezone.now)
    ran_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)
    deleted = models.JSONField(default=dict)  # kind -> rows of the last run that found some

    def __str__(self) -> str:
        return f"retention of {self.workspace_id}"


class ErasureState(models.TextChoices):
    WAITING = "waiting", _("Under way")
    DONE = "done", _("Erased")


class Erasure(models.Model):
    """A person's number that is to be forgotten. It is known by its digest alone.

    The rows stay: after a restore of an older backup they say what is to be erased again.
    ``code`` is the country calling code, by which a number written nationally is recognised.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="erasures")
    digest = models.CharField(max_length=64)
    code = models.CharField(max_length=3)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(
        max_length=8, choices=ErasureState.choices, default=ErasureState.WAITING
    )
    erased = models.JSONField(default=dict)  # kind -> rows
    waits_for = models.CharField(max_length=20, blank=True)  # sending, imports, exports
    done_at = models.DateTimeField(null=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "digest"], name="erasure_by_digest"),
            models.Index(fields=["id"], name="erasure_open", condition=models.Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"
