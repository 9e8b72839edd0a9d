"""How much of a file is read before it is refused. Every number can be set."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one import; the defaults are the documented ones."""

    file_bytes: int = 64 * MIB
    unpacked_bytes: int = 512 * MIB
    unpacked_ratio: int = 100
    always_unpacked_bytes: int = 10 * MIB  # below this no ratio is asked for
    part_bytes: int = 16 * MIB  # any part of a workbook that is not rows or strings
    strings_bytes: int = 128 * MIB
    members: int = 200
    rows: int = 1_000_000
    columns: int = 64
    header_chars: int = 100
    value_chars: int = 200
    cell_chars: int = 2_000
    blank_rows: int = 1_000
    memory_bytes: int = 1024 * MIB
    cpu_seconds: int = 600  # a million numbers written for their own country need most of it
    wall_seconds: int = 1_800
    open_files: int = 64
