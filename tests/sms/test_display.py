from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms.display import hide_entry, hide_numbers, mask


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+12025550123", "+12 ••• 0123"),
        ("0491 570 006", "04 ••• 0006"),
        ("(0491) 570-006", "(04 ••• 0006"),
        ("00 61 / 491.570.006", "00 ••• 0006"),
        ("61,491,570,006", "61 ••• 0006"),
        ("1.2025550123E10", "12 ••• 0123E10"),
        ("tel:+1\u00a0202\u2011555\u20110123 Ann", "tel:+12 ••• 0123 Ann"),
        ("٠٤٩١٥٧٠٠٠٦", "04 ••• 0006"),
        ("0491      570      006", "04 ••• 0006"),
        ("Ann: ０４９１\u200b\u200b\u200b\u200b５７０００６, Zoë", "Ann: 04 ••• 0006, Zoë"),
        ("⁰⁴⁹¹⁵⁷⁰⁰⁰⁶", "04 ••• 0006"),
        ("123456", "12 ••• 6"),
        ("12345", "12345"),
        ("Ann", "Ann"),
        ("stat:UNDELIV err:027", "stat:UNDELIV err:027"),
        ("", ""),
    ],
)
def test_what_may_be_a_number_loses_its_middle_and_the_rest_is_kept(text, expected):
    assert hide_numbers(text) == expected.replace(" ••• ", "\u00a0•••\u00a0")


@pytest.mark.parametrize("length", range(6, 40))
def test_at_least_three_digits_of_a_written_number_stay_hidden(length):
    digits = ("1234567890" * 4)[:length]
    shown = hide_numbers(f"x{digits}y")
    assert sum(map(str.isdigit, shown)) <= length - 3
    assert digits not in shown


def test_a_long_text_of_digits_is_read_in_one_pass():
    for hidden in (hide_numbers, hide_entry):
        assert len(hidden("1 " * 100_000)) < 20
        assert len(hidden("1a" * 100_000)) <= 200_000


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("0491 x 570 006", "04 ••• 0006"),
        ("0491abc570006", "04 ••• 0006"),
        ("tel 0491 call 57 home 00 or 06 please", "tel 04 ••• 0006 please"),
        ("+1 two 0 two 2 five 5 five 5 five 0123", "+10 ••• 0123"),
        ("٠٤٩١ رقم ٥٧٠٠٠٦", "04 ••• 0006"),
        ("⁰⁴⁹¹ abc ₅₇₀₀₀₆", "04 ••• 0006"),
        ("Ann | 0491 x 570 006 | 5", "Ann | 04 ••• 0065"),
        ("1a2b3c4d5e6f7", "12 ••• 67"),
        ("123456", "12 ••• 6"),
        ("1a2b3c", "1a2b3c"),
        ("Ann", "Ann"),
        ("", ""),
    ],
)
def test_an_entry_that_should_be_a_number_loses_its_middle_however_it_is_broken(entry, expected):
    assert hide_entry(entry) == expected.replace(" ••• ", "\u00a0•••\u00a0")


@given(st.lists(st.sampled_from("0123456789"), min_size=7, max_size=20), st.data())
def test_at_least_three_digits_of_every_entry_stay_hidden(digits, data):
    apart = st.text(st.characters(exclude_categories=["Nd", "No", "Nl", "Lo", "Cs"]), max_size=6)
    entry = "".join(digit + data.draw(apart) for digit in digits)
    shown = hide_entry(entry)
    assert sum(map(str.isdigit, shown)) <= len(digits) - 3


@pytest.mark.parametrize("number", ["+12025550123", "+61491570006", "+290 1234", "+8613812345678"])
def test_a_mask_hides_at_least_three_digits(number):
    digits = "".join(filter(str.isdigit, number))
    assert sum(map(str.isdigit, mask("+" + digits))) <= len(digits) - 3
