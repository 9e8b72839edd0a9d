"""The Celery application: a doorbell for work that the database already knows about."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Any

from billiard.process import active_children  # type: ignore[import-untyped]
from celery import Celery, signals
from celery.app.amqp import AMQP
from kombu import Connection

from smsconsole import beating, doorbell  # noqa: F401 - importing listens to the tasks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsconsole.settings")
END_SOON = signal.SIGUSR2  # from a worker to its own children; Celery and billiard use the others
doorbell.register()


class SteadyConnection(Connection):
    """Asks for a broker that is away every two seconds. kombu asks ever more rarely, so that
    workers would hear up to half a minute late that it is back.
    """

    def ensure_connection(self, *args: Any, **options: Any) -> Connection:
        return super().ensure_connection(*args, **{**options, "interval_step": 0})


class SteadyAMQP(AMQP):
    Connection = SteadyConnection


app = Celery("smsconsole", amqp=SteadyAMQP)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["campaigns"])


@signals.task_prerun.connect
def connect_anew(task: Any = None, **about: Any) -> None:
    """A worker keeps its connection from task to task, but not one that PostgreSQL has dropped."""
    from django.conf import settings
    from django.db import close_old_connections

    if not (settings.SQLITE or task.request.is_eager):
        close_old_connections()


@signals.worker_shutting_down.connect
def wind_down(**about: Any) -> None:
    """The worker is asked to end: its dispatchers finish their open calls, give back and stop.

    Only the parent hears of it; it passes the word on to its children and waits for their tasks.
    """
    from campaigns.sending import wire

    wire.shutting_down.set()
    for child in active_children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, END_SOON)


@signals.worker_process_init.connect
def listen(**about: Any) -> None:
    signal.signal(END_SOON, lambda *_: wind_down())
