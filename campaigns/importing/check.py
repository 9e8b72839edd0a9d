"""The database half of an import: accepted rows and refused rows, written under a lease.

A run may be killed at any point and started again by anyone. ``attempt`` is the fence: a run
writes only while its number stands on the import, and a new run first deletes what the old one
left, so that no half result is ever *ready*.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, Sum

from campaigns import bulk, clock, failpoints, repeats
from campaigns.announcing import announce_question, announce_refused
from campaigns.importing import sources
from campaigns.importing.reasons import OPTED_OUT, SENTENCES
from campaigns.models import Campaign, ImportProblem, ImportState, Recipient, RecipientImport
from campaigns.states import Scenario
from senders.models import OptOut
from sheets import parent, store
from sheets.events import Done, Event, Meta, Problem, Problems, Progress, Request, Row
from sheets.events import Rows as RowsEvent
from sheets.sentences import BadFile
from sms.numbers import split_numbers

log = logging.getLogger(__name__)

CHUNK = 5_000
DELETE_CHUNK = 5_000
STALE_PART = 24 * 3600
REFUSED_KEPT = timedelta(days=1)  # so long it can be read again in another way
RUNG = timedelta(seconds=10)  # by then the doorbell was lost, or the queue is long


class Superseded(Exception):
    """Another run has taken this import over; whatever this one holds is dropped."""


def check(import_id: int) -> None:
    """Check one import to its end: *ready*, *asking* or *failed*. A second run does nothing."""
    source = _claim(import_id)
    if source is None:
        return
    writer = Writer(source)
    try:
        _forget(source)
        for event in _events(source):
            writer.take(event)
        writer.finish()
    except BadFile as bad:
        with suppress(Superseded):
            _forget(source)
            _refuse(source, bad)
    except Superseded:
        log.info("import %d was taken over by another run", import_id)


def recover_imports() -> list[int]:
    """Imports whose run died, or was never begun: ring for each of them again."""
    _sweep_parts()
    stale = Q(lease_until__lt=clock.now()) | Q(lease_until=None, created_at__lt=clock.now() - RUNG)
    rows = RecipientImport.objects.filter(stale, state=ImportState.CHECKING, is_manual=False)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:20])


def sweep(now: datetime) -> None:
    """Delete uploaded files that nobody needs: replaced, or refused yesterday."""
    is_used = Exists(Campaign.objects.filter(recipients=OuterRef("pk")))
    refused = Q(state=ImportState.FAILED, finished_at__lt=now - REFUSED_KEPT)
    over = RecipientImport.objects.filter(~is_used | refused, finished_at__isnull=False)
    for source in over.exclude(state=ImportState.CHECKING).exclude(stored_name="")[:100]:
        rows = RecipientImport.objects.filter(pk=source.pk, state=source.state)
        if rows.update(stored_name=""):
            store.delete(source.stored_name)
    _sweep_strays(now)


def stored_bytes(workspace_id: int) -> int:
    """How much the kept files of a workspace take."""
    rows = RecipientImport.objects.filter(workspace_id=workspace_id).exclude(stored_name="")
    return int(rows.aggregate(sum=Sum("size"))["sum"] or 0)


def _sweep_strays(now: datetime) -> None:
    """Files that no import owns: their transaction was rolled back after they had a name."""
    day_ago = now.timestamp() - STALE_PART
    found = [p.name for p in Path(settings.UPLOADS).glob("*") if p.stat().st_ctime < day_ago][:500]
    owned = RecipientImport.objects.filter(stored_name__in=found)
    for name in set(found) - set(owned.values_list("stored_name", flat=True)):
        store.delete(name)


def manual_recipients(campaign: Campaign) -> RecipientImport:
    """The typed numbers of *campaign* as a checked import; unchanged numbers give the same one,
    however their lines end.
    """
    text = campaign.manual_numbers
    sha256 = hashlib.sha256("\n".join(split_numbers(text)).encode()).hexdigest()
    keeps = campaign.scenario == Scenario.OTP
    old = campaign.recipients
    if old is not None and _is_still(old, sha256, keeps=keeps):
        return old
    with transaction.atomic():
        source = RecipientImport.objects.create(
            workspace_id=campaign.workspace_id, created_by_id=campaign.author_id,
            given_by_id=campaign.author_id, is_manual=True,
            size=len(text), sha256=sha256, options={"keeps_opted_out": keeps},
            state=ImportState.CHECKING, attempt=1,
        )  # fmt: skip
        writer = Writer(source)
        for event in sources.typed(text):
            writer.take(event)
        writer.finish()
        Campaign.objects.filter(pk=campaign.pk).update(recipients=source)
    source.refresh_from_db()
    campaign.recipients = source
    return source


def _is_still(old: RecipientImport, sha256: str, *, keeps: bool) -> bool:
    same_text = old.is_manual and old.is_ready and old.sha256 == sha256
    return same_text and bool(old.options.get("keeps_opted_out")) == keeps


# --- the lease ----------------------------------------------------------------------------


def _lease() -> timedelta:
    # Longer than a batch's: the reader may look at a large workbook before its first row.
    return timedelta(seconds=2 * settings.LEASE_SECONDS)


def _claim(import_id: int) -> RecipientImport | None:
    now = clock.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    rows = RecipientImport.objects.filter(free, pk=import_id, state=ImportState.CHECKING)
    if not rows.update(attempt=F("attempt") + 1, lease_until=now + _lease(), rows_read=0):
        return None
    return RecipientImport.objects.get(pk=import_id)


def _mine(source: RecipientImport) -> Any:
    return RecipientImport.objects.filter(
        pk=source.pk, attempt=source.attempt, state=ImportState.CHECKING
    )


def _forget(source: RecipientImport) -> None:
    """Delete what an earlier run wrote, in short transactions."""
    for model in (Recipient, ImportProblem):
        table = model._meta.db_table
        chosen = f"SELECT id FROM {table} WHERE source_id = %s LIMIT {DELETE_CHUNK}"  # noqa: S608
        while True:
            with transaction.atomic(), connection.cursor() as cursor:
                if not _mine(source).update(lease_until=clock.now() + _lease()):
                    raise Superseded
                cursor.execute(f"DELETE FROM {table} WHERE id IN ({chosen})", [source.pk])  # noqa: S608
                if cursor.rowcount < DELETE_CHUNK:
                    break


def _sweep_parts() -> None:
    """Uploads that were cut off leave an unfinished file behind; a day later it is removed."""
    for part in Path(settings.UPLOADS).glob("*.part"):
        if time.time() - part.stat().st_mtime > STALE_PART:
            part.unlink(missing_ok=True)


# --- where rows come from -----------------------------------------------------------------


def _events(source: RecipientImport) -> Iterator[Event]:
    if origin := source.options.get("from"):
        return sources.copied(
            RecipientImport.objects.get(pk=origin),
            source.options.get("fits"),
            source.options.get("without"),
        )
    return parent.read(
        Path(settings.UPLOADS) / source.stored_name, request_of(source), store.limits()
    )


def request_of(source: RecipientImport) -> Request:
    """What is asked of the file, with the answers people gave to its questions."""
    answers = dict(source.options.get("answers", {}))
    for name in {"accept", "allow_empty"} & answers.keys():
        answers[name] = tuple(answers[name])
    return Request(
        original_name=source.original_name,
        variables=tuple(source.variables),
        default_country=source.default_country or None,
        **answers,
    )


def _refuse(source: RecipientImport, bad: BadFile) -> None:
    """The file as a whole is refused, or a question about it waits for a person."""
    question = {"answer": bad.answer, "choices": list(bad.choices), "previews": list(bad.previews)}
    written = _mine(source).update(
        state=ImportState.ASKING if bad.answer else ImportState.FAILED,
        error_code=bad.code,
        error=bad.sentence[:400],
        about={"question": question} if bad.answer else {},
        lease_until=None,
        finished_at=clock.now(),
    )
    if written:
        (announce_question if bad.answer else announce_refused)(source)


# --- writing ------------------------------------------------------------------------------


@dataclass
class Writer:
    """Takes the events of one reading and keeps what they say, chunk by chunk."""

    source: RecipientImport
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    read: int = 0
    total: int = 0
    accepted: int = 0
    opted_out: int = 0
    tally: Counter[str] = field(default_factory=Counter)
    countries: Counter[str] = field(default_factory=Counter)
    about: dict[str, Any] = field(default_factory=dict)
    done: Done | None = None
    digest: Any = field(default_factory=hashlib.sha256)

    def take(self, event: Event) -> None:
        """Remember one event; a full chunk is written at once."""
        if isinstance(event, RowsEvent):
            self.rows.extend(event.rows)
        elif isinstance(event, Problems):
            self.problems.extend(event.problems)
        elif isinstance(event, Progress):
            self.read = event.read
            self.total = max(self.total, round(event.read / event.share) if event.share else 0)
        elif isinstance(event, Meta):
            self.total = event.total or 0
            self._tell(event)
        elif isinstance(event, Done):
            self.done = event
            self._tell(event)
        if len(self.rows) >= CHUNK or len(self.problems) >= CHUNK:
            self.flush()

    def _tell(self, event: Meta | Done) -> None:
        """Meta comes first and Done last: what both saw in the file is kept."""
        told = _readable(asdict(event))
        for name in ("notices", "seen"):
            told[name] = [*self.about.get(name, ()), *told[name]]
        self.about |= told

    def flush(self) -> None:
        """Write what was gathered, if this run still holds the import."""
        refused = self._opted_out()
        good = [row for row in self.rows if row.number not in refused] if refused else self.rows
        bad = self.problems + [_opted(row) for row in self.rows if row.number in refused]
        with transaction.atomic():
            self._hold(rows_read=self.read, rows_total=max(self.total, self.read))
            self._insert(good, bad)
        failpoints.hit("import.mid")
        self.digest.update("".join(map(_line, good)).encode())
        self.accepted += len(good)
        self.opted_out += len(self.rows) - len(good)
        self.countries.update(row.country for row in good)
        self.tally.update(problem.code for problem in bad)
        self.rows, self.problems = [], []

    def finish(self) -> None:
        """Flip to *ready* in one transaction, with counts and digest, once all is written."""
        if self.done is None:
            raise BadFile("parser_died")
        self.flush()
        if self.done.repeated or self.source.options.get("from"):
            self.about |= repeats.counted(self.source)
        self._hold(
            state=ImportState.READY,
            rows_read=self.done.read,
            rows_total=self.done.read,
            accepted=self.accepted,
            refused=self.done.refused + self.opted_out,
            tally=dict(self.tally.most_common()),
            countries=dict(self.countries.most_common()),
            about=self.about,
            digest=self.digest.hexdigest(),
            error="",
            error_code="",
            lease_until=None,
            finished_at=clock.now(),
        )

    def _hold(self, **changes: Any) -> None:
        changes.setdefault("lease_until", clock.now() + _lease())
        if not _mine(self.source).update(**changes):
            raise Superseded

    def _opted_out(self) -> set[str]:
        if self.source.options.get("keeps_opted_out"):
            return set()
        numbers = [row.number for row in self.rows]
        return OptOut.objects.among(self.source.workspace_id, numbers)

    def _insert(self, good: list[Row], bad: list[Problem]) -> None:
        bulk.insert(
            Recipient,
            ("source", "row", "number", "country", "values"),
            ((self.source.pk, *row) for row in good),
        )
        bulk.insert(
            ImportProblem,
            ("source", "row", "column", "raw", "code", "sentence"),
            (
                (self.source.pk, p.row, p.column[:60], p.raw[:80], p.code, p.sentence[:300])
                for p in bad
            ),
        )


def _opted(row: Row) -> Problem:
    return Problem(row.row, "", row.number, OPTED_OUT, str(SENTENCES[OPTED_OUT]))


def _line(row: Row) -> str:
    return f"{row.row}\t{row.number}\t{row.country}\t{bulk.as_json(row.values)}\n"


def _readable(event: dict[str, Any]) -> dict[str, Any]:
    """What the result page shows of the file, without what the import keeps itself."""
    for name in ("problems", "countries", "read", "accepted", "refused"):
        event.pop(name, None)
    seen = event.pop("notices", ())
    notices = [notice["sentence"] for notice in seen]
    kept = {key: list(value) if isinstance(value, tuple) else value for key, value in event.items()}
    return {**kept, "notices": notices, "seen": [notice["code"] for notice in seen]}
