"""Is the process alive, and can it do its work? Two open pages that say nothing else."""

from __future__ import annotations

import logging

from django.db import DatabaseError, connection
from django.db.models import Min, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import public
from campaigns.models import Campaign, CampaignTally
from campaigns.states import MessageState
from sheets import disk

log = logging.getLogger(__name__)


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
    ticks, which is no reason to take this process out of service; no more is ``in_doubt``.
    """
    room = disk.look()
    overdue = _overdue()
    ok = overdue is not None and not room.is_least
    said = {
        "ok": ok,
        "database": overdue is not None,
        "disk_free_percent": room.percent,
        "oldest_due_seconds": overdue,
        "in_doubt": None if overdue is None else _in_doubt(),
    }
    return JsonResponse(said, status=200 if ok else 503)


def _overdue() -> int | None:
    """Seconds since the oldest start that is due, 0 if none is; None without a database."""
    try:
        connection.ensure_connection()
        oldest = Campaign.objects.due().order_by().aggregate(at=Min("send_at"))["at"]
    except DatabaseError as error:
        log.error("not ready: %s", type(error).__name__)
        return None
    return max(0, int((timezone.now() - oldest).total_seconds())) if oldest else 0


def _in_doubt() -> int:
    rows = CampaignTally.objects.filter(state=MessageState.IN_DOUBT)
    return rows.aggregate(n=Sum("messages"))["n"] or 0
