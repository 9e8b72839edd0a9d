"""CSV and TSV as spreadsheets, scripts and people write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sheets.limits import Limits
from sheets.sentences import BadFile
from tests.sheets.making import mobile, mobiles, read_file, text_file

ONE, TWO, THREE = mobiles(3)


def refused(path: Path, *variables: str, **fields: Any) -> BadFile:
    with pytest.raises(BadFile) as bad:
        read_file(path, *variables, **fields)
    return bad.value


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("phone_number\n", id="U2"),
        pytest.param("\n\n \n", id="U3-blank"),
        pytest.param("phone_number,name\n,\n \n", id="U2-blank-rows"),
    ],
)
def test_a_text_without_data_has_no_recipients(tmp_path: Path, content: str) -> None:
    assert refused(text_file(tmp_path, content)).code == "no_recipients"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"﻿phone_number,name\n{ONE},Zoë\n".encode(), id="U33"),
        pytest.param(f"phone_number,name\n{ONE},Zoë\n".encode("utf-16"), id="U34-le"),
        pytest.param(
            b"\xfe\xff" + f"phone_number,name\n{ONE},Zoë\n".encode("utf-16-be"), id="U34-be"
        ),
    ],
)
def test_a_byte_order_mark_is_read_and_removed(tmp_path: Path, content: bytes) -> None:
    result = read_file(text_file(tmp_path, content), "name")
    assert result.meta is not None
    assert result.meta.columns == ("phone_number", "name")
    assert result.rows[0].values == ("Zoë",)


@pytest.mark.parametrize("encoding", ["gb18030", "cp1252", "shift_jis"])
def test_another_encoding_is_asked_for_and_then_read(tmp_path: Path, encoding: str) -> None:
    """U35"""
    name = {"gb18030": "李梅", "cp1252": "Zoë", "shift_jis": "東京"}[encoding]
    path = text_file(tmp_path, f"phone_number,name\n{ONE},{name}\n".encode(encoding))
    asked = refused(path, "name")
    assert (asked.code, asked.answer, asked.facts["line"]) == ("not_utf8", "encoding", 2)
    preview = dict(zip(asked.choices, asked.previews, strict=True))[encoding]
    assert name in preview
    assert read_file(path, "name", encoding=encoding).rows[0].values == (name,)


def test_one_byte_that_is_not_utf8_costs_one_row(tmp_path: Path) -> None:
    """U36"""
    lines = [number.encode() + b",Ann" for number in mobiles(300)]
    lines[200] = lines[200][:-3] + b"Zo\xeb"
    path = text_file(tmp_path, b"phone_number,name\n" + b"\n".join(lines))
    result = read_file(path, "name")
    assert result.codes == [(202, "not_utf8_row")]
    assert len(result.rows) == 299


@pytest.mark.parametrize(
    "delimiter", [",", ";", "\t", "|"], ids=["U37-comma", "U37-semicolon", "U37-tab", "U37-pipe"]
)
def test_the_delimiter_is_found_on_the_header(tmp_path: Path, delimiter: str) -> None:
    content = delimiter.join(["phone_number", "name"]) + "\n" + delimiter.join([ONE, "a"])
    result = read_file(text_file(tmp_path, content), "name")
    assert result.meta is not None
    assert result.meta.delimiter == delimiter
    assert result.rows[0].values == ("a",)


def test_a_decimal_comma_lives_beside_semicolons(tmp_path: Path) -> None:
    """U38"""
    result = read_file(text_file(tmp_path, f"phone_number;price\n{ONE};3,50\n"), "price")
    assert result.rows[0].values == ("3,50",)


def test_the_delimiter_can_be_chosen_and_hinted(tmp_path: Path) -> None:
    """U37"""
    path = text_file(tmp_path, f"phone_number|a,b\n{ONE}|1,2\n")
    assert read_file(path, "a,b", delimiter="|").rows[0].values == ("1,2",)
    path = text_file(tmp_path, f"sep=;\nphone_number;name\n{ONE};Ann\n")
    result = read_file(path, "name")
    assert (result.rows[0].row, result.rows[0].values) == (3, ("Ann",))


@pytest.mark.parametrize(
    ("ends", "last"),
    [
        pytest.param(["\r\n"] * 3, "\r\n", id="U39-crlf"),
        pytest.param(["\n"] * 3, "\n", id="U39-lf"),
        pytest.param(["\r"] * 3, "\r", id="U39-cr"),
        pytest.param(["\r\n", "\n", "\r"], "", id="U39-mixed-none-at-end"),
    ],
)
def test_every_kind_of_line_end_gives_the_same_rows(
    tmp_path: Path, ends: list[str], last: str
) -> None:
    lines = ["phone_number", ONE, TWO, THREE]
    content = "".join(line + end for line, end in zip(lines, [*ends, last], strict=True))
    result = read_file(text_file(tmp_path, content))
    assert [(row.row, row.number) for row in result.rows] == [(2, ONE), (3, TWO), (4, THREE)]


def test_a_quoted_line_break_is_kept_and_lines_still_count(tmp_path: Path) -> None:
    """U40"""
    content = f'phone_number,name\r\n{ONE},"Ann\r\nBell"\r\n{TWO},x\r\n'
    result = read_file(text_file(tmp_path, content), "name")
    assert [(row.row, row.values) for row in result.rows] == [(2, ("Ann\nBell",)), (4, ("x",))]


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param('{one},"Ann\n{two},b\n{three},c\n', id="U41-to-the-end"),
        pytest.param('{one},"Ann\n{two},"b"\n{three},c\n', id="U41-next-quote"),
        pytest.param('{one},"Ann\n{two},b\n{three},"\n', id="U41-closed-by-accident"),
        pytest.param('{one},"Ann\n' + "x\n" * 2_000, id="U41-many-lines"),
        pytest.param('{one},"Ann', id="U41-last-line"),
    ],
)
def test_an_unclosed_quote_stops_with_its_line(tmp_path: Path, rest: str) -> None:
    filled = rest.format(one=ONE, two=TWO, three=THREE)
    bad = refused(text_file(tmp_path, f"phone_number,name\n{mobile('SE')},x\n{filled}"), "name")
    assert (bad.code, bad.facts["line"]) == ("unclosed_quote", 3)


def test_a_quote_in_the_wrong_place_costs_its_row_only(tmp_path: Path) -> None:
    content = f'phone_number,name\n{ONE},"Ann"x\n{TWO},b\n'
    result = read_file(text_file(tmp_path, content), "name")
    assert result.codes == [(2, "bad_quoting")]
    assert [row.number for row in result.rows] == [TWO]


@pytest.mark.parametrize("size", [3_000, 140_000, 1_000_000])
def test_a_giant_field_costs_its_row_only(tmp_path: Path, size: int) -> None:
    """U17, U42"""
    content = f"phone_number,name\n{ONE},{'x' * size}\n{TWO},b\n"
    result = read_file(text_file(tmp_path, content), "name")
    assert result.codes == [(2, "cell_too_long")]
    assert len(result.problems[0].raw) <= 60
    assert [row.number for row in result.rows] == [TWO]


def test_nul_characters_in_utf16_are_refused(tmp_path: Path) -> None:
    """U43"""
    path = text_file(tmp_path, f"phone_number\n{ONE}\0\n".encode("utf-16"))
    assert refused(path).code == "nul"


@pytest.mark.parametrize(
    "row", [f"{ONE},a,b", ONE, f"{ONE},a,,b"], ids=["U44-more", "U44-fewer", "U44-far"]
)
def test_a_row_of_another_width_is_refused_not_shifted(tmp_path: Path, row: str) -> None:
    content = f"phone_number,name\n{row}\n{TWO},b\n"
    result = read_file(text_file(tmp_path, content), "name")
    assert result.codes == [(2, "cell_count")]
    assert [found.values for found in result.rows] == [("b",)]


def test_blank_rows_are_skipped_and_counted(tmp_path: Path) -> None:
    """U52"""
    content = f"phone_number,name\n\n{ONE},a\n,\n \n{TWO},b\n" + ",\n" * 5
    result = read_file(text_file(tmp_path, content), "name")
    assert [row.row for row in result.rows] == [3, 6]
    assert result.notices()["blank_rows"]["count"] >= 2
    assert result.codes == []


def test_reading_stops_after_a_thousand_blank_rows(tmp_path: Path) -> None:
    """U52"""
    content = f"phone_number,name\n{ONE},a\n" + ",\n" * 100_000 + f"{TWO},b\n"
    result = read_file(text_file(tmp_path, content), "name")
    assert len(result.rows) == 1
    assert result.notices()["stopped_at_blank_rows"] == {"row": 1002, "limit": 1000}


def test_rows_over_the_limit_stop_the_text(tmp_path: Path) -> None:
    """U15"""
    content = "phone_number\n" + "".join(f"{number}\n" for number in mobiles(12))
    path = text_file(tmp_path, content)
    assert len(read_file(path, limits=Limits(rows=12)).rows) == 12
    bad = refused(path, limits=Limits(rows=11))
    assert (bad.code, bad.facts) == ("too_many_rows", {"limit": 11, "count": 11})


def test_200_columns_are_refused(tmp_path: Path) -> None:
    """U16"""
    header = ",".join(["phone_number", *(f"c{n}" for n in range(199))])
    bad = refused(text_file(tmp_path, f"{header}\n{ONE}{',' * 199}\n"))
    assert (bad.code, bad.facts["column"]) == ("too_many_columns", "GR")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode)))
def test_any_bytes_after_a_header_are_answered(tmp_path: Path, content: bytes) -> None:
    path = text_file(tmp_path, b"phone_number,name\n" + content)
    try:
        result = read_file(path, "name")
    except BadFile as bad:
        assert bad.sentence  # noqa: PT017 - either answer is right
    else:
        assert result.done is not None
        assert result.done.accepted + result.done.refused == result.done.read
