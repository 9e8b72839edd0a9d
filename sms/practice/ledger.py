"""The files that outlive a kill: the ledger of messages and the acknowledged receipts.

``ledger.jsonl``, one line a message, written before the message is answered::

    {"kind": "accepted" | "repeat", "at": unix seconds, "id": ..., "reference": ...,
     "segments": n, "attempt": n, "hmac_to": hex, "fate": ..., "due": unix seconds}

``repeat`` is a known key that was answered again and is not billed. ``acknowledged.jsonl``
holds one array of receipt keys (``<id>/<n>``) a line, written when the receiver said 2xx.
Both are only ever appended to, and neither holds a number or a text. ``hmac_to`` tells numbers
apart under the key of this folder, ``ledger.key``: without it all numbers could be tried.
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LEDGER = "ledger.jsonl"
ACKNOWLEDGED = "acknowledged.jsonl"
KEY = "ledger.key"


class InUse(Exception):
    """Another practice carrier works in this folder."""


@dataclass(slots=True)
class Entry:
    """A message as it was first accepted; ``attempts`` counts every submit of its reference."""

    carrier_id: str
    reference: str
    segments: int
    fate: str
    due: float
    attempts: int = 1


def secret_in(home: Path, name: str) -> str:
    """The secret *name* of this folder, made on the first start and readable by its owner only."""
    path = home / name
    if not path.exists():
        unfinished = home / f"{name}.new"
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(file, secrets.token_urlsafe(32).encode())
        os.close(file)
        unfinished.rename(path)
    return path.read_text().strip()


class AppendOnly:
    """A file of whole lines. What a kill or a full disk cut short never joins the next line."""

    def __init__(self, path: Path, *, fsync: bool = False) -> None:
        self._fsync = fsync
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = os.fstat(self._file).st_size
        self._torn = size > 0 and os.pread(self._file, 1, size - 1) != b"\n"

    def lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InUse from error

    def append(self, line: str) -> None:
        """Returns only when the whole line is in the file; OSError otherwise."""
        data = (f"\n{line}\n" if self._torn else f"{line}\n").encode()
        written = 0
        try:
            written = os.write(self._file, data)
        finally:
            self._torn = self._torn if written == 0 else written != len(data)
        if self._torn:
            raise OSError("the line was cut short")
        if self._fsync:
            os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


class Ledger:
    """Every message ever taken, in memory by reference and in the file for ever."""

    def __init__(self, home: Path, *, fsync: bool = False) -> None:
        self._file = AppendOnly(home / LEDGER, fsync=fsync)
        self._file.lock()
        self._key = secret_in(home, KEY).encode()
        self._acknowledged = AppendOnly(home / ACKNOWLEDGED, fsync=fsync)
        self._home = home
        self._entries: dict[str, Entry] = {}
        self.accepted = 0
        self.repeats = 0
        self.segments = 0

    def restore(self) -> Iterator[tuple[Entry, set[str]]]:
        """Read the files; yields each accepted message with the acknowledged receipt keys."""
        acknowledged: set[str] = set()
        for keys in _lines(self._home / ACKNOWLEDGED):
            acknowledged.update(keys if isinstance(keys, list) else ())
        for line in _lines(self._home / LEDGER):
            if not isinstance(line, dict) or "reference" not in line:
                continue
            if line["kind"] == "repeat":
                self.repeats += 1
                self._entries[line["reference"]].attempts += 1
                continue
            entry = Entry(
                line["id"], line["reference"], line["segments"], line["fate"], line["due"]
            )
            self._keep(entry)
            yield entry, acknowledged

    def find(self, reference: str) -> Entry | None:
        return self._entries.get(reference)

    def accept(
        self, at: float, reference: str, number: str, segments: int, fate: str, due: float
    ) -> Entry:
        """Take a message as a new one, known reference or not. Written before it returns."""
        known = self._entries.get(reference)
        attempt = known.attempts + 1 if known else 1
        carrier_id = f"P{self.accepted + 1:09d}"
        self._write("accepted", at, carrier_id, reference, segments, attempt, number, fate, due)
        entry = Entry(carrier_id, reference, segments, fate, due)
        self._keep(entry)
        return entry

    def repeat(self, at: float, known: Entry, number: str) -> None:
        """Note that a known key came again; nothing new is billed."""
        self._write(
            "repeat",
            at,
            known.carrier_id,
            known.reference,
            known.segments,
            known.attempts + 1,
            number,
            known.fate,
            known.due,
        )
        known.attempts += 1
        self.repeats += 1

    def acknowledge(self, keys: list[str]) -> None:
        self._acknowledged.append(json.dumps(keys, separators=(",", ":")))

    def close(self) -> None:
        self._file.close()
        self._acknowledged.close()

    def _keep(self, entry: Entry) -> None:
        first = self._entries.setdefault(entry.reference, entry)
        if first is not entry:
            first.attempts += 1
        self.accepted += 1
        self.segments += entry.segments

    def _write(
        self,
        kind: str,
        at: float,
        carrier_id: str,
        reference: str,
        segments: int,
        attempt: int,
        number: str,
        fate: str,
        due: float,
    ) -> None:
        told = hmac.digest(self._key, number.encode(), "sha256").hex()
        # Put together by hand: this is the hot path, and no field can hold a quote.
        self._file.append(
            f'{{"kind":"{kind}","at":{at:.3f},"id":"{carrier_id}","reference":"{reference}",'
            f'"segments":{segments},"attempt":{attempt},'
            f'"hmac_to":"{told}","fate":"{fate}",'
            f'"due":{due:.3f}}}'
        )


def _lines(path: Path) -> Iterator[object]:
    with path.open("rb") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:  # what a kill cut short was never answered
                continue
