"""Prices as people write them: what can be read in two ways is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.exports import _money
from billing.prices import BadPrice, parse_price

READ = {
    "0.0345": 34_500, "0,0345": 34_500, ".05": 50_000, ",05": 50_000, "0": 0, "0.000000": 0,
    "12": 12_000_000, "1.5": 1_500_000, "12,5": 12_500_000, "0,034": 34_000, "1.2340": 1_234_000,
    "1,234.5": 1_234_500_000, "1.234,5": 1_234_500_000, "1 234,5": 1_234_500_000,
    "1'234.5": 1_234_500_000, "1\u202f234,5": 1_234_500_000, "1,234,567.5": None,
    "$0.0345": 34_500, "$ 0.0345": 34_500, "0.0345 $": 34_500, "USD 0.0345": 34_500,
    "0.0345USD": 34_500, "us$0.0345": 34_500, "\u00a00.03\u00a0": 30_000, "０．０３": 30_000,
    "0.0345000": 34_500, "1e-05": 10, "3.45e-02": 34_500, "0.000001": 1, "999999.999999":
    999_999_999_999,
}  # fmt: skip
REFUSED = {
    "": "missing", "  ": "missing", "-1": "negative", "−0.5": "negative", "(0.5)": "negative",
    "$-1": "negative", "0.5-1": "negative", "1,234": "ambiguous", "12,345": "ambiguous",
    "1.000": "ambiguous",
    "0'034": "digits", "0 034": "digits",
    "0.0000001": "decimals", "1e-07": "decimals", "€0.03": "unit", "0.03 EUR": "unit",
    "3%": "unit", "0.03 per SMS": "unit", "free": "digits", "1.2.3": "digits", "1,2,3": "digits",
    "1000000": "large", "1e9": "digits", "0x10": "digits", "1..2": "digits", "TRUE": "digits",
    "∞": "digits", "1_000": "digits", "٣": "digits", "\0": "digits",
}  # fmt: skip


@pytest.mark.parametrize("written", READ)
def test_a_price_is_read(written: str) -> None:
    if READ[written] is not None:
        assert parse_price(written, "USD") == READ[written]
        return
    with pytest.raises(BadPrice):
        parse_price(written, "USD")


@pytest.mark.parametrize("written", REFUSED)
def test_what_is_no_price_has_a_sentence(written: str) -> None:
    with pytest.raises(BadPrice) as bad:
        parse_price(written, "USD")
    assert bad.value.code == REFUSED[written]
    assert bad.value.sentence


def test_the_sign_must_be_the_workspaces() -> None:
    assert parse_price("€0,03", "EUR") == 30_000
    assert parse_price("RM 0.12", "MYR") == 120_000
    with pytest.raises(BadPrice):
        parse_price("$0.03", "EUR")


@given(st.integers(0, 999_999_999_999))
def test_what_we_write_is_read_again_to_the_micro_unit(micros: int) -> None:
    """Q9: no float on the way."""
    assert parse_price(str(_money(micros)), "USD") == micros


@given(st.text(max_size=30))
def test_any_text_is_a_price_or_a_sentence(text: str) -> None:
    try:
        found = str(parse_price(text, "USD"))
    except BadPrice as bad:
        found = bad.sentence
    assert found
