"""What becomes of a message: a realistic mix, or the fate its number's last digits ask for.

The mix is drawn from a seeded hash of the reference, so the same message has the same fate
in every run with the same seed. A number whose last four digits are in ``ENDINGS`` always
meets that fate; 0180-0199 lie in the range kept for fiction (+1 NXX 555 0100-0199).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Fate:
    """``reports`` are (status, code) pairs, posted ``spacing`` seconds apart.

    ``refusal`` is a documented no at submit. ``first_answer`` is a fault met by the first
    accepted submit of the reference. ``early`` posts the receipt before the submit is answered.
    """

    reports: tuple[tuple[str, str], ...] = ()
    refusal: str = ""
    first_answer: str = ""
    early: bool = False
    spacing: float = 1.0


DELIVERED = ("delivered", "")

FATES = {
    "delivered": Fate((DELIVERED,)),
    "unreachable": Fate((("undelivered", "unreachable"),)),
    "unknown_subscriber": Fate((("undelivered", "unknown_subscriber"),)),
    "blocked_by_carrier": Fate((("undelivered", "blocked_by_carrier"),)),
    "deleted": Fate((("undelivered", "deleted"),)),
    "expired": Fate((("expired", "expired"),)),
    "silent": Fate(),
    "content": Fate(refusal="content"),
    "not_supported_country": Fate(refusal="not_supported_country"),
    "bad_number": Fate(refusal="bad_number"),
    "sender": Fate(refusal="sender"),
    "buffered": Fate((("buffered", ""), DELIVERED)),
    "contradiction": Fate((("undelivered", "unreachable"), DELIVERED)),
    "twice": Fate((DELIVERED, DELIVERED), spacing=0.0),
    "odd_word": Fate((("mislaid", "odd_word"),)),
    "early": Fate((DELIVERED,), early=True),
    "error_after": Fate((DELIVERED,), first_answer="error_after"),
    "silence_after": Fate((DELIVERED,), first_answer="silence_after"),
    "reset_after": Fate((DELIVERED,), first_answer="reset_after"),
    "garbage": Fate((DELIVERED,), first_answer="garbage"),
}

ENDINGS = {
    "0180": "delivered",
    "0181": "unreachable",
    "0182": "unknown_subscriber",
    "0183": "blocked_by_carrier",
    "0184": "expired",
    "0185": "content",
    "0186": "not_supported_country",
    "0187": "bad_number",
    "0188": "silent",
    "0189": "buffered",
    "0190": "contradiction",
    "0191": "twice",
    "0192": "odd_word",
    "0193": "deleted",
    "0194": "sender",
    "0195": "early",
    "0196": "error_after",
    "0197": "silence_after",
    "0198": "reset_after",
    "0199": "garbage",
}

MIX = {
    "delivered": 0.940,
    "unreachable": 0.015,
    "unknown_subscriber": 0.010,
    "blocked_by_carrier": 0.008,
    "expired": 0.007,
    "content": 0.006,
    "not_supported_country": 0.004,
    "silent": 0.010,
}
_NAMES = tuple(MIX)
_STEPS = tuple(accumulate(MIX.values()))


def fate_of(seed: int, reference: str, number: str) -> tuple[str, float]:
    """The name of the fate, and a fraction in [0, 1) that places its receipt in time."""
    digest = blake2b(reference.encode(), digest_size=8, key=str(seed).encode()).digest()
    drawn = int.from_bytes(digest[:4], "big") / 2**32
    moment = int.from_bytes(digest[4:], "big") / 2**32
    forced = ENDINGS.get(number[-4:])
    if forced:
        return forced, moment
    return _NAMES[min(bisect_right(_STEPS, drawn), len(_NAMES) - 1)], moment
