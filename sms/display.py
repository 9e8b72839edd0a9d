"""How a number is shown to people: in the groups of its country, or with its middle hidden."""

from __future__ import annotations

import re

import phonenumbers

_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
FEWEST = 6  # digits that may be a number somebody wrote
_WRITTEN = re.compile(rf"\d(?:[\W_]{{0,3}}\d){{{FEWEST - 1},}}")


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
    return _WRITTEN.sub(_hidden, text)


def _hidden(run: re.Match[str]) -> str:
    digits = _digits(run[0])
    tail = min(4, len(digits) - 5)
    # Spaces that do not break: a masked cell stays one line.
    return f"{digits[:2]}\u00a0•••\u00a0{digits[len(digits) - tail :]}"


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))
