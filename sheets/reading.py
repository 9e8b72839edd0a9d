"""The whole reading of one file, as a stream of events."""

from __future__ import annotations

import itertools
import struct
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from xml.parsers.expat import ExpatError

import phonenumbers
from defusedxml.common import DefusedXmlException
from openpyxl.utils.exceptions import InvalidFileException

from . import files, quoting, tables
from .cells import Cell, Line, Odd, Table
from .columns import Layout, arrange
from .events import Done, Event, Meta, Notice, Problem, Problems, Progress, Request, Row
from .events import Rows as RowsEvent
from .limits import Limits
from .rows import Rows, is_blank_row
from .sentences import BadFile
from .texts import Text
from .workbook import Sheet

BATCH = 1_000
STOP_SHARE = 0.01  # more destroyed or rounded numbers than this are no accident
ROUNDED_FEWEST = 5
DESTROYED_FEWEST = 5  # fewer are rows to mend, not a column to export again
ASK_COUNTRY_BELOW = 0.95

DAMAGE = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, ValueError, TypeError, IndexError,
    AttributeError, ArithmeticError, OSError, RuntimeError, ET.ParseError, ExpatError,
    InvalidFileException, struct.error,
)  # fmt: skip


@contextmanager
def _damage_told() -> Iterator[None]:
    """Whatever a parser raises over a damaged file is one plain sentence."""
    try:
        yield
    except DefusedXmlException as error:
        raise BadFile("unsafe_xml") from error
    except DAMAGE as error:
        # openpyxl says "unable to read worksheets" over what defusedxml refused
        is_unsafe = isinstance(error.__cause__, DefusedXmlException)
        raise BadFile("unsafe_xml" if is_unsafe else "damaged") from error


def read(path: str | Path, request: Request, limits: Limits) -> Iterator[Event]:
    """Tell Meta, then rows and problems as they come, then Done; or raise BadFile.

    Nothing is final before Done: what was told before a BadFile must be dropped.
    """
    kind = files.inspect(path, request.original_name, limits)
    if kind.asks and request.accept_kind != kind.kind:
        raise BadFile(kind.asks, answer="accept_kind", choices=(kind.kind,))
    with closing(_open(Path(path), kind, request, limits)) as table:
        yield from _read(kind.kind, table, request, limits)


def _read(kind: str, table: Table, request: Request, limits: Limits) -> Iterator[Event]:
    lines = _guarded(table)
    first = _first(lines, table, limits)
    if request.columns:
        yield from tables.read(kind, table, first[1], lines, request, limits)
        return
    layout = arrange(first[1], request, limits)
    table.watch(layout.used)
    yield _meta(kind, table, layout)
    if kind == files.CSV and quoting.is_ours(layout):
        lines = quoting.restored(lines)
    if request.quote:
        yield from quoting.quote(itertools.chain([first], lines), frozenset(request.quote))
        return
    reading = _Reading(table, layout, request, limits)
    if not layout.has_header:
        lines = itertools.chain([first], lines)
    for line in lines:
        if reading.take(line):
            yield from reading.flush()
        if reading.stopped:
            break
    yield from reading.finish()


def _open(path: Path, kind: files.FileKind, request: Request, limits: Limits) -> Table:
    with _damage_told():
        if kind.kind == files.XLSX:
            return Sheet(path, limits, name=request.sheet, skip_hidden=request.skip_hidden)
        return Text(
            path,
            limits,
            encoding=kind.encoding,
            chosen_encoding=request.encoding,
            delimiter=request.delimiter,
        )


def _guarded(table: Table) -> Iterator[Line]:
    with _damage_told():
        yield from table.lines()


def _first(lines: Iterator[Line], table: Table, limits: Limits) -> tuple[int, list[Cell]]:
    for number, cells in lines:
        if isinstance(cells, Odd):
            if cells.code == "not_utf8_row" and isinstance(table, Text):
                raise table.refuse_encoding()
            raise BadFile("damaged")
        if number > limits.blank_rows:
            break
        if not is_blank_row(cells):
            return number, cells
    raise BadFile("no_recipients")


def _meta(kind: str, table: Table, layout: Layout) -> Meta:
    return Meta(
        kind=kind,
        columns=layout.names,
        number_column=layout.names[layout.number],
        unused=layout.unused,
        has_header=layout.has_header,
        sheet=table.sheet,
        sheets=table.sheets,
        delimiter=table.delimiter,
        encoding=table.encoding,
        total=table.total,
        notices=tuple(table.notices(at_end=False)),
    )


class _Reading:
    """Batches, blank rows and the judgement over the file as a whole."""

    def __init__(self, table: Table, layout: Layout, request: Request, limits: Limits) -> None:
        self.table = table
        self.request = request
        self.limits = limits
        self.rows = Rows(layout, request, limits, table)
        self.good: list[Row] = []
        self.bad: list[Problem] = []
        self.last = 0
        self.blank_run = 0
        self.blank = 0
        self.stopped = False

    def take(self, line: Line) -> bool:
        """Check one line; whether it is time to tell what was gathered."""
        number, cells = line
        if self._is_past_the_end(number, cells):
            return False
        if self.rows.read >= self.limits.rows:
            raise BadFile("too_many_rows", limit=self.limits.rows, count=self.rows.read)
        outcome = self.rows.check(number, cells)
        if isinstance(outcome, Row):
            self.good.append(outcome)
        else:
            self.bad.extend(outcome)
        return self.rows.read % BATCH == 0

    def _is_past_the_end(self, number: int, cells: list[Cell] | Odd) -> bool:
        """Count blank rows, given or left out; stop after a long run of them.

        In text a record may span lines, so only workbooks leave rows out.
        """
        is_blank = is_blank_row(cells)
        if not is_blank and number == self.last + 1 and not self.blank_run:
            self.last = number  # nearly every line
            return False
        if self.table.ragged and self.last:
            self.blank_run += max(0, number - self.last - 1)
        self.last = number
        self.blank_run += is_blank
        self.stopped = self.blank_run >= self.limits.blank_rows
        if not is_blank and not self.stopped:
            self.blank += self.blank_run
            self.blank_run = 0
        return is_blank or self.stopped

    def flush(self) -> Iterator[Event]:
        if self.good:
            yield RowsEvent(tuple(self.good))
        for start in range(0, len(self.bad), BATCH):
            yield Problems(tuple(self.bad[start : start + BATCH]))
        self.good, self.bad = [], []
        yield Progress(self.rows.read, self.table.share())

    def finish(self) -> Iterator[Event]:
        if not self.rows.read:
            raise BadFile("no_recipients")
        self._stop_if_destroyed()
        yield from self.flush()
        rows = self.rows
        ask = not self.request.default_country and rows.bare > 0
        yield Done(
            read=rows.read,
            accepted=rows.accepted,
            refused=rows.refused,
            duplicates=rows.problems["duplicate"],
            repeated=rows.repeated,
            blank=self.blank,
            duplicates_by="number_and_values" if self.request.variables else "number",
            assumed=rows.bare_valid,
            samples=tuple(rows.samples),
            ask_country=ask and rows.bare_valid < rows.bare * ASK_COUNTRY_BELOW,
            problems=dict(rows.problems),
            countries=dict(rows.countries),
            notices=tuple(self._notices()),
            numbers_version=phonenumbers.__version__,
        )

    def _stop_if_destroyed(self) -> None:
        """Single damaged rows are listed; a damaged column stops the import."""
        rows, table, most = self.rows, self.table, self.rows.read * STOP_SHARE
        if isinstance(table, Text) and table.undecoded_rows > most:
            raise table.refuse_encoding()
        if rows.destroyed >= DESTROYED_FEWEST and rows.destroyed > most:
            raise BadFile("digits_lost_everywhere", count=rows.destroyed)
        is_many = rows.rounded >= ROUNDED_FEWEST and rows.rounded > most
        if is_many and "trailing_zeros" not in self.request.accept:
            choices = ("trailing_zeros",)
            raise BadFile("trailing_zeros", count=rows.rounded, answer="accept", choices=choices)

    def _notices(self) -> list[Notice]:
        rows = self.rows
        bare = "read_as_national" if self.request.default_country else "read_as_international"
        counts = {
            "blank_rows": self.blank,
            bare: rows.bare_valid,
            "repeated": rows.repeated,
            "invisible_in_numbers": rows.cleaned_numbers,
            "invisible_in_values": rows.flagged_values,
        }
        found = [Notice.of(code, count=count) for code, count in counts.items() if count]
        if self.stopped:
            notice = Notice.of("stopped_at_blank_rows", row=self.last, limit=self.limits.blank_rows)
            found.append(notice)
        return found + self.table.notices(at_end=True)
