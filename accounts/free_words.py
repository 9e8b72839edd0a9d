"""Free words that everybody reads - reasons, notes, names - hold no phone number."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sheets.spoken import holds_number

NAME_FROM = 8  # digits: a name may end in an order of seven


def no_number(text: str) -> None:
    """Refuse a reason in which a phone number stands."""
    if holds_number(text):
        raise ValidationError(
            _("Write the reason without the number: everybody reads it."), code="number"
        )


def no_number_in_note(text: str) -> None:
    """Refuse a note in which a phone number stands."""
    if holds_number(text):
        raise ValidationError(
            _("Write the note without the number: everybody reads it."), code="number"
        )


def no_number_in_name(text: str) -> None:
    """Refuse a name or a label in which a phone number stands; a day is none."""
    if holds_number(text, NAME_FROM):
        raise ValidationError(
            _("Write it without the phone number: everybody reads this name."), code="number"
        )
