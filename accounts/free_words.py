"""Free words that everybody reads - reasons, notes, names - hold no phone number.

A name of people or of a workspace stands in one line: mails carry it in their subject.
"""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sheets.spoken import LABEL_FEWEST, holds_number


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


def no_number_in_task_name(text: str) -> None:
    """Refuse a task name in which a phone number stands."""
    if holds_number(text, LABEL_FEWEST):
        raise ValidationError(
            _("Write the task name without a phone number: everybody reads it."), code="number"
        )


def no_number_in_cost_centre(text: str) -> None:
    """Refuse a cost centre in which a phone number stands."""
    if holds_number(text, LABEL_FEWEST):
        raise ValidationError(
            _("Write the cost centre without a phone number: everybody reads it."), code="number"
        )


def no_number_in_name(name: str, kept: str = "") -> None:
    """Refuse a name of people or of a workspace in which a phone number stands.

    The one that was *kept* before may stay, or nobody could save anything else beside it.
    """
    if name != kept.strip() and holds_number(name, LABEL_FEWEST):
        raise ValidationError(
            _("Write the name without a phone number: everybody reads it."), code="number"
        )


BREAKS = {"Cc", "Zl", "Zp"}


def in_one_line(name: str) -> None:
    """Refuse a name with a line break or another control character in it."""
    for at, character in enumerate(name, 1):
        if unicodedata.category(character) in BREAKS:
            raise ValidationError(
                _("Character %(at)d is a line break or another control character. Remove it."),
                code="control", params={"at": at},
            )  # fmt: skip
