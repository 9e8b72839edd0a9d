"""The refused rows as a download that can be corrected and that executes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import BinaryIO

from sheets.events import Problem
from sheets.files import CSV, XLSX
from sheets.rows import show
from sheets.writing import csv_lines, write_xlsx


def _(sentence: str) -> str:
    """Mark a heading for the translators; `write` is given the translation."""
    return sentence


SHEET = _("Refused rows")
HEADINGS = (_("Row"), _("Column"), _("Value"), _("Problem"))


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
    if kind == CSV:
        target.writelines(line.encode() for line in csv_lines(header, rows))
    elif kind == XLSX:
        write_xlsx(target, header, rows, translate(SHEET))
    else:
        raise ValueError("refused rows are written as xlsx or csv")
