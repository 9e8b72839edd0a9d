"""The work of a Job in the background: one run at a time, and no work that is lost for ever.

``options["rung"]`` is when its bell rang or its run last said that it lives. It is the fence at
the same time: a run writes only while the mark is the one that it left, so that one whose work
was given to another drops out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Job, JobState

WORKING = (JobState.WAITING, JobState.RUNNING)
RUNG = timedelta(seconds=30)  # by then the doorbell was lost
STUCK = timedelta(minutes=2)  # no run is silent that long
AT_ONCE = 20


class Superseded(Exception):
    """The work was given to another run; what this one holds is dropped."""


def unfinished(kind: str, now: datetime) -> list[int]:
    """Jobs to ring for, until they have had time to answer: the bell was lost or the run died."""
    open_ones = Job.objects.filter(kind=kind, state__in=WORKING, created_at__lt=now - RUNG)
    silent = [job for job in open_ones.order_by("pk") if _is_silent(job, now)]
    return [job.pk for job in silent[:AT_ONCE] if _mark(job, now, state=JobState.WAITING)]


def _is_silent(job: Job, now: datetime) -> bool:
    rung = job.options.get("rung")
    last = datetime.fromisoformat(rung) if rung else job.created_at
    return last < now - (RUNG if job.state == JobState.WAITING else STUCK)


def claim(job_id: int, kind: str) -> Job | None:
    """The job for who works on it from now on; None when it is done or another run has it."""
    job = Job.objects.filter(pk=job_id, kind=kind, state=JobState.WAITING).first()
    claimed = job is not None and _mark(job, timezone.now(), state=JobState.RUNNING)
    return job if claimed else None


def move(job: Job, **changes: Any) -> None:
    """Write on a claimed job that its run lives and what it did; Superseded if it lost it."""
    if not _mark(job, timezone.now(), **changes):
        raise Superseded


def _mark(job: Job, now: datetime, **changes: Any) -> bool:
    """Change the job as it was read; False if somebody else was first."""
    told = changes.get("options", job.options)
    changes["options"] = {**told, "rung": now.isoformat()}
    if not _as_read(job).update(**changes):
        return False
    for name, value in changes.items():
        setattr(job, name, value)
    return True


def _as_read(job: Job) -> QuerySet[Job]:
    rows = Job.objects.filter(pk=job.pk, state=job.state)
    rung = job.options.get("rung")
    return rows.filter(options__rung=rung) if rung else rows
