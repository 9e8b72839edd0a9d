"""What a file is, by its content, before anything is parsed."""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .limits import MIB, Limits
from .sentences import ACCEPTED, BadFile

XLSX, CSV = "xlsx", "csv"
ZIP_DIRECTORY_BYTES = 256 * 1024  # 200 members need about 20 KB; a million need 100 MB of memory
TYPES_BYTES = 128 * 1024  # 200 members need about 20 KB
CHUNK = MIB

OLE2 = bytes.fromhex("D0CF11E0A1B11AE1")
BOM_UTF8, BOM_LE, BOM_BE = b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"

SIGNATURES = (
    (b"%PDF", "a PDF file"),
    (b"{\\rtf", "a rich text file"),
    (b"MZ", "a program"),
    (b"\x7fELF", "a program"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"7z\xbc\xaf", "a compressed archive"),
)
HELD_PARTS = (
    "[Content_Types].xml",
    "_rels/",
    "docProps/",
    "xl/_rels/",
    "xl/workbook",
    "xl/styles",
    "xl/theme/",
)
MARKUP = (b"<!doctype", b"<html", b"<table", b"<?xml")

# the member of a zip -> what the zip is, if it is no workbook we read
ZIP_KINDS = (
    ("xl/workbook.bin", "a binary .xlsb workbook"),
    ("word/document.xml", "a Word document"),
    ("ppt/presentation.xml", "a presentation"),
    ("mimetype", "an OpenDocument file (.ods)"),
    ("Index/Document.iwa", "a Numbers file"),
    ("Index.zip", "a Numbers file"),
)


@dataclass(frozen=True, slots=True)
class FileKind:
    """What the content is. *asks* is set when the name says something else."""

    kind: str
    size: int
    encoding: str = ""
    asks: str = ""


def inspect(path: str | Path, original_name: str, limits: Limits | None = None) -> FileKind:
    """Tell workbook from text by content, or refuse with a sentence. Unpacks nothing."""
    limits = limits or Limits()
    try:
        with Path(path).open("rb") as file:
            return _inspect(file, original_name, limits)
    except OSError as error:
        raise BadFile("unreadable") from error


def _inspect(file: BinaryIO, original_name: str, limits: Limits) -> FileKind:
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise BadFile("empty")
    if size > limits.file_bytes:
        raise BadFile("too_large", limit=limits.file_bytes // MIB)
    suffix = Path(original_name.lower()).suffix
    if suffix in {".xlsm", ".xltm", ".xlam"}:
        raise BadFile("macros")
    head = file.read(64)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        _check_archive(file, size, limits)
        asks = "" if suffix in {".xlsx", ""} else "renamed_xlsx"
        return FileKind(XLSX, size, asks=asks)
    if head.startswith(OLE2):
        raise BadFile(_ole2_code(file))
    _refuse_other_formats(head)
    encoding = _text_encoding(file, head)
    asks = "" if suffix in {".csv", ".tsv", ".txt", ""} else "renamed_csv"
    return FileKind(CSV, size, encoding, asks)


def _refuse_other_formats(head: bytes) -> None:
    for signature, what in SIGNATURES:
        if head.startswith(signature):
            raise BadFile("not_accepted", what=what, accepted=ACCEPTED)
    if head.removeprefix(BOM_UTF8).lstrip().lower().startswith(MARKUP):
        raise BadFile("not_accepted", what="a web page", accepted=ACCEPTED)


def _ole2_code(file: BinaryIO) -> str:
    """An encrypted .xlsx is an OLE2 container with a stream named EncryptedPackage."""
    name = "EncryptedPackage".encode("utf-16-le")
    file.seek(0)
    tail = b""
    while chunk := file.read(CHUNK):
        if name in tail + chunk:
            return "password"
        tail = chunk[-len(name) :]
    return "old_xls"


# -- text ---------------------------------------------------------------------------------


def _text_encoding(file: BinaryIO, head: bytes) -> str:
    if head.startswith((BOM_LE + b"\0\0", b"\0\0" + BOM_BE)):
        raise BadFile("not_utf8", line=1)
    if head.startswith((BOM_LE, BOM_BE)):
        if os.fstat(file.fileno()).st_size == len(BOM_LE):
            raise BadFile("empty")
        return "utf-16"
    if head == BOM_UTF8:
        raise BadFile("empty")
    file.seek(0)
    while chunk := file.read(CHUNK):
        if b"\0" in chunk:
            raise _nul_told(head)
    return "utf-8-sig"


def _nul_told(head: bytes) -> BadFile:
    """NULs in every second byte are UTF-16; a head that is text was damaged later."""
    even, odd = head[0::2], head[1::2]
    if b"\0" * len(even) == even or b"\0" * len(odd) == odd:
        return BadFile("utf16_without_bom")
    controls = sum(byte < 32 and byte not in b"\t\n\r\0" for byte in head)
    return BadFile("binary", accepted=ACCEPTED) if controls else BadFile("nul")


# -- archives -----------------------------------------------------------------------------


class _DirectoryOnly(io.BufferedReader):
    """Refuses the one large read by which zipfile loads a huge directory into memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        bounded = ZIP_DIRECTORY_BYTES + 1
        found = super().read(bounded if size is None or size < 0 else min(size, bounded))
        if len(found) == bounded:
            raise BadFile("too_many_members", limit=Limits().members)
        return found


def _check_archive(file: BinaryIO, size: int, limits: Limits) -> None:
    with io.FileIO(os.dup(file.fileno())) as raw, _DirectoryOnly(raw) as directory:
        try:
            with zipfile.ZipFile(directory) as archive:
                members = archive.infolist()
                _check_members(members, size, limits)
                _check_is_workbook(archive, {member.filename for member in members})
        except (zipfile.BadZipFile, ValueError, KeyError, NotImplementedError) as error:
            raise BadFile("damaged") from error
        except (zlib.error, EOFError, RuntimeError, OSError) as error:
            raise BadFile("damaged") from error


def _check_members(members: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    if len(members) > limits.members:
        raise BadFile("too_many_members", limit=limits.members)
    if any(_is_unsafe(member) for member in members):
        raise BadFile("unsafe_names")
    if len({member.filename for member in members}) != len(members):
        raise BadFile("damaged")
    if any(member.flag_bits & 1 for member in members):
        raise BadFile("password")
    if any(m.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for m in members):
        raise BadFile("damaged")
    if _unpacks_too_large(members, size, limits):
        raise BadFile("unpacks_too_large")


def _is_unsafe(member: zipfile.ZipInfo) -> bool:
    # orig_filename: zipfile cuts names at a NUL and rewrites separators
    name = member.orig_filename
    parts = name.replace("\\", "/").split("/")
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    return is_link or "\0" in name or parts[0] == "" or ":" in parts[0] or ".." in parts


def _unpacks_too_large(members: Iterable[zipfile.ZipInfo], size: int, limits: Limits) -> bool:
    unpacked = sum(member.file_size for member in members)
    if unpacked > limits.unpacked_bytes:
        return True
    if unpacked > limits.always_unpacked_bytes and unpacked > size * limits.unpacked_ratio:
        return True
    return any(member.file_size > _part_limit(member.filename, limits) for member in members)


def _part_limit(name: str, limits: Limits) -> int:
    """openpyxl holds these parts in memory; rows and strings are streamed."""
    if name.endswith("sharedStrings.xml"):
        return limits.strings_bytes
    return limits.part_bytes if name.startswith(HELD_PARTS) else limits.unpacked_bytes


def _check_is_workbook(archive: zipfile.ZipFile, names: set[str]) -> None:
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise BadFile("macros")
    for name, what in ZIP_KINDS:
        if name in names:
            raise BadFile("not_accepted", what=what, accepted=ACCEPTED)
    if "[Content_Types].xml" not in names:
        raise BadFile("not_accepted", what="a compressed archive", accepted=ACCEPTED)
    if archive.getinfo("[Content_Types].xml").file_size > TYPES_BYTES:
        raise BadFile("unpacks_too_large")
    with archive.open("[Content_Types].xml") as part:
        types = part.read(TYPES_BYTES)
    if b"macroEnabled" in types:
        raise BadFile("macros")
    if b"spreadsheetml" not in types:
        raise BadFile("not_accepted", what="a compressed archive", accepted=ACCEPTED)
