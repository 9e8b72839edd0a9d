"""Rows as they stand in a file, so that somebody can mend them and bring them again.

Refused rows are taken away with one more column, `PROBLEM`. It marks a file of ours: in its text
form what a spreadsheet would calculate has an apostrophe before it (see `writing`), which is taken
off again when the file comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import phonenumbers

from .cells import Cell, Line, Odd
from .columns import Layout
from .events import Done, Event, Quoted
from .rows import LONE_SURROGATE
from .workbook import plain
from .writing import as_meant

PROBLEM = "problem"
BATCH = 1_000


def is_ours(layout: Layout) -> bool:
    """Whether this is a file of refused rows that comes back."""
    return layout.names[-1:] == (PROBLEM,) and PROBLEM in layout.unused


def restored(lines: Iterable[Line]) -> Iterator[Line]:
    """Text that comes back, without the apostrophes it was given on its way out."""
    for number, cells in lines:
        if isinstance(cells, Odd):
            yield number, replace(cells, cells=tuple(map(as_meant, cells.cells)))
        else:
            yield number, [as_meant(cell) if isinstance(cell, str) else cell for cell in cells]


def quote(lines: Iterable[Line], wanted: frozenset[int]) -> Iterator[Event]:
    """The *wanted* rows as text."""
    rows: list[tuple[int, tuple[str, ...]]] = []
    count = 0
    for number, cells in lines:
        if number not in wanted:
            continue
        count += 1
        rows.append((number, _texts(cells)))
        if len(rows) == BATCH:
            yield Quoted(tuple(rows))
            rows = []
        if count == len(wanted):
            break
    yield Quoted(tuple(rows))
    yield Done(
        read=count, accepted=0, refused=0, duplicates=0, blank=0, duplicates_by="", assumed=0,
        samples=(), ask_country=False, problems={}, countries={}, notices=(),
        numbers_version=phonenumbers.__version__,
    )  # fmt: skip


def _texts(cells: list[Cell] | Odd) -> tuple[str, ...]:
    told = cells.cells if isinstance(cells, Odd) else map(_text, cells)
    return tuple(LONE_SURROGATE.sub("\ufffd", text) for text in told)


def _text(cell: Cell) -> str:
    if isinstance(cell, Odd):
        return cell.text
    if isinstance(cell, int | float):
        return plain(cell)
    return cell or ""
