"""Tables to take away, as CSV or as a workbook, in which no cell becomes a formula.

The rule for CSV is OWASP's ("CSV Injection", owasp.org/www-community/attacks/CSV_Injection): every
value stands in quotation marks with its own ones doubled, and an apostrophe goes before what a
spreadsheet would calculate - also inside a value, behind a character at which a spreadsheet that
is set to another separator starts a new cell, because quotation marks do not hold there. A comma
is no such character: it is the separator of these files, so the quotation marks hold.

With `exact`, equal rows give equal bytes: the workbook then carries no time of its own.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from .files import CSV, XLSX

# What a spreadsheet may read as a formula, full-width forms included.
FORMULA_SIGNS = r"=+\-@\uff1d\uff0b\uff0d\uff20"


# Where a cell that calculates may start. Apostrophes before the sign are passed over, so that a
# value with some of its own gets one more too, and taking one off always gives what was there.
def _danger(more: str) -> str:
    return (
        rf"(?:\A(?={more}[ \"']*[\t\r\n{FORMULA_SIGNS}])"
        rf"|(?<=[;|\t\r\n])(?={more}[ \"']*[{FORMULA_SIGNS}]))"
    )


_UNSAFE = re.compile(_danger(""))
_MADE_SAFE = re.compile(_danger("'") + "'")
TEXT_FORMAT = "@"
# What XML 1.0 does not allow in a text, and the carriage return, which it reads as a line feed.
_NO_XML = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
CORE = "docProps/core.xml"  # openpyxl writes the moment of saving into it
MOMENT = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
NO_MOMENT = rb"\g<1>2000-01-01T00:00:00Z"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

ABOUT_WIDTHS = {"A": 36, "B": 20, "C": 110}  # characters

Cell = str | int | Decimal | None


class _Echo:
    """A file for the csv module that hands every line back."""

    def write(self, line: str) -> str:
        return line


def formula_safe(value: Cell) -> str:
    """The value as CSV text that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, int | Decimal):
        return str(value)
    return _UNSAFE.sub("'", "" if value is None else value.replace("\0", ""))


def as_meant(text: str) -> str:
    """What `formula_safe` was given, from what it gave."""
    return _MADE_SAFE.sub("", text)


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[Cell]]) -> Iterator[str]:
    """A CSV file line by line, with the mark by which Excel knows UTF-8."""
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_ALL)
    yield "\ufeff" + writer.writerow([formula_safe(name) for name in header])
    for row in rows:
        yield writer.writerow([formula_safe(value) for value in row])


def write_xlsx(
    file: BinaryIO,
    header: Iterable[str],
    rows: Iterable[Iterable[Cell]],
    title: str = "Sheet",
    *,
    about: Iterable[Iterable[Cell]] = (),
    exact: bool = False,
) -> None:
    """A workbook with every text as text: the plus of a number stays and ``=`` is a letter.

    Numbers stay numbers, so that a spreadsheet can add them. *about* is a second sheet, which
    says what the first one means. NoRoom when the disk is nearly full.
    """
    from . import disk  # not above: the child that reads files knows no Django

    disk.need_room()
    book = Workbook(write_only=True)
    _fill(book.create_sheet(title), header, rows)
    if told := list(about):
        sheet = book.create_sheet("About")
        for column, width in ABOUT_WIDTHS.items():
            sheet.column_dimensions[column].width = width
        _fill(sheet, map(str, told[0]), told[1:])
    if not exact:
        book.save(file)
        return
    held = io.BytesIO()
    book.save(held)
    _without_times(held, file)


def _fill(sheet: Any, header: Iterable[str], rows: Iterable[Iterable[Cell]]) -> None:
    sheet.freeze_panes = "A2"
    sheet.append([text_cell(sheet, name, bold=True) for name in header])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])


def _without_times(held: BinaryIO, file: BinaryIO) -> None:
    with zipfile.ZipFile(held) as read, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as kept:
        for name in read.namelist():
            content = read.read(name)
            if name == CORE:
                content = MOMENT.sub(NO_MOMENT, content)
            kept.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), content, zipfile.ZIP_DEFLATED)


def _cell(sheet: Any, value: Cell) -> Any:
    return text_cell(sheet, value) if isinstance(value, str) else value


def text_cell(sheet: Any, text: str, *, bold: bool = False) -> WriteOnlyCell:
    """A cell that is text whatever it looks like: ``=1+1`` never becomes a formula."""
    cell = WriteOnlyCell(sheet, value=_NO_XML.sub("", text))
    cell.data_type = "s"
    cell.number_format = TEXT_FORMAT
    if bold:
        cell.font = Font(bold=True)
    return cell
