"""Is the process alive, and can it do its work? Two open pages that say nothing else."""

from __future__ import annotations

import logging
import shutil

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Min
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import public
from campaigns.models import Campaign

log = logging.getLogger(__name__)

LEAST_FREE_PERCENT = 5
"""Below it nothing is claimed, because a result could not be written down."""


@public
@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@public
@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """200 while the database answers and the disk has room, else 503.

    ``oldest_due_seconds`` is how long the oldest start is overdue: it grows when no worker
    ticks, which is no reason to take this process out of service.
    """
    free = _free_percent()
    overdue = _overdue()
    ok = overdue is not None and free >= LEAST_FREE_PERCENT
    said = {
        "ok": ok,
        "database": overdue is not None,
        "disk_free_percent": free,
        "oldest_due_seconds": overdue,
    }
    return JsonResponse(said, status=200 if ok else 503)


def _free_percent() -> int:
    disk = shutil.disk_usage(settings.HOME)
    return disk.free * 100 // disk.total


def _overdue() -> int | None:
    """Seconds since the oldest start that is due, 0 if none is; None without a database."""
    try:
        connection.ensure_connection()
        oldest = Campaign.objects.due().order_by().aggregate(at=Min("send_at"))["at"]
    except DatabaseError as error:
        log.error("not ready: %s", type(error).__name__)
        return None
    return max(0, int((timezone.now() - oldest).total_seconds())) if oldest else 0
