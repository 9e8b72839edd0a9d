"""The sample file and the download of refused rows."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from openpyxl import load_workbook

from campaigns.importing import rejects
from campaigns.importing.samples import sample
from sheets import writing
from sheets.events import Problem
from tests.sheets.making import mobile, mobiles, read_file, saved, text_file


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@pytest.mark.parametrize("names", [[], ["name", "city"], ["name", "name"], ["phone_number"]])
def test_a_sample_uploads_again_without_an_error(
    tmp_path: Path, kind: str, names: list[str]
) -> None:
    """S22, S23"""
    path = text_file(tmp_path, sample(names, kind), f"sample.{kind}")
    result = read_file(path, *dict.fromkeys(names))
    assert result.meta is not None
    expected = ("phone_number", *dict.fromkeys(name for name in names if name != "phone_number"))
    assert result.meta.columns == expected
    assert (len(result.rows), result.problems) == (2, [])
    assert {row.country for row in result.rows} == {"US", "AU"}


def test_a_filled_sample_uploads_without_an_error(tmp_path: Path) -> None:
    """S23"""
    book = load_workbook(io.BytesIO(sample(["name"], "xlsx")))
    sheet = book.worksheets[0]
    for count, number in enumerate(mobiles(30), 2):
        sheet.cell(count, 1, number)
        sheet.cell(count, 2, f"Name {count}")
    result = read_file(saved(tmp_path, book), "name")
    assert (len(result.rows), result.problems) == (30, [])


def test_the_sample_keeps_numbers_as_text_and_explains_itself() -> None:
    """A13"""
    book = load_workbook(io.BytesIO(sample(["name"], "xlsx")))
    recipients, instructions = book.worksheets
    assert [cell.value for cell in recipients[1]] == ["phone_number", "name"]
    assert {recipients[row][0].data_type for row in (2, 3)} == {"s"}
    assert {recipients[row][0].number_format for row in (2, 3)} == {"@"}
    assert recipients.column_dimensions["A"].width > 15
    assert instructions.max_row > 3


def test_the_sample_speaks_the_language_it_is_given() -> None:
    book = load_workbook(io.BytesIO(sample([], "xlsx", translate=str.upper)))
    assert book.sheetnames == ["RECIPIENTS", "INSTRUCTIONS"]


FORMULAS = ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x"]


def problem(raw: str) -> Problem:
    return Problem(2, "name", raw, "value_too_long", "Shorten it.")


@pytest.mark.parametrize("start", FORMULAS)
def test_no_cell_of_a_csv_calculates(start: str) -> None:
    """U57"""
    assert writing.formula_safe(start) == "'" + start
    target = io.BytesIO()
    rejects.write([problem(start)], "csv", target)
    rows = list(csv.reader(io.StringIO(target.getvalue().decode("utf-8-sig"), newline="")))
    assert rows[0] == ["Row", "Column", "Value", "Problem"]
    assert not rows[1][2].startswith(tuple("=+-@\t\r\n＝＋－＠"))
    assert (rows[1][0], rows[1][3]) == ("2", "Shorten it.")


@pytest.mark.parametrize("start", [*FORMULAS, "\x00\x07", "\ud800", "a" * 5000])
def test_every_cell_of_a_workbook_of_refused_rows_is_text(start: str) -> None:
    """U57"""
    target = io.BytesIO()
    rejects.write([problem(start), problem(mobile())], "xlsx", target)
    sheet = load_workbook(target).active
    kinds = {cell.data_type for row in sheet.iter_rows() for cell in row}
    assert kinds <= {"s", "n"}  # an empty cell counts as n
    assert all(isinstance(cell.value, str) for row in sheet.iter_rows() for cell in row)
    assert sheet["C3"].value == mobile()


@pytest.mark.parametrize("kind", ["pdf", ""])
def test_another_kind_is_a_mistake_of_the_caller(kind: str) -> None:
    with pytest.raises(ValueError, match="xlsx or csv"):
        sample([], kind)
    with pytest.raises(ValueError, match="xlsx or csv"):
        rejects.write([], kind, io.BytesIO())
