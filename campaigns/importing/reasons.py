"""Why rows are refused, in a few words each, for headings and filters."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

DUPLICATE, OPTED_OUT = "duplicate", "opted_out"
TEXT_TOO_LONG, TEXT_EMPTY = "text_too_long", "text_empty"
LEFT_OUT = "country_left_out"
REACHED = "reached"
NO_COUNTRY = frozenset({"no_country_code"})

SENTENCES = {
    OPTED_OUT: _("This number asked not to receive messages. It is never written to."),
    TEXT_TOO_LONG: _(
        "With its values the text needs %(count)s segments, at most %(limit)s are allowed."
        " Shorten the values or the text."
    ),
    TEXT_EMPTY: _("With its values the text is empty. Fill the values in."),
    LEFT_OUT: _("You left its country out of this campaign."),
}

LABELS: dict[str, str | Promise] = {
    "empty": _("Number is missing"),
    "number_missing": _("Number is missing"),
    "not_a_number": _("Not a phone number"),
    "letters": _("Letters in the number"),
    "extension": _("Number with an extension"),
    "scheme": _("A word before the number"),
    "spreadsheet_damage": _("Destroyed by the spreadsheet"),
    "digits_lost": _("Destroyed by the spreadsheet"),
    "precision_lost": _("Last digits lost by the spreadsheet"),
    "no_country_code": _("Country code is missing"),
    "too_short": _("Too short for its country"),
    "too_long": _("Too long for its country"),
    "not_valid": _("Not in the numbering plan"),
    "ambiguous": _("Could be read in two ways"),
    "not_mobile": _("Not a mobile number"),
    "premium": _("Premium-rate number"),
    "satellite": _("Satellite or global number"),
    "mainland_china": _("Mainland China is not covered"),
    "cell_count": _("Wrong number of cells"),
    "bad_quoting": _("Quotation mark in the wrong place"),
    "cell_too_long": _("Cell is too long"),
    "not_utf8_row": _("Bytes that are not UTF-8"),
    "value_missing": _("Value is missing"),
    "value_too_long": _("Value is too long"),
    "control_character": _("Control character in a value"),
    "lone_surrogate": _("Half a character in a value"),
    "formula": _("Formula without a result"),
    "error_cell": _("Spreadsheet error"),
    "merged": _("Merged cells"),
    "date": _("Number formatted as a date"),
    "boolean": _("Number is TRUE or FALSE"),
    "currency": _("Number formatted as money"),
    "percent": _("Number formatted as a percentage"),
    "fraction": _("Number with decimals"),
    DUPLICATE: _("Duplicate of an earlier row"),
    OPTED_OUT: _("On the opt-out list"),
    TEXT_TOO_LONG: _("Text is too long"),
    TEXT_EMPTY: _("Text is empty"),
    LEFT_OUT: _("Country left out"),
    REACHED: _("Reached by another resend"),
}


def label(code: str) -> str | Promise:
    """A heading for *code*; an unknown code is shown in words rather than hidden."""
    return LABELS.get(code) or code.replace("_", " ").capitalize()
