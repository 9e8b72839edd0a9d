"""The refused rows of an import: what a search finds of them, and what is shown of a cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.models import User
from campaigns import repeats
from campaigns.importing.reasons import DUPLICATE, OPTED_OUT
from campaigns.models import ImportProblem, Recipient, RecipientImport
from senders.seeking import seek
from sms.display import hide_entry, hide_numbers
from sms.sought import PartOfNumber, Sought, read_sought

# Nothing of such a text is masked: plain characters, and five digits at most.
_SHOWN_WHOLE = r"^[ -/:-~]*([0-9][ -/:-~]*){0,5}$"
# Fewer digits than nine do not show their last four.
_BEFORE_THE_LAST = r"([0-9][^0-9]*){5}"


@dataclass(frozen=True, slots=True)
class Line:
    """One refused row as a person may see it."""

    row: int
    column: str
    raw: str
    code: str
    sentence: str


def lines(source: RecipientImport, problems: Iterable[ImportProblem], is_open: bool) -> list[Line]:
    """*problems* with the numbers hidden unless they are open."""
    if is_open:
        return [Line(p.row, p.column, p.raw, p.code, p.sentence) for p in problems]
    values = _value_columns(source)
    return [
        Line(
            p.row, hide_numbers(p.column),
            hide_numbers(p.raw) if p.column in values else hide_entry(p.raw),
            p.code, hide_numbers(p.sentence),  # what is said may repeat the number
        )
        for p in problems
    ]  # fmt: skip


def found(
    source: RecipientImport, reason: str, words: str, user: User, *, is_open: bool
) -> QuerySet[ImportProblem]:
    """The refused rows of *reason* with *words* in the row number, the cell or the explanation.

    Hidden digits are found by the whole number or its last four only. Raises NotSought.
    """
    rows = source.problems.order_by("row", "pk")
    if reason == "invalid":
        rows = rows.exclude(code__in=(DUPLICATE, OPTED_OUT))
    elif reason:  # a code that no row has may be anything at all, a NUL too
        rows = rows.filter(code=reason) if reason in source.tally else rows.none()
    if not words:
        return rows
    raw, sentence = Q(raw__icontains=words), Q(sentence__icontains=words)
    at = Q(row=int(words)) if _is_row(words) else Q(pk=None)
    if is_open or not any(map(str.isnumeric, words)):
        return rows.filter(raw | sentence | at)
    raw &= Q(raw__regex=_SHOWN_WHOLE)
    sentence &= Q(sentence__regex=_SHOWN_WHOLE)
    return rows.filter(raw | sentence | at | _numbers(source, words, user))


def repeated(source: RecipientImport, words: str) -> QuerySet[Recipient]:
    """Rows of numbers that get several messages, sought by their row alone: they are masked."""
    rows = repeats.rows(source)
    if not words:
        return rows
    return rows.filter(row=int(words)) if _is_row(words) else rows.none()


def _numbers(source: RecipientImport, words: str, user: User) -> Q:
    """Rows with the number that *words* are, or with these last four digits."""
    try:
        read_sought(words)
    except PartOfNumber:
        return Q(pk=None)  # it may be a row, or stand in a cell that shows it
    sought = seek(user, words)
    if sought is None:
        return Q(pk=None)
    return Q(raw__regex=_written(sought)) & ~Q(column__in=_value_columns(source))


def _written(sought: Sought) -> str:
    """The pattern of a cell with these digits, however it groups them."""
    digits = "[^0-9]*".join(sought.digits)
    before = "" if sought.whole else ".*" + _BEFORE_THE_LAST
    return f"^[^0-9]*{before}{digits}[^0-9]*$"


def _value_columns(source: RecipientImport) -> set[str]:
    return {name[:60] for name in source.variables}


def _is_row(words: str) -> bool:
    return words.isascii() and words.isdigit() and len(words) < 10
