"""Message text: how many segments a carrier bills, what makes them many, what may not be sent.

Counting follows 3GPP TS 23.038 (alphabet) and TS 23.040 (concatenation with an 8-bit
reference). An escape pair and a surrogate pair never straddle two segments, so the count
is filled segment by segment, not divided.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Encoding = Literal["GSM-7", "UCS-2"]

MAX_SEGMENTS = 10
TEMPLATE_MAX = 2000
VALUE_MAX = 200

# The tables of TS 23.038 without the escape itself; an extension character costs two septets.
# Capital Ç is in the alphabet, small ç is not.
GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "\f^{}\\[~]|€"
SINGLE: dict[Encoding, int] = {"GSM-7": 160, "UCS-2": 70}
EACH: dict[Encoding, int] = {"GSM-7": 153, "UCS-2": 67}

_GSM = frozenset(GSM_BASIC + GSM_EXTENSION)
_only_basic = re.compile(f"[{re.escape(GSM_BASIC)}]*").fullmatch
_only_gsm = re.compile(f"[{re.escape(GSM_BASIC + GSM_EXTENSION)}]*").fullmatch
_WIDE: dict[Encoding, re.Pattern[str]] = {
    "GSM-7": re.compile(f"[{re.escape(GSM_EXTENSION)}]"),
    "UCS-2": re.compile("[\U00010000-\U0010ffff]"),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """What one finished text costs: *units* are septets or UTF-16 code units."""

    encoding: Encoding
    units: int
    segments: int
    room: int  # units left in the last segment


def normalise(text: str) -> str:
    """The text as it is counted and sent: NFC, and LF for every kind of line break."""
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")


def is_blank(text: str) -> bool:
    """Whether a phone would show nothing: no characters, or only spaces and invisible ones."""
    return not any(
        unicodedata.category(character) not in ("Cf", "Cc", "Zs", "Zl", "Zp") for character in text
    )


# --- counting ---------------------------------------------------------------------------


def measure(text: str) -> Measure:
    """Exact segments of *text* as it stands; normalise it first. Empty text has none."""
    if _only_basic(text) and len(text) <= SINGLE["GSM-7"]:
        return _SHORT[len(text)]
    encoding, units, even = _weigh(text)
    if even or units <= SINGLE[encoding]:
        return _even(encoding, units)
    parts = _fill(_widths(text, encoding), EACH[encoding])
    return Measure(encoding, units, len(parts), EACH[encoding] - parts[-1])


def split(text: str) -> list[int]:
    """Units in each segment, in the order they are sent."""
    encoding, units, _ = _weigh(text)
    if units <= SINGLE[encoding]:
        return [units] if units else []
    return _fill(_widths(text, encoding), EACH[encoding])


def encoding_of(text: str) -> Encoding:
    """One character outside the alphabet makes the whole message UCS-2."""
    return "GSM-7" if _only_gsm(text) else "UCS-2"


def _weigh(text: str) -> tuple[Encoding, int, bool]:
    """Encoding, units, and whether every character is one unit wide."""
    encoding = encoding_of(text)
    wide = len(_WIDE[encoding].findall(text))
    return encoding, len(text) + wide, not wide


def _widths(text: str, encoding: Encoding) -> Iterable[int]:
    if encoding == "GSM-7":
        return (2 if character in GSM_EXTENSION else 1 for character in text)
    return (2 if character > "\uffff" else 1 for character in text)


def _fill(widths: Iterable[int], capacity: int) -> list[int]:
    parts = [0]
    for width in widths:
        if parts[-1] + width > capacity:
            parts.append(0)
        parts[-1] += width
    return parts


def _even(encoding: Encoding, units: int) -> Measure:
    """The measure where no pair can be cut: here, and only here, division is right."""
    if units <= SINGLE[encoding]:
        return Measure(encoding, units, min(units, 1), SINGLE[encoding] - units)
    segments = -(-units // EACH[encoding])
    return Measure(encoding, units, segments, segments * EACH[encoding] - units)


_SHORT = tuple(_even("GSM-7", units) for units in range(SINGLE["GSM-7"] + 1))


# --- what forces Unicode, and what could stand for it -----------------------------------

_PLAIN_BY: dict[str, str] = {
    "'": "‘’‚‛′`´",
    '"': "“”„‟″«»",
    "-": "‐‑‒–—―−",
    "...": "…",
    " ": "\t\u00a0\u202f\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a",
    "": "\u200b\u2060\ufeff\u00ad",
    "\n": "\u2028\u2029",
}
PLAIN = {character: by for by, characters in _PLAIN_BY.items() for character in characters}
_JOINERS = "\u200c\u200d\u180e"
# Letters with no decomposition, and Greek capitals that share their shape with Latin ones.
_LETTERS = dict(zip("łŁđĐıħĦŧŦΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "lLdDihHtTABEZHIKMNOPTYX", strict=True))
# Emoji, and the scripts in which a joiner carries meaning: Arabic to Tibetan, Myanmar, Khmer,
# Mongolian, Arabic presentation forms.
_needs_joiners = re.compile(
    "[\u0600-\u0fff\u1000-\u109f\u1780-\u18af\u2190-\u21ff\u2300-\u27bf\u2900-\u2bff"
    "\ufb50-\ufdff\ufe0f\ufe70-\ufefc\U0001f000-\U0001faff\U000e0020-\U000e007f]"
).match


class Forcing(NamedTuple):
    """One character that makes the message UCS-2."""

    position: int
    character: str
    name: str
    plain: str | None  # what could stand for it; None: nothing can

    @property
    def spelling(self) -> bool:
        """Whether the replacement changes how a word is written."""
        return self.plain is not None and self.character.isalpha()


def forces_unicode(text: str) -> list[Forcing]:
    """Every character outside the GSM alphabet, in order, with what could replace it."""
    found = []
    for position, character in enumerate(text):
        if character in _GSM:
            continue
        by, _ = _replacement(text, position)
        found.append(Forcing(position, character, _name(character), by))
    return found


def plain(text: str, spelling: bool = False) -> str:
    """*text* with typographic characters replaced by plain ones of the same meaning.

    With *spelling* letters lose their accents too, which a reader notices. What has no
    plain form stays: nothing is ever replaced by a question mark.
    """
    if _only_gsm(text):
        return text
    result = []
    for position, character in enumerate(text):
        by, changes = (None, False) if character in _GSM else _replacement(text, position)
        result.append(character if by is None or (changes and not spelling) else by)
    return "".join(result)


_CONTROL_NAMES = {"\x00": "NUL", "\t": "Tab", "\r": "Carriage return", "\x1b": "Escape"}


def _name(character: str) -> str:
    code = f"U+{ord(character):04X}"
    return _CONTROL_NAMES.get(character) or unicodedata.name(character, code).capitalize()


def _replacement(text: str, position: int) -> tuple[str | None, bool]:
    character = text[position]
    if character in _JOINERS:
        around = text[max(0, position - 1) : position] + text[position + 1 : position + 2]
        return (None if any(map(_needs_joiners, around)) else ""), False
    if (by := PLAIN.get(character)) is not None:
        return by, False
    base = _LETTERS.get(character) or unicodedata.normalize("NFD", character)[0]
    if base != character and base.isalpha() and base in _GSM:
        return base, True
    return None, False


# --- what may not be sent ---------------------------------------------------------------


class Unwanted(NamedTuple):
    """A character that is refused, or that the author is warned of."""

    position: int
    character: str
    kind: Literal["refused", "warned"]

    @property
    def name(self) -> str:
        """What to call it on screen, where the character itself cannot be shown."""
        return _name(self.character)


# Controls but LF (the escape and NUL among them), lone surrogates, and noncharacters, which
# no carrier, database or spreadsheet export can hold.
_refused = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# Marks that turn the direction of what follows, and a byte order mark inside the text.
_WARNED = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_warned = re.compile(f"[{_WARNED}]")
_unwanted = re.compile(f"{_refused.pattern}|{_warned.pattern}")


def unwanted(text: str) -> list[Unwanted]:
    """The characters of a normalised text that are refused or warned of, in order."""
    found = []
    for match in _unwanted.finditer(text):
        character = match[0]
        kind: Literal["refused", "warned"] = "warned" if character in _WARNED else "refused"
        found.append(Unwanted(match.start(), character, kind))
    return found


# --- names and values -------------------------------------------------------------------


class BadText(ValueError):
    """A short text that was refused: *problem* is the code, *message* what to do."""

    def __init__(self, problem: str, message: str) -> None:
        self.problem = problem
        self.message = message
        super().__init__(message)


def clean_name(raw: str, longest: int = 30) -> str:
    """A name as it is stored: NFC, trimmed, one line; length in code points."""
    name = unicodedata.normalize("NFC", raw).strip()
    if is_blank(name):
        raise BadText("empty", "Enter a name.")
    if len(name) > longest:
        raise BadText("too_long", f"A name has at most {longest} characters.")
    if "\n" in name or _refused.search(name):
        raise BadText("control", "A name is one line without control characters.")
    if _warned.search(name):  # it would turn the words around it too
        raise BadText("direction", "A name holds no marks that turn the direction. Remove them.")
    return name


def clean_value(raw: str) -> str:
    """A placeholder's value as it is inserted: normalised and trimmed; may be empty."""
    value = normalise(raw).strip()
    if len(value) > VALUE_MAX:
        raise BadText("too_long", f"A value has at most {VALUE_MAX} characters.")
    if _refused.search(value):
        raise BadText("control", "A value holds no control characters. Remove them.")
    return value
