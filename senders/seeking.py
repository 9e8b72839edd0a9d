"""A number that a person looks up: read as it was typed, counted and written down."""

from __future__ import annotations

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import searches
from accounts.models import User
from sms.sought import PartOfNumber, Sought, read_sought


class NotSought(Exception):
    """Nothing was looked up; the message says why and what to type."""


def seek(user: User, words: str) -> Sought | None:
    """The number or the last digits in *words*, None if they hold none. Raises NotSought."""
    try:
        sought = read_sought(words)
        if sought is not None:
            searches.write_down(user, sought.text)
    except PartOfNumber:
        raise NotSought(
            _("Type the whole number with + and the country code, or exactly its last 4 digits.")
        ) from None
    except searches.TooMany:
        most = settings.NUMBER_SEARCHES_A_MINUTE
        text = ngettext(
            "You may look up %(most)d number in a minute. Wait a minute and search again.",
            "You may look up %(most)d numbers in a minute. Wait a minute and search again.",
            most,
        )
        raise NotSought(text % {"most": most}) from None
    return sought
