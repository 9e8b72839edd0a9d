"""Uploaded files on disk: random names, readable by this account only, whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.utils.translation import gettext as _

from sheets import disk
from sheets.limits import Limits
from sheets.spoken import LABEL_FEWEST, without_numbers

NAME_MAX = 120
PART = ".part"


@dataclass(frozen=True, slots=True)
class Stored:
    """A complete file in the upload folder."""

    name: str
    original_name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Received:
    """What an upload field holds once its file lies in the upload folder, under a part name."""

    path: Path
    name: str
    size: int
    sha256: str
    too_large: bool

    def keep(self) -> Stored:
        """Give the file its lasting name: from here on an import may point at it."""
        stored = new_name()
        self.path.rename(self.path.with_name(stored))
        return Stored(stored, clean_file_name(self.name), self.size, self.sha256)

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Called by the request at its end; the file was closed when it was complete."""


class ToDisk(FileUploadHandler):
    """Streams one upload to disk, hashing as it goes, and stops writing at the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.received: Received | None = None
        self.path: Path | None = None
        self.has_more = False
        self.has_no_room = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        if self.path is not None:  # one file at a time: further ones are not read
            self.has_more = True
            raise SkipFile
        if disk.room().is_low:
            self.has_no_room = True
            raise SkipFile
        folder = Path(settings.UPLOADS)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{new_name()}{PART}"
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.file: IO[bytes] = os.fdopen(handle, "wb")
        self.hash = hashlib.sha256()
        self.written = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.written += len(raw_data)
        if self.written <= self.limit:
            with self._disk_may_be_full():
                self.file.write(raw_data)
            self.hash.update(raw_data)

    @contextlib.contextmanager
    def _disk_may_be_full(self) -> Iterator[None]:
        """A disk that fills up on the way refuses this file, not the form it came with."""
        try:
            yield
        except OSError as error:
            if not disk.is_full(error):
                raise
            self.has_no_room = True
            self.drop()
            raise SkipFile from error

    def file_complete(self, file_size: int) -> Received | None:  # type: ignore[override]
        if self.path is None or self.has_no_room:
            return None
        try:
            with self._disk_may_be_full():
                self.file.flush()
                os.fsync(self.file.fileno())
                self.file.close()
        except SkipFile:
            return None
        self.received = Received(
            self.path,
            self.file_name or "",
            self.written,
            self.hash.hexdigest(),
            too_large=self.written > self.limit,
        )
        return self.received

    def upload_interrupted(self) -> None:
        if self.received is None:  # a further file that is not read interrupts nothing
            self.drop()

    def drop(self) -> None:
        """Remove what arrived, unless it was kept."""
        if self.path is not None:
            with contextlib.suppress(OSError):  # what is still in memory needs no room any more
                self.file.close()
            self.path.unlink(missing_ok=True)


def refusal(received: Any, handler: ToDisk) -> str:
    """Why what came in the field of a file is not read at all; empty if it can be."""
    if handler.has_no_room:
        return disk.no_room()
    if handler.has_more:
        return _("Several files were chosen. Choose one, or put the lists into one file.")
    if not isinstance(received, Received):
        return _("Choose a file first.")
    if not received.size:
        return _("The file is empty. Choose a file with a header row and at least one number.")
    if received.too_large:
        megabytes = handler.limit // 1024 // 1024
        text = _("The file is larger than %(n)d MB. Split it and import it in parts.")
        return text % {"n": megabytes}
    return ""


def no_room(used: int, size: int) -> str:
    """Why a file of *size* bytes is not kept beside *used* others; empty if it is."""
    if used + size <= settings.IMPORT_STORED_BYTES:
        return ""
    megabytes = settings.IMPORT_STORED_BYTES // 1024 // 1024
    text = _(
        "The uploaded files of this workspace fill the %(n)d MB they have. Wait until older ones "
        "are deleted, or ask an admin to keep files for fewer days."
    )
    return text % {"n": megabytes}


def limits() -> Limits:
    """The bounds of one reading as they are set."""
    return Limits(
        file_bytes=settings.IMPORT_MAX_BYTES,
        rows=settings.IMPORT_MAX_ROWS,
        memory_bytes=settings.IMPORT_MEMORY_BYTES,
        cpu_seconds=settings.IMPORT_CPU_SECONDS,
    )


def new_name() -> str:
    """A name that no file has."""
    return uuid.uuid4().hex


def link(name: str, other: str) -> None:
    """The same file under another name: each import owns its file."""
    folder = Path(settings.UPLOADS)
    os.link(folder / name, folder / other)


def delete(name: str) -> None:
    """Remove the file of an import, if it is still there."""
    if name:
        (Path(settings.UPLOADS) / name).unlink(missing_ok=True)


def is_kept(name: str) -> bool:
    """Whether the file of an import is still there; old ones are deleted."""
    return bool(name) and (Path(settings.UPLOADS) / name).is_file()


def clean_file_name(name: str) -> str:
    """A label: no path, no control or direction marks, no phone number, short, never empty."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(c for c in base if unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    shown = without_numbers(unicodedata.normalize("NFC", shown).strip(), LABEL_FEWEST)
    if len(shown) > NAME_MAX:
        stem, dot, suffix = shown.rpartition(".")
        shown = f"{stem[: NAME_MAX - 10]}…{dot}{suffix[:8]}"
    return shown or "list"
