"""The carrier's own count of billed segments, kept apart from the console's on purpose.

Source: 3GPP TS 23.038 (alphabets) and TS 23.040 (concatenation with an 8-bit reference:
153 septets or 67 UTF-16 code units a part).
"""

from __future__ import annotations

SEPTET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED = frozenset("\f^{}\\[~]|€")
SEPTET_OR_ESCAPED = SEPTET | ESCAPED


def count_segments(text: str) -> int:
    """How many segments *text* is billed as; 0 for an empty text."""
    alphabet = set(text)
    if alphabet <= SEPTET:
        return _even(len(text), 160, 153)
    if alphabet <= SEPTET_OR_ESCAPED:
        return _packed([2 if char in ESCAPED else 1 for char in text], 160, 153)
    if max(alphabet) <= "\uffff":
        return _even(len(text), 70, 67)
    return _packed([2 if char > "\uffff" else 1 for char in text], 70, 67)


def _even(units: int, alone: int, part: int) -> int:
    if units <= alone:
        return 1 if units else 0
    return -(-units // part)


def _packed(widths: list[int], alone: int, part: int) -> int:
    """An escape pair or a surrogate pair never straddles two parts."""
    if sum(widths) <= alone:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > part:
            parts, used = parts + 1, 0
        used += width
    return parts
