"""What a threshold and a rate may be."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.forms import COUNTRIES, RateForm, ThresholdForm
from billing.models import THRESHOLD_MAX

TODAY = date(2026, 11, 22)


def threshold(limit: str, warn: str = "80", used: int = 0, sure: str = "") -> ThresholdForm:
    return ThresholdForm({"limit": limit, "warn_percent": warn, "sure": sure}, used=used)


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("0", 0),
        ("1", 1),
        (" 50000 ", 50_000),
        ("50,000", 50_000),
        ("50 000", 50_000),
        ("50\u202f000", 50_000),
        ("007", 7),
        ("2147483647", THRESHOLD_MAX),
    ],
)
def test_a_limit_is_a_whole_number_of_segments(written: str, limit: int) -> None:
    form = threshold(written)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["limit"] == limit


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "required"),
        ("   ", "required"),
        ("-1", "negative"),
        ("−1", "negative"),
        ("1.5", "fraction"),
        ("1,5", "fraction"),
        ("50.000", "fraction"),
        ("1e9", "digits"),
        ("1E+9", "digits"),
        ("∞", "digits"),
        ("inf", "digits"),
        ("NaN", "digits"),
        ("ten thousand", "digits"),
        ("+5", "digits"),
        ("0x10", "digits"),
        ("５０", "digits"),
        ("٥", "digits"),
        ("1,00", "fraction"),
        ("1,0000", "fraction"),
        ("12 34", "digits"),
        ("2147483648", "large"),
        ("100000000000000000000", "large"),
        ("9" * 39, "large"),
        ("9" * 400, "max_length"),
        ("5\x00", "null_characters_not_allowed"),
    ],
)
def test_what_is_no_limit_is_refused_with_its_sentence(written: str, code: str) -> None:
    """Q3."""
    form = threshold(written)
    assert not form.is_valid()
    assert [error.code for error in form.errors.as_data()["limit"]] == [code]


@given(st.text(max_size=60))
def test_any_text_is_a_limit_in_range_or_refused(written: str) -> None:
    form = threshold(written)
    if form.is_valid():
        assert 0 <= form.cleaned_data["limit"] <= THRESHOLD_MAX


@pytest.mark.parametrize("warn", ["0", "101", "-1", "80.5", "many", ""])
def test_a_warning_is_a_percentage(warn: str) -> None:
    assert "warn_percent" in threshold("10", warn).errors


@pytest.mark.parametrize(
    ("limit", "used", "sure", "asks"),
    [
        ("11", 10, "", False),
        ("10", 10, "", True),
        ("5", 10, "", True),
        ("0", 0, "", True),
        ("5", 10, "5", False),
        ("5", 10, "6", True),
    ],
)
def test_a_limit_without_room_is_asked_about(limit: str, used: int, sure: str, asks: bool) -> None:
    form = threshold(limit, used=used, sure=sure)
    assert form.is_valid()
    assert form.needs_a_yes() is asks


def rate(**given: str) -> RateForm:
    data = {"country": "MY", "price": "0.031", "valid_from": "2026-11-22", **given}
    return RateForm(data, today=TODAY, counts_in="USD")


@pytest.mark.parametrize(
    ("price", "micros"),
    [
        ("0", 0),
        ("0.000001", 1),
        ("0.0345", 34_500),
        ("1", 1_000_000),
        ("999999.999999", 10**12 - 1),
    ],
)
def test_a_price_becomes_whole_micro_units(price: str, micros: int) -> None:
    form = rate(price=price)
    assert form.is_valid(), form.errors
    assert form.micros == micros


@pytest.mark.parametrize(
    "price",
    ["", "-0.01", "0.0000001", "1,5", "∞", "NaN", "1e400", "free", "10000000", "1.000", "0'034"],
)
def test_what_is_no_price_is_refused(price: str) -> None:
    assert "price" in rate(price=price).errors


@pytest.mark.parametrize("country", ["", "CN", "XX", "my", "001"])
def test_a_rate_is_for_a_country_that_is_served(country: str) -> None:
    assert "country" in rate(country=country).errors


def test_hong_kong_macao_and_taiwan_are_served() -> None:
    assert {"HK", "MO", "TW"} <= set(COUNTRIES)


@pytest.mark.parametrize("day", ["", "2026-02-30", "22.11.2026x", "9999-01-01", "1970-01-01"])
def test_a_rate_begins_on_a_plausible_day(day: str) -> None:
    assert "valid_from" in rate(valid_from=day).errors
