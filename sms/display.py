"""How a number is shown to people: in the groups of its country, or with its middle hidden."""

from __future__ import annotations

import re

import phonenumbers

from sms.folding import fold

_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
FEWEST = 6  # digits that may be a number somebody wrote
ENTRY_FEWEST = 7  # the same of an entry that should be one, its letters left out
_WRITTEN = re.compile(rf"[0-9](?:[\W_]{{0,3}}[0-9]){{{FEWEST - 1},}}")
_FROM_FIRST_TO_LAST = re.compile(r"[0-9](?:.*[0-9])?", re.DOTALL)


def mask(e164: str) -> str:
    """The number with its middle hidden, as shown to people who may not see it whole.

    At least three digits of the subscriber's number stay hidden, whatever its length.
    """
    digits = e164.removeprefix("+")
    code = next((digits[:n] for n in (1, 2, 3) if digits[:n] in _CODES), "")
    rest = digits[len(code) :]
    tail = max(0, min(4, len(rest) - 3))
    lead = max(0, min(2, len(rest) - tail - 3))
    return " ".join(filter(None, ("+" + code, rest[:lead], "•••", rest[len(rest) - tail :])))


def grouped(e164: str) -> str:
    """The number in the groups its country writes it in: +61 491 570 158."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def hide_numbers(text: str) -> str:
    """Any text with the middle of everything hidden that may be a phone number in it.

    At least three digits of each stay hidden; the rest of the text is kept as it is.
    """
    return fold(text).replaced(_WRITTEN, _hidden)


def hide_entry(text: str) -> str:
    """What was given as a number, right or wrong: its middle hidden, whatever breaks it up."""
    folded = fold(text)
    if sum(map(str.isdecimal, folded.text)) < ENTRY_FEWEST:
        return hide_numbers(text)
    return folded.replaced(_FROM_FIRST_TO_LAST, _hidden)


def _hidden(run: re.Match[str]) -> str:
    digits = "".join(filter(str.isdecimal, run[0]))
    tail = min(4, len(digits) - 5)
    # Spaces that do not break: a masked cell stays one line.
    return f"{digits[:2]}\u00a0•••\u00a0{digits[len(digits) - tail :]}"
