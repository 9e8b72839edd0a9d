"""The numbering plans of `phonenumbers`, compiled so that one match answers for a whole number.

For digits that begin with a country calling code, `sent_to` gives the country and the type that
`region_code_for_number` and `number_type` would give, or nothing when reading them takes more
than that: a prefix to strip, no such number, no country. It may never answer anything else than
they do; tests/sms/test_plans.py compares them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc

MAX_DIGITS = 15  # E.164
MIN_DIGITS = 7
PLAIN = re.compile(rf"\+?[1-9][0-9]{{{MIN_DIGITS - 1},{MAX_DIGITS - 1}}}")
GROUPED = re.compile(r"\+[1-9][0-9 ()-]{6,30}")  # no point: it could be a fraction
BETWEEN = str.maketrans("", "", " ()-")
NEVER = "(?!)"
NO_COUNTRY = "001"  # what the metadata calls a code that no country has

# In this order: the first that fits is the type, a landline and a mobile at once aside.
BEFORE_FIXED = (
    ("premium_rate", PhoneNumberType.PREMIUM_RATE),
    ("toll_free", PhoneNumberType.TOLL_FREE),
    ("shared_cost", PhoneNumberType.SHARED_COST),
    ("voip", PhoneNumberType.VOIP),
    ("personal_number", PhoneNumberType.PERSONAL_NUMBER),
    ("pager", PhoneNumberType.PAGER),
    ("uan", PhoneNumberType.UAN),
    ("voicemail", PhoneNumberType.VOICEMAIL),
)

Found = tuple[str, int]  # country and PhoneNumberType
Choice = tuple[str, int]  # what the number must match, and the type if it does


class _Plan:
    """One calling code and one length: the number as far as it decides, and what it means."""

    __slots__ = ("answers", "match")

    def __init__(self, code: int, length: int) -> None:
        main = _metadata(phonenumbers.region_code_for_country_code(code))
        stripped = main.national_prefix_for_parsing
        self.answers: dict[int | None, Found] = {}
        # digits that would be taken for a national prefix are read by `phonenumbers` itself
        before = rf"(?!(?:{stripped})(?![0-9]{{{length}}}\Z))" if stripped else ""
        groups = re.compile(before).groups
        ways: list[str] = []
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]:
            for condition, answer in _ways(region, length):
                groups += 1
                self.answers[groups] = (region, answer)
                ways.append(f"{condition}()")
        # the first way that fits ends the match: nothing follows that could take it back
        compiled = re.compile(f"{code}{before}(?:{'|'.join(ways) or NEVER})")
        if compiled.groups != groups:  # a plan that counts groups itself is not read here
            compiled = re.compile(NEVER)
        self.match = compiled.match


@cache
def _metadata(region: str) -> PhoneMetadata:
    found = PhoneMetadata.metadata_for_region(region)
    if found is None:
        raise ValueError(region)
    return found


def _ways(region: str, length: int) -> Iterator[Choice]:
    """Each type a number of *region* can have, in order, and last that it has none."""
    plan = _metadata(region)
    general = _fits(plan.general_desc, length)
    types = [*_types(plan, length)] if general else []
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[plan.country_code or 0]
    if len(regions) == 1:
        yield from ((general + condition, answer) for condition, answer in types)
    elif plan.leading_digits is not None:
        chosen = f"(?={plan.leading_digits})"
        yield from ((chosen + general + condition, answer) for condition, answer in types)
        yield chosen, PhoneNumberType.UNKNOWN
    else:
        yield from ((general + condition, answer) for condition, answer in types)


def _types(plan: PhoneMetadata, length: int) -> Iterator[Choice]:
    for name, answer in BEFORE_FIXED:
        if fits := _fits(getattr(plan, name), length):
            yield fits, answer
    fixed, mobile = _fits(plan.fixed_line, length), _fits(plan.mobile, length)
    if plan.same_mobile_and_fixed_line_pattern:
        if fixed:
            yield fixed, PhoneNumberType.FIXED_LINE_OR_MOBILE
        return
    if fixed and mobile:
        yield fixed + mobile, PhoneNumberType.FIXED_LINE_OR_MOBILE
    if fixed:
        yield fixed, PhoneNumberType.FIXED_LINE
    if mobile:
        yield mobile, PhoneNumberType.MOBILE


def _fits(desc: PhoneNumberDesc | None, length: int) -> str:
    """A look ahead that the rest is a number of this description; empty if it cannot be."""
    if desc is None or not desc.national_number_pattern:
        return ""
    if desc.possible_length and length not in desc.possible_length:
        return ""
    return rf"(?=(?:{desc.national_number_pattern})\Z)"


_PLANS: dict[tuple[str, int], _Plan] = {}
_CODES = {
    str(code): code
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    if NO_COUNTRY not in regions
}


def plain(raw: str | int | float) -> str | None:
    """*raw* as digits with or without a leading +, if nothing but groups is to be undone."""
    text = str(raw) if type(raw) is int and 0 < raw < 10**MAX_DIGITS else raw
    if not isinstance(text, str):
        return None
    if PLAIN.fullmatch(text):
        return text
    if GROUPED.fullmatch(text) and PLAIN.fullmatch(text := text.translate(BETWEEN)):
        return text
    return None


def sent_to(digits: str) -> Found | None:
    """Country and `PhoneNumberType` of *digits* (ASCII, calling code first), if they are plain."""
    plan = _PLANS.get((digits[:3], len(digits))) or _plan(digits)
    if plan is None:
        return None
    match = plan.match(digits)
    return plan.answers[match.lastindex] if match else None


def _plan(digits: str) -> _Plan | None:
    for end in (1, 2, 3):
        if code := _CODES.get(digits[:end]):
            shared = _compiled(code, len(digits) - end)
            _PLANS[digits[:3], len(digits)] = shared
            return shared
    return None


_compiled = cache(_Plan)
