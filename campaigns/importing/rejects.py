"""The refused rows as a download that can be corrected and that executes nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

from openpyxl import Workbook

from .events import Problem
from .files import CSV, XLSX
from .rows import show
from .samples import text_cell


def _(sentence: str) -> str:
    """Mark a heading for the translators; `write` is given the translation."""
    return sentence


HEADINGS = (_("Row"), _("Column"), _("Value"), _("Problem"))
# what a spreadsheet takes for a formula, also in its full-width forms
FORMULA_STARTS = tuple("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20")


def write(
    problems: Iterable[Problem],
    kind: str,
    target: BinaryIO,
    *,
    translate: Callable[[str], str] = str,
) -> None:
    """Write every problem to *target* as "xlsx" or "csv"; numbers stay text."""
    rows = _rows(problems, [translate(heading) for heading in HEADINGS])
    if kind == CSV:
        _write_csv(rows, target)
    elif kind == XLSX:
        _write_xlsx(rows, target)
    else:
        raise ValueError("refused rows are written as xlsx or csv")


def formula_safe(text: str) -> str:
    """*text* for a CSV cell: an apostrophe keeps a spreadsheet from calculating it."""
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def _rows(problems: Iterable[Problem], headings: Sequence[str]) -> Iterable[list[str]]:
    yield list(headings)
    for problem in problems:
        yield [str(problem.row), problem.column, show(problem.raw), problem.sentence]


def _write_csv(rows: Iterable[list[str]], target: BinaryIO) -> None:
    text = io.TextIOWrapper(target, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerows([formula_safe(cell) for cell in row] for row in rows)
    text.detach()


def _write_xlsx(rows: Iterable[list[str]], target: BinaryIO) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        sheet.append([text_cell(sheet, cell) for cell in row])
    book.save(target)
