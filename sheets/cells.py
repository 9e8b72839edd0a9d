"""The cells that both readers hand on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from .events import Notice
from .sentences import Fact


@dataclass(frozen=True, slots=True)
class Odd:
    """A cell (or a whole row) that is not simply text or a whole number.

    *code* is the problem it makes as a phone number; a variable may still use *text* when
    the code is one of `READABLE`.
    """

    code: str
    text: str = ""
    facts: tuple[tuple[str, Fact], ...] = ()
    cells: tuple[str, ...] = ()  # of a whole row, as far as they can be told apart


READABLE = frozenset({"date", "boolean", "currency", "percent"})
ERRORS = frozenset(
    {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"}
)

Cell = str | int | float | None | Odd
Line = tuple[int, list[Cell] | Odd]


class Table(Protocol):
    """A file opened for reading: what is known of it, then its lines once."""

    sheet: str
    sheets: tuple[str, ...]
    delimiter: str
    encoding: str
    total: int | None
    ragged: bool  # short rows are an error (text) or just end early (workbook)

    def lines(self) -> Iterator[Line]:
        """Row number and cells; a gap in the numbers is a run of blank rows."""

    def watch(self, columns: frozenset[int]) -> None:
        """Only these columns are used; seen formulas outside them do not matter."""

    def merge_at(self, row: int, column: int) -> str:
        """The merged range that swallowed this cell, or nothing. Rows must not go back."""

    def share(self) -> float:
        """How much of the file is read, 0 to 1."""

    def close(self) -> None:
        """Let go of the file."""

    def notices(self, *, at_end: bool) -> list[Notice]:
        """What was seen when opened, or what was seen while reading."""
