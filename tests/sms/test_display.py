from __future__ import annotations

import pytest

from sms.display import hide_numbers, mask


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
        ("٠٤٩١٥٧٠٠٠٦", "٠٤ ••• ٠٠٠٦"),
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
    assert len(hide_numbers("1 " * 100_000)) < 20


@pytest.mark.parametrize("number", ["+12025550123", "+61491570006", "+290 1234", "+8613812345678"])
def test_a_mask_hides_at_least_three_digits(number):
    digits = "".join(filter(str.isdigit, number))
    assert sum(map(str.isdigit, mask("+" + digits))) <= len(digits) - 3
