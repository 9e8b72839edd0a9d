"""One row: its number, its values, and whether it was there before."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from hashlib import blake2b

from sms.numbers import BadNumber, Number, NumberProblem, parse_number

from .cells import ERRORS, READABLE, Cell, Odd, Table
from .columns import Layout
from .events import Problem, Request, Row
from .limits import Limits
from .sentences import SENTENCES, BadFile, Fact, say
from .sheetxml import column_letters
from .workbook import plain

RAW_CHARS = 60
ROUNDED = "000000"  # so a number ends when a spreadsheet has rounded it; many are lost digits
SAMPLES = 5
INVISIBLE = re.compile(
    "[\u00a0\u00ad\u034f\u061c\u180e\u2007\u200b-\u200f\u202a-\u202f\u2060-\u2064\u2066-\u206f\ufeff]"
)
CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
BARE = re.compile(r"[0-9][0-9 ().-]*")
# What most cells hold, for which none of the questions below needs to be asked one by one.
PLAIN_NUMBER = re.compile(r"\+[0-9]{1,20}")
PLAIN_VALUE = re.compile(r"[!\"$-~](?:[ -~]*[!-~])?")  # no "#" first: no spreadsheet's error


class Refused(Exception):
    """A cell cannot be used: the code, what to say, and the cell as it stands."""

    def __init__(self, code: str, raw: str, **facts: Fact) -> None:
        self.code = code
        self.raw = raw
        self.facts = facts
        self.sentence = say(code, **facts) if code in SENTENCES else ""
        super().__init__(code)


class Rows:
    """Checks the rows of one file in order and remembers what it saw."""

    def __init__(self, layout: Layout, request: Request, limits: Limits, table: Table) -> None:
        self.layout = layout
        self.request = request
        self.limits = limits
        self.table = table
        self.plain_chars = min(limits.value_chars, limits.cell_chars)
        self.first_rows: dict[str | bytes, int] = {}
        self.numbers: set[str] = set()
        self.repeated = 0  # rows that give an earlier number with other values
        self.problems: Counter[str] = Counter()
        self.countries: Counter[str] = Counter()
        self.samples: list[tuple[str, str]] = []
        self.read = self.accepted = self.refused = 0
        self.bare = self.bare_valid = 0
        self.rounded = self.destroyed = 0
        self.cleaned_numbers = self.flagged_values = 0

    def check(self, number: int, cells: list[Cell] | Odd) -> Row | list[Problem]:
        """The recipient in this row, or everything that is wrong with it."""
        self.read += 1
        problems: list[Problem] = []
        try:
            row = self._row(number, self._shaped(cells), problems)
        except Refused as refused:
            problems.append(self._problem(number, "", refused))
            row = None
        if row is not None and not problems:
            self.accepted += 1
            self.countries[row.country] += 1
            return row
        self.refused += 1
        self.problems.update(problem.code for problem in problems)
        return problems

    def _shaped(self, cells: list[Cell] | Odd) -> list[Cell]:
        """The row at the width of the header, never shifted."""
        if isinstance(cells, Odd):
            raise Refused(cells.code, cells.text, **dict(cells.facts))
        width = self.layout.width
        if len(cells) == width:
            return cells
        for index in range(width, len(cells)):
            if not _is_blank(cells[index]):
                if index < self.layout.raw_width:
                    raise BadFile("empty_header", column=column_letters(index + 1))
                raise Refused("cell_count", _shown(cells), count=len(cells), expected=width)
        if len(cells) < width and not self.table.ragged:
            raise Refused("cell_count", _shown(cells), count=len(cells), expected=width)
        return [*cells[:width], *[None] * (width - len(cells))]

    def _row(self, row: int, cells: list[Cell], problems: list[Problem]) -> Row | None:
        found: Number | None = None
        values: list[str] = []
        try:
            found = self._number(row, cells[self.layout.number])
        except Refused as refused:
            name = self.layout.names[self.layout.number]
            problems.append(self._problem(row, name, refused))
        for name, index in self.layout.variables:
            cell = cells[index]
            if type(cell) is str and len(cell) <= self.plain_chars and PLAIN_VALUE.fullmatch(cell):
                values.append(cell)
                continue
            try:
                values.append(self._value(row, name, index, cell))
            except Refused as refused:
                problems.append(self._problem(row, name, refused))
        if found is None or problems:
            return None
        self._refuse_duplicate(row, found.e164, values, problems)
        return Row(row, found.e164, found.country, tuple(values))

    def _problem(self, row: int, column: str, refused: Refused) -> Problem:
        shown = show(refused.raw)
        return Problem(row, column, shown, refused.code, refused.sentence, refused.facts)

    def _refuse_duplicate(
        self, row: int, number: str, values: list[str], problems: list[Problem]
    ) -> None:
        """With variables the same number with other values is another message."""
        key: str | bytes = number
        if values:
            text = "\x00".join([number, *values])
            key = blake2b(text.encode(), digest_size=16).digest()
        first = self.first_rows.setdefault(key, row)
        if first != row:
            name = self.layout.names[self.layout.number]
            refused = Refused("duplicate", number, first=first)
            problems.append(self._problem(row, name, refused))
        elif values:
            self.repeated += number in self.numbers
            self.numbers.add(number)

    # -- the number -----------------------------------------------------------------------

    def _number(self, row: int, cell: Cell) -> Number:
        if type(cell) is str and PLAIN_NUMBER.fullmatch(cell):
            token: str | int | float = cell
            text, bare = cell, False
        else:
            token = self._token(row, cell)
            text = str(token)
            bare = BARE.fullmatch(text) is not None and not text.startswith("00")
        self.bare += bare
        self.rounded += text.endswith(ROUNDED)
        try:
            number = parse_number(token, self.request.default_country)
        except BadNumber as bad:
            self.destroyed += bad.problem == NumberProblem.SPREADSHEET_DAMAGE
            raise _refused_number(bad, text) from bad
        if bare:
            self.bare_valid += 1
            if len(self.samples) < SAMPLES:
                self.samples.append((text, number.e164))
        return number

    def _token(self, row: int, cell: Cell) -> str | int | float:
        if cell is None or cell == "":
            self._refuse_merged(row, self.layout.number)
            raise Refused("number_missing", "")
        if isinstance(cell, Odd):
            raise Refused(cell.code, cell.text, **dict(cell.facts))
        if not isinstance(cell, str):
            return cell
        if len(cell) > self.limits.cell_chars:
            raise Refused("cell_too_long", cell, limit=self.limits.cell_chars)
        if cell in ERRORS:
            raise Refused("error_cell", cell)
        token = cell if cell.isascii() else INVISIBLE.sub("", cell)
        self.cleaned_numbers += len(token) != len(cell)
        token = token.strip().lstrip("'\u2019").strip()
        if not token:
            raise Refused("number_missing", cell)
        return token

    def _refuse_merged(self, row: int, index: int) -> None:
        if merged := self.table.merge_at(row, index):
            raise Refused("merged", "", range=merged)

    # -- a variable -----------------------------------------------------------------------

    def _value(self, row: int, name: str, index: int, cell: Cell) -> str:
        text = self._text(cell)
        value = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").strip())
        if not value:
            self._refuse_merged(row, index)
            if name not in self.request.allow_empty:
                raise Refused("value_missing", "", name=name)
            return ""
        if control := CONTROL.search(value):
            character = f"U+{ord(control[0]):04X}"
            raise Refused("control_character", value, name=name, character=character)
        if LONE_SURROGATE.search(value):
            raise Refused("lone_surrogate", value, name=name)
        if len(value) > self.limits.value_chars:
            raise Refused(
                "value_too_long", value, name=name, count=len(value), limit=self.limits.value_chars
            )
        self.flagged_values += not value.isascii() and INVISIBLE.search(value) is not None
        return value

    def _text(self, cell: Cell) -> str:
        if cell is None:
            return ""
        if isinstance(cell, Odd):
            if cell.code in READABLE:
                return cell.text
            raise Refused(cell.code, cell.text, **dict(cell.facts))
        if not isinstance(cell, str):
            return plain(cell)
        if len(cell) > self.limits.cell_chars:
            raise Refused("cell_too_long", cell, limit=self.limits.cell_chars)
        if cell in ERRORS:
            raise Refused("error_cell", cell)
        return cell


def _refused_number(bad: BadNumber, raw: str) -> Refused:
    refused = Refused(str(bad.problem), raw)
    refused.sentence = bad.hint
    return refused


def is_blank_row(cells: list[Cell] | Odd) -> bool:
    """Whether nothing at all stands in the row."""
    return not (isinstance(cells, Odd) or any(map(_holds, cells)))


def _holds(cell: Cell) -> bool:
    return not _is_blank(cell)


def _is_blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _shown(cells: list[Cell]) -> str:
    texts = (cell.text if isinstance(cell, Odd) else str(cell or "") for cell in cells)
    return " | ".join(text[:RAW_CHARS] for text in texts)


def show(raw: str) -> str:
    """A cut of *raw* that can be stored and shown: no control, no half character."""
    cut = raw[: RAW_CHARS + 1]
    safe = LONE_SURROGATE.sub("\ufffd", CONTROL.sub("\ufffd", cut.replace("\n", " ")))
    return safe if len(cut) <= RAW_CHARS else safe[: RAW_CHARS - 1] + "…"
