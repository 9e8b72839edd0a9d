"""The database server's clock: the only one that decides anything."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime

from django.db import connection
from django.utils import timezone

from accounts.middleware import zone_of
from accounts.models import Workspace


def now() -> datetime:
    """The server's time at this instant, aware, UTC. SQLite has no clock but this machine's."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def day_of(workspace: Workspace, at: datetime) -> date:
    """The calendar day of *at* in the workspace's zone: the border of thresholds and bills."""
    zone: zoneinfo.ZoneInfo = zone_of(workspace.time_zone)
    return at.astimezone(zone).date()
