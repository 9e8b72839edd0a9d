"""The search for numbers and texts in what a run leaves behind can fail."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests import traces


@pytest.mark.parametrize(
    "planted",
    [
        "refused +12025550123 at once", "number=12025550123", "'2025550123'", "(202) 555-0123",
        "+1 202-555-0123", "to +61491570006", "0491 570 006", "?q=%2B12025550123",
        "sent +62" + "8" * 10, "said Your parcel arrives today. twice",
    ],
)  # fmt: skip
def test_what_is_planted_is_found(tmp_path: Path, planted: str) -> None:
    (tmp_path / "gw0.log").write_text(f"all is well\n{planted}\n", "utf-8")
    found = traces.leaks(tmp_path)
    assert len(found) == 1
    assert found[0].startswith("gw0.log:2 ")


@pytest.mark.parametrize(
    "sound",
    [
        "campaign 4711 took 0.123456789 s", "import 12345678-1234-1234-1234-123456789012",
        "2026-11-22 16:40:16,123 INFO", "address /campaigns/?before=2025550", "127.0.0.1:2025",
        "digest 9f86d081884c7d659a2feaa0c55ad0152025550123", "process 2025550",
    ],
)  # fmt: skip
def test_ids_and_times_are_not(tmp_path: Path, sound: str) -> None:
    (tmp_path / "gw0.log").write_text(f"{sound}\n", "utf-8")
    assert traces.leaks(tmp_path) == []


def test_the_texts_of_the_tests_are_known() -> None:
    assert "Your parcel arrives today." in traces.seeded_texts()
    assert len(traces.seeded_texts()) > 5


def test_our_own_words_are_written_unmasked_and_others_as_the_console_masks_them() -> None:
    def written(name: str) -> str:
        record = logging.LogRecord(name, 20, "f", 1, "refused %s", ("+12025550123",), None)
        return traces._Formatter().format(record)

    assert "+12025550123" in written("campaigns.sending")
    assert "+12025550123" not in written("django.request")
