"""What is said about single rows, and about many of them together."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from sheets.sentences import BadFile
from tests.sheets.making import Result, mobile, mobiles, read_file, text_file, workbook

NUMBER = mobile()
BARE = NUMBER.lstrip("+")


def numbers_read(folder: Path, *tokens: str, **fields: object) -> Result:
    content = "phone_number\n" + "".join(f'"{token}"\n' for token in tokens)
    return read_file(text_file(folder, content), **fields)


def value_read(folder: Path, value: str, **fields: object) -> Result:
    quoted = value.replace('"', '""')
    content = f'phone_number,name\n{NUMBER},"{quoted}"\n'
    return read_file(text_file(folder, content), "name", **fields)


# -- numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["8.61E+12", "8.61E12", "8,61E+12", "8.6e+12"], ids=lambda text: f"U26-{text}"
)
def test_scientific_text_is_lost_digits(tmp_path: Path, text: str) -> None:
    result = numbers_read(tmp_path, *mobiles(200), text)
    assert result.codes == [(202, "spreadsheet_damage")]
    assert result.problems[0].raw == text


def test_one_destroyed_number_in_a_short_file_is_a_row_to_mend(tmp_path: Path) -> None:
    result = numbers_read(tmp_path, *mobiles(10), "8.61E+12")
    assert result.codes == [(12, "spreadsheet_damage")]
    assert len(result.rows) == 10


def test_a_column_of_scientific_text_stops_the_import(tmp_path: Path) -> None:
    """U26"""
    with pytest.raises(BadFile) as refused:
        numbers_read(tmp_path, *mobiles(97), *["8.61E+12", "4.4E+11"] * 3)
    assert refused.value.code == "digits_lost_everywhere"
    assert refused.value.facts == {"count": 6}


def test_many_numbers_ending_in_zeros_stop_the_import_until_accepted(tmp_path: Path) -> None:
    """U28"""
    rounded = [f"+44740{digit}000000" for digit in range(6)]
    with pytest.raises(BadFile) as stopped:
        numbers_read(tmp_path, *mobiles(50), *rounded)
    assert (stopped.value.code, stopped.value.answer) == ("trailing_zeros", "accept")
    result = numbers_read(tmp_path, *mobiles(50), *rounded, accept=("trailing_zeros",))
    assert result.done is not None
    assert result.done.read == 56


def test_one_round_number_is_plausible(tmp_path: Path) -> None:
    assert len(numbers_read(tmp_path, *mobiles(50), "+44740" + "0" * 7).rows) == 51


@pytest.mark.parametrize(
    "written",
    [
        f" {NUMBER} ",
        f"\u00a0{NUMBER}",
        f"{NUMBER[:6]}\u200b{NUMBER[6:]}",
        f"\u202a{NUMBER}\u202c",
        f"\ufeff{NUMBER}",
    ],
    ids=["U31-space", "U31-nbsp", "U31-zero-width", "U31-bidi", "U31-mark"],
)
def test_invisible_characters_around_a_number_are_removed_and_counted(
    tmp_path: Path, written: str
) -> None:
    result = numbers_read(tmp_path, written)
    assert [row.number for row in result.rows] == [NUMBER]
    expected = 0 if written.isascii() else 1
    assert result.notices().get("invisible_in_numbers", {"count": 0})["count"] == expected


def test_an_apostrophe_before_a_number_is_removed(tmp_path: Path) -> None:
    """U32"""
    assert numbers_read(tmp_path, f"'{NUMBER}").rows[0].number == NUMBER


@pytest.mark.parametrize("error", ["#N/A", "#REF!"], ids=["U22-csv-na", "U22-csv-ref"])
def test_error_cells_exported_as_text_are_row_problems(tmp_path: Path, error: str) -> None:
    assert numbers_read(tmp_path, error).codes == [(2, "error_cell")]
    assert value_read(tmp_path, error).codes == [(2, "error_cell")]


def test_a_refused_number_says_what_to_do(tmp_path: Path) -> None:
    result = numbers_read(tmp_path, NUMBER, "+448001111111111111", "hello", "")
    assert {problem.row for problem in result.problems} == {3, 4}
    assert all(problem.sentence and problem.column == "phone_number" for problem in result.problems)


def test_a_row_with_values_but_no_number_is_refused(tmp_path: Path) -> None:
    content = f"phone_number,name\n{NUMBER},a\n,b\n"
    assert read_file(text_file(tmp_path, content), "name").codes == [(3, "number_missing")]


def test_bare_digits_are_read_as_international_and_shown(tmp_path: Path) -> None:
    """U23 and the country question: most of them must be valid."""
    bare = [number.lstrip("+") for number in mobiles(20)]
    result = numbers_read(tmp_path, *bare)
    assert result.done is not None
    assert (result.done.assumed, len(result.done.samples)) == (20, 5)
    assert result.done.ask_country is False
    assert result.notices()["read_as_international"] == {"count": 20}


def test_a_column_of_national_numbers_asks_for_the_country(tmp_path: Path) -> None:
    national = [number[3:] for number in mobiles(400) if number.startswith("+44")]
    result = numbers_read(tmp_path, *national)
    assert result.done is not None
    assert result.done.ask_country is True
    again = numbers_read(tmp_path, *national, default_country="GB")
    assert again.done is not None
    assert (again.done.accepted, again.done.ask_country) == (len(national), False)


# -- values -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "code"),
    [
        pytest.param("", "value_missing", id="U51"),
        pytest.param(" \u00a0", "value_missing", id="U51-blank"),
        pytest.param("x" * 201, "value_too_long", id="value-201"),
        pytest.param("a\tb", "control_character", id="tab"),
        pytest.param("a\x07b", "control_character", id="bell"),
        pytest.param("a\x85b", "control_character", id="c1"),
        pytest.param("a\ufffeb", "control_character", id="fffe"),
        pytest.param("a\uffffb", "control_character", id="ffff"),
    ],
)
def test_a_value_that_cannot_be_sent_is_a_row_problem(
    tmp_path: Path, value: str, code: str
) -> None:
    result = value_read(tmp_path, value)
    assert result.codes == [(2, code)]
    assert result.problems[0].column == "name"
    assert "name" in result.problems[0].sentence


def test_an_empty_value_can_be_allowed_by_name(tmp_path: Path) -> None:
    """U51"""
    assert value_read(tmp_path, "", allow_empty=("name",)).rows[0].values == ("",)


@pytest.mark.parametrize(
    "value",
    [
        "x" * 200,
        "مرحبا",
        "👩‍👩‍👧",
        "e\u0301",
        "${other}",
        "<script>",
        "{{ x }}",
        "%s",
        "=1+1",
        "＝1",
    ],
)
def test_anything_else_is_a_literal_value_in_nfc(tmp_path: Path, value: str) -> None:
    assert value_read(tmp_path, value).rows[0].values == (unicodedata.normalize("NFC", value),)


def test_invisible_characters_in_a_value_are_kept_and_counted(tmp_path: Path) -> None:
    """U31"""
    result = value_read(tmp_path, "A\u200bnn")
    assert result.rows[0].values == ("A\u200bnn",)
    assert result.notices()["invisible_in_values"] == {"count": 1}


def test_everything_wrong_with_a_row_is_told_at_once(tmp_path: Path) -> None:
    content = "phone_number,a,b\n12,,\n"
    result = read_file(text_file(tmp_path, content), "a", "b")
    assert [problem.column for problem in result.problems] == ["phone_number", "a", "b"]
    assert result.done is not None
    assert result.done.refused == 1


# -- duplicates -----------------------------------------------------------------------------

WAYS = [NUMBER, f" {NUMBER[:3]} ({NUMBER[3:7]}) {NUMBER[7:]}", BARE, f"00{BARE}"]


def test_the_same_number_in_another_form_is_a_duplicate_of_the_first(tmp_path: Path) -> None:
    """U53"""
    result = numbers_read(tmp_path, *WAYS)
    assert [row.row for row in result.rows] == [2]
    assert result.codes == [(3, "duplicate"), (4, "duplicate"), (5, "duplicate")]
    assert all(problem.facts == {"first": 2} for problem in result.problems)
    assert "row 2" in result.problems[0].sentence
    assert result.done is not None
    assert (result.done.duplicates, result.done.duplicates_by) == (3, "number")


def test_with_variables_other_values_are_another_message(tmp_path: Path) -> None:
    """U53"""
    rows = [[NUMBER, "Zoe\u0308"], [NUMBER, " Zoë "], [NUMBER, "Ben"]]
    result = read_file(workbook(tmp_path, [["phone_number", "name"], *rows]), "name")
    assert [row.values for row in result.rows] == [("Zoë",), ("Ben",)]
    assert result.codes == [(3, "duplicate")]
    assert result.done is not None
    assert result.done.duplicates_by == "number_and_values"
    assert result.done.repeated == 1
    assert "repeated" in [notice.code for notice in result.done.notices]


def test_a_refused_row_makes_no_later_row_a_duplicate(tmp_path: Path) -> None:
    content = f"phone_number,name\n{NUMBER},\n{NUMBER},a\n"
    result = read_file(text_file(tmp_path, content), "name")
    assert [row.row for row in result.rows] == [3]
