"""Doorbells of this app; see `campaigns/tasks.py` for those that ring by the clock."""

from __future__ import annotations

from celery import shared_task

from senders import optout_files


@shared_task
def import_optouts(job_id: int) -> None:
    """Read a file of opt-outs, for its preview or to add its numbers."""
    optout_files.run(job_id)
