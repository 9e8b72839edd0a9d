"""What was found wrong with the clock that decides."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils import timezone


class ClockJumpQuerySet(models.QuerySet):
    def holding(self) -> Self:
        """Jumps that nobody has put right or confirmed: scheduled starts wait for them."""
        return self.filter(over_at=None)


class ClockJump(models.Model):
    """The database's clock went another way than time did, by so many seconds."""

    seconds = models.BigIntegerField()
    seen_at = models.DateTimeField(default=timezone.now)
    over_at = models.DateTimeField(null=True)

    objects = ClockJumpQuerySet.as_manager()

    def __str__(self) -> str:
        return f"clock jump {self.seconds:+} s"
