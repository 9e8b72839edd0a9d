"""The witness counts on its own; the table is 3GPP 23.038 worked out by hand."""

from __future__ import annotations

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from sms.practice.segments import ESCAPED, SEPTET, count_segments


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 0),
        ("a", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("€" * 153, 3),
        ("你" * 70, 1),
        ("你" * 71, 2),
        ("你" * 134, 2),
        ("你" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("你" * 66 + "😀" + "你" * 66, 3),
        ("😀" * 67, 3),
        ("a" * 159 + "\N{RIGHT SINGLE QUOTATION MARK}", 3),
        ("a" * 69 + "ç", 1),
        ("a" * 70 + "ç", 2),
        ("a" * 159 + "Ç", 1),
        ("\r\n" * 80, 1),
        ("👨\u200d👩\u200d👧", 1),
    ],
)
def test_the_witness_counts_segments_as_the_standard_does(text: str, segments: int) -> None:
    assert count_segments(text) == segments


def test_the_alphabet_is_whole() -> None:
    assert (len(SEPTET), len(ESCAPED), SEPTET & ESCAPED) == (127, 10, frozenset())


@given(st.text(st.sampled_from("aé€[你😀\n"), min_size=1, max_size=400))
def test_the_witness_agrees_with_an_independent_counter(text: str) -> None:
    assert count_segments(text) == len(smsutil.split(text).parts)
