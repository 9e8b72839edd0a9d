"""The Celery application: a doorbell for work that the database already knows about."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals
from celery.app.amqp import AMQP
from kombu import Connection

from smsconsole import beating, doorbell  # noqa: F401 - importing listens to the tasks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsconsole.settings")
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
    """The worker is asked to end: dispatchers in this process finish their open calls and stop."""
    from campaigns.sending import wire

    wire.shutting_down.set()
