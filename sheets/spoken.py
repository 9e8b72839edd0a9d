"""Phone numbers in words that people write freely: found however they are written."""

from __future__ import annotations

import re

from sms.folding import fold

FEWEST = 7  # digits: shorter ones are orders and tickets
# In a name: shorter ones are invoices and cost centres, unless + or 00 leads.
LABEL_FEWEST = 9
MASK = "•••"
_DAY = (
    r"(?:(?:19|20)[0-9]{2}(?:-(?:0?[1-9]|1[0-2])-|/(?:0?[1-9]|1[0-2])/|\.(?:0?[1-9]|1[0-2])\.)"
    r"(?:0?[1-9]|[12][0-9]|3[01])"
    r"|(?:0?[1-9]|[12][0-9]|3[01])(?:-(?:0?[1-9]|1[0-2])-|/(?:0?[1-9]|1[0-2])/"
    r"|\.(?:0?[1-9]|1[0-2])\. ?)(?:19|20)[0-9]{2})"
)
_TIME = (
    r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?(?:[+-][0-9]{2}:[0-9]{2})?"
)
_SIGN = r"(?:[$€£]|(?<![A-Za-z])[A-Z]{3} )"
# What holds many digits and is no phone number: these stay, and no number runs across them.
_KEPT = (
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a UUID
    rf"|(?<![0-9+]){_DAY}(?:[ T,]{{1,2}}{_TIME})?(?![0-9])"
    rf"|(?<![0-9+:]){_TIME}(?![0-9:])"
    r"|(?<![0-9+])(?<![0-9][\W_])(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:[ _T-]?(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9])?"
    r"(?![\W_]?[0-9])"  # a day without separators, and its time to the second
    rf"|{_SIGN}[0-9]{{1,3}}(?:,[0-9]{{3}})+(?:\.[0-9]{{1,6}})?(?![0-9])"
    rf"|{_SIGN}[0-9]{{1,9}}\.[0-9]{{1,6}}(?![0-9])"  # money
    r"|(?<![0-9+])(?<![0-9][\W_])[0-9],[0-9]{3},[0-9]{3}(?![\W_]?[0-9])"  # a count
)
_BETWEEN = r"(?:[\W_]{0,3}|[\W_]?[xXoO][\W_]?)"
_PARTS = re.compile(rf"(?P<kept>{_KEPT})|(?P<run>\+?[0-9](?:{_BETWEEN}(?!{_KEPT})[0-9])*)")


def holds_number(text: str, fewest: int = FEWEST) -> bool:
    """Is there what may be a phone number of at least *fewest* digits in *text*?"""
    return any(_is_number(found, fewest) for found in _PARTS.finditer(fold(text).text))


def without_numbers(text: str, fewest: int = FEWEST) -> str:
    """*text* with all that may be a phone number taken out; days, times and money stay."""
    return fold(text).replaced(_PARTS, lambda part: MASK if _is_number(part, fewest) else None)


def _is_number(found: re.Match[str], fewest: int) -> bool:
    run = found["run"] or ""
    least = min(fewest, FEWEST) if run.startswith(("+", "00")) else fewest
    return sum(map(str.isdecimal, run)) >= least
