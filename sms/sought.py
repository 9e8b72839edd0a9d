"""What a person types to find a number: exactly its last four digits, or all of it.

More than four and less than all of them would confirm hidden digits one after another.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from sms.numbers import KINDS, BadNumber, parse_number
from sms.plans import MAX_DIGITS, MIN_DIGITS

LAST = 4
LONGEST = 60
_WRITING = re.compile(r"[\s().\-/\u2010-\u2015]")
_EVERY_KIND = frozenset(KINDS.values())


class PartOfNumber(ValueError):
    """Digits that are neither the last four of a number nor a whole one."""


@dataclass(frozen=True, slots=True)
class Sought:
    """The last digits of a number, or with *whole* those of its E.164 form."""

    digits: str
    whole: bool

    @property
    def text(self) -> str:
        """As it is compared: in E.164 where it is whole."""
        return f"+{self.digits}" if self.whole else self.digits


def read_sought(words: str) -> Sought | None:
    """The digits in *words*, None if these are no digits at all. Raises PartOfNumber."""
    text = _WRITING.sub("", unicodedata.normalize("NFKC", words[:LONGEST]))
    digits = text.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        return None
    if digits == text and len(digits) == LAST:
        return Sought(digits, whole=False)
    return Sought(_whole(text), whole=True)


def _whole(text: str) -> str:
    """Its digits, if a numbering plan knows it or it is written as a whole one."""
    try:
        return parse_number(text, kinds=_EVERY_KIND).e164.removeprefix("+")
    except BadNumber:
        digits = text.lstrip("+0")
        if text.startswith(("+", "00")) and MIN_DIGITS <= len(digits) <= MAX_DIGITS:
            return digits
        raise PartOfNumber from None
