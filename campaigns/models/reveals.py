"""For how long a person sees whole numbers of a campaign, and why they asked."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import User
from campaigns.models.campaign import Campaign


class Reveal(models.Model):
    """Whole numbers of one campaign for one person, until a moment."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="reveals")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["campaign", "user", "-until"], name="reveal_open")]

    def __str__(self) -> str:
        return f"reveal of {self.campaign_id}"
