from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms.sender_id import MESSAGES, BadSenderID, check_sender_id, is_generic

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))["sender_id"]


@pytest.mark.parametrize("value", VECTORS["ok"])
def test_legal_sender_ids_are_accepted(value):
    assert check_sender_id(value) == ("numeric" if value.isdigit() else "alphanumeric")


@pytest.mark.parametrize("value", VECTORS["bad"])
def test_other_sender_ids_are_refused(value):
    with pytest.raises(BadSenderID):
        check_sender_id(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param("ABCDEFGHIJKL", "too_long_alphanumeric", id="SI1-12-letters"),
        pytest.param("1" * 16, "too_long_numeric", id="SI1-16-digits"),
        pytest.param("", "empty", id="SI1-empty"),
        pytest.param("ABC-123", "characters", id="SI2-hyphen"),
        pytest.param("Ac me", "characters", id="SI2-space"),
        pytest.param("Ac_me", "characters", id="SI2-underscore"),
        pytest.param("Acmé", "characters", id="SI2-accent"),
        pytest.param("Аcme", "characters", id="SI2-cyrillic-look-alike"),
        pytest.param("\uff11\uff12\uff13", "characters", id="SI2-full-width-digits"),
        pytest.param("Acme😀", "characters", id="SI2-emoji"),
        pytest.param("\u202eemcA", "characters", id="SI2-right-to-left"),
        pytest.param("ABC\n", "characters", id="SI3-trailing-line-break"),
        pytest.param("12345\n", "characters", id="SI3-digits-and-line-break"),
        pytest.param("12345678901A", "too_long_alphanumeric", id="SI4-digits-and-one-letter"),
        pytest.param("+12025550123", "plus", id="SI9-plus"),
        pytest.param("0012025550123", "leading_zeros", id="SI9-exit-code"),
    ],
)
def test_a_refusal_names_its_reason_and_what_to_do(value, reason):
    with pytest.raises(BadSenderID) as refusal:
        check_sender_id(value)
    assert refusal.value.reason == reason
    assert refusal.value.message == MESSAGES[reason]


@pytest.mark.parametrize("value", ["INFO", "sms", "Notice", "VERIFY", "test"])
def test_names_that_say_nothing_are_recognised(value):
    assert is_generic(value)


def test_a_name_of_a_company_is_not_generic():
    assert not is_generic("Acme")


@given(st.text(max_size=20))
def test_any_text_is_accepted_or_refused(value):
    try:
        kind = check_sender_id(value)
    except BadSenderID:
        return
    assert value.isascii()
    assert len(value) <= (15 if kind == "numeric" else 11)
