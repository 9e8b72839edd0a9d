"""Phone numbers: whatever a person or a spreadsheet wrote becomes E.164, or a named problem.

Nothing is guessed: a number is either read in the only way it can be read, or refused with
a sentence saying what to do. Validity is that of the numbering plans in `phonenumbers`; it
does not mean that the number is in use.
"""

from __future__ import annotations

import enum
import math
import re
import unicodedata
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, ValidationResult

from sms import plans
from sms.plans import MAX_DIGITS, MIN_DIGITS

MAX_CELL = 250  # longer than any way of writing a number

KINDS = {  # mobile, fixed_line_or_mobile, fixed_line, toll_free ...
    value: name.lower()
    for name, value in vars(PhoneNumberType).items()
    if isinstance(value, int) and value != PhoneNumberType.UNKNOWN
}
SENDABLE_KINDS = frozenset({"mobile", "fixed_line_or_mobile"})
SATELLITE = "satellite"
PREMIUM = "premium_rate"
WORLD = "001"  # the region of satellite and global service codes
MAINLAND_CHINA = 86
MEXICO = 52
CHINA = "CN"


class NumberProblem(enum.StrEnum):
    """Why a number was refused; the values are stored and must not change."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    LETTERS = "letters"
    EXTENSION = "extension"
    SCHEME = "scheme"
    SPREADSHEET_DAMAGE = "spreadsheet_damage"
    PRECISION_LOST = "precision_lost"
    NO_COUNTRY_CODE = "no_country_code"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NOT_VALID = "not_valid"
    AMBIGUOUS = "ambiguous"
    NOT_MOBILE = "not_mobile"
    PREMIUM = "premium"
    SATELLITE = "satellite"
    MAINLAND_CHINA = "mainland_china"


HINTS = {
    NumberProblem.EMPTY: "There is no number here. Write one, or remove the row.",
    NumberProblem.NOT_A_NUMBER: (
        "This is not one phone number. Write one number alone: + and digits."
    ),
    NumberProblem.LETTERS: "A number holds no letters. Write it in digits.",
    NumberProblem.EXTENSION: "An SMS cannot reach an extension. Remove it, or the row.",
    NumberProblem.SCHEME: "Write the number alone, without a word before it.",
    NumberProblem.SPREADSHEET_DAMAGE: (
        "The spreadsheet destroyed this number. Format the column as text and enter it again."
    ),
    NumberProblem.PRECISION_LOST: (
        "The number has more digits than a spreadsheet cell keeps, so its end is lost. "
        "Format the column as text and enter it again."
    ),
    NumberProblem.NO_COUNTRY_CODE: (
        "The country code is missing. Write + and the country code, "
        "or choose the country these numbers belong to."
    ),
    NumberProblem.TOO_SHORT: "The number is too short for its country. Check that it is whole.",
    NumberProblem.TOO_LONG: "The number is too long for its country. Check its digits.",
    NumberProblem.NOT_VALID: (
        "The numbering plan of this country has no such number. Check its digits."
    ),
    NumberProblem.AMBIGUOUS: (
        "This can be read as two different numbers. Write it with + and the country code."
    ),
    NumberProblem.NOT_MOBILE: "This is no mobile number. Use a mobile number.",
    NumberProblem.PREMIUM: "Premium-rate numbers are never sent to. Remove the row.",
    NumberProblem.SATELLITE: (
        "Satellite and global service numbers are not served: they are costly. Remove the row."
    ),
    NumberProblem.MAINLAND_CHINA: (
        "It looks like +86, mainland China, which the international service does not cover. "
        "Remove the row."
    ),
}
KIND_HINTS = {
    "fixed_line": "This is a landline, which cannot receive SMS. Use a mobile number.",
    "toll_free": "This is a toll-free number, which cannot receive SMS. Use a mobile number.",
    "voip": "This is an internet telephone number, which is not served. Use a mobile number.",
}
UNKNOWN_CODE = "No country has the code after the +. Check it."


class BadNumber(ValueError):
    """A refused number: *problem* is the code, *hint* a sentence saying what to do."""

    def __init__(self, problem: NumberProblem, hint: str = "") -> None:
        self.problem = problem
        self.hint = hint or HINTS[problem]
        super().__init__(self.hint)


@dataclass(frozen=True, slots=True)
class Number:
    """A number that can be sent to. Number and country always travel together."""

    e164: str
    country: str  # ISO 3166 alpha-2, or WORLD
    kind: str
    assumed: bool  # written without + and read as international
    note: str  # what was changed while reading it, in sentences; usually empty


@dataclass(frozen=True, slots=True)
class _Reading:
    number: PhoneNumber
    country: str | None
    kind: str | None  # None: not in the numbering plan
    assumed: bool


def parse_number(
    raw: str | int | float,
    default_country: str | None = None,
    *,
    kinds: frozenset[str] = SENDABLE_KINDS,
) -> Number:
    """Read *raw* as one number of a kind in *kinds*, or raise BadNumber.

    Without *default_country* bare digits are country code + number, as carriers' own files
    hold them. With it they are national first, international only where that fails.
    Premium-rate numbers and mainland China are refused whatever *kinds* says.
    """
    region = default_country.upper() if default_country else None
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("unknown country")
    return _plain(raw, region, kinds) or _parse(raw, region, kinds)


def _plain(raw: str | int | float, region: str | None, kinds: frozenset[str]) -> Number | None:
    """What `_parse` gives for a number that can be sent to and needs no reading: most of them."""
    written = plans.plain(raw)
    if written is None or ((is_bare := written[0] != "+") and region is not None):
        return None
    digits = written.removeprefix("+")
    country, type_ = plans.sent_to(digits) or ("", None)
    kind = KINDS.get(type_) if type_ is not None else None
    if kind not in kinds or kind == PREMIUM or country == CHINA:
        return None
    return Number(f"+{digits}", country, kind, is_bare, "")


def _parse(raw: str | int | float, region: str | None, kinds: frozenset[str]) -> Number:
    """Read *raw* in every way it can be written."""
    token, notes = _clean(raw if isinstance(raw, str) else _cell_text(raw))
    dialled, more = _dialled(token)
    notes += more
    reading = _read(dialled, region)
    country, kind = _judge(reading, kinds)
    e164 = phonenumbers.format_number(reading.number, phonenumbers.PhoneNumberFormat.E164)
    notes += _dropped(dialled, e164, reading.number.country_code)
    return Number(e164, country, kind, reading.assumed, " ".join(notes))


# --- what was written -------------------------------------------------------------------


def _cell_text(raw: int | float) -> str:
    """The digits of a number cell, if the spreadsheet still has all of them."""
    if isinstance(raw, bool) or (isinstance(raw, float) and not math.isfinite(raw)):
        raise BadNumber(NumberProblem.NOT_A_NUMBER)
    if abs(raw) >= 10**MAX_DIGITS:
        raise BadNumber(NumberProblem.PRECISION_LOST)
    if raw != int(raw):
        raise BadNumber(NumberProblem.SPREADSHEET_DAMAGE)
    return str(int(raw))


_WRITTEN = str.maketrans(
    {"\uff0b": "+", "\uff08": "(", "\uff09": ")", "\uff0e": ".", "\uff0f": "/", "\u2212": "-"}
)
_APOSTROPHES = "'\u2018\u2019\uff07"


def _fold(character: str) -> str:
    """One character in plain form: any script's digit, any space, any dash; invisibles go."""
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    return {"Cf": "", "Zs": " ", "Pd": "-"}.get(category, character)


def _clean(text: str) -> tuple[str, list[str]]:
    if len(text) > MAX_CELL and len(text.strip()) > MAX_CELL:
        raise BadNumber(NumberProblem.TOO_LONG)
    notes = []
    token = text.strip()
    if not token.isascii():
        folded = "".join(map(_fold, token.translate(_WRITTEN)))
        if invisible := len(token) - len(folded):
            notes.append(f"Invisible characters removed: {invisible}.")
        token = folded.strip()
    token = token.lstrip(_APOSTROPHES).strip()
    if not token:
        raise BadNumber(NumberProblem.EMPTY)
    return token, notes


_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]*)?[eE][+-]?[0-9]+")
_FRACTION = re.compile(r"(\+?[0-9]{7,})[.,]([0-9]{1,2})")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*) *:")
_EXTENSION = re.compile(
    r";(?:ext|isub)=|#[0-9]|[0-9) .,-](?:e?xt(?:n|ension)?|x|доб|anexo|int|poste)[ .:]*[0-9]+$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[ (]*\+?[ (]*[0-9][0-9 ()./-]*")
_NOT_DIALLED = str.maketrans("", "", " ()./-")


def _dialled(token: str) -> tuple[str, list[str]]:
    """The token as digits with or without a leading +, or why it is not one number."""
    notes = []
    if _SCIENTIFIC.fullmatch(token.replace(" ", "")):
        raise BadNumber(NumberProblem.SPREADSHEET_DAMAGE)
    if scheme := _SCHEME.match(token):
        if scheme[1].lower() != "tel":
            raise BadNumber(NumberProblem.SCHEME)
        token = token[scheme.end() :].strip()
    if _EXTENSION.search(token):
        raise BadNumber(NumberProblem.EXTENSION)
    if fraction := _FRACTION.fullmatch(token):
        if fraction[2].strip("0"):
            raise BadNumber(NumberProblem.SPREADSHEET_DAMAGE)
        token = fraction[1]
        notes.append("The decimal zero that a spreadsheet added was removed.")
    if not _NUMBER.fullmatch(token):
        letters = any(character.isalpha() for character in token)
        raise BadNumber(NumberProblem.LETTERS if letters else NumberProblem.NOT_A_NUMBER)
    return token.translate(_NOT_DIALLED), notes


# --- what it can mean -------------------------------------------------------------------


def _read(dialled: str, region: str | None) -> _Reading:
    digits = dialled.lstrip("+")
    significant = digits[2:] if digits.startswith("00") else digits
    if len(significant) < MIN_DIGITS and region is None:
        raise BadNumber(NumberProblem.TOO_SHORT)
    if len(significant) > MAX_DIGITS + 5:  # an exit code and a trunk prefix may come before
        raise BadNumber(NumberProblem.TOO_LONG)
    if dialled.startswith("+"):
        return _known(_international(dialled, assumed=False), UNKNOWN_CODE)
    national = _parsed(dialled, region, assumed=False) if region else None
    if digits.startswith("0"):
        world = _international("+" + significant, assumed=False) if significant != digits else None
    else:
        world = _international("+" + digits, assumed=True)
    return _choose(national, world)


def _parsed(text: str, region: str | None, *, assumed: bool) -> _Reading | None:
    try:
        number = phonenumbers.parse(text, region, keep_raw_input=region is not None)
    except phonenumbers.NumberParseException:
        return None
    kind = KINDS.get(phonenumbers.number_type(number))
    country = phonenumbers.region_code_for_number(number)
    bare = (
        number.country_code_source == phonenumbers.CountryCodeSource.FROM_NUMBER_WITHOUT_PLUS_SIGN
    )
    return _Reading(number, country, kind if country else None, assumed or bare)


def _international(text: str, *, assumed: bool) -> _Reading | None:
    return _parsed(text, None, assumed=assumed) if text[1:2] not in ("", "0") else None


def _known(reading: _Reading | None, hint: str = "") -> _Reading:
    if reading is None:
        raise BadNumber(NumberProblem.NO_COUNTRY_CODE, hint)
    return reading


def _choose(national: _Reading | None, world: _Reading | None) -> _Reading:
    """The only reading that the numbering plans allow.

    If both exist and differ nobody guesses; only a national mobile beside something
    abroad that could not receive the message anyway is no contest.
    """
    if national is None or national.kind is None:
        return _known(world if world and (world.kind or national is None) else national)
    if world is None or world.kind is None or _same(world, national):
        return national
    if national.kind in SENDABLE_KINDS and world.kind not in SENDABLE_KINDS:
        return national
    raise BadNumber(NumberProblem.AMBIGUOUS)


def _same(one: _Reading, other: _Reading) -> bool:
    return (
        one.number.country_code == other.number.country_code
        and one.number.national_number == other.number.national_number
    )


# --- whether it may be sent to ----------------------------------------------------------


def _judge(reading: _Reading, kinds: frozenset[str]) -> tuple[str, str]:
    """Country and kind of a number that may be sent to."""
    if reading.number.country_code == MAINLAND_CHINA:
        raise BadNumber(NumberProblem.MAINLAND_CHINA)
    if reading.kind is None or reading.country is None:
        raise _not_valid(reading)
    if reading.kind == PREMIUM:
        raise BadNumber(NumberProblem.PREMIUM)
    if reading.country == WORLD:
        if SATELLITE not in kinds:
            raise BadNumber(NumberProblem.SATELLITE)
        return WORLD, SATELLITE
    if reading.kind not in kinds:
        raise BadNumber(NumberProblem.NOT_MOBILE, KIND_HINTS.get(reading.kind, ""))
    return reading.country, reading.kind


_IMPOSSIBLE = {
    ValidationResult.TOO_SHORT: NumberProblem.TOO_SHORT,
    ValidationResult.TOO_LONG: NumberProblem.TOO_LONG,
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: NumberProblem.TOO_SHORT,
    ValidationResult.INVALID_COUNTRY_CODE: NumberProblem.NO_COUNTRY_CODE,
}


def _not_valid(reading: _Reading) -> BadNumber:
    number = reading.number
    digits = str(number.national_number)
    if number.country_code == MEXICO and len(digits) == 11 and digits.startswith("1"):
        repaired = PhoneNumber(country_code=MEXICO, national_number=int(digits[1:]))
        if phonenumbers.is_valid_number(repaired):
            hint = f"Remove the 1 after 52: +{MEXICO}{digits[1:]}"
            return BadNumber(NumberProblem.NOT_VALID, hint)
    if number.country_code in _WORLD_CODES:
        return BadNumber(NumberProblem.SATELLITE)
    reason = phonenumbers.is_possible_number_with_reason(number)
    problem = _IMPOSSIBLE.get(reason, NumberProblem.NOT_VALID)
    hint = HINTS[problem]
    if reading.assumed and problem is not NumberProblem.NO_COUNTRY_CODE:
        hint = f"{hint} It was read as +{number.country_code}; if that is wrong, write it with +."
    return BadNumber(problem, hint)


_WORLD_CODES = frozenset(
    code
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()
    if regions == (WORLD,)
)


def _dropped(dialled: str, e164: str, country_code: int | None) -> list[str]:
    """A note if digits after the country code were trunk prefix and left out."""
    written = dialled[1:] if dialled.startswith("+") else dialled.removeprefix("00")
    code = str(country_code)
    national = e164[1 + len(code) :]
    prefix = written[len(code) : len(written) - len(national)]
    if prefix and written == code + prefix + national:
        return [f"The {prefix} after +{code} was removed."]
    return []


# --- splitting -------------------------------------------------------------------------


_BETWEEN = re.compile("[\n\r\x0b\x0c\x85\u2028\u2029\t,;\uff0c\uff1b\u3001]+")


def split_numbers(text: str) -> list[str]:
    """The entries of a typed or pasted list, blank ones left out.

    Spaces do not separate: people paste numbers written in groups.
    """
    entries = (entry.strip() for entry in _BETWEEN.split(text))
    return [entry for entry in entries if _visible(entry)]


def _visible(entry: str) -> bool:
    return any(unicodedata.category(character) not in ("Cf", "Zs") for character in entry)
