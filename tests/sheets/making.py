"""Files for these tests, made while they run, and one way to read them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import phonenumbers
from openpyxl import Workbook
from phonenumbers import PhoneNumberType

from sheets import reading
from sheets.events import Done, Meta, Problem, Problems, Request, Row, Rows
from sheets.limits import Limits

REGIONS = ("GB", "DE", "FR", "ES", "SE", "NL", "SG", "HK", "TW", "AU", "JP", "IN", "ZA")
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def mobile(region: str = "GB") -> str:
    """A valid mobile number of *region*, from the metadata."""
    example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    return phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)


def mobiles(count: int) -> Iterator[str]:
    """*count* different valid mobile numbers."""
    found: set[str] = set()
    step = 0
    while len(found) < count:
        step += 1
        for region in REGIONS:
            number = mobile(region)
            candidate = number[:-5] + f"{(int(number[-5:]) + step) % 100_000:05d}"
            if len(found) < count and candidate not in found and is_mobile(candidate):
                found.add(candidate)
                yield candidate


def is_mobile(number: str) -> bool:
    parsed = phonenumbers.parse(number)
    kind = phonenumbers.number_type(parsed)
    return kind in {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}


@dataclass
class Result:
    meta: Meta | None = None
    done: Done | None = None
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def codes(self) -> list[tuple[int, str]]:
        return [(problem.row, problem.code) for problem in self.problems]

    def notices(self) -> dict[str, dict[str, Any]]:
        assert self.meta is not None
        assert self.done is not None
        return {notice.code: notice.facts for notice in self.meta.notices + self.done.notices}


def read_file(
    path: Path, *variables: str, name: str = "", limits: Limits | None = None, **fields: Any
) -> Result:
    """Read in this process, as the child does."""
    request = Request(original_name=name or path.name, variables=variables, **fields)
    result = Result()
    for event in reading.read(path, request, limits or Limits()):
        if isinstance(event, Meta):
            result.meta = event
        elif isinstance(event, Rows):
            result.rows.extend(event.rows)
        elif isinstance(event, Problems):
            result.problems.extend(event.problems)
        elif isinstance(event, Done):
            result.done = event
    return result


def text_file(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def workbook(folder: Path, rows: Iterable[Iterable[Any]], name: str = "list.xlsx") -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    return saved(folder, book, name)


def saved(folder: Path, book: Workbook, name: str = "list.xlsx") -> Path:
    path = folder / name
    book.save(path)
    return path


def cell(ref: str, value: str, *, kind: str = "", formula: str = "") -> str:
    """The XML of one cell; a kind of "inlineStr" makes *value* its text."""
    inside = f"<f>{formula}</f>" if formula else ""
    inside += f"<is><t>{value}</t></is>" if kind == "inlineStr" else f"<v>{value}</v>"
    return f'<c r="{ref}"' + (f' t="{kind}"' if kind else "") + f">{inside}</c>"


def sheet_xml(rows: str, *, before: str = "", after: str = "", doctype: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<worksheet xmlns="{MAIN}">'
        f"{before}<sheetData>{rows}</sheetData>{after}</worksheet>"
    )


def package(folder: Path, sheet: str, *, strings: str | None = None) -> Path:
    """A workbook written part by part, so that a part may be hostile."""
    path = folder / "list.xlsx"
    path.write_bytes(zipped(parts(sheet, strings)))
    return path


def parts(sheet: str, strings: str | None = None) -> dict[str, str]:
    office = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    override = '<Override PartName="/{}" ContentType="' + office + '.{}+xml"/>'
    types = override.format("xl/workbook.xml", "sheet.main")
    types += override.format("xl/worksheets/sheet1.xml", "worksheet")
    if strings is not None:
        types += override.format("xl/sharedStrings.xml", "sharedStrings")
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    found = {
        "[Content_Types].xml": (
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{relations}"><Relationship Id="rId1" '
            f'Type="{RELATION}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATION}"><sheets>'
            '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{relations}"><Relationship Id="rId1" '
            f'Type="{RELATION}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
        ),
        "xl/worksheets/sheet1.xml": sheet,
    }
    if strings is not None:
        found["xl/sharedStrings.xml"] = strings
    return found


def zipped(members: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()
