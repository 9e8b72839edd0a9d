"""A sheet reads the same whether its rows are matched or parsed.

The same XML in UTF-16 is parsed by expat from end to end, so each sheet is read in both encodings
and the two readings are compared, refusals included.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from sheets import plainrows, sheetxml
from sheets.limits import Limits
from sheets.reading import DAMAGE
from sheets.sentences import BadFile
from sheets.workbook import Sheet
from tests.sheets.making import MAIN, parts, sheet_xml, workbook, zipped

LIMITS = Limits(columns=6, rows=60)
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "<sst>" + "".join(f"<si><t>s{n}</t></si>" for n in range(5)) + "</sst>"
EXCELS = 'xmlns:x14ac="urn:x"'
FIRST = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'


def told(path: Path) -> tuple[Any, ...]:
    """Everything a sheet says of itself, or how it is refused."""
    found: list[Any] = []
    try:
        sheet = Sheet(path, LIMITS)
        sheet.watch(frozenset(range(3)))
        try:
            found = [*sheet.notices(at_end=False), sheet.total, sheet.found.merges]
            found += sheet.lines()
            found += [*sheet.notices(at_end=True), sheet.rows_seen]
        finally:
            sheet.close()
    except BadFile as bad:
        return (bad.code,)
    except DAMAGE:
        return ("damaged",)
    return tuple(found)


def both(folder: Path, sheet: str) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    members: dict[str, Any] = parts(sheet, STRINGS)
    (folder / "utf8.xlsx").write_bytes(zipped(members))
    wide = sheet.replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")
    (folder / "utf16.xlsx").write_bytes(zipped(members | {SHEET: wide}))
    return told(folder / "utf8.xlsx"), told(folder / "utf16.xlsx")


def matched(path: Path, part: str = SHEET) -> tuple[int, int]:
    """How many rows of a part were matched, of how many."""
    with zipfile.ZipFile(path) as archive, archive.open(part) as file:
        rows = [cells for _number, cells in sheetxml.read_rows(file, Limits())]
    return sum(isinstance(cells, str) for cells in rows), len(rows)


TEXTS = st.sampled_from([
    "", "Ann", " Ann ", "+12025550123", "0012", "陈", "😀", "a_x000A_b", "_x0041_", "&amp;&#65;",
    "]]&gt;", "]]>", "a\nb", "a\rb", "x" * 1_001, "y" * 4_100, "\x7f", "\ufeff", "<![CDATA[<]]>",
    "<!-- </row> -->", "<b/>", "&unknown;", "\x01", "1.5", "Bo", "Cy", "Di", "1", "2", "4", "0",
    "44562", "86138000", "1E5", "3", "99",
])  # fmt: skip
PLAIN_TEXTS = st.sampled_from(["Ann", "+12025550123", "陈", "a_x000A_b", " ", "", "x" * 999])
LETTERS = st.sampled_from([*"AABBCCD" * 3, "G", "a", "AAAA", ""])
STYLES = st.sampled_from([*[""] * 9, ' s="0"', ' s="x"', ' s="7"'])
KINDS = st.sampled_from(
    ["", "", ' t="s"', ' t="str"', ' t="inlineStr"', ' t="inlineStr"', ' t="n"', ' t="b"', ' t="e"',
     ' t="d"', ' t="zz"', ' cm="1"']
)  # fmt: skip
INSIDE = st.sampled_from([
    "<v>{}</v>", "<v>{}</v>", "<is><t>{}</t></is>", "<is><t>{}</t></is>",
    '<is><t xml:space="preserve">{}</t></is>', "<is><r><t>{}</t></r><rPh><t>no</t></rPh></is>",
    "<f>A1</f><v>{}</v>", "<v>{}</v><v>1</v>", "<t>{}</t>", "<v>{}</v ><!-- </row> -->",
])  # fmt: skip
ROW_MORE = st.sampled_from([
    "", "", "", ' spans="1:3"', ' hidden="1"', ' hidden="0"', ' ht="12.8" customHeight="1"',
    ' spans="1:3" spans="1:3"', ' x14ac:dyDescent="0.25"', ' s="1" customFormat="1"',
])  # fmt: skip
BETWEEN = st.sampled_from([
    *[""] * 40, " ", "\n", "text", "<!-- <row r='9'/> -->", "<!-- </row>", "-->",
    "<![CDATA[</row>]]>", "<x></x>", "<row/>", '<row r="4"/>', "<v>stray</v>", "<t>stray</t>",
    "</sheetData><sheetData>", "</sheetData>", "<sheetData>", "<x>", "</x>", "\ufffe",
])  # fmt: skip
ENDS = st.sampled_from(["</row>", "</row>", "</row>", "</row>", "</row ><!-- </row>", "</row >"])


@st.composite
def cells(draw: st.DrawFn, number: int) -> str:
    kinds = draw(KINDS)
    start = f'<c r="{draw(LETTERS)}{number}"{draw(STYLES)}{kinds}'
    if draw(st.integers(0, 5)) == 0:
        return start + draw(st.sampled_from(["/>", "></c>"]))
    return f"{start}>{draw(INSIDE).format(draw(TEXTS))}</c>"


@st.composite
def plain_cells(draw: st.DrawFn, number: int, letters: str) -> str:
    text = draw(TEXTS if draw(st.integers(0, 7)) == 0 else PLAIN_TEXTS)
    return f'<c r="{letters}{number}" t="inlineStr"><is><t>{text}</t></is></c>'


@st.composite
def rows(draw: st.DrawFn) -> str:
    found, number = [FIRST], 1
    for _ in range(draw(st.integers(1, 8))):
        number += draw(st.sampled_from([1] * 20 + [2, 3, 4, 0, -1]))
        if draw(st.integers(0, 3)):
            kept = [draw(plain_cells(number, letters)) for letters in "ABC"]
            found.append(f'<row r="{number}">{"".join(kept)}</row>')
            continue
        kept = [draw(cells(number)) for _ in range(draw(st.integers(0, 4)))]
        found.append(f'<row r="{number}"{draw(ROW_MORE)}>{"".join(kept)}{draw(ENDS)}')
        found.append(draw(BETWEEN))
    return "".join(found)


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows(), st.integers(0, 600))
def test_matched_or_parsed_is_the_same(tmp_path: Path, content: str, back: int) -> None:
    """Also where a chunk ends in the middle of a row."""
    space = " " * (sheetxml.CHUNK - back - 200)
    sheet = sheet_xml(content, before=f"<sheetFormatPr/>{space}", after="<mergeCells/>")
    short, long = both(tmp_path, sheet.replace("<worksheet ", f"<worksheet {EXCELS} "))
    assert short == long


def spelled(number: int) -> Iterator[tuple[str, str]]:
    """One row as each of the usual programs writes it."""
    yield (
        "excel",
        (
            f'<row r="{number}" spans="1:2" x14ac:dyDescent="0.25"><c r="A{number}" s="1" t="s">'
            f'<v>1</v></c><c r="B{number}"><v>{number}</v></c><c r="C{number}" s="1"/></row>'
        ),
    )
    yield (
        "libreoffice",
        (
            f'<row r="{number}" customFormat="false" ht="12.8" hidden="false" customHeight="false" '
            f'outlineLevel="0" collapsed="false"><c r="A{number}" s="0" t="s"><v>1</v></c>'
            f'<c r="B{number}" s="0" t="n"><v>{number}</v></c></row>'
        ),
    )
    yield "google", f'<row r="{number}"><c r="A{number}" s="1" t="s"><v>1</v></c></row>'
    yield (
        "openpyxl",
        (f'<row r="{number}"><c r="A{number}" s="2" t="inlineStr"><is><t>+1</t></is></c></row>'),
    )


@pytest.mark.parametrize("program", ["excel", "libreoffice", "google", "openpyxl"])
def test_what_the_usual_programs_write_is_matched(tmp_path: Path, program: str) -> None:
    content = FIRST + "".join(dict(spelled(number))[program] for number in range(2, 40))
    sheet = sheet_xml(content).replace("<worksheet ", f"<worksheet {EXCELS} ")
    short, long = both(tmp_path, sheet)
    assert short == long
    assert len(short) > 38
    assert matched(tmp_path / "utf8.xlsx") == (38, 39)
    assert matched(tmp_path / "utf16.xlsx") == (0, 39)


def test_a_real_workbook_is_matched(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["phone_number", "name"], *(["+1", n] for n in range(30))])
    assert matched(path) == (30, 31)
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for number in range(30):
        sheet.append([f"+{number}", "Ann"])
    book.save(path)
    assert matched(path) == (29, 30)


def test_another_encoding_than_utf8_is_parsed(tmp_path: Path) -> None:
    """Its bytes may be UTF-8 by chance and mean something else."""
    rows = FIRST + '<row r="2"><c r="A2" t="inlineStr"><is><t>\u00c3\u00a9</t></is></c></row>'
    sheet = sheet_xml(rows).replace("UTF-8", "ISO-8859-1").encode("iso-8859-1")
    path = tmp_path / "list.xlsx"
    path.write_bytes(zipped({**parts("", STRINGS), SHEET: sheet}))  # type: ignore[dict-item]
    assert told(path)[-3:-1] == ((1, ["s0"]), (2, ["\u00c3\u00a9"]))


def test_a_row_longer_than_is_held_is_parsed(tmp_path: Path) -> None:
    filler = "<!--" + "x" * 2 * plainrows.ROW_BYTES + "-->"
    rows = (
        FIRST + f'<row r="2">{filler}<c r="A2" t="s"><v>1</v></c></row>' + FIRST.replace("1", "3")
    )
    short, long = both(tmp_path, sheet_xml(rows))
    assert short == long
    assert (2, ["s1"]) in short


def test_a_column_out_of_order_is_still_too_far(tmp_path: Path) -> None:
    rows = FIRST + '<row r="2"><c r="G2"><v>1</v></c><c r="A2"><v>1</v></c></row>'
    short, long = both(tmp_path, sheet_xml(rows))
    assert short == long == ("too_many_columns",)


def test_the_name_space_is_of_no_account(tmp_path: Path) -> None:
    prefixed = FIRST.replace("<", "<x:").replace("<x:/", "</x:")
    rows = FIRST + '<row r="2"><c r="A2"><v>1</v></c></row>' + prefixed.replace('"1"', '"3"')
    sheet = sheet_xml(rows).replace("<worksheet ", f'<worksheet xmlns:x="{MAIN}" ')
    short, long = both(tmp_path, sheet)
    assert short == long
    assert len(short) > 3
