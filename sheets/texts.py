"""A CSV or TSV file, read record by record with the line each record starts in."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from .cells import Cell, Line, Odd
from .events import Notice
from .limits import Limits
from .sentences import BadFile

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-16", "gb18030", "cp1252", "shift_jis")
SEPARATOR_LINE = re.compile(r"sep=(.)[\r\n]*", re.IGNORECASE)  # Excel's own hint
UNDECODED = re.compile("[\udc80-\udcff]")
STARTS_WITH_NUMBER = re.compile(r"[\"']{0,2}\+?[0-9]{7,20}[\"']?[,;\t|]")
WELL_QUOTED = re.compile(r'\A"([^"]*)"\Z')
FIELD_CHARS = 131_072
RECORD_LINES = 1_000  # a record over more lines has lost its closing quotation mark
PREVIEW_CHARS = 80


class Text:
    """A Table over delimited text; see `cells.Table` for what each member promises."""

    sheet = ""
    sheets: tuple[str, ...] = ()
    total: int | None = None
    ragged = False

    def __init__(
        self,
        path: Path,
        limits: Limits,
        *,
        encoding: str,
        chosen_encoding: str | None = None,
        delimiter: str | None = None,
    ) -> None:
        if chosen_encoding is not None and chosen_encoding not in ENCODINGS:
            raise BadFile("not_utf8", line=1, answer="encoding", choices=ENCODINGS)
        self.encoding = encoding
        if chosen_encoding and chosen_encoding != "utf-8" and encoding != "utf-16":
            self.encoding = chosen_encoding
        self.limits = limits
        # what cannot be decoded is kept as a mark, so that one bad byte costs one row
        errors = "surrogatepass" if self.encoding == "utf-16" else "surrogateescape"
        self.size = max(1, path.stat().st_size)
        self.raw = path.open("rb")
        self.file = io.TextIOWrapper(self.raw, self.encoding, errors, newline="")
        self.line = 0
        self.last = ""
        self.start = 1
        self.undecoded = False
        self.undecoded_rows = 0
        self.first_undecoded = (0, "")
        self.skipped = 0
        csv.field_size_limit(FIELD_CHARS)
        try:
            self.delimiter = self._find_delimiter(delimiter)
        except UnicodeError:
            self.close()
            raise

    def _find_delimiter(self, chosen: str | None) -> str:
        """The most frequent candidate in the first line with text, outside quotes."""
        found = chosen
        for line in self.file:
            if not line.strip("\ufeff \t\r\n"):
                continue
            if hint := SEPARATOR_LINE.fullmatch(line):
                found = found or hint[1]
                self.skipped = 1
                break
            bare = re.sub(r'"[^"]*"', "", line)
            found = found or max(DELIMITERS, key=bare.count)
            break
        self.file.seek(0)
        return found if found in DELIMITERS else ","

    def _physical(self) -> Iterator[str]:
        for line in self.file:
            self.line += 1
            self.last = line
            if "\0" in line:
                raise BadFile("nul")
            if self.line - self.start > RECORD_LINES:
                raise BadFile("unclosed_quote", line=self.start)
            if not line.isascii() and UNDECODED.search(line):
                self._note_undecoded(line)
            if self.line != self.start and self._looks_like_a_row(line):
                raise BadFile("unclosed_quote", line=self.start)
            yield line

    def _note_undecoded(self, line: str) -> None:
        self.undecoded = True
        if not self.undecoded_rows:
            self.first_undecoded = (self.line, line)
        self.undecoded_rows += 1

    def _looks_like_a_row(self, line: str) -> bool:
        """Inside a quoted value, a line with a number and a delimiter is a swallowed row."""
        return bool(STARTS_WITH_NUMBER.match(line)) and self.delimiter in line

    def lines(self) -> Iterator[Line]:
        records = csv.reader(self._physical(), delimiter=self.delimiter, strict=True)
        if self.skipped:
            next(records, None)
        while True:
            self.start = self.line + 1
            self.undecoded = False
            try:
                cells: list[Cell] = list(next(records))
            except StopIteration:
                return
            except csv.Error as error:
                yield self.start, self._broken(str(error))
                continue
            if self.undecoded:
                told = tuple(map(str, cells))
                yield self.start, Odd("not_utf8_row", "".join(told), cells=told)
            elif cells:
                yield self.start, cells

    def _broken(self, message: str) -> Odd:
        if self.line > self.start or "end of data" in message:
            raise BadFile("unclosed_quote", line=self.start)
        if "field limit" in message:
            return Odd("cell_too_long", facts=(("limit", self.limits.cell_chars),))
        told = self.last.rstrip("\r\n").split(self.delimiter)
        return Odd("bad_quoting", cells=tuple(WELL_QUOTED.sub(r"\1", cell) for cell in told))

    def refuse_encoding(self) -> BadFile:
        """The question which encoding this is, with the first such line read in each."""
        number, line = self.first_undecoded
        raw = line.encode("utf-8", "surrogateescape") if line else b""
        previews = tuple(
            raw.decode(name, "replace").strip()[:PREVIEW_CHARS] for name in ENCODINGS[2:]
        )
        return BadFile(
            "not_utf8", line=number, answer="encoding", choices=ENCODINGS[2:], previews=previews
        )

    def close(self) -> None:
        self.file.close()

    def watch(self, columns: frozenset[int]) -> None:
        """Text has neither formulas nor formats."""

    def merge_at(self, row: int, column: int) -> str:
        return ""

    def share(self) -> float:
        position = self.raw.tell()
        return min(1.0, position / self.size)

    def notices(self, *, at_end: bool) -> list[Notice]:
        return []
