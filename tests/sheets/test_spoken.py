"""Phone numbers are found in free words, and what only looks like one stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


BROKEN = [
    "0491   570   006", "0491\u00a0\u00a0\u00a0\u00a0570\u00a0\u00a0\u00a0\u00a0006",
    "0491\t\t\t\t570\n\n\n\n006", "0491 \u3000\u2003 \u202f 570006",
    "⁰⁴⁹¹⁵⁷⁰⁰⁰⁶", "₀₄₉₁₅₇₀₀₀₆", "⓪④⑨①⑤⑦⓪⓪⓪⑥", "⓿❹❾❶❺❼⓿⓿⓿❻", "０４９１５７０００６",
    "𝟎𝟒𝟗𝟏𝟓𝟕𝟎𝟎𝟎𝟔", "＋６１ ４９１ ５７０ ００６",
    "0491" + "\u200b" * 4 + "570" + "\u200d\u2060\ufeff\u00ad" + "006",
    "\u2066".join("0491570006") + "\u2069", "\ufe0f\u20e3".join("0491570006"),
    "\u0336\u0335\u0334\u0337".join("0491570006"), "\u3164".join("0491570006"),
]  # fmt: skip


@pytest.mark.parametrize("number", BROKEN)
def test_a_number_is_found_however_its_digits_are_written_or_kept_apart(number: str) -> None:
    assert holds_number(f"Zoë rang: {number}, ﬁne")
    assert without_numbers(f"Zoë rang: {number}, ﬁne").replace("\u2069", "") in (
        "Zoë rang: •••, ﬁne", "Zoë rang: •••\ufe0f\u20e3, ﬁne",
    )  # fmt: skip


_APART = st.text(
    st.characters(categories=["Zs", "Cf"], include_characters="\t\n", max_codepoint=0xFFFF),
    max_size=12,
)
_WRITTEN = st.sampled_from(
    ["0123456789", "０１２３４５６７８９", "⁰¹²³⁴⁵⁶⁷⁸⁹", "⓪①②③④⑤⑥⑦⑧⑨", "٠١٢٣٤٥٦٧٨٩"]
)


@given(st.lists(st.tuples(st.integers(0, 9), _WRITTEN, _APART), min_size=7, max_size=15))
def test_whatever_blank_or_invisible_stands_between_digits_hides_no_number(
    digits: list[tuple[int, str, str]],
) -> None:
    written = "".join(script[digit] + apart for digit, script, apart in digits)
    shown = without_numbers(f"ring {written} today")
    if unicodedata.normalize("NFKC", written).startswith(("19", "20")):
        return  # it may be a day
    assert holds_number(f"ring {written} today")
    assert not any(map(str.isdigit, shown))
    assert shown.startswith("ring •••")
    assert shown.endswith(" today")


@given(st.text())
def test_words_without_digits_stay_as_they_are(words: str) -> None:
    words = "".join(c for c in words if not any(map(str.isdigit, unicodedata.normalize("NFKC", c))))
    assert not holds_number(words)
    assert without_numbers(words) == words


@pytest.mark.parametrize(
    "words",
    [
        "order 123456", "3 2026-11-22", "2026-11-22 14:30", "22.11.2026, 14:30", "20261122",
        "from 2026-11-22 to 2026-12-01", "2026-11-22 2026-12-01", "12/11/2026-13/11/2026",
        "2026-11-22T16:40:16.123456+00:00", "14:30 to 15:30 on 3 May 2026", "$1,250,000.00",
        "USD 12,345.678900", "EUR 1234567.50", "1,250,000 segments", "C-1042",
        "contacts_20261122_143000.csv", "20261122T143000", "20261122143000",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479", "USD\u00a012,345.678900",
        "2026-11-22\u00a0\u00a014:30", "from 22.11.2026   to   23.11.2026", "x²  + y³ = ½",
        "٢٠٢٦-١١-٢٢ ١٤:٣٠", "Zoë’s ﬁrst  ①②③  steps",
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


@pytest.mark.parametrize(
    "piece", ["1 ", "2026-", "1,", "ABC 1", "20261122 ", "1   ", "①\u200b", "\u200b", " ", "\ufdfa"]
)
def test_long_words_are_read_in_one_pass(piece: str) -> None:
    assert len(without_numbers(piece * 10_000)) <= len(piece) * 10_000
