"""Faults of the wire, drawn by a seeded dice for every request that submits a message.

``BEFORE`` happen instead of accepting; ``AFTER`` happen to a message that was accepted and
written to the ledger. ``refused`` is a documented reject; it is never given to a reference
that was accepted before, because that would be a lie no real carrier tells.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

BEFORE = ("error_before", "silence_before", "reset_before", "throttled", "no_balance")
AFTER = (
    "error_after",
    "silence_after",
    "reset_after",
    "garbage",
    "idless",
    "oversized",
    "redirect",
)
NAMES = frozenset((*BEFORE, *AFTER, "refused"))


@dataclass(frozen=True, slots=True)
class Canned:
    """An answer that is the same every time."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


CANNED = {
    "error_before": Canned(503, b"upstream is not there", "text/plain"),
    "error_after": Canned(500, b"something broke", "text/plain"),
    "throttled": Canned(429, b'{"error":"throttled"}', headers=(("Retry-After", "1"),)),
    "no_balance": Canned(402, b'{"error":"no_balance"}'),
    "garbage": Canned(200, b"<html><body>It works!</body></html>", "text/html"),
    "idless": Canned(202, b'{"segments":1}'),
    "oversized": Canned(202, b'{"id":"P1","segments":1,"pad":"' + b"x" * 70_000 + b'"}'),
    "redirect": Canned(307, b"", headers=(("Location", "/messages"),)),
}


def check_chances(chances: object) -> dict[str, float]:
    """Chances by fault name; ValueError when a name is unknown or they pass 1 together."""
    if not isinstance(chances, Mapping):
        raise ValueError("faults must be an object of name and chance")
    checked: dict[str, float] = {}
    for name, chance in chances.items():
        if name not in NAMES:
            raise ValueError(f"there is no fault {name!r}; there are {', '.join(sorted(NAMES))}")
        if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 <= chance <= 1:
            raise ValueError(f"the chance of {name} must be between 0 and 1")
        checked[name] = float(chance)
    if sum(checked.values()) > 1.000001:
        raise ValueError("the chances of all faults together must not pass 1")
    return checked


class Dice:
    """One roll a request; the same seed and chances give the same row of faults."""

    def __init__(self, seed: int, chances: Mapping[str, float]) -> None:
        self._random = random.Random(seed)  # noqa: S311 - reproducible faults, no secret
        self._names = tuple(chances)
        self._steps = tuple(accumulate(chances.values()))

    def roll(self) -> str:
        """The fault that strikes this request, or an empty string."""
        if not self._steps:
            return ""
        at = bisect_right(self._steps, self._random.random())
        return self._names[at] if at < len(self._names) else ""
