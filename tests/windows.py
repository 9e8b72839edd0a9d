"""Windows of thresholds as a claim would have opened them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.middleware import zone_of
from billing.models import Threshold, ThresholdWindow
from billing.periods import borders


def make_window(threshold: Threshold, at: datetime | None = None, **counts: Any) -> ThresholdWindow:
    """The window of *threshold* that holds *at*, or this moment."""
    zone = zone_of(threshold.workspace.time_zone)
    start, end = borders(threshold.period, at or timezone.now(), zone)
    return ThresholdWindow.objects.create(threshold=threshold, start=start, end=end, **counts)
