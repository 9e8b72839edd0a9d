"""The list of numbers that must not be written to: added, found, removed, taken away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.keyed import digest
from accounts.models import User, Workspace
from senders.models import OptOut, OptOutSource
from sheets.writing import Cell
from sms.numbers import BadNumber, parse_number
from sms.sought import Sought

TYPED_MAX = 100
CHUNK = 2_000
COLUMNS = ("phone_number", "source", "file", "reason", "added_by", "added_at_utc")


@dataclass(frozen=True, slots=True)
class Added:
    """What became of typed entries; *refused* are entries with what is wrong with each."""

    new: int
    known: int
    refused: tuple[tuple[str, str], ...]


class Gone(Exception):
    """Somebody else removed it first."""


def add(workspace: Workspace, entries: Sequence[str], reason: str, by: User) -> Added:
    """Add what can be read of typed *entries*; a number that is there keeps what is known of it."""
    numbers, refused = _read(entries)
    new = 0
    with transaction.atomic():
        for number in numbers:
            row, made = OptOut.objects.get_or_create(
                workspace=workspace, digest=digest(number),
                defaults={"number": number, "source": OptOutSource.TYPED, "reason": reason,
                          "added_by": by},
            )  # fmt: skip
            if made:  # each is a wish of its own, so each has an entry in the trail
                audit.record("optout.add", row, by, reason=reason)
            new += made
    return Added(new, len(numbers) - new, tuple(refused))


def _read(entries: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    numbers: dict[str, None] = {}
    refused = []
    for entry in entries:
        try:
            numbers[parse_number(entry).e164] = None
        except BadNumber as bad:
            refused.append((entry, bad.hint))
    return list(numbers), refused


def add_many(workspace_id: int, numbers: Sequence[str], **about: Any) -> int:
    """Add *numbers* (some thousands, in E.164) inside the caller's transaction; how many are new.

    A second run, or somebody who typed one of them meanwhile, changes nothing.
    """
    known = OptOut.objects.among(workspace_id, numbers)
    missing = [
        OptOut(workspace_id=workspace_id, number=number, digest=digest(number), **about)
        for number in numbers
        if number not in known
    ]
    OptOut.objects.bulk_create(missing, ignore_conflicts=True, batch_size=500)
    return len(missing)


def remove(row: OptOut, by: User, reason: str) -> None:
    """Take a number off the list: later campaigns reach it again.

    Gone if it was not there, or was erased meanwhile: that person wants nothing for ever.
    """
    with transaction.atomic():
        rows = OptOut.objects.filter(pk=row.pk).exclude(source=OptOutSource.ERASED)
        if not rows.delete()[0]:
            raise Gone
        audit.record("optout.remove", row, by, reason=reason, number=row.masked, source=row.source)


def find(rows: Any, sought: Sought) -> Any:
    """Those of *rows* with this number or these last digits.

    An erased number has no digits left, so it is found by the whole number only.
    """
    if sought.whole:
        return rows.filter(digest=digest(sought.text))
    return rows.filter(number__endswith=sought.digits)


def of_numbers(workspace_id: int, numbers: Iterable[str]) -> dict[str, OptOut]:
    """When and how those of *numbers* (a page of them) opted out that are still on the list."""
    digests = {digest(number): number for number in numbers if number}
    if not digests:
        return {}
    rows = OptOut.objects.filter(workspace_id=workspace_id, digest__in=digests)
    return {digests[row.digest]: row for row in rows.select_related("added_by")}


def export(workspace: Workspace, by: User, reason: str) -> Iterator[tuple[Cell, ...]]:
    """The list in clear, without erased numbers; asking for it is written down first."""
    rows = OptOut.objects.filter(workspace=workspace).exclude(number="")
    with transaction.atomic():
        audit.record("optout.export", by.membership, by, rows=rows.count(), reason=reason)  # type: ignore[attr-defined]
    return _lines(rows)


def _lines(rows: Any) -> Iterator[tuple[Cell, ...]]:
    last = 0
    while chunk := list(rows.filter(pk__gt=last).select_related("added_by").order_by("pk")[:CHUNK]):
        last = chunk[-1].pk
        yield from map(_line, chunk)


def _line(row: OptOut) -> tuple[Cell, ...]:
    at = row.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    by = row.added_by.name if row.added_by else ""
    return row.number, row.get_source_display(), row.told_file, row.told_reason, by, at


def counts(rows: Iterable[tuple[str, int]]) -> list[tuple[str, str, int]]:
    """Value, label and number of each source, all of them first."""
    found = dict(rows)
    return [(value, str(label), found.get(value, 0)) for value, label in OptOutSource.choices]
