"""The compiled plans never answer otherwise than `phonenumbers` read in full.

Every comparison is of whole answers, refusals included: what `_plain` does not answer is read in
full, so it need not answer, but for ordinary mobile numbers it has to.
"""

from __future__ import annotations

import random
import subprocess
import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from sms import numbers, plans
from sms.numbers import KINDS, SENDABLE_KINDS, BadNumber, Number, parse_number

SEED = 20261123
WILD = 400  # random numbers of each calling code
CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
EVERY_KIND = frozenset(KINDS.values())
DESCRIBED = [
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
]


def refuted(raw: str | int, kinds: frozenset[str] = EVERY_KIND) -> str:
    """How the short way answers otherwise than the long one; empty if it does not."""
    for region in (None, "US"):
        short = numbers._plain(raw, region, kinds)
        if short is None:
            continue
        try:
            read: Number | str = numbers._parse(raw, region, kinds)
        except BadNumber as bad:
            read = bad.problem
        if short != read:
            return f"{short} is not {read}"
    return ""


def examples(code: int) -> set[str]:
    """National numbers that the metadata of *code* give as examples, of every type."""
    found = set()
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
        plan = (
            PhoneMetadata.metadata_for_nongeo_region(code)
            if region == "001"
            else PhoneMetadata.metadata_for_region(region)
        )
        for name in DESCRIBED:
            desc = getattr(plan, name)
            if desc is not None and desc.example_number:
                found.add(desc.example_number)
    return found


def lengths(code: int) -> list[int]:
    """Every length that a number of *code* has for some type, and one digit on either side."""
    region = phonenumbers.region_code_for_country_code(code)
    plan = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    possible = {length for length in plan.general_desc.possible_length if length > 0}
    return sorted({near for length in possible for near in (length - 1, length, length + 1)})


@pytest.mark.parametrize("code", CODES)
def test_numbers_of_a_code_are_read_as_in_full(code: int) -> None:
    chance = random.Random(SEED + code)
    known = sorted(examples(code))
    wild = list(known)
    for example in known:  # other lengths, and a trunk prefix or another digit before
        wild += [example[:-1], example + "0", *(f"{digit}{example}" for digit in range(10))]
    for _ in range(WILD):
        if known and chance.random() < 0.7:
            start = chance.choice(known)[: chance.randrange(1, 6)]
        else:
            start = ""
        rest = max(1, chance.choice(lengths(code)) - len(start))
        wild.append(start + "".join(chance.choices("0123456789", k=rest)))
    for national in wild:
        grouped = f"+{code} ({national[:2]}) {national[2:5]}-{national[5:]} "
        for raw in (f"+{code}{national}", f"{code}{national}", grouped):
            assert not refuted(raw), raw


@given(st.data())
def test_a_digit_off_is_read_as_in_full(data: st.DataObject) -> None:
    code = data.draw(st.sampled_from(CODES))
    digits = list(f"{code}{data.draw(st.sampled_from(sorted(examples(code)) or ['1']))}")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(digits) - 1))
        digits[at : at + data.draw(st.integers(0, 1))] = data.draw(
            st.lists(st.sampled_from("0123456789"), max_size=2)
        )
        digits = digits or ["1"]
    text = "".join(digits)
    assert not refuted(f"+{text}")
    assert not refuted(text)
    assert not refuted(int(text))
    assert not refuted(text, SENDABLE_KINDS)


@given(st.text(alphabet="+0123456789 ()-.\u0661", max_size=18))
def test_anything_written_is_read_as_in_full(text: str) -> None:
    assert not refuted(text)


def test_mobile_numbers_of_every_country_take_the_short_way() -> None:
    slow = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        if example is None or region == "CN":  # mainland China is refused
            continue
        text = phonenumbers.format_number(example, PhoneNumberFormat.E164)
        found = numbers._plain(text, None, SENDABLE_KINDS)
        if found is None or found != parse_number(text):
            slow.append(region)
    assert slow == []


def test_a_plan_that_is_not_understood_is_read_in_full() -> None:
    """A future pattern with groups of its own would shift the answers: it is left alone."""
    assert plans._Plan(1, 10).match("12025550123")
    desc = PhoneMetadata.metadata_for_region("US").general_desc
    pattern = desc.national_number_pattern
    try:
        object.__setattr__(desc, "national_number_pattern", f"({pattern})")
        assert plans._Plan(1, 10).match("12025550123") is None
    finally:
        object.__setattr__(desc, "national_number_pattern", pattern)


def test_a_first_number_is_soon_read() -> None:
    """Only the plan of a calling code that comes up is compiled."""
    code = (
        "import time, sms.numbers as n\n"
        "begun = time.process_time()\n"
        "n.parse_number('+12025550123')\n"
        "print(time.process_time() - begun)"
    )
    seconds = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert float(seconds) < 1
