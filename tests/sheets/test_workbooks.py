"""Workbooks as people and attackers make them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from sheets.limits import Limits
from sheets.sentences import BadFile
from tests.sheets.making import (
    cell,
    mobile,
    mobiles,
    package,
    read_file,
    saved,
    sheet_xml,
    workbook,
)

HEADER = f'<row r="1">{cell("A1", "phone_number", kind="inlineStr")}</row>'
NAMED = (
    f'<row r="1">{cell("A1", "phone_number", kind="inlineStr")}'
    f"{cell('B1', 'name', kind='inlineStr')}</row>"
)


def row(number: int, *cells: str) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


def text(ref: str, value: str) -> str:
    return cell(ref, value, kind="inlineStr")


def code_of(path: Path, *variables: str, **fields: Any) -> str:
    with pytest.raises(BadFile) as refused:
        read_file(path, *variables, **fields)
    return refused.value.code


@pytest.mark.parametrize(
    "rows", [[], [["phone_number"]], [[None], [None]]], ids=["U3", "U2", "U3-blank-cells"]
)
def test_a_workbook_without_data_has_no_recipients(tmp_path: Path, rows: list[Any]) -> None:
    assert code_of(workbook(tmp_path, rows)) == "no_recipients"


# -- hostile parts ----------------------------------------------------------------------

ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE x [<!ENTITY e0 "ha">{ENTITIES}]>'
XXE = '<!DOCTYPE x [<!ENTITY e9 SYSTEM "file:///etc/hostname">]>'
EXTERNAL_DTD = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'


@pytest.mark.parametrize(
    "doctype", [BOMB, XXE, EXTERNAL_DTD], ids=["U13-bomb", "U13-xxe", "U13-external-dtd"]
)
@pytest.mark.parametrize("where", ["sheet", "strings"])
def test_xml_declarations_are_refused(tmp_path: Path, doctype: str, where: str) -> None:
    entity = "" if doctype == EXTERNAL_DTD else "&e9;"
    strings = "<sst><si><t>phone_number</t></si></sst>"
    if where == "sheet":
        sheet = sheet_xml(HEADER + row(2, text("A2", entity)), doctype=doctype)
    else:
        sheet = sheet_xml(HEADER + row(2, cell("A2", "0", kind="s")))
        strings = f"{doctype}<sst><si><t>{entity}</t></si></sst>"
    assert code_of(package(tmp_path, sheet, strings=strings)) == "unsafe_xml"


def test_a_cell_in_the_last_corner_is_refused_by_its_column(tmp_path: Path) -> None:
    """U14"""
    book = Workbook()
    book.active["A1"] = "phone_number"
    book.active["XFD1048576"] = "x"
    assert code_of(saved(tmp_path, book)) == "too_many_columns"


def test_a_cell_in_the_last_row_is_not_reached_and_said(tmp_path: Path) -> None:
    """U14, U52"""
    book = Workbook()
    book.active["A1"] = "phone_number"
    book.active["A2"] = mobile()
    book.active["A1048576"] = mobile("DE")
    result = read_file(saved(tmp_path, book))
    assert len(result.rows) == 1
    assert result.notices()["stopped_at_blank_rows"]["row"] == 1048576


@pytest.mark.parametrize("lie", ["A1:XFD1048576", "A1", "B7:A1"])
def test_a_lying_dimension_changes_nothing(tmp_path: Path, lie: str) -> None:
    """U14"""
    before = f'<dimension ref="{lie}"/>'
    sheet = sheet_xml(HEADER + row(2, text("A2", mobile())), before=before)
    assert len(read_file(package(tmp_path, sheet)).rows) == 1


@pytest.mark.parametrize(
    "rows",
    [
        row(2, text("A2", "1")) + row(2, text("A2", "2")),
        row(1_048_577, text("A1048577", "1")),
        row(2, text("a2", "1")),
        row(2, text("AAAA2", "1")),
        row(2, cell("A2", "99", kind="s")),
        row(2, cell("A2", "1e5x")),
        row(2, '<c r="A2" s="9999"><v>5</v></c>'),
        "<row r='2'><c>",
    ],
    ids=["twice", "below-end", "lower", "wide", "no-such-string", "no-number", "style", "cut"],
)
def test_a_sheet_that_makes_no_sense_is_damaged(tmp_path: Path, rows: str) -> None:
    """U9"""
    assert code_of(package(tmp_path, sheet_xml(HEADER + rows))) == "damaged"


def test_rows_over_the_limit_are_refused_with_the_count(tmp_path: Path) -> None:
    """U15"""
    numbers = [[number] for number in mobiles(12)]
    path = workbook(tmp_path, [["phone_number"], *numbers])
    assert len(read_file(path, limits=Limits(rows=12)).rows) == 12
    with pytest.raises(BadFile) as refused:
        read_file(path, limits=Limits(rows=11))
    assert refused.value.code == "too_many_rows"
    assert refused.value.facts == {"limit": 11, "count": 12}


def test_64_columns_are_read_and_200_are_not(tmp_path: Path) -> None:
    """U16"""
    for width, is_read in ((64, True), (65, False), (200, False)):
        names = ["phone_number", *(f"c{n}" for n in range(width - 1))]
        path = workbook(tmp_path, [names, [mobile(), *["x"] * (width - 1)]])
        if is_read:
            assert len(read_file(path).rows) == 1
        else:
            assert code_of(path) == "too_many_columns"


def test_a_cell_of_a_megabyte_costs_its_row_only(tmp_path: Path) -> None:
    """U17"""
    first, second = mobiles(2)
    rows = row(2, text("A2", first), text("B2", "x" * 1_000_000))
    rows += row(3, text("A3", second), text("B3", "Ann"))
    result = read_file(package(tmp_path, sheet_xml(NAMED + rows)), "name")
    assert result.codes == [(2, "cell_too_long")]
    assert len(result.problems[0].raw) <= 60
    assert [found.values for found in result.rows] == [("Ann",)]


# -- sheets, hidden and merged ------------------------------------------------------------


def several_sheets(folder: Path) -> Path:
    book = Workbook()
    book.active.title = "Old"
    book.active.sheet_state = "hidden"
    for name, number in (("March", mobile()), ("April", mobile("DE"))):
        sheet = book.create_sheet(name)
        sheet.append(["phone_number"])
        sheet.append([number])
    book.active = 1
    return saved(folder, book)


def test_the_first_visible_sheet_is_used_and_named(tmp_path: Path) -> None:
    """U18, U19"""
    result = read_file(several_sheets(tmp_path))
    assert result.meta is not None
    assert (result.meta.sheet, result.meta.sheets) == ("March", ("March", "April"))
    assert result.rows[0].country == "GB"
    assert result.notices()["hidden_sheets"] == {"sheets": "Old"}


def test_another_sheet_can_be_chosen(tmp_path: Path) -> None:
    """U18"""
    path = several_sheets(tmp_path)
    assert read_file(path, sheet="April").rows[0].country == "DE"
    with pytest.raises(BadFile) as asked:
        read_file(path, sheet="May")
    assert asked.value.choices == ("March", "April")


def test_hidden_rows_and_columns_are_counted_and_can_be_left_out(tmp_path: Path) -> None:
    """U19"""
    book = Workbook()
    sheet = book.active
    sheet.append(["phone_number", "note"])
    for number in mobiles(4):
        sheet.append([number, "x"])
    for hidden in (3, 4):
        sheet.row_dimensions[hidden].hidden = True
    sheet.column_dimensions["B"].hidden = True
    path = saved(tmp_path, book)
    result = read_file(path)
    assert len(result.rows) == 4
    assert result.notices()["hidden_rows"] == {"count": 2}
    assert result.notices()["hidden_columns"] == {"columns": "B"}
    assert [found.row for found in read_file(path, skip_hidden=True).rows] == [2, 5]


def test_cells_swallowed_by_a_merge_name_the_merge(tmp_path: Path) -> None:
    """U20"""
    book = Workbook()
    sheet = book.active
    sheet.append(["phone_number", "name"])
    for number in mobiles(4):
        sheet.append([number, "Ann"])
    sheet.merge_cells("B2:B4")
    result = read_file(saved(tmp_path, book), "name")
    assert result.codes == [(3, "merged"), (4, "merged")]
    assert "B2:B4" in result.problems[0].sentence
    assert [found.row for found in result.rows] == [2, 5]


# -- what a cell holds --------------------------------------------------------------------


def test_a_formula_counts_with_its_stored_result_only(tmp_path: Path) -> None:
    """U21"""
    first, second = mobiles(2)
    rows = row(2, cell("A2", first, kind="str", formula="B9"), text("B2", "x"))
    rows += row(3, '<c r="A3"><f>B9</f><v></v></c>', text("B3", "x"))
    rows += row(4, text("A4", second), '<c r="B4"><f>1+1</f></c>')
    result = read_file(package(tmp_path, sheet_xml(NAMED + rows)), "name")
    assert [found.number for found in result.rows] == [first]
    assert result.codes == [(3, "formula"), (4, "formula")]
    assert result.notices()["formulas"] == {"count": 1}


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#VALUE!"])
def test_error_cells_are_row_problems(tmp_path: Path, error: str) -> None:
    """U22"""
    rows = row(2, cell("A2", error, kind="e"), text("B2", "Ann"))
    rows += row(3, text("A3", mobile()), cell("B3", error, kind="e"))
    result = read_file(package(tmp_path, sheet_xml(NAMED + rows)), "name")
    assert result.codes == [(2, "error_cell"), (3, "error_cell")]
    assert result.problems[0].raw == error


DAY = dt.datetime(2024, 3, 1)  # noqa: DTZ001 - cells know no zone
MOMENT = dt.datetime(2024, 3, 1, 14, 30)  # noqa: DTZ001
DIGITS = mobile().lstrip("+")


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(DIGITS, id="U23"),
        pytest.param(f"{DIGITS}.0", id="U24"),
        pytest.param(f"{DIGITS[0]}.{DIGITS[1:]}E{len(DIGITS) - 1}", id="U25"),
    ],
)
def test_a_whole_number_cell_is_a_number_read_as_international(tmp_path: Path, stored: str) -> None:
    path = package(tmp_path, sheet_xml(HEADER + row(2, cell("A2", stored))))
    result = read_file(path)
    assert [found.number for found in result.rows] == [mobile()]
    assert result.done is not None
    assert (result.done.assumed, result.done.samples) == (1, ((DIGITS, mobile()),))


def test_digits_a_spreadsheet_cannot_keep_are_lost(tmp_path: Path) -> None:
    """U27"""
    rows = row(2, cell("A2", "4.47911123456789E+16")) + row(3, cell("A3", "4479111234567891"))
    result = read_file(package(tmp_path, sheet_xml(HEADER + rows)))
    assert result.codes == [(2, "precision_lost"), (3, "precision_lost")]


def test_a_lost_leading_zero_comes_back_with_the_chosen_country(tmp_path: Path) -> None:
    """U29"""
    national = int(mobile("GB")[3:])
    path = workbook(tmp_path, [["phone_number"], [national]])
    result = read_file(path, default_country="GB")
    assert result.rows[0].number == mobile("GB")
    assert result.done is not None
    assert result.done.samples == ((str(national), mobile("GB")),)
    assert result.notices()["read_as_national"] == {"count": 1}


@pytest.mark.parametrize(
    ("value", "number_format", "code"),
    [
        pytest.param(DAY, None, "date", id="U30-date"),
        pytest.param(True, None, "boolean", id="U30-boolean"),
        pytest.param(int(DIGITS), '"$"#,##0.00', "currency", id="U30-dollar"),
        pytest.param(int(DIGITS), "[$€-2] #,##0", "currency", id="U30-euro"),
        pytest.param(int(DIGITS), "0.00%", "percent", id="U30-percent"),
    ],
)
def test_a_number_formatted_as_something_else_is_refused(
    tmp_path: Path, value: Any, number_format: str | None, code: str
) -> None:
    book = Workbook()
    book.active.append(["phone_number"])
    book.active.append([value])
    if number_format:
        book.active["A2"].number_format = number_format
    result = read_file(saved(tmp_path, book))
    assert result.codes == [(2, code)]
    assert result.problems[0].raw


@pytest.mark.parametrize("number_format", ["0", "@", "0.00E+00", "#,##0", "[Red]0;[Blue]-0"])
def test_a_plain_number_format_is_no_obstacle(tmp_path: Path, number_format: str) -> None:
    book = Workbook()
    book.active.append(["phone_number"])
    book.active.append([int(DIGITS)])
    book.active["A2"].number_format = number_format
    assert len(read_file(saved(tmp_path, book)).rows) == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (DAY, "2024-03-01"),
        (MOMENT, "2024-03-01 14:30:00"),
        (True, "TRUE"),
        (12, "12"),
        (0.1 + 0.2, "0.3"),
        (CellRichText("A", TextBlock(InlineFont(b=True), "nn")), "Ann"),
    ],
)
def test_a_variable_takes_the_plain_text_of_its_cell(
    tmp_path: Path, value: Any, expected: str
) -> None:
    path = workbook(tmp_path, [["phone_number", "name"], [mobile(), value]])
    assert read_file(path, "name").rows[0].values == (expected,)


def test_half_a_character_written_as_an_escape_is_a_row_problem(tmp_path: Path) -> None:
    rows = row(2, text("A2", mobile()), text("B2", "A_xD83D_"))
    result = read_file(package(tmp_path, sheet_xml(NAMED + rows)), "name")
    assert result.codes == [(2, "lone_surrogate")]


def test_shared_strings_are_read_without_phonetic_hints(tmp_path: Path) -> None:
    strings = (
        "<sst><si><t>phone_number</t></si><si><t>name</t></si>"
        "<si><r><t>東</t></r><r><t>京</t></r><rPh sb='0' eb='2'><t>トウキョウ</t></rPh></si></sst>"
    )
    rows = row(1, cell("A1", "0", kind="s"), cell("B1", "1", kind="s"))
    rows += row(2, text("A2", mobile()), cell("B2", "2", kind="s"))
    result = read_file(package(tmp_path, sheet_xml(rows), strings=strings), "name")
    assert result.rows[0].values == ("東京",)


def test_a_long_tail_of_styled_blank_rows_is_left_unread(tmp_path: Path) -> None:
    """U52"""
    rows = HEADER + row(2, text("A2", mobile()))
    rows += "".join(f'<row r="{n}"><c r="A{n}" s="0"/></row>' for n in range(3, 100_003))
    result = read_file(package(tmp_path, sheet_xml(rows)))
    assert len(result.rows) == 1
    assert "stopped_at_blank_rows" in result.notices()
