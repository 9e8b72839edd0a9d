"""How a sender ID stands in a country, from the rules and its registration."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Any

import phonenumbers
import pytest

from senders.models import ENDED, Registration, RegistrationState
from senders.rules import RULES, Confidence
from senders.validity import ORDER, Level, validities, validity
from sms.countries import COUNTRIES

DAY = date(2026, 11, 25)


def registered(state: str = "approved", **more: Any) -> Registration:
    return Registration(country="AE", state=state, **more)


def level(country: str, value: str = "PARCELWAY", scenario: str = "notification", **more: Any):
    return validity(value, scenario, country, more.get("registration"), DAY, DAY).level


@pytest.mark.parametrize("state", sorted(ENDED))
@pytest.mark.parametrize("country", ["AE", "DE", "ZW", "US"])
def test_what_a_registry_said_no_to_is_blocked_everywhere(state: str, country: str) -> None:
    found = validity("PARCELWAY", "otp", country, registered(state), DAY, DAY)
    assert found.is_blocked
    assert "PARCELWAY" in found.sentence
    assert found.todo


VALUES = ["PARCELWAY", "INFO", "12025550100", "ABCDEFGHIJK"]
SCENARIOS = ["otp", "notification", "marketing"]
STATES = ["", "draft", "submitted", "in_review", "approved"]


@pytest.mark.parametrize("country", [*RULES, "ZW"])
def test_no_rule_of_any_confidence_blocks_by_itself(country: str) -> None:
    for value, scenario, state in product(VALUES, SCENARIOS, STATES):
        given = registered(state) if state else None
        found = validity(value, scenario, country, given, DAY, DAY)
        assert found.level != Level.BLOCKED
        assert found.word
        assert found.todo or found.level == Level.OK
        assert found.sentence
        assert not set("%{") & set(found.sentence)


@pytest.mark.parametrize(
    ("country", "value", "scenario", "expected", "said"),
    [
        ("US", "PARCELWAY", "otp", Level.WARNING, "not shown"),
        ("US", "12025550100", "otp", Level.WARNING, "registered"),
        ("TW", "PARCELWAY", "otp", Level.WARNING, "not sure"),
        ("AE", "PARCELWAY", "marketing", Level.WARNING, "AD-PARCELWAY there: 12 characters"),
        ("SA", "PARCELWAY", "marketing", Level.WARNING, "PARCELWAY-AD there: 12 characters"),
        ("AE", "PARCEL", "marketing", Level.WARNING, "must be registered"),
        ("AE", "PARCELWAY", "notification", Level.WARNING, "must be registered"),
        ("TR", "INFO", "notification", Level.WARNING, "General words"),
        ("DE", "INFO", "notification", Level.OK, "No objection"),
        ("SG", "PARCELWAY", "otp", Level.WARNING, "must be registered"),
        ("GB", "PARCELWAY", "otp", Level.OK, "recommended"),
        ("DE", "PARCELWAY", "marketing", Level.OK, "No objection"),
        ("ZW", "PARCELWAY", "otp", Level.UNKNOWN, "not checked"),
        ("", "PARCELWAY", "otp", Level.UNKNOWN, "not checked"),
    ],
)
def test_without_a_registration_the_rule_speaks(
    country: str, value: str, scenario: str, expected: Level, said: str
) -> None:
    found = validity(value, scenario, country, None, DAY, DAY)
    assert (found.level, said in found.sentence) == (expected, True), found


def test_eleven_characters_with_the_affix_fit() -> None:
    given = registered()
    assert level("AE", "ABCDEFGH", "marketing", registration=given) == Level.OK
    assert level("AE", "ABCDEFGHI", "marketing", registration=given) == Level.WARNING
    assert level("AE", "ABCDEFGHI", "notification", registration=given) == Level.OK


@pytest.mark.parametrize(
    ("days", "expected"),
    [(-1, Level.BLOCKED), (0, Level.WARNING), (30, Level.WARNING), (31, Level.OK)],
)
def test_an_approved_one_is_fine_until_it_nears_its_end(days: int, expected: Level) -> None:
    given = registered(expires_on=DAY + timedelta(days=days))
    assert level("AE", registration=given) == expected


def test_one_that_ends_before_the_start_may_be_renewed_until_then() -> None:
    given, start = registered(expires_on=DAY + timedelta(days=40)), DAY + timedelta(days=50)
    found = validity("PARCELWAY", "otp", "DE", given, DAY, start)
    assert found.level == Level.WARNING
    assert "before this campaign starts" in found.sentence


@pytest.mark.parametrize("state", ["submitted", "in_review"])
def test_one_that_is_not_decided_is_a_warning(state: str) -> None:
    found = validity("PARCELWAY", "otp", "SG", registered(state), DAY, DAY)
    assert (found.level, found.word) == (Level.WARNING, "under review")


def test_the_worst_comes_first_and_then_the_most_numbers() -> None:
    known = {"VN": registered(RegistrationState.REVOKED), "AU": registered()}
    counts = {"DE": 900, "AU": 5, "VN": 1, "SG": 7, "ZW": 3, "PH": 8}
    found = validities("PARCELWAY", "otp", counts, known, DAY, DAY)
    assert [one.country for one, _n in found] == ["VN", "PH", "SG", "ZW", "DE", "AU"]
    assert [one.level for one, _n in found] == sorted(
        (one.level for one, _n in found), key=ORDER.index
    )
    assert sum(n for _one, n in found) == sum(counts.values())


def test_every_rule_names_a_country_its_source_and_how_sure_it_is() -> None:
    assert len(RULES) > 30
    for code, rule in RULES.items():
        assert code in COUNTRIES
        assert code in phonenumbers.SUPPORTED_REGIONS
        assert rule.source
        assert rule.confidence in Confidence
        assert rule.checked_on.year >= 2026
        assert not (rule.prefix and rule.suffix)
