"""A plain table out of a file: the cells of named columns as text, no phone number among them.

It tells the same events as the reading of recipients, its rows with values only.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

from .cells import ERRORS, READABLE, Cell, Line, Odd, Table
from .columns import header_key, header_name
from .events import Done, Event, Meta, Problem, Problems, Progress, Request, Row, Rows
from .limits import Limits
from .rows import CONTROL, LONE_SURROGATE, Refused, is_blank_row, show
from .sentences import BadFile
from .texts import Text
from .workbook import plain

Columns = tuple[int | None, ...]


def read(
    kind: str, table: Table, first: Sequence[Cell], lines: Iterator[Line], request: Request,
    limits: Limits,
) -> Iterator[Event]:  # fmt: skip
    """Tell Meta, the rows and problems of the table below the header *first*, then Done."""
    names = [header_name(cell) for cell in first[: limits.columns]]
    columns = _find(names, request)
    used = frozenset(index for index in columns if index is not None)
    table.watch(used)
    unused = tuple(name for at, name in enumerate(names) if name and at not in used)
    yield Meta(
        kind=kind, columns=tuple(names), number_column="", unused=unused, sheet=table.sheet,
        sheets=table.sheets, delimiter=table.delimiter, encoding=table.encoding,
        total=table.total, notices=tuple(table.notices(at_end=False)),
    )  # fmt: skip
    good: list[Row] = []
    bad: list[Problem] = []
    for number, cells in lines:
        if is_blank_row(cells):
            continue
        if len(good) + len(bad) >= limits.rows:
            raise BadFile("too_many_rows", limit=limits.rows, count=limits.rows)
        if isinstance(cells, Odd) and cells.code == "not_utf8_row" and isinstance(table, Text):
            raise table.refuse_encoding()
        try:
            good.append(Row(number, "", "", _values(number, cells, columns, table, limits)))
        except Refused as refused:
            bad.append(_problem(number, refused))
    if not good and not bad:
        raise BadFile("no_rows")
    yield from _told(good, bad, table)


def _told(good: list[Row], bad: list[Problem], table: Table) -> Iterator[Event]:
    yield Rows(tuple(good))
    yield Problems(tuple(bad))
    yield Progress(len(good) + len(bad), 1.0)
    yield Done(
        read=len(good) + len(bad), accepted=len(good), refused=len(bad), duplicates=0, blank=0,
        duplicates_by="", assumed=0, samples=(), ask_country=False,
        problems=dict(Counter(problem.code for problem in bad)), countries={},
        notices=tuple(table.notices(at_end=True)), numbers_version="",
    )  # fmt: skip


def _find(names: Sequence[str], request: Request) -> Columns:
    """Where each asked column is. One of several names, whatever its case, names it once."""
    keys = [header_key(name) for name in names]
    found: list[int | None] = []
    for known, *others in request.columns:
        at = [index for index, key in enumerate(keys) if key in (known, *others)]
        if len(at) > 1:
            first, second = at[:2]
            raise BadFile("same_column_twice", first=names[first], second=names[second])
        if not at and known not in request.optional:
            raise BadFile("no_table_column", name=known)
        found.append(at[0] if at else None)
    return tuple(found)


def _values(
    number: int, cells: list[Cell] | Odd, columns: Columns, table: Table, limits: Limits
) -> tuple[str, ...]:
    if isinstance(cells, Odd):
        raise Refused(cells.code, cells.text, **dict(cells.facts))
    return tuple(
        "" if index is None or index >= len(cells) else _value(number, index, cells[index], table,
                                                               limits)
        for index in columns
    )  # fmt: skip


def _value(row: int, index: int, cell: Cell, table: Table, limits: Limits) -> str:
    if isinstance(cell, Odd):
        if cell.code not in READABLE:
            raise Refused(cell.code, cell.text, **dict(cell.facts))
        cell = f"{cell.text}%" if cell.code == "percent" else cell.text
    text = unicodedata.normalize("NFC", cell if isinstance(cell, str) else _plain(cell)).strip()
    if not text and (merged := table.merge_at(row, index)):
        raise Refused("merged", "", range=merged)
    if text in ERRORS:
        raise Refused("error_cell", text)
    if len(text) > limits.value_chars:
        raise Refused("cell_too_long", text, limit=limits.value_chars)
    if CONTROL.search(text) or LONE_SURROGATE.search(text) or "\n" in text:
        raise Refused("unreadable_cell", text)
    return text


def _plain(cell: float | None) -> str:
    return "" if cell is None else plain(cell)


def _problem(row: int, refused: Refused) -> Problem:
    return Problem(row, "", show(refused.raw), refused.code, refused.sentence, refused.facts)
