"""Opt-outs from a file: read twice, first for a preview, then, once confirmed, to be added.

The work is done by a Job in the background. ``options["step"]`` says which of the two readings
it is at; while rows are added, ``done`` is the last row that was written, so that after a run
that was killed the next one goes on where it stopped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, jobs
from accounts.models import Job, JobState, User, Workspace
from senders import optouts
from senders.models import OptOut, OptOutSource
from sheets import parent, store
from sheets.asking import chosen
from sheets.events import Done, Event, Meta, Problems, Request, Rows
from sheets.sentences import BadFile

KIND = "optouts.import"
CHECK, WRITE, WRITTEN = "check", "write", "written"
REFUSED_SHOWN = 100
KEPT = timedelta(days=1)
DIGITS = re.compile(r"[0-9]{5,}")


def start(workspace: Workspace, stored: store.Stored, by: User, reason: str, country: str) -> Job:
    """A complete file waits for its first reading; ring ``import_optouts`` for it on commit."""
    options = {
        "step": CHECK, "stored": stored.name, "size": stored.size, "sha256": stored.sha256,
        "reason": reason, "country": country, "answers": {},
    }  # fmt: skip
    return Job.objects.create(
        workspace=workspace, user=by, kind=KIND, file_name=stored.original_name, options=options
    )


def answer(job: Job, choice: str) -> bool:
    """Answer the question that the file raised; only an offered answer counts."""
    given = chosen(job.options.get("question"), choice)
    if not given:
        return False
    options = {**job.options, "answers": {**job.options["answers"], **given}}
    options.pop("question")
    rows = Job.objects.filter(pk=job.pk, state=JobState.FAILED)
    return bool(rows.update(state=JobState.WAITING, error="", options=options))


def confirm(job: Job, by: User) -> bool:
    """Add what the preview showed; once is enough. Ring ``import_optouts`` on commit."""
    found = job.options.get("found", {})
    rows = Job.objects.filter(pk=job.pk, state=JobState.DONE, options__step=CHECK)
    options = {**job.options, "step": WRITE, "added": 0}
    with transaction.atomic():
        if not rows.update(state=JobState.WAITING, done=0, options=options):
            return False
        audit.record(
            "optout.import", job, by, size=options["size"], sha256=options["sha256"],
            valid=found.get("valid", 0), refused=found.get("refused", 0), reason=options["reason"],
        )  # fmt: skip
    return True


def unfinished(now: datetime) -> list[int]:
    """Jobs whose bell was lost or whose run died."""
    return jobs.unfinished(KIND, now)


def sweep(now: datetime) -> None:
    """Files that nobody confirmed within a day go, and so does what is told of old imports."""
    old = Job.objects.filter(kind=KIND, created_at__lt=now - KEPT)
    for job in old.exclude(state__in=jobs.WORKING)[:100]:
        store.delete(job.options.get("stored", ""))
        job.delete()


# --- one reading --------------------------------------------------------------------------


def run(job_id: int) -> None:
    """Read the file of a job: for its preview, or to add its numbers. A second run is harmless."""
    job = jobs.claim(job_id, KIND)
    if job is None:
        return
    with suppress(jobs.Superseded):
        try:
            (_write if job.options["step"] == WRITE else _check)(job)
        except BadFile as bad:
            _refuse(job, bad)


def _events(job: Job) -> Iterator[Event]:
    answers = dict(job.options["answers"])
    if "accept" in answers:
        answers["accept"] = tuple(answers["accept"])
    country = job.options["country"] or None
    request = Request(original_name=job.file_name, default_country=country, **answers)
    path = Path(settings.UPLOADS) / job.options["stored"]
    return parent.read(path, request, store.limits())


def _check(job: Job) -> None:
    """Count what is new, there already and refused. Nothing is added to the list."""
    found: dict[str, Any] = {"valid": 0, "known": 0, "rows": [], "notices": []}
    jobs.move(job, done=0)
    for event in _events(job):
        if isinstance(event, Rows):
            numbers = [row.number for row in event.rows]
            found["valid"] += len(numbers)
            found["known"] += len(OptOut.objects.among(job.workspace_id, numbers))
            jobs.move(job, done=event.rows[-1].row)
        elif isinstance(event, Problems):
            shown = event.problems[: REFUSED_SHOWN - len(found["rows"])]
            found["rows"] += [(p.row, p.column, _hidden(p.sentence)) for p in shown]
        elif isinstance(event, Meta):
            jobs.move(job, total=event.total or 0)
            found["notices"] += [notice.sentence for notice in event.notices]
            found["column"] = event.number_column
        elif isinstance(event, Done):
            found |= _summary(event)
            found["notices"] += [notice.sentence for notice in event.notices]
    options = {**job.options, "found": found}
    jobs.move(job, state=JobState.DONE, total=found["read"], options=options)


def _summary(event: Done) -> dict[str, Any]:
    tally = Counter(event.problems)
    return {
        "read": event.read, "refused": event.refused, "twice": event.duplicates,
        "no_country": tally["no_country_code"], "countries": event.countries,
    }  # fmt: skip


def _hidden(sentence: str) -> str:
    """What is kept of a refused row names no number; the row is in the person's own file."""
    return DIGITS.sub("•••", sentence)


def _write(job: Job) -> None:
    """Add the numbers chunk by chunk, going on behind the last row that was written."""
    about = {
        "source": OptOutSource.FILE, "file_name": job.file_name[:120],
        "reason": job.options["reason"], "added_by_id": job.user_id,
    }  # fmt: skip
    for event in _events(job):
        if not isinstance(event, Rows) or event.rows[-1].row <= job.done:
            continue
        numbers = [row.number for row in event.rows if row.row > job.done]
        with transaction.atomic():
            added = optouts.add_many(job.workspace_id, numbers, **about)
            options = {**job.options, "added": job.options["added"] + added}
            jobs.move(job, done=event.rows[-1].row, options=options)
    options = {**job.options, "step": WRITTEN}
    jobs.move(job, state=JobState.DONE, options=options, finished_at=timezone.now())
    store.delete(job.options["stored"])


def _refuse(job: Job, bad: BadFile) -> None:
    """The file as a whole is refused, or a question about it waits for a person."""
    options = dict(job.options)
    if bad.answer:
        choices, previews = list(bad.choices), list(bad.previews)
        options["question"] = {"answer": bad.answer, "choices": choices, "previews": previews}
    told = bad.sentence
    if not store.is_kept(job.options["stored"]):
        told = _("The file is not kept any more. Import it again.")
    jobs.move(job, state=JobState.FAILED, error=told[:300], options=options)
