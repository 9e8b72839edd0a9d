"""Counts that pages read, moved in the same transaction as the rows they count."""

from __future__ import annotations

from django.db import models

from accounts.models import Workspace, WorkspaceQuerySet
from campaigns.models.campaign import Campaign


class CampaignTally(models.Model):
    """Messages and segments of one campaign in one country, state and reason."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="tallies", db_index=False
    )
    country = models.CharField(max_length=2)
    state = models.CharField(max_length=12)
    reason = models.CharField(max_length=24, blank=True)
    messages = models.IntegerField(default=0)
    segments = models.IntegerField(default=0)
    billed = models.IntegerField(default=0)
    amount = models.BigIntegerField(default=0)
    unpriced = models.IntegerField(default=0)  # billed segments without a known price

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "country", "state", "reason"], name="one_tally_a_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.country} {self.state}"


class HourTally(models.Model):
    """Messages of a workspace that reached a bucket in one hour (UTC)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="hours")
    hour = models.DateTimeField()
    bucket = models.CharField(max_length=6)
    messages = models.IntegerField(default=0)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "hour", "campaign", "bucket"], name="one_tally_an_hour"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour} {self.bucket}"
