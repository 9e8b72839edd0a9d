"""Tables to take away."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
import time_machine
from openpyxl import load_workbook

from sheets.writing import as_meant, csv_lines, formula_safe, write_xlsx

WILD = [
    "=1", " =1", '"=1', "'=1", "''=1", "\t=1", "x;=cmd()", "x; =cmd()", 'x;"=cmd()";y', "x\t+1",
    "x\n-1", "x\r\n@a", "x|=1", "x;\t=1", "x;=1\n=2", ";=1", "x;\uff1d1", '";=1', "x;'=1",
]  # fmt: skip


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("value", WILD)
def test_no_cell_calculates_whatever_the_spreadsheet_takes_for_the_separator(
    value: str, separator: str
) -> None:
    text = "".join(csv_lines(["a", "b"], [["first", value], [value, "last"]]))
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    cells = [cell for row in csv.reader(lines, delimiter=separator) for cell in row]
    assert not [cell for cell in cells if cell.lstrip(' "\t').startswith(tuple("=+-@\uff1d"))]


@pytest.mark.parametrize("value", [*WILD, "Hi, -20%", "'tis; so", "a\n\nb", ""])
def test_what_was_made_safe_is_told_as_it_was_meant(value: str) -> None:
    assert as_meant(formula_safe(value)) == value


@pytest.mark.parametrize("value", ["Hi, -20% today", "Tea; coffee", "one\n\ntwo", "AB-CD", ""])
def test_a_value_that_calculates_nothing_is_not_touched(value: str) -> None:
    assert formula_safe(value) == value


def test_equal_rows_give_equal_bytes_at_any_time() -> None:
    made = []
    for second in (1, 9):
        with time_machine.travel(datetime(2026, 11, 22, 10, 0, second, tzinfo=UTC)):
            file = io.BytesIO()
            write_xlsx(file, ["a"], [["=1"], [3]], exact=True)
            made.append(file.getvalue())
    assert made[0] == made[1]


@pytest.mark.parametrize("illegal", ["\ufffe", "\uffff", "\ud800", "\0", "\x1b", "\r"])
def test_a_character_that_no_workbook_may_hold_spoils_no_workbook(illegal: str) -> None:
    file = io.BytesIO()
    legal = "\t\n ~\x85\ud7ff\ue000\ufffd\U0001f469\U0010ffff"
    write_xlsx(file, [f"a{illegal}b"], [[f"1{illegal}{legal}"]])
    rows = load_workbook(file).active.iter_rows(values_only=True)
    assert list(rows) == [("ab",), (f"1{legal}",)]
