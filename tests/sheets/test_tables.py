"""A plain table: named columns as text, whatever else the file holds."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from sheets import parent
from sheets.events import Request, Rows
from sheets.limits import Limits
from sheets.sentences import BadFile
from tests.sheets.making import Result, read_file, saved, text_file, workbook

COLUMNS = (("country", "iso"), ("price", "rate"), ("valid_from",))


def table(path: Path, **fields: Any) -> Result:
    return read_file(path, columns=COLUMNS, optional=("valid_from",), **fields)


def values(result: Result) -> list[tuple[str, ...]]:
    return [row.values for row in result.rows]


def test_columns_are_found_by_any_of_their_names_in_any_order(tmp_path: Path) -> None:
    found = table(text_file(tmp_path, "Rate,Notes,ISO\n0.031,x,MY\n\n0.02,y,US\n"))
    assert [(row.row, row.values) for row in found.rows] == [
        (2, ("MY", "0.031", "")), (4, ("US", "0.02", "")),
    ]  # fmt: skip
    assert found.meta is not None
    assert found.meta.unused == ("Notes",)


def test_a_workbooks_numbers_money_and_dates_are_text(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(["Country", "Price", "Valid from"])
    book.active.append(["MY", 0.1 + 0.2, dt.date(2026, 12, 1)])
    book.active.append(["US", 0.0079, "2026-12-01"])
    book.active.append(["DE", 0.07, None])
    book.active["B3"].number_format = "#,##0.00 €"
    book.active["B4"].number_format = "0.00%"
    found = table(saved(tmp_path, book))
    assert values(found) == [
        ("MY", "0.3", "2026-12-01"), ("US", "0.0079", "2026-12-01"), ("DE", "0.07%", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("country\nMY\n", "no_table_column"),
        ("country,iso,price\nMY,MY,1\n", "same_column_twice"),
        ("country,price\n", "no_rows"),
        ("country,price\nRéunion,1\n".encode("cp1252"), "not_utf8"),
        ("country,price\n" + "MY,1\n" * 4, "too_many_rows"),
    ],
)
def test_what_is_no_such_table_is_refused_as_a_whole(
    tmp_path: Path, content: str | bytes, code: str
) -> None:
    with pytest.raises(BadFile) as refused:
        table(text_file(tmp_path, content), limits=Limits(rows=3))
    assert refused.value.code == code


def test_cells_that_cannot_be_read_are_problems_of_their_rows(tmp_path: Path) -> None:
    rows = [["country", "price"], ["MY", "#N/A"], ["US", "x" * 300], ["DE\nFR", "1"], ["GB", "1"]]
    found = table(workbook(tmp_path, rows))
    assert found.codes == [(2, "error_cell"), (3, "cell_too_long"), (4, "unreadable_cell")]
    assert values(found) == [("GB", "1", "")]


def test_a_table_is_read_in_the_guarded_child_too(tmp_path: Path) -> None:
    path = text_file(tmp_path, "country;price\nMY;0,031\n")
    request = Request("rates.csv", columns=COLUMNS, optional=("valid_from",))
    events = list(parent.read(path, request))
    assert [e.rows[0].values for e in events if isinstance(e, Rows)] == [("MY", "0,031", "")]
