"""Rows of a sheet in the shape that programs write, told by one match instead of by expat.

Expat reads the sheet; only whole rows that stand in this shape directly inside ``sheetData`` are
kept from it. The shape holds no comment, entity, prefix, formula or hidden row, so that such a
row means the same to both: tests/sheets/test_plainrows.py compares them. What does not match,
by design or by damage, is expat's, and so is every file that is not UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

ROW_BYTES = 256 * 1024  # a longer row is expat's
TEXT_CHARS = 1_000  # so is a longer text
ROW_END = b"</row>"
DATA_DEPTH = 2  # worksheet, sheetData

# In the order in which Excel, LibreOffice, Google and the usual libraries write them.
_ATTRIBUTES = (
    r'(?: spans="[0-9: ]*")?(?: s="[0-9]+")?(?: customFormat="[0-9a-z]+")?(?: ht="[0-9.]+")?'
    r'(?: hidden="(?:0|false)")?(?: customHeight="[0-9a-z]+")?(?: outlineLevel="[0-9]+")?'
    r'(?: collapsed="[0-9a-z]+")?(?: x14ac:dyDescent="[0-9.]+")?'
)
# No control character, no markup; EF leads what XML leaves out at the end of the plane.
_TEXT = rf"[^<>&\x00-\x1f\xef]{{0,{TEXT_CHARS}}}+"
_LETTERS, _DIGITS, _STYLE = "[A-Z]{1,3}", "[0-9]{1,7}", "[0-9]{1,6}"
_CONTENT = rf'<v>{_TEXT}</v>|<is><t(?: xml:space="preserve")?>{_TEXT}</t></is>'
_CELL = (
    rf'<c r="({_LETTERS}){_DIGITS}"(?: s="{_STYLE}")?'
    rf'(?: t="(?:n|s|str|inlineStr)")?>(?:{_CONTENT})</c>'
)
_BLANK = rf'<c r="{_LETTERS}{_DIGITS}"(?: s="{_STYLE}")?/>'
_ROW = rf'<row r="([1-9][0-9]{{0,6}})"{_ATTRIBUTES}>((?:{_CELL}|{_BLANK})*+)</row>'
ROW = re.compile(_ROW.encode())
"""The row's number, its cells as they stand, and the letters of the last one with content."""

CELL = re.compile(
    rf'<c r="({_LETTERS}){_DIGITS}"(?: s="({_STYLE})")?'
    r'(?: t="([a-zA-Z]+)")?>(?:<v>([^<]*)</v>|<is><t[^>]*>([^<]*)</t></is>)</c>'
)
"""Letters, style, kind and the two sorts of content of each cell of such a row."""

Take = Callable[[bytes, int], int]
"""Given the bytes and where a row may begin: takes plain rows, tells where it stopped."""


class Nesting:
    """Follows expat's tags to know where the rows are: the last row's end, or -1 inside others."""

    def __init__(self, parser: Any) -> None:
        self.parser = parser
        self.depth = 0
        self.in_data = False
        self.row_end = -1

    def opened(self, local: str) -> None:
        self.depth += 1
        if self.depth == DATA_DEPTH and local == "sheetData":
            self.in_data = True

    def closed(self, local: str) -> None:
        self.depth -= 1
        if local == "row" and self.depth == DATA_DEPTH and self.in_data:
            self.row_end = self.parser.CurrentByteIndex
        elif self.depth < DATA_DEPTH:
            self.in_data = False


class Feeder:
    """Feeds one sheet to expat, but plain rows that follow a row's real end to *take*."""

    def __init__(self, parser: Any, nesting: Nesting, take: Take) -> None:
        self.parser = parser
        self.nesting = nesting
        self.take = take
        self.pending = b""
        self.fed = 0
        self.is_utf8 = False
        self.is_plain = False
        parser.XmlDeclHandler = self._declared

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.is_utf8 = self.is_utf8 and (encoding or "utf-8").lower() == "utf-8"

    def feed(self, chunk: bytes) -> None:
        """Take what is whole of *chunk* and of what was left before."""
        if not self.fed:
            start = chunk.removeprefix(b"\xef\xbb\xbf")[:2]
            self.is_utf8 = start[:1] == b"<" and start[1:] != b"\0"
        data, at = self.pending + chunk, 0
        while True:
            if self.is_plain:
                at = self.take(data, at)
            end = data.find(ROW_END, at)
            if end >= 0:
                at = self._give(data, at, end + len(ROW_END))
                ended = self.nesting.row_end == self.fed - len(ROW_END)
                self.is_plain = ended and self.is_utf8
                continue
            if not self.is_plain or len(data) - at > ROW_BYTES:
                self.is_plain = False
                at = self._give(data, at, max(at, len(data) - len(ROW_END) + 1))
            break
        self.pending = data[at:]

    def _give(self, data: bytes, start: int, end: int) -> int:
        self.parser.Parse(memoryview(data)[start:end], False)
        self.fed += end - start
        return end

    def close(self) -> None:
        """The end of the part: what is left is expat's."""
        self.parser.Parse(self.pending, True)
