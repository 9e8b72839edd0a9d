"""Workers and the ticker leave a sign of life in the database as they work, every ten seconds."""

from __future__ import annotations

import logging
import socket
import time
from typing import Any

from celery import signals
from django.db import DatabaseError

log = logging.getLogger(__name__)
EVERY_SECONDS = 10.0
# Only the ticker, or beat in its place, rings these: the pulse of the whole.
TICKS = frozenset({"campaigns.tasks.tick", "campaigns.tasks.look_after"})
_beaten: dict[str, float] = {}


def beat(kind: str, name: str) -> None:
    """Write it down unless that was done a moment ago; a deaf database stops no work."""
    from smsconsole.models import Heartbeat  # Celery loads this before the apps

    now = time.monotonic()
    if now - _beaten.get(kind, -EVERY_SECONDS) < EVERY_SECONDS:
        return
    _beaten[kind] = now
    try:
        Heartbeat.objects.beat(kind, name)
    except DatabaseError as error:
        log.warning("no sign of life written: %s", type(error).__name__)


@signals.before_task_publish.connect
def ticked(sender: str = "", **about: Any) -> None:
    if sender in TICKS:
        beat("ticker", socket.gethostname())


@signals.task_prerun.connect
def worked(task: Any = None, **about: Any) -> None:
    beat("worker", task.request.hostname or socket.gethostname())
