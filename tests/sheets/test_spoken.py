"""Phone numbers are found in free words, and what only looks like one stays."""

from __future__ import annotations

import pytest

from sheets.spoken import LABEL_FEWEST, holds_number, without_numbers


@pytest.mark.parametrize(
    "number",
    [
        "+1 202-555-0187", "202x555x0187", "2o2 555 o187", "0491 570 006", "(0491) 570-006",
        "61,491,570,006", "202.555.0123", "+12025550123", "12025550123", "202 - 555 - 0123",
        "٠٤٩١٥٧٠٠٠٦", "+2010-12-12 1234",
    ],
)  # fmt: skip
def test_a_number_in_words_is_found_however_it_is_grouped(number: str) -> None:
    assert holds_number(f"Called from {number} twice")
    shown = without_numbers(f"Called from {number} twice")
    assert "•••" in shown
    assert not any(part in shown for part in ("0187", "570", "555", "٥٧", "1234"))
    assert shown.endswith(" twice")


@pytest.mark.parametrize(
    "words",
    [
        "order 123456", "3 2026-11-22", "2026-11-22 14:30", "22.11.2026, 14:30", "20261122",
        "from 2026-11-22 to 2026-12-01", "2026-11-22 2026-12-01", "12/11/2026-13/11/2026",
        "2026-11-22T16:40:16.123456+00:00", "14:30 to 15:30 on 3 May 2026", "$1,250,000.00",
        "USD 12,345.678900", "EUR 1234567.50", "1,250,000 segments", "C-1042",
        "contacts_20261122_143000.csv", "20261122T143000", "20261122143000",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    ],
)  # fmt: skip
def test_days_times_money_ids_and_orders_are_no_numbers(words: str) -> None:
    assert not holds_number(words)
    assert without_numbers(words) == words


@pytest.mark.parametrize(
    ("label", "holds"),
    [
        ("Order 20261122", False), ("Invoice 2026-11", False), ("Black Friday 2026", False),
        ("Invoice 12345678", False), ("4400-1234", False),
        ("For +65 8123 45", True), ("For 0065812345", True), ("0491 570 006", True),
        ("2025550123", True),
    ],
)  # fmt: skip
def test_a_label_may_hold_an_invoice_and_no_phone_number(label: str, holds: bool) -> None:
    assert holds_number(label, LABEL_FEWEST) is holds


def test_a_number_beside_a_day_is_found_and_the_day_stays() -> None:
    assert without_numbers("on 2026-11-22 555 0187 012") == "on 2026-11-22 •••"


@pytest.mark.parametrize("piece", ["1 ", "2026-", "1,", "ABC 1", "20261122 "])
def test_long_words_are_read_in_one_pass(piece: str) -> None:
    assert len(without_numbers(piece * 10_000)) <= len(piece) * 10_000
