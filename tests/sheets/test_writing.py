"""Tables to take away."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import time_machine

from sheets.writing import write_xlsx


def test_equal_rows_give_equal_bytes_at_any_time() -> None:
    made = []
    for second in (1, 9):
        with time_machine.travel(datetime(2026, 11, 22, 10, 0, second, tzinfo=UTC)):
            file = io.BytesIO()
            write_xlsx(file, ["a"], [["=1"], [3]], exact=True)
            made.append(file.getvalue())
    assert made[0] == made[1]
