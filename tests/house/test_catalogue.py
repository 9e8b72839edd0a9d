"""Every row of the catalogue of bad input that this version answers is named by a test."""

from __future__ import annotations

import re

import pytest

from tests.house.reading import ROOT

ANSWERED = {
    "U": [*range(1, 61), 62, *range(64, 69)],  # uploaded files
    "M": [*range(1, 15), 16, 18],  # message content
    "SI": [1, 2, 3, 4, 5, 6, 8, 9],  # sender IDs
    "N": [*range(1, 12), 13, 14, 16],  # phone numbers
    "SC": [*range(1, 12), 13],  # schedules
    "Q": [1, 3, 4, 7, 8, 9],  # thresholds
    "H": [*range(1, 13), 14, 16, 17, 18, 19, 25, 26],  # requests and sessions
}
ROWS = [f"{family}{number}" for family, numbers in ANSWERED.items() for number in numbers]
TESTS = "\n".join(
    path.read_text("utf-8")
    for path in (ROOT / "tests").rglob("*")
    if path.suffix in (".py", ".json") and path.name != "test_catalogue.py"
)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_of_the_catalogue_is_named_by_a_test(row: str) -> None:
    assert re.search(rf"(?<![A-Za-z0-9]){row}(?![0-9])", TESTS)
