"""Workbooks as different programs write them, made by hand part by part."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900

from tests.sheets.making import MAIN, RELATION, mobile, parts, read_file, saved, zipped

STRICT = {
    MAIN: "http://purl.oclc.org/ooxml/spreadsheetml/main",
    RELATION: "http://purl.oclc.org/ooxml/officeDocument/relationships",
}
MOMENT = datetime(2026, 2, 28, 9, 5)  # noqa: DTZ001 - a cell knows no zone
HEADER = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
ROW = '<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="s"><v>3</v></c></row>'
STRINGS = ("phone_number", "name", mobile(), "Zoë")


def sheet(rows: str, *, before: str = "", after: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{MAIN}" '
        f'xmlns:r="{RELATION}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'
    )


def strings(*texts: str) -> str:
    items = "".join(f"<si>{text}</si>" for text in texts)
    return f'<sst xmlns="{MAIN}" count="9" uniqueCount="{len(texts)}">{items}</sst>'


def plain(*texts: str) -> str:
    return strings(*(f"<t>{text}</t>" for text in texts))


def written(folder: Path, members: dict[str, str]) -> Path:
    path = folder / "list.xlsx"
    path.write_bytes(zipped(members))
    return path


def strict() -> dict[str, str]:
    """What Excel saves as "Strict Open XML Spreadsheet"."""
    members = parts(sheet(HEADER + ROW), plain(*STRINGS))
    for old, new in STRICT.items():
        members = {name: text.replace(old, new) for name, text in members.items()}
    return members


def libreoffice() -> dict[str, str]:
    """Columns to the end of the sheet, a filter mode, 1,048,573 styled rows told as one."""
    before = '<sheetPr filterMode="false"/><dimension ref="A1:B2"/>'
    before += '<cols><col min="1" max="1025"/></cols>'
    tail = '<row r="1048576" customFormat="false" ht="12.8"></row>'
    after = '<printOptions headings="false"/><headerFooter differentFirst="false"/>'
    return parts(sheet(HEADER + ROW + tail, before=before, after=after), plain(*STRINGS))


def google() -> dict[str, str]:
    """A thousand empty styled rows, no dimension, strings kept with their space."""
    empty = "".join(
        f'<row r="{n}"><c r="A{n}" s="0"/><c r="B{n}" s="0"/></row>' for n in range(3, 900)
    )
    texts = (f'<t xml:space="preserve">{text}</t>' for text in STRINGS)
    return parts(sheet(HEADER + ROW + empty), strings(*texts))


def wps() -> dict[str, str]:
    """Inline strings in rows and cells that do not say where they are, and foreign parts."""

    def inline(text: str) -> str:
        return f'<c t="inlineStr"><is><t>{text}</t></is></c>'

    rows = "".join(
        f"<row>{inline(one)}{inline(two)}</row>" for one, two in (STRINGS[:2], STRINGS[2:])
    )
    members = parts(sheet(rows))
    foreign = '<ext xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData"/>'
    return {**members, "docProps/custom.xml": foreign, "customXml/item1.xml": foreign}


@pytest.mark.parametrize("program", [strict, libreoffice, google, wps])
def test_a_workbook_reads_the_same_whoever_wrote_it(tmp_path: Path, program: Any) -> None:
    """U66"""
    result = read_file(written(tmp_path, program()), "name")
    assert [(row.row, row.number, row.values) for row in result.rows] == [(2, mobile(), ("Zoë",))]
    assert result.problems == []


@pytest.mark.parametrize("epoch", [CALENDAR_WINDOWS_1900, CALENDAR_MAC_1904])
@pytest.mark.parametrize(
    ("value", "said"),
    [(date(2026, 2, 28), "2026-02-28"), (MOMENT, "2026-02-28 09:05:00")],
)
def test_a_date_is_the_same_day_in_both_date_systems(
    tmp_path: Path, epoch: Any, value: Any, said: str
) -> None:
    """U67"""
    book = Workbook()
    book.epoch = epoch
    for line in (["phone_number", "day"], [mobile(), value]):
        book.active.append(line)
    result = read_file(saved(tmp_path, book), "day")
    assert result.rows[0].values == (said,)
    assert [notice.code for notice in result.done.notices] == ["dates_as_iso"]


def test_rich_text_and_links_are_plain_text(tmp_path: Path) -> None:
    """U68"""
    texts = (
        "<t>phone_number</t>", "<t>name</t>", f"<t>{mobile()}</t>",
        '<r><rPr><b/><color rgb="FFFF0000"/></rPr><t>Zo</t></r>'
        '<r><t xml:space="preserve">ë </t></r><r><rPr><i/></rPr><t>Li</t></r>',
    )  # fmt: skip
    link = (
        f'<hyperlinks><hyperlink ref="B2" xmlns:r="{RELATION}" r:id="rId9" '
        'location="x" tooltip="https://evil.example" display="other"/></hyperlinks>'
    )
    result = read_file(
        written(tmp_path, parts(sheet(HEADER + ROW, after=link), strings(*texts))), "name"
    )
    assert result.rows[0].values == ("Zoë Li",)
