"""One sheet of an .xlsx workbook: openpyxl reads the package, its two large parts stream."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import openpyxl.xml
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.reader.excel import ExcelReader
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.datetime import from_excel, from_ISO8601
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.xml.constants import REL_NS, SHARED_STRINGS, SHEET_MAIN_NS

from . import sheetxml
from .cells import Cell, Line, Odd
from .events import Notice
from .limits import Limits
from .plainrows import CELL
from .sentences import BadFile

if not openpyxl.xml.DEFUSEDXML:  # an entity expansion of a million would be accepted
    raise ImportError("openpyxl must find defusedxml, or it parses hostile XML")

MONEY = re.compile(r"\[\$|[$\u00a2-\u00a5\u20a0-\u20c0]|\b(?:USD|EUR|GBP|CNY|JPY)\b")
# ISO/IEC 29500-1 annex A: the strict names of the two namespaces that matter here
STRICT_NAMES = (
    (b"http://purl.oclc.org/ooxml/spreadsheetml/main", SHEET_MAIN_NS.encode()),
    (b"http://purl.oclc.org/ooxml/officeDocument/relationships", REL_NS.encode()),
)
QUOTED = re.compile(r"\\.|_.|\*.")


SHEET_STUB = b"<worksheet/>"


class _Archive(zipfile.ZipFile):
    """The small parts, in the names that openpyxl knows: it reads no strict workbook."""

    is_listing = True

    def open(self, *args: Any, **options: Any) -> Any:
        """openpyxl opens each sheet to its end, if need be, for an extent that nobody asks for."""
        found = super().open(*args, **options)
        if not self.is_listing:
            return found
        found.close()
        return io.BytesIO(SHEET_STUB)

    def read(self, name: str | zipfile.ZipInfo, pwd: bytes | None = None) -> bytes:
        with super().open(name, pwd=pwd) as file:
            part = file.read()
        for strict, usual in STRICT_NAMES:
            part = part.replace(strict, usual)
        return part


class _Package(ExcelReader):
    """openpyxl reads everything but the shared strings, which `sheetxml` streams."""

    def __init__(self, file: IO[bytes], **options: bool) -> None:
        super().__init__(file, **options)
        self.archive: Any = _Archive(file)

    def read_strings(self) -> None:
        self.shared_strings: list[str] = []


class _Merges:
    """Which merged range covers a cell, for rows that are asked in order."""

    def __init__(self, ranges: list[str]) -> None:
        boxes = [(range_boundaries(text), text) for text in ranges]
        self.waiting = sorted(boxes, key=lambda item: item[0][1], reverse=True)
        self.open: list[tuple[tuple[int, int, int, int], str]] = []

    def at(self, row: int, column: int) -> str:
        while self.waiting and self.waiting[-1][0][1] <= row:
            self.open.append(self.waiting.pop())
        self.open = [item for item in self.open if item[0][3] >= row]
        for (left, top, right, _), text in self.open:
            if left <= column <= right and (row, column) != (top, left):
                return text
        return ""


class Sheet:
    """A Table over one sheet; see `cells.Table` for what each member promises."""

    delimiter = ""
    encoding = ""
    ragged = True

    def __init__(
        self, path: Path, limits: Limits, *, name: str | None = None, skip_hidden: bool = False
    ) -> None:
        self.limits = limits
        self.skip_hidden = skip_hidden
        self.watched: frozenset[int] = frozenset()
        self.formats: dict[int, str] = {}
        self.formulas = 0
        self.dates = 0
        self.rows_seen = 0
        self.raw = path.open("rb")
        try:
            self._load(name)
        except BaseException:
            self.raw.close()
            raise

    def _load(self, name: str | None) -> None:
        package = _Package(self.raw, read_only=True, data_only=True, keep_links=False)
        package.read()
        self.archive = package.archive
        self.archive.is_listing = False
        self.book = package.wb
        self.sheet_object = self._choose(name)
        self.sheet = self.sheet_object.title
        # openpyxl offers no public name for the part a sheet is stored in
        self.part = self.sheet_object._worksheet_path
        with self.archive.open(self.part) as part:
            self.found = sheetxml.survey(part, self.limits)
        self.total: int | None = max(0, self.found.rows - 1)
        self.strings = self._strings(package)
        self.merges = _Merges(self.found.merges)

    def _choose(self, name: str | None) -> ReadOnlyWorksheet:
        readable = [s for s in self.book.worksheets if isinstance(s, ReadOnlyWorksheet)]
        visible = [sheet for sheet in readable if sheet.sheet_state == "visible"]
        self.sheets = tuple(sheet.title for sheet in visible)
        self.hidden_sheets = [s.title for s in readable if s.sheet_state != "visible"]
        if name is not None:
            for sheet in readable:
                if sheet.title == name:
                    return sheet
            raise BadFile(
                "no_such_sheet",
                sheet=name[:60],
                sheets=", ".join(self.sheets),
                answer="sheet",
                choices=self.sheets,
            )
        if not visible:
            raise BadFile("no_sheet")
        return visible[0]

    def _strings(self, package: _Package) -> list[str]:
        override = package.package.find(SHARED_STRINGS)
        if override is None:
            return []
        with self.archive.open(override.PartName.lstrip("/")) as part:
            return sheetxml.read_strings(part, self.limits)

    # -- the table ------------------------------------------------------------------------

    def lines(self) -> Iterator[Line]:
        hidden = iter(self.found.hidden)
        next_hidden = next(hidden, 0)
        with self.archive.open(self.part) as part:
            for number, raw_cells in sheetxml.read_rows(part, self.limits):
                while next_hidden and next_hidden < number:
                    next_hidden = next(hidden, 0)
                if isinstance(raw_cells, str):
                    cells, has_content = self._plain(raw_cells)
                    self.rows_seen += has_content
                    yield number, cells
                    continue
                self.rows_seen += any(raw.text or raw.formula for raw in raw_cells)
                if self.skip_hidden and number == next_hidden:
                    continue
                yield number, self._cells(raw_cells)

    def close(self) -> None:
        self.archive.close()
        self.raw.close()

    def watch(self, columns: frozenset[int]) -> None:
        self.watched = columns

    def merge_at(self, row: int, column: int) -> str:
        return self.merges.at(row, column + 1)

    def share(self) -> float:
        return min(1.0, self.rows_seen / max(1, self.found.rows))

    def notices(self, *, at_end: bool) -> list[Notice]:
        if at_end:
            counts = {"formulas": self.formulas, "dates_as_iso": self.dates}
            return [Notice.of(code, count=count) for code, count in counts.items() if count]
        found = []
        if len(self.sheets) > 1:
            found.append(Notice.of("several_sheets", sheet=self.sheet))
        if self.hidden_sheets:
            found.append(Notice.of("hidden_sheets", sheets=", ".join(self.hidden_sheets)))
        if count := len(self.found.hidden):
            code = "hidden_rows_skipped" if self.skip_hidden else "hidden_rows"
            found.append(Notice.of(code, count=count))
        if letters := self._hidden_letters():
            found.append(Notice.of("hidden_columns", columns=letters))
        return found

    def _hidden_letters(self) -> str:
        hidden: set[int] = set()
        for first, last in self.found.hidden_columns:
            hidden.update(range(first, min(last, self.found.columns) + 1))
        return ", ".join(map(sheetxml.column_letters, sorted(hidden)))

    # -- one cell -------------------------------------------------------------------------

    def _cells(self, raw_cells: list[sheetxml.RawCell]) -> list[Cell]:
        cells: list[Cell] = []
        for raw in raw_cells:
            if raw.text is None and not raw.formula:
                continue
            if raw.column > self.found.columns:
                break
            while len(cells) < raw.column:
                cells.append(None)
            cells[raw.column - 1] = self._cell(raw)
        return cells

    def _plain(self, row: str) -> tuple[list[Cell], bool]:
        """The cells of a plain row, and whether there is anything in them."""
        cells: list[Cell] = []
        has_content = False
        for letters, style, kind, value, inline in CELL.findall(row):
            column = sheetxml.COLUMNS[letters]
            if column > len(cells) + 1:
                self._need_room(column)
                cells += [None] * (column - 1 - len(cells))
            text = sheetxml.unescape(inline) if inline else value
            if kind == "inlineStr":
                cell: Cell = text
            elif kind == "s":
                cell = self.strings[int(text)] if text else None
            else:
                cell = self._cell(
                    sheetxml.RawCell(column, kind or "n", int(style or 0), text, formula=False)
                )
            if column > len(cells):
                cells.append(cell)
            else:
                cells[column - 1] = cell
            has_content = has_content or text != ""
        return cells, has_content

    def _need_room(self, column: int) -> None:
        """A cell behind its like in the row was not counted when the sheet was surveyed."""
        if column > self.limits.columns:
            letters = sheetxml.column_letters(column)
            raise BadFile("too_many_columns", column=letters, limit=self.limits.columns)

    def _cell(self, raw: sheetxml.RawCell) -> Cell:
        watched = raw.column - 1 in self.watched
        if raw.formula:
            if not raw.text and raw.kind != "str":
                return Odd("formula")
            self.formulas += watched
        text = raw.text or ""
        if raw.kind == "s":
            return self.strings[int(text)] if text else None
        if raw.kind == "str":
            return sheetxml.unescape(text)
        if raw.kind == "inlineStr":
            return text
        cell = self._typed(raw, text)
        self.dates += watched and isinstance(cell, Odd) and cell.code == "date"
        return cell

    def _typed(self, raw: sheetxml.RawCell, text: str) -> Cell:
        if not text:
            return None
        if raw.kind == "b":
            return Odd("boolean", "TRUE" if text == "1" else "FALSE")
        if raw.kind == "e":
            return Odd("error_cell", text)
        if raw.kind == "d":
            return Odd("date", iso(from_ISO8601(text)))
        form = self._format(raw.style)
        if form == "date":
            return self._date(raw.style, text)
        number = whole(text)
        return Odd(form, plain(number)) if form else number

    def _date(self, style: int, text: str) -> Odd:
        is_span = style in self.book._timedelta_formats
        try:
            return Odd("date", iso(from_excel(float(text), self.book.epoch, timedelta=is_span)))
        except (OverflowError, ValueError):
            return Odd("error_cell", text)

    def _format(self, style: int) -> str:
        """What a number format makes of a number: date, money, percent or nothing."""
        if style not in self.formats:
            cell = ReadOnlyCell(self.sheet_object, 1, 1, None, "n", style)
            self.formats[style] = self._judge_format(style, cell.number_format or "General")
        return self.formats[style]

    def _judge_format(self, style: int, form: str) -> str:
        if style in self.book._date_formats:
            return "date"
        if "%" in form:
            return "percent"
        return "currency" if MONEY.search(QUOTED.sub("", form)) else ""


def whole(text: str) -> int | float:
    """The stored number: exact if it is whole, however it is written (8.6138E12)."""
    if text.isascii() and text.isdigit() and len(text) < 20:
        return int(text)
    number = Decimal(text)
    if number.is_finite() and abs(number) < 2**53 and number == number.to_integral_value():
        return int(number)
    return float(number)


def plain(number: int | float) -> str:
    """A number as a spreadsheet shows it: 15 significant digits, no exponent if it fits."""
    return str(number) if isinstance(number, int) else format(number, ".15g")


def iso(moment: object) -> str:
    """ISO 8601: the displayed text of a date is not stored in a workbook."""
    if isinstance(moment, dt.datetime):
        if moment.time() == dt.time():
            return moment.date().isoformat()
        return moment.isoformat(sep=" ", timespec="seconds")
    return str(moment)
