"""The two large parts of a workbook, streamed: its strings and the rows of one sheet.

Expat is driven directly because these parts may hold millions of elements, but the parser is
defusedxml's: a document type, an entity or an external reference is refused. Office Open XML
element names are from ECMA-376 part 1, section 18.3.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from defusedxml.ElementTree import XMLParser

from . import plainrows
from .limits import Limits
from .plainrows import Feeder, Nesting
from .sentences import BadFile

CHUNK = 64 * 1024
MAX_ROW = 1_048_576
MAX_MERGES = 100_000
KEPT_CHARS = 4_000  # more of a cell is never needed: it is refused by then
TREE_HANDLERS = (
    "DefaultHandlerExpand",
    "StartElementHandler",
    "EndElementHandler",
    "CharacterDataHandler",
    "CommentHandler",
    "ProcessingInstructionHandler",
)
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class _Names(dict[str, str]):
    """Expat joins namespace and name by `}`; the local name decides (strict or not)."""

    def __missing__(self, key: str) -> str:
        local = self[key] = key.rpartition("}")[2]
        return local


class _Columns(dict[str, int]):
    """`AB` -> 28. Anything else is damage."""

    def __missing__(self, letters: str) -> int:
        if not (letters.isascii() and letters.isupper() and len(letters) <= 3):
            raise ValueError("not a cell reference")
        number = 0
        for letter in letters:
            number = number * 26 + ord(letter) - 64
        self[letters] = number
        return number


COLUMNS = _Columns()


@dataclass(slots=True)
class Survey:
    """The real extent of a sheet, whatever its dimension element says."""

    rows: int = 0  # rows with content
    last_row: int = 0
    columns: int = 0
    hidden: array[int] = field(default_factory=lambda: array("L"))
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RawCell:
    """A cell as it stands in the file: type, style, text, and whether a formula made it."""

    column: int
    kind: str
    style: int
    text: str | None
    formula: bool


class Fed(Protocol):
    """Who takes a part chunk by chunk."""

    def feed(self, chunk: bytes) -> None: ...
    def close(self) -> None: ...


class _Expat:
    """All of a part to expat."""

    def __init__(self, parser: Any) -> None:
        self.parser = parser

    def feed(self, chunk: bytes) -> None:
        self.parser.Parse(chunk, False)

    def close(self) -> None:
        self.parser.Parse(b"", True)


def _feed(part: BinaryIO, fed: Fed, most: int) -> Iterator[None]:
    """Feed *part* chunk by chunk; counts the bytes that really come out of the archive."""
    count = 0
    while chunk := part.read(CHUNK):
        count += len(chunk)
        if count > most:
            raise BadFile("unpacks_too_large")
        fed.feed(chunk)
        yield
    fed.close()
    yield


def _parser() -> XMLParser:
    guard = XMLParser(forbid_dtd=True)
    guard.parser.buffer_text = True
    guard.parser.ordered_attributes = False
    # the tree builder's own handlers would keep every element
    for handler in TREE_HANDLERS:
        setattr(guard.parser, handler, None)
    return guard


def unescape(text: str) -> str:
    """`_x000A_` is how a workbook writes a character that XML cannot hold."""
    if "_x" not in text:
        return text
    return ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


class _Text:
    """Collects character data up to what could still be used."""

    __slots__ = ("parts", "room")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.room = KEPT_CHARS

    def add(self, data: str) -> None:
        if self.room > 0:
            self.parts.append(data[: self.room])
            self.room -= len(data)

    def take(self) -> str:
        text = "".join(self.parts)
        self.parts, self.room = [], KEPT_CHARS
        return text


class _Strings:
    """Collects shared strings; phonetic hints (rPh) are not part of a string."""

    def __init__(self, parser: Any, most: int) -> None:
        self.parser = parser
        self.most = most
        self.names = _Names()
        self.text = _Text()
        self.strings: list[str] = []
        self.in_hint = False

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        local = self.names[name]
        if local == "t" and not self.in_hint:
            self.parser.CharacterDataHandler = self.text.add
        elif local == "rPh":
            self.in_hint = True

    def end(self, name: str) -> None:
        local = self.names[name]
        if local == "t":
            self.parser.CharacterDataHandler = None
        elif local == "rPh":
            self.in_hint = False
        elif local == "si":
            self.finish_string()

    def finish_string(self) -> None:
        if len(self.strings) >= self.most:
            raise BadFile("unpacks_too_large")
        self.strings.append(unescape(self.text.take()))


def read_strings(part: BinaryIO, limits: Limits) -> list[str]:
    """The shared strings in order."""
    guard = _parser()
    strings = _Strings(guard.parser, max(1_000_000, limits.rows * 4))
    guard.parser.StartElementHandler = strings.start
    guard.parser.EndElementHandler = strings.end
    for _ in _feed(part, _Expat(guard.parser), limits.strings_bytes):
        pass
    return strings.strings


class _Surveyor:
    """Counts one sheet. Only content counts: a styled empty cell costs nobody anything."""

    def __init__(self, parser: Any, limits: Limits) -> None:
        self.limits = limits
        self.found = Survey()
        self.names = _Names()
        self.letters = COLUMNS
        self.nesting = Nesting(parser)
        self.row = 0
        self.column = 0
        self.row_hidden = False
        self.row_counted = False
        self.starters: dict[str, Callable[[dict[str, str]], None]] = {
            "c": self.start_cell,
            "v": self.start_content,
            "is": self.start_content,
            "f": self.start_content,
            "row": self.start_row,
            "col": self.start_col,
            "mergeCell": self.start_merge,
        }

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = self.names[name]
        self.nesting.opened(local)
        starter = self.starters.get(local)
        if starter:
            starter(attributes)

    def end(self, name: str) -> None:
        self.nesting.closed(self.names[name])

    def plain(self, data: bytes, at: int) -> int:
        """Count plain rows; one out of order is left to expat."""
        match = plainrows.ROW.match
        while found := match(data, at):
            number = int(found[1])
            if not self.row < number <= MAX_ROW:
                break
            at = found.end()
            self.row = number
            if letters := found[3]:
                self.row_hidden = self.row_counted = False
                self.column = self.letters[letters.decode()]
                self.start_content({})
        return at

    def start_row(self, attributes: dict[str, str]) -> None:
        self.row = next_row(self.row, attributes)
        self.column = 0
        self.row_hidden = attributes.get("hidden") in {"1", "true"}
        self.row_counted = False

    def start_cell(self, attributes: dict[str, str]) -> None:
        ref = attributes.get("r")
        self.column = self.letters[ref.rstrip("0123456789")] if ref else self.column + 1

    def start_content(self, _attributes: dict[str, str]) -> None:
        found = self.found
        if self.column > found.columns:
            found.columns = self.column
            if self.column > self.limits.columns:
                column = column_letters(self.column)
                raise BadFile("too_many_columns", column=column, limit=self.limits.columns)
        if not self.row_counted:
            self.count_row()

    def count_row(self) -> None:
        found = self.found
        self.row_counted = True
        found.rows += 1
        found.last_row = self.row
        if self.row_hidden:
            found.hidden.append(self.row)
        if found.rows > self.limits.rows + 1:  # the header is no recipient
            raise BadFile("too_many_rows", limit=self.limits.rows, count=found.rows - 1)

    def start_col(self, attributes: dict[str, str]) -> None:
        if attributes.get("hidden") in {"1", "true"} and len(self.found.hidden_columns) < 100:
            first, last = int(attributes["min"]), int(attributes["max"])
            self.found.hidden_columns.append((first, last))

    def start_merge(self, attributes: dict[str, str]) -> None:
        if len(self.found.merges) < MAX_MERGES:
            self.found.merges.append(attributes["ref"])


def survey(part: BinaryIO, limits: Limits) -> Survey:
    """Stream the whole sheet once and count; refuses as soon as a limit is passed."""
    guard = _parser()
    surveyor = _Surveyor(guard.parser, limits)
    guard.parser.StartElementHandler, guard.parser.EndElementHandler = surveyor.start, surveyor.end
    feeder = Feeder(guard.parser, surveyor.nesting, surveyor.plain)
    for _ in _feed(part, feeder, limits.unpacked_bytes):
        pass
    return surveyor.found


class _Rows:
    """Builds rows from expat's calls; `taken` are the finished ones."""

    def __init__(self, parser: Any) -> None:
        self.parser = parser
        self.names = _Names()
        self.letters = COLUMNS
        self.nesting = Nesting(parser)
        self.text = _Text()
        self.row = 0
        self.cells: list[RawCell] = []
        self.taken: list[tuple[int, list[RawCell] | str]] = []
        self.cell = RawCell(0, "n", 0, None, False)
        self.in_hint = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = self.names[name]
        self.nesting.opened(local)
        if local == "c":
            self.start_cell(attributes)
        elif local == "v" or (local == "t" and not self.in_hint):
            self.parser.CharacterDataHandler = self.text.add
        elif local == "f":
            self.cell.formula = True
        elif local == "row":
            self.row = next_row(self.row, attributes)
            self.cells = []
        elif local == "rPh":
            self.in_hint = True

    def start_cell(self, attributes: dict[str, str]) -> None:
        ref = attributes.get("r")
        column = self.letters[ref.rstrip("0123456789")] if ref else self.cell.column + 1
        if not ref and not self.cells:
            column = 1
        style = int(attributes.get("s", 0))
        self.cell = RawCell(column, attributes.get("t", "n"), style, None, False)
        self.cells.append(self.cell)

    def end(self, name: str) -> None:
        local = self.names[name]
        self.nesting.closed(local)
        if local == "v":
            self.stop_text()
            self.cell.text = self.text.take()
        elif local == "t":
            self.stop_text()
        elif local == "is":
            self.cell.text = unescape(self.text.take())
        elif local == "rPh":
            self.in_hint = False
        elif local == "row":
            self.taken.append((self.row, self.cells))

    def stop_text(self) -> None:
        self.parser.CharacterDataHandler = None

    def plain(self, data: bytes, at: int) -> int:
        """Take plain rows; one out of order, and all behind a stray text, are left to expat."""
        if self.text.parts:
            return at
        match = plainrows.ROW.match
        while found := match(data, at):
            number = int(found[1])
            if not self.row < number <= MAX_ROW:
                break
            try:
                self.taken.append((number, found[2].decode()))
            except UnicodeDecodeError:
                break
            self.row = number
            at = found.end()
        return at


def read_rows(part: BinaryIO, limits: Limits) -> Iterator[tuple[int, list[RawCell] | str]]:
    """The rows of a sheet as they stand, a chunk at a time; a plain one for `plainrows.CELL`."""
    guard = _parser()
    rows = _Rows(guard.parser)
    guard.parser.StartElementHandler, guard.parser.EndElementHandler = rows.start, rows.end
    feeder = Feeder(guard.parser, rows.nesting, rows.plain)
    for _ in _feed(part, feeder, limits.unpacked_bytes):
        yield from rows.taken
        rows.taken = []


def next_row(row: int, attributes: dict[str, str]) -> int:
    """The number of the row that starts; rows only go down (18.3.1.73)."""
    number = int(attributes.get("r", row + 1))
    if not row < number <= MAX_ROW:
        raise ValueError("rows are out of order")
    return number


def column_letters(column: int) -> str:
    """28 -> `AB`."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
