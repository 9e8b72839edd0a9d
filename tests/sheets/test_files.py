"""What a file is, told by its content before it is parsed."""

from __future__ import annotations

import contextlib
import io
import random
import stat
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from sheets import sheetxml
from sheets.files import inspect
from sheets.limits import Limits
from sheets.sentences import BadFile
from tests.sheets.making import (
    cell,
    mobile,
    package,
    parts,
    read_file,
    sheet_xml,
    text_file,
    workbook,
    zipped,
)

OLE2 = bytes.fromhex("D0CF11E0A1B11AE1")
PROGRAM = b"MZ\x90\x00" + bytes(300)
LIST = "phone_number\n"


def book_bytes() -> bytes:
    content = io.BytesIO()
    book = Workbook()
    book.active.append(["phone_number"])
    book.active.append([mobile()])
    book.save(content)
    return content.getvalue()


def with_member(name: str, text: str = "x", *, mode: int = 0) -> bytes:
    content = io.BytesIO(zipped(parts(sheet_xml(""))))
    with zipfile.ZipFile(content, "a") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, text)
    return content.getvalue()


def macro_types() -> bytes:
    members = parts(sheet_xml(""))
    types = members["[Content_Types].xml"]
    members["[Content_Types].xml"] = types.replace(
        "vnd.openxmlformats-officedocument.spreadsheetml.sheet.main",
        "vnd.ms-excel.sheet.macroEnabled.main",
    )
    return zipped(members)


def many_members(count: int) -> bytes:
    members = parts(sheet_xml(""))
    members |= {f"xl/media/{number}": "" for number in range(count)}
    return zipped(members)


def zip_bomb() -> bytes:
    members = parts(sheet_xml(""), "<sst><si><t>" + "A" * 60_000_000 + "</t></si></sst>")
    return zipped(members)


def encrypted_member() -> bytes:
    content = bytearray(book_bytes())
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    return bytes(content)


def damaged(at: float) -> bytes:
    content = bytearray(book_bytes())
    start = int(len(content) * at)
    content[start : start + 40] = random.Random(7).randbytes(40)
    return bytes(content)


BAD = [
    pytest.param(b"", "list.csv", "empty", id="U1-csv"),
    pytest.param(b"", "list.xlsx", "empty", id="U1-xlsx"),
    pytest.param(b"\xef\xbb\xbf", "list.csv", "empty", id="U1-only-a-mark"),
    pytest.param(PROGRAM, "list.xlsx", "not_accepted", id="U4-exe-as-xlsx"),
    pytest.param(PROGRAM, "list.csv", "not_accepted", id="U4-exe-as-csv"),
    pytest.param(b"\x01\x02\x00\x00\x07\x00\x00\x09" * 9, "list.csv", "binary", id="U4-binary"),
    pytest.param(book_bytes, "list.xlsm", "macros", id="U6-name"),
    pytest.param(macro_types, "list.xlsx", "macros", id="U6-content-type"),
    pytest.param(lambda: with_member("xl/vbaProject.bin"), "list.xlsx", "macros", id="U6-vba"),
    pytest.param(
        OLE2 + bytes(2000) + "EncryptedPackage".encode("utf-16-le") + bytes(99),
        "list.xlsx",
        "password",
        id="U7",
    ),
    pytest.param(encrypted_member, "list.xlsx", "password", id="U7-encrypted-zip"),
    pytest.param(
        OLE2 + bytes(2000) + "Workbook".encode("utf-16-le"), "list.xls", "old_xls", id="U8-xls"
    ),
    pytest.param(
        lambda: zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}),
        "list.ods",
        "not_accepted",
        id="U8-ods",
    ),
    pytest.param(
        lambda: zipped({"Index/Document.iwa": "x"}), "a.numbers", "not_accepted", id="U8-numbers"
    ),
    pytest.param(
        lambda: zipped({"word/document.xml": "x"}), "a.docx", "not_accepted", id="U8-docx"
    ),
    pytest.param(lambda: zipped({"xl/workbook.bin": "x"}), "a.xlsb", "not_accepted", id="U8-xlsb"),
    pytest.param(lambda: zipped({"a.xlsx": "x"}), "a.xlsx", "not_accepted", id="U8-plain-zip"),
    pytest.param(b"%PDF-1.7\n", "list.pdf", "not_accepted", id="U8-pdf"),
    pytest.param(b"<html><table>", "list.xls", "not_accepted", id="U8-html"),
    pytest.param(b"PK\x03\x04" + bytes(99), "list.xlsx", "damaged", id="U9-no-directory"),
    pytest.param(lambda: book_bytes()[:2000], "list.xlsx", "damaged", id="U9-cut-off"),
    pytest.param(lambda: zip_bomb(), "list.xlsx", "unpacks_too_large", id="U10-ratio"),
    pytest.param(lambda: many_members(201), "list.xlsx", "too_many_members", id="U11-201"),
    pytest.param(lambda: many_members(10_000), "list.xlsx", "too_many_members", id="U11-10000"),
    pytest.param(lambda: with_member("../../x"), "list.xlsx", "unsafe_names", id="U12-parent"),
    pytest.param(lambda: with_member("/etc/x"), "list.xlsx", "unsafe_names", id="U12-absolute"),
    pytest.param(lambda: with_member("C:\\x"), "list.xlsx", "unsafe_names", id="U12-drive"),
    pytest.param(lambda: with_member("a\\..\\x"), "list.xlsx", "unsafe_names", id="U12-backslash"),
    pytest.param(
        lambda: with_member("xl/x", mode=stat.S_IFLNK | 0o777),
        "list.xlsx",
        "unsafe_names",
        id="U12-symlink",
    ),
    pytest.param(
        "phone_number\n+1".encode("utf-16-le"), "a.csv", "utf16_without_bom", id="U34-le-no-mark"
    ),
    pytest.param(
        "phone_number\n+1".encode("utf-16-be"), "a.csv", "utf16_without_bom", id="U34-be-no-mark"
    ),
    pytest.param((LIST * 9).encode() + b"+44\x007\n", "a.csv", "nul", id="U43"),
]


@pytest.mark.parametrize(("content", "name", "code"), BAD)
def test_a_file_that_is_no_list_is_refused_before_parsing(
    tmp_path: Path, content: object, name: str, code: str
) -> None:
    made = content() if callable(content) else content
    path = text_file(tmp_path, made, "upload")
    with pytest.raises(BadFile) as refused:
        inspect(path, name)
    assert refused.value.code == code
    assert refused.value.sentence.endswith(".")


@pytest.mark.parametrize("at", [0.3, 0.5, 0.7], ids=["U9-30%", "U9-50%", "U9-70%"])
def test_a_damaged_workbook_gets_a_sentence_or_is_still_read(tmp_path: Path, at: float) -> None:
    path = text_file(tmp_path, damaged(at), "list.xlsx")
    with contextlib.suppress(BadFile):
        read_file(path)


def test_every_cut_of_a_workbook_is_answered(tmp_path: Path) -> None:
    """U9: no length of a broken upload makes a traceback."""
    whole = book_bytes()
    for length in range(1, len(whole), 97):
        path = text_file(tmp_path, whole[:length], "list.xlsx")
        with pytest.raises(BadFile):
            read_file(path)


def test_every_flipped_byte_of_a_workbook_is_answered(tmp_path: Path) -> None:
    """U9: damage anywhere ends in a sentence or in the same list."""
    whole, dice = book_bytes(), random.Random(11)
    for _ in range(150):
        broken = bytearray(whole)
        broken[dice.randrange(len(broken))] ^= 1 << dice.randrange(8)
        path = text_file(tmp_path, bytes(broken), "list.xlsx")
        with contextlib.suppress(BadFile):
            read_file(path)


def test_a_directory_that_lies_about_sizes_is_damage(tmp_path: Path) -> None:
    """U10: the real bytes count, whatever the directory says."""
    content = bytearray(zip_bomb())
    name = b"xl/sharedStrings.xml"
    entry = content.rindex(name) - 46
    assert content[entry : entry + 4] == b"PK\x01\x02"
    content[entry + 24 : entry + 28] = (5000).to_bytes(4, "little")
    with pytest.raises(BadFile) as refused:
        read_file(text_file(tmp_path, bytes(content), "list.xlsx"))
    assert refused.value.code == "damaged"


def test_real_bytes_are_counted_while_streaming(tmp_path: Path) -> None:
    """U10: the stream stops at the limit on its own."""
    rows = "".join(
        f'<row r="{row}">{cell(f"A{row}", "x" * 50, kind="inlineStr")}</row>'
        for row in range(1, 3000)
    )
    path = package(tmp_path, sheet_xml(rows))
    with (
        zipfile.ZipFile(path) as archive,
        archive.open("xl/worksheets/sheet1.xml") as part,
        pytest.raises(BadFile) as refused,
    ):
        sheetxml.survey(part, Limits(unpacked_bytes=100_000))
    assert refused.value.code == "unpacks_too_large"


def test_a_file_over_the_size_limit_is_refused(tmp_path: Path) -> None:
    path = text_file(tmp_path, b"a" * 2_000_000)
    with pytest.raises(BadFile) as refused:
        inspect(path, "list.csv", Limits(file_bytes=1_048_576))
    assert refused.value.code == "too_large"
    assert "1 MB" in refused.value.sentence


def test_a_file_that_is_gone_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BadFile) as refused:
        inspect(tmp_path / "gone", "list.csv")
    assert refused.value.code == "unreadable"


@pytest.mark.parametrize("name", ["list.csv", "list.tsv", "list.txt", "list", "LIST.CSV"])
def test_text_is_text_under_its_usual_names(tmp_path: Path, name: str) -> None:
    found = inspect(text_file(tmp_path, LIST + mobile()), name)
    assert (found.kind, found.asks) == ("csv", "")


def test_a_csv_named_xlsx_is_asked_about_and_then_read(tmp_path: Path) -> None:
    """U5"""
    path = text_file(tmp_path, LIST + mobile())
    assert inspect(path, "list.xlsx").asks == "renamed_csv"
    with pytest.raises(BadFile) as asked:
        read_file(path, name="list.xlsx")
    assert "really a CSV" in asked.value.sentence
    assert (asked.value.answer, asked.value.choices) == ("accept_kind", ("csv",))
    assert len(read_file(path, name="list.xlsx", accept_kind="csv").rows) == 1


def test_a_workbook_named_csv_is_asked_about_and_then_read(tmp_path: Path) -> None:
    """U5"""
    path = workbook(tmp_path, [["phone_number"], [mobile()]])
    assert inspect(path, "list.csv").asks == "renamed_xlsx"
    with pytest.raises(BadFile):
        read_file(path, name="list.csv")
    assert len(read_file(path, name="list.csv", accept_kind="xlsx").rows) == 1
