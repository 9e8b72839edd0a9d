"""Tables to take away: the messages of a campaign, the totals of the campaign list.

Small ones are made by the request; a large one is written in the background by a Job.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import jobs
from accounts.models import Job, JobState
from campaigns.failures import failure
from campaigns.lookup import Filter, code_of
from campaigns.models import Campaign, Message
from campaigns.reading import SHOWN_WITH, gives_receipts
from campaigns.states import Bucket, MessageState, bucket
from campaigns.statistics import Result, reason_of
from sheets import disk
from sheets.writing import Cell, csv_lines, write_xlsx
from sms.display import mask

KIND = "numbers"
INLINE_ROWS = 20_000
LARGEST_SHEET = 1_048_575  # rows below the header, by the file format
CHUNK = 2_000
KEPT = timedelta(hours=24)
COLUMNS = (
    "phone_number", "country", "state", "result", "reason", "carrier_code", "accepted_at_utc",
    "receipt_time_utc", "segments", "billable_messages", "price_per_segment", "cost",
    "currency", "message_id", "carrier_message_id",
)  # fmt: skip
TOTALS = (
    "campaign", "task_name", "state", "scenario_type", "sender_id", "created_by", "cost_centre",
    "scheduled_time_utc", "started_at_utc", "ended_at_utc", "number_of_numbers", "sent",
    "failed", "other", "number_of_billable_messages", "billable_messages_without_price",
    "cost", "currency",
)  # fmt: skip


def message_rows(
    campaign: Campaign, chosen: Filter, *, whole: bool = False, priced: bool = True
) -> Iterator[tuple[Cell, ...]]:
    """The messages in order, read in chunks, so that a million take no more memory than few.

    Numbers are masked as on the pages, unless they are to be *whole*; who sees no cost of the
    campaign takes the messages without prices (*priced*).
    """
    receipts = gives_receipts(campaign)
    rows = chosen.rows(campaign, receipts).defer("text")
    last = -1
    while chunk := list(rows.filter(position__gt=last).order_by("position")[:CHUNK]):
        last = chunk[-1].position
        for message in chunk:
            money = _prices(message, campaign.currency) if priced else ("", "", "")
            yield _message(message, money, receipts, whole)


def _prices(message: Message, currency: str) -> tuple[Cell, ...]:
    return _money(message.price), _money(message.amount), currency


def _message(
    message: Message, money: tuple[Cell, ...], receipts: bool, whole: bool
) -> tuple[Cell, ...]:
    which = bucket(message.state, receipts)
    why = ""
    if which == Bucket.FAILED or message.state in (MessageState.CANCELLED, MessageState.NO_RECEIPT):
        why = str(failure(reason_of(message.state, message.reason or _own(message.state))).title)
    return (
        message.number if whole else mask(message.number), message.country, message.state,
        str(which), why, message.detail if whole else code_of(message),
        _utc(message.accepted_at), _utc(message.receipt_at), message.segments,
        message.billed_segments, *money,
        str(message.reference), message.carrier_id,
    )  # fmt: skip


def _own(state: str) -> str:
    return state if state in (MessageState.CANCELLED, MessageState.NO_RECEIPT) else ""


def total_rows(
    campaigns: Iterable[Campaign], found: dict[int, Result]
) -> Iterator[tuple[Cell, ...]]:
    """One row of totals for each campaign, without any number or text."""
    for campaign in campaigns:
        sums = found[campaign.pk]
        yield (
            campaign.label, campaign.name, campaign.state, campaign.scenario,
            campaign.sender_value or str(campaign.sender or ""), campaign.author.name,
            campaign.cost_centre, _utc(campaign.send_at), _utc(campaign.started_at),
            _utc(campaign.ended_at), sums.total, sums.sent, sums.failed, sums.other, sums.billed,
            *(_cost(sums, campaign.currency) if sums.shows_cost else ("", "", "")),
        )  # fmt: skip


def _cost(sums: Result, currency: str) -> tuple[Cell, ...]:
    return sums.unpriced, _money(sums.cost), currency


def _utc(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _money(micros: int | None) -> str:
    """Micro-units as a decimal number with all six places; never through a float."""
    if micros is None:
        return ""
    sign, whole = ("-" if micros < 0 else ""), abs(micros)
    return f"{sign}{whole // 1_000_000}.{whole % 1_000_000:06}"


def file_name(campaign: Campaign, form: str, *, whole: bool = False) -> str:
    return f"{campaign.label}-messages{'' if whole else '-masked'}.{form}"


def is_whole(job: Job) -> bool:
    """Does the file of this job hold numbers in clear?"""
    return bool(job.options.get("whole", True))


def form_of(job: Job) -> str:
    """The kind of file that was asked for, as its name ends."""
    return str(job.options.get("form", "xlsx"))


def is_priced(job: Job) -> bool:
    """Does the file of this job hold prices?"""
    return bool(job.options.get("priced", True))


def run(job_id: int) -> None:
    """Write the file of an export job, from its first row; a second run meanwhile writes none."""
    job = jobs.claim(job_id, KIND)
    if job is None:
        return
    with suppress(jobs.Superseded):
        try:
            _write(job)
        except OSError as error:
            if not disk.is_full(error):
                raise
            jobs.move(job, state=JobState.FAILED, error=disk.no_room())


def _write(job: Job) -> None:
    jobs.move(job, done=0)
    found = Campaign.objects.select_related(*SHOWN_WITH).filter(workspace_id=job.workspace_id)
    campaign = found.filter(pk=job.options["campaign"]).first()
    if campaign is None:
        jobs.move(job, state=JobState.FAILED, error=_("The campaign is no longer there."))
        return
    whole = is_whole(job)
    chosen = Filter.read(job.options["filter"])
    rows = message_rows(campaign, chosen, whole=whole, priced=is_priced(job))
    form = form_of(job)
    name = f"{job.key}.{form}"
    with _whole(settings.EXPORTS / name) as file:
        _fill(file, form, _told(job, rows))
        jobs.move(job)
    jobs.move(
        job, state=JobState.DONE, file=name, file_name=file_name(campaign, form, whole=whole),
        done=job.total, finished_at=timezone.now(),
    )  # fmt: skip


def _fill(file: BinaryIO, form: str, rows: Iterable[tuple[Cell, ...]]) -> None:
    if form == "csv":
        disk.need_room()
        file.writelines(line.encode() for line in csv_lines(COLUMNS, rows))
    else:
        write_xlsx(file, COLUMNS, islice(rows, LARGEST_SHEET), _("Messages"))


def _told(job: Job, rows: Iterable[tuple[Cell, ...]]) -> Iterator[tuple[Cell, ...]]:
    """The rows, with the job's progress written down now and then.

    They end early when the work was given to another run: `_write` finds that out and drops them.
    """
    for count, row in enumerate(rows, 1):
        if count % CHUNK == 0:
            try:
                jobs.move(job, done=count)
            except jobs.Superseded:
                return
        yield row


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """Under its name there is the finished file or none, and only we may read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _drop_halves(path)
    half = path.with_suffix(f".{uuid.uuid4().hex}.part")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def _drop_halves(path: Path) -> None:
    """What a run that was killed had written of the file."""
    for half in path.parent.glob(f"{path.stem}.*.part"):
        half.unlink(missing_ok=True)


def unfinished(now: datetime) -> list[int]:
    """Jobs whose bell was lost or whose run died."""
    return jobs.unfinished(KIND, now)


def sweep(now: datetime) -> None:
    """Remove files that are older than a day, with their jobs."""
    for job in Job.objects.filter(kind=KIND, created_at__lt=now - KEPT)[:100]:
        path = settings.EXPORTS / f"{job.key}.{form_of(job)}"
        _drop_halves(path)
        path.unlink(missing_ok=True)
        job.delete()
