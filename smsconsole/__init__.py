"""The project package: it starts the process. Nothing of ours imports it."""

from __future__ import annotations

from smsconsole.celery import app as celery_app

__all__ = ["celery_app"]
