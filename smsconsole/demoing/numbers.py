"""Phone numbers that belong to nobody: +1 NXX 555 0100-0199 and Australia's 0491 570 list.

Kept for fiction by the North American Numbering Plan Administrator and by the ACMA.
"""

from __future__ import annotations

import random

from sms.numbers import BadNumber, parse_number

AUSTRALIAN = [
    f"+61491570{last}" for last in ("006", "156", "157", "158", "159", "313", "737", "110")
]
COUNTRIES = {"US", "CA"}
MIXED_FATES = 80  # above it the practice carrier gives a number a fate of its own


def area_codes() -> list[int]:
    """The area codes of the United States and Canada in which 555 01xx is a valid number."""
    return [code for code in range(201, 1000) if _country(f"+1{code}5550100") in COUNTRIES]


def numbers(count: int, seed: int) -> list[str]:
    """*count* different numbers in a shuffled order; the same seed gives the same ones."""
    pool = [f"+1{code}55501{last:02}" for code in area_codes() for last in range(MIXED_FATES)]
    chosen = random.Random(seed).sample(pool, count - min(count // 20, len(AUSTRALIAN)))  # noqa: S311
    chosen += AUSTRALIAN[: count - len(chosen)]
    random.Random(seed).shuffle(chosen)  # noqa: S311
    return chosen


def of_every_fate(area: int = 202) -> list[str]:
    """Numbers that meet, one after another, everything the practice carrier can do."""
    return [f"+1{area}55501{last:02}" for last in range(MIXED_FATES, 100)]


def _country(number: str) -> str:
    try:
        return parse_number(number).country
    except BadNumber:
        return ""
