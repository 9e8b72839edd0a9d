"""When each process of the installation was last heard."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.db import models
from django.utils import timezone

FORGOTTEN = timedelta(days=1)


class HeartbeatQuerySet(models.QuerySet):
    def beat(self, kind: str, name: str) -> None:
        """*name* is alive now; those not heard for a day are forgotten."""
        now = timezone.now()
        self.update_or_create(name=f"{kind} {name}"[:120], defaults={"kind": kind, "at": now})
        self.filter(at__lt=now - FORGOTTEN).delete()

    def of(self, kind: str) -> Self:
        return self.filter(kind=kind).order_by("-at")


class Heartbeat(models.Model):
    """The last sign of life of one worker, or of whoever ticks."""

    WORKER, TICKER = "worker", "ticker"

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=10)
    at = models.DateTimeField()

    objects = HeartbeatQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
