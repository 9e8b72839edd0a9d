"""The refused rows as a download that can be mended, brought again, and that executes nothing.

While the uploaded file is kept, they are its own rows under its own header, with one more column
that says what is wrong. Afterwards it is known of each row where it was and what was wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from campaigns.importing.check import request_of
from campaigns.models import RecipientImport
from sheets import parent, store
from sheets.events import Event, Meta, Problem, Quoted
from sheets.files import CSV, XLSX
from sheets.quoting import PROBLEM
from sheets.rows import show
from sheets.sentences import BadFile
from sheets.writing import csv_lines, write_xlsx

Told = tuple[int, str]  # a row, and all that is wrong with it
Lines = Iterable[Iterable[str]]
WAIT_SECONDS = 60  # a person waits for this reading
NUMBERS = "phone_number"


def _(sentence: str) -> str:
    """Mark a heading for the translators; `write` is given the translation."""
    return sentence


SHEET = _("Refused rows")
HEADINGS = (_("Row"), _("Column"), _("Value"), _("Problem"))


def write_refused(
    source: RecipientImport, kind: str, target: BinaryIO, *, translate: Callable[[str], str] = str
) -> None:
    """Write the refused rows of *source* to *target* as "xlsx" or "csv"."""
    if source.stored_name and store.is_kept(source.stored_name):
        try:
            _write(*_original(source), kind, target, translate)
        except BadFile:  # it was deleted meanwhile, or cannot be read in the time a person waits
            target.seek(0)
            target.truncate()
        else:
            return
    write(_problems(source), kind, target, translate=translate)


def write(
    problems: Iterable[Problem],
    kind: str,
    target: BinaryIO,
    *,
    translate: Callable[[str], str] = str,
) -> None:
    """Write every problem to *target* as "xlsx" or "csv"; numbers stay text."""
    header = [translate(heading) for heading in HEADINGS]
    rows = ((str(p.row), p.column, show(p.raw), p.sentence) for p in problems)
    _write(header, rows, kind, target, translate)


def _write(
    header: Iterable[str],
    rows: Lines,
    kind: str,
    target: BinaryIO,
    translate: Callable[[str], str],
) -> None:
    if kind == CSV:
        target.writelines(line.encode() for line in csv_lines(header, rows))
    elif kind == XLSX:
        write_xlsx(target, header, rows, translate(SHEET))
    else:
        raise ValueError("refused rows are written as xlsx or csv")


def _problems(source: RecipientImport) -> Iterator[Problem]:
    fields = ("row", "column", "raw", "code", "sentence")
    found = source.problems.order_by("row", "pk").values_list(*fields)
    return (Problem(*values) for values in found.iterator(chunk_size=2000))


# --- the rows of the file -----------------------------------------------------------------


def _original(source: RecipientImport) -> tuple[list[str], Lines]:
    """The header of the file, and its refused rows with what is wrong with each."""
    rows = source.problems.order_by("row").values_list("row", flat=True).distinct()
    request = replace(request_of(source), quote=tuple(rows))
    limits = replace(store.limits(), wall_seconds=WAIT_SECONDS)
    events = parent.read(Path(settings.UPLOADS) / source.stored_name, request, limits)
    meta = next(events)
    if not isinstance(meta, Meta):
        raise BadFile("parser_died")
    names = list(meta.columns)
    if not meta.has_header:
        names[names.index(meta.number_column)] = NUMBERS
    if names[-1] == PROBLEM and PROBLEM in meta.unused:  # the file was mended once already
        names.pop()
    last = f"{PROBLEM} 2" if PROBLEM in names else PROBLEM
    return [*names, last], _mended(_told(source), events, len(names))


def _told(source: RecipientImport) -> Iterator[Told]:
    for row, found in groupby(_problems(source), key=lambda problem: problem.row):
        yield row, " ".join(problem.sentence for problem in found)


def _mended(told: Iterator[Told], events: Iterator[Event], width: int) -> Iterator[list[str]]:
    """Each refused row, at the width of the header; what stands beyond it is told, not lost."""
    quoted = (row for event in events if isinstance(event, Quoted) for row in event.rows)
    at, cells = next(quoted, (0, ()))
    for row, said in told:
        while at and at < row:
            at, cells = next(quoted, (0, ()))
        own = cells if at == row else ()
        if beyond := [cell for cell in own[width:] if cell]:
            said = f"{said} [{' | '.join(beyond)}]"
        yield [*own[:width], *[""] * (width - len(own)), said]
