"""The header row: which column holds the numbers, which the variables, and what is unused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .cells import Cell, Odd
from .events import Request
from .limits import Limits
from .sentences import BadFile
from .sheetxml import column_letters

ALIASES = frozenset({"phone_number", "phone", "mobile", "msisdn", "number", "to", "手机号码"})
NUMBER_LIKE = re.compile(r"['+( ]*[0-9][0-9 ().-]{5,20}[0-9]")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are, counted from 0. *width* is the number of named columns."""

    names: tuple[str, ...]
    raw_width: int
    number: int
    variables: tuple[tuple[str, int], ...]
    unused: tuple[str, ...]
    has_header: bool

    @property
    def width(self) -> int:
        return len(self.names)

    @property
    def used(self) -> frozenset[int]:
        return frozenset({self.number, *(index for _, index in self.variables)})


def arrange(cells: Sequence[Cell], request: Request, limits: Limits) -> Layout:
    """Read the first row of a file, or refuse it, or ask what it means."""
    names = [header_name(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if len(names) > limits.columns:
        letters = column_letters(len(names))
        raise BadFile("too_many_columns", column=letters, limit=limits.columns)
    has_header = _has_header(names, request)
    if not has_header:
        names = [column_letters(index + 1) for index in range(len(names))]
    _check(names, limits)
    number = _number_column(names, request, has_header=has_header)
    variables = _variables(names, request)
    used = {number, *(index for _, index in variables)}
    unused = tuple(name for index, name in enumerate(names) if index not in used)
    return Layout(tuple(names), len(cells), number, variables, unused, has_header)


def header_name(cell: Cell) -> str:
    """A column's name as it stands, without invisible marks."""
    if cell is None:
        return ""
    text = cell.text or cell.code if isinstance(cell, Odd) else str(cell)
    return unicodedata.normalize("NFC", text.replace("\ufeff", "").strip())


def header_key(name: str) -> str:
    """The name by which columns are recognised: case, spaces and hyphens do not matter."""
    return re.sub(r"[\s_-]+", "_", name.casefold())


def _has_header(names: list[str], request: Request) -> bool:
    if request.has_header is not None:
        return request.has_header
    if any(header_key(name) in ALIASES for name in names):
        return True
    if any(NUMBER_LIKE.fullmatch(name) for name in names):
        raise BadFile("no_header", answer="has_header", choices=("yes", "no"))
    return True


def _check(names: list[str], limits: Limits) -> None:
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        letters = column_letters(index + 1)
        if not name:
            raise BadFile("empty_header", column=letters)
        if len(name) > limits.header_chars:
            raise BadFile("long_header", column=letters, limit=limits.header_chars)
        if "${" in name:
            raise BadFile("placeholder_header", column=letters)
        first = seen.setdefault(" ".join(name.casefold().split()), index)
        if first != index:
            raise BadFile(
                "duplicate_headers",
                first=names[first],
                first_column=column_letters(first + 1),
                second=name,
                second_column=letters,
            )


def _number_column(names: list[str], request: Request, *, has_header: bool) -> int:
    if request.number_column is not None:
        wanted = unicodedata.normalize("NFC", request.number_column.strip())
        if wanted in names:
            return names.index(wanted)
        raise BadFile(
            "no_such_column",
            column=wanted[:60],
            columns=", ".join(names),
            answer="number_column",
            choices=tuple(names),
        )
    if not has_header and len(names) == 1:
        return 0
    found = [index for index, name in enumerate(names) if header_key(name) in ALIASES]
    # a column that the content uses as a variable is the numbers only if nothing else is
    found = [index for index in found if names[index] not in request.variables] or found
    if len(found) == 1:
        return found[0]
    choices = tuple(names[index] for index in found) or tuple(names)
    if not found:
        raise BadFile("no_number_column", answer="number_column", choices=choices)
    columns = ", ".join(choices)
    raise BadFile(
        "several_number_columns", columns=columns, answer="number_column", choices=choices
    )


def _variables(names: list[str], request: Request) -> tuple[tuple[str, int], ...]:
    wanted = [(name, unicodedata.normalize("NFC", name)) for name in request.variables]
    missing = [name for name, normal in wanted if normal not in names]
    if missing:
        raise BadFile("missing_columns", names=", ".join(missing))
    return tuple((name, names.index(normal)) for name, normal in wanted)
