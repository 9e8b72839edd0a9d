from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms.sought import PartOfNumber, Sought, read_sought


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("+61 491 570 006", Sought("61491570006", whole=True)),
        ("0061-491-570-006", Sought("61491570006", whole=True)),
        ("61491570006", Sought("61491570006", whole=True)),
        ("+61 (0491) 570.006", Sought("61491570006", whole=True)),
        ("＋61 491 570 006", Sought("61491570006", whole=True)),
        ("+1 202 555 0123 9", Sought("120255501239", whole=True)),
        ("0006", Sought("0006", whole=False)),
        (" 00-06 ", Sought("0006", whole=False)),
        ("Ann", None),
        ("0006 Ann", None),
        ("+", None),
        ("٤٤٤٤", None),
        ("", None),
    ],
)
def test_a_number_is_read_whole_or_by_its_last_four_digits(words, expected):
    assert read_sought(words) == expected


@pytest.mark.parametrize(
    "words", ["1", "006", "70006", "570006", "491570006", "0491 570 006", "2025550123", "+61",
              "+0006", "+614915", "00614915", "+" + "1" * 20],
)  # fmt: skip
def test_part_of_a_number_is_neither(words):
    with pytest.raises(PartOfNumber):
        read_sought(words)


@given(st.text(st.sampled_from("0123456789+ -()")))
def test_digits_that_are_not_four_are_sought_as_a_whole_number_or_not_at_all(words):
    try:
        sought = read_sought(words)
    except PartOfNumber:
        return
    assert sought is None or sought.whole != (len(sought.digits) == 4)
