"""Prices as people and their spreadsheets write them, read into integer micro-units."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from billing.models import MICRO

MOST = 1_000_000 * MICRO  # not included
LARGE = 1 * MICRO  # a segment that costs more is asked about
DOLLARS = frozenset(
    {"USD", "AUD", "CAD", "SGD", "HKD", "NZD", "MXN", "TWD", "BRL", "ARS", "CLP", "COP"}
)
SYMBOLS = {
    "$": DOLLARS, "us$": {"USD"}, "a$": {"AUD"}, "s$": {"SGD"}, "hk$": {"HKD"}, "€": {"EUR"},
    "£": {"GBP"}, "¥": {"JPY", "CNY"}, "₹": {"INR"}, "₩": {"KRW"}, "rm": {"MYR"},
}  # fmt: skip
SENTENCES: dict[str, Promise] = {
    "missing": _("The price is missing. Write it or delete the row."),
    "negative": _("A price cannot be below 0."),
    "unit": _("Write the price in %(currency)s and without another sign."),
    "digits": _("This is no price. Write digits with a decimal point, for example 0.0345."),
    "ambiguous": _(
        "This can be read as thousands or as decimals. Write 1.2340 for decimals or 1234 for "
        "thousands."
    ),
    "decimals": _("A price has at most 6 decimals. Round it as your carrier does."),
    "large": _("A price per segment is below 1,000,000. Check the decimal point."),
}

_PARTS = re.compile(r"([^0-9.,]*?) *((?:[0-9]|[.,][0-9])[0-9.,' ]*?) *([^0-9.,' ][^0-9]*)?")
_SMALL = re.compile(r"[0-9](?:\.[0-9]+)?e-[0-9]{1,2}")
_PLAIN = re.compile(r"[0-9]*(?:[.,][0-9]+)?")
_CELL = re.compile(r"[0-9]+\.[0-9]+")
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_GROUPED = (
    re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]+)?"),
    re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+,[0-9]+"),
    re.compile(r"[1-9][0-9]{0,2}(?:\.[0-9]{3}){2,}"),
    re.compile(r"[1-9][0-9]{0,2}(?:[ '][0-9]{3})+(?:[.,][0-9]+)?"),
)


class BadPrice(ValueError):
    """No price can be read from this; *sentence* says why and what to do."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = str(SENTENCES[code]) % facts if facts else str(SENTENCES[code])


def parse_price(text: str, currency: str, *, is_cell: bool = False) -> int:
    """Micro-units of *currency*; raises BadPrice. A comma or a point may stand for the decimals.

    What can be read in two ways is refused, never guessed. In a cell of a workbook (*is_cell*) a
    point stands for the decimals: that is how it keeps a number.
    """
    written = unicodedata.normalize("NFKC", text).strip().replace("’", "'")
    if not written:
        raise BadPrice("missing")
    if _SMALL.fullmatch(written):  # as a spreadsheet keeps 0.00001
        return _micros(Decimal(written))
    if re.match(r"[(−–-]", written) or re.search(r"[−–-] *[0-9]", written):
        raise BadPrice("negative")
    parts = _PARTS.fullmatch(written)
    if parts is None:
        raise BadPrice("digits")
    _check_unit(f"{parts[1]}{parts[3] or ''}".strip().casefold(), currency)
    digits = parts[2].strip()
    if is_cell and _CELL.fullmatch(digits):
        return _micros(Decimal(digits))
    return _micros(_decimal(digits))


def is_ambiguous(text: str) -> bool:
    """Whether *text* may be thousands as well as decimals: 1.234 is either."""
    return bool(_AMBIGUOUS.fullmatch(unicodedata.normalize("NFKC", text).strip()))


def _check_unit(unit: str, currency: str) -> None:
    known = {currency.casefold(), *(sign for sign, used in SYMBOLS.items() if currency in used)}
    if unit and unit not in known:
        raise BadPrice("unit", currency=currency)


def _decimal(digits: str) -> Decimal:
    if _AMBIGUOUS.fullmatch(digits):
        raise BadPrice("ambiguous")
    if _PLAIN.fullmatch(digits):
        return Decimal(digits.replace(",", "."))
    for shape in _GROUPED:
        if shape.fullmatch(digits):
            whole, fraction = _halves(digits)
            return Decimal(f"{whole}.{fraction or 0}")
    raise BadPrice("digits")


def _halves(digits: str) -> tuple[str, str]:
    """Whole part and decimals: what stands after the last sign that occurs once."""
    signs = [c for c in digits if not c.isdigit()]
    last = signs[-1]
    if last in ".," and signs.count(last) == 1 and (len(signs) > 1 or last == "."):
        whole, _sign, fraction = digits.rpartition(last)
    else:
        whole, fraction = digits, ""
    return re.sub("[^0-9]", "", whole), fraction


def _micros(price: Decimal) -> int:
    micros = price * MICRO
    if micros != micros.to_integral_value():
        raise BadPrice("decimals")
    if micros >= MOST:
        raise BadPrice("large")
    return int(micros)
