"""The header row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sheets.sentences import BadFile
from tests.sheets.making import Result, mobile, mobiles, read_file, text_file, workbook

NUMBER = mobile()


def with_header(folder: Path, header: str, *variables: str, **fields: Any) -> Result:
    cells = ",".join([NUMBER, *["x"] * header.count(",")])
    return read_file(text_file(folder, f"{header}\n{cells}\n"), *variables, **fields)


@pytest.mark.parametrize(
    "alias",
    ["phone_number", "Phone Number", "PHONE", " mobile ", "MSISDN", "Number", "to", "手机号码"],
)
def test_the_number_column_is_known_by_its_usual_names(tmp_path: Path, alias: str) -> None:
    assert len(with_header(tmp_path, alias).rows) == 1


@pytest.mark.parametrize(
    ("header", "code", "facts"),
    [
        pytest.param(
            "phone_number,name,name",
            "duplicate_headers",
            {"first": "name", "second": "name", "first_column": "B", "second_column": "C"},
            id="U45",
        ),
        pytest.param(
            "phone_number,Name , name",
            "duplicate_headers",
            {"first": "Name", "second": "name", "first_column": "B", "second_column": "C"},
            id="U45-case-and-space",
        ),
        pytest.param("phone_number,,name", "empty_header", {"column": "B"}, id="U46-empty"),
        pytest.param("phone_number,name,", "empty_header", {"column": "C"}, id="U46-last-empty"),
        pytest.param(
            "phone_number," + "x" * 500,
            "long_header",
            {"column": "B", "limit": 100},
            id="U46-500-characters",
        ),
        pytest.param(
            "phone_number,${name}", "placeholder_header", {"column": "B"}, id="U46-placeholder"
        ),
        pytest.param("phone_number,Name", "missing_columns", {"names": "name, city"}, id="U49"),
    ],
)
def test_a_bad_header_is_refused_by_name(
    tmp_path: Path, header: str, code: str, facts: dict[str, Any]
) -> None:
    with pytest.raises(BadFile) as refused:
        with_header(tmp_path, header, *(["name", "city"] if code == "missing_columns" else []))
    assert (refused.value.code, refused.value.facts) == (code, facts)
    assert all(str(fact) in refused.value.sentence for fact in facts.values())


def test_a_trailing_empty_header_over_nothing_is_no_column(tmp_path: Path) -> None:
    result = read_file(text_file(tmp_path, f"phone_number,name,,\n{NUMBER},a,,\n"), "name")
    assert len(result.rows) == 1


@pytest.mark.parametrize(
    ("header", "code", "choices"),
    [
        pytest.param("tel,name", "no_number_column", ("tel", "name"), id="U47-none"),
        pytest.param(
            "phone,mobile,name", "several_number_columns", ("phone", "mobile"), id="U47-several"
        ),
    ],
)
def test_an_unclear_number_column_is_asked_for(
    tmp_path: Path, header: str, code: str, choices: tuple[str, ...]
) -> None:
    with pytest.raises(BadFile) as asked:
        with_header(tmp_path, header)
    assert (asked.value.code, asked.value.answer) == (code, "number_column")
    assert asked.value.choices == choices
    assert len(with_header(tmp_path, header, number_column=choices[0]).rows) == 1


def test_a_column_that_is_a_variable_is_not_taken_for_the_numbers(tmp_path: Path) -> None:
    result = with_header(tmp_path, "phone_number,number", "number")
    assert result.rows[0].values == ("x",)


def test_a_mapping_to_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as refused:
        with_header(tmp_path, "phone_number", number_column="tel")
    assert refused.value.code == "no_such_column"


def test_a_file_without_a_header_is_asked_about(tmp_path: Path) -> None:
    """U48"""
    numbers = list(mobiles(3))
    path = text_file(tmp_path, "\n".join(numbers))
    with pytest.raises(BadFile) as asked:
        read_file(path)
    assert (asked.value.code, asked.value.answer) == ("no_header", "has_header")
    result = read_file(path, has_header=False)
    assert [row.number for row in result.rows] == numbers
    assert result.meta is not None
    assert (result.meta.columns, result.meta.has_header) == (("A",), False)


def test_without_a_header_and_with_several_columns_letters_are_asked(tmp_path: Path) -> None:
    """U47, U48"""
    path = workbook(tmp_path, [["Ann", mobile()], ["Ben", mobile("DE")]])
    with pytest.raises(BadFile) as asked:
        read_file(path, has_header=False)
    assert asked.value.choices == ("A", "B")
    assert len(read_file(path, has_header=False, number_column="B").rows) == 2


def test_extra_columns_are_named_and_not_handed_on(tmp_path: Path) -> None:
    """U50"""
    content = f"phone_number,id,name,mail\n{NUMBER},SECRET-1,Ann,a@example.com\n"
    result = read_file(text_file(tmp_path, content), "name")
    assert result.meta is not None
    assert result.meta.unused == ("id", "mail")
    assert "SECRET" not in repr(result)
    assert "example.com" not in repr(result)


def test_values_come_in_the_order_they_were_asked_for(tmp_path: Path) -> None:
    content = f"b,phone_number,a\nbe,{NUMBER},ah\n"
    assert read_file(text_file(tmp_path, content), "a", "b").rows[0].values == ("ah", "be")
