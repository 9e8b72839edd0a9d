"""Forms of opt-outs."""

from __future__ import annotations

from typing import Any

import phonenumbers
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import plain_forms
from accounts.free_words import no_number
from senders.optouts import TYPED_MAX
from sms.numbers import split_numbers

TEXT_MAX = 10_000


def _reason(hint: Any) -> forms.CharField:
    return forms.CharField(
        label=_("Reason"),
        min_length=3,
        max_length=200,
        validators=[no_number],
        help_text=hint,
        error_messages={"required": _("Write the reason: it is what shows later why and how.")},
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )


class AddForm(plain_forms.Form):
    """Typed numbers, and how their owners said that they want no more messages."""

    numbers = forms.CharField(
        label=_("Mobile numbers"),
        max_length=TEXT_MAX,
        help_text=_(
            "One number a line, or separated by commas or semicolons, with + and the country code."
        ),
        error_messages={"required": _("Write at least one number.")},
        widget=forms.Textarea(
            attrs={"class": "form-control mono", "rows": 5, "spellcheck": "false"}
        ),
    )
    reason = _reason(_("How they said so, for example: replied STOP, called on 3 May."))

    def clean_numbers(self) -> list[str]:
        """The entries; each is read when it is added."""
        entries = split_numbers(self.cleaned_data["numbers"])
        if not entries:
            raise forms.ValidationError(_("Write at least one number."))
        if len(entries) > TYPED_MAX:
            text = _("%(count)d numbers are too many to type: at most %(most)d. Import a file.")
            raise forms.ValidationError(text, params={"count": len(entries), "most": TYPED_MAX})
        return entries


class RemoveForm(plain_forms.Form):
    """Why a number may be written to again."""

    reason = _reason(_("Kept in the audit log, for example: asked again for news on 3 May."))


class ExportForm(plain_forms.Form):
    """What the list is taken away for."""

    reason = _reason(_("Kept in the audit log with your name."))


class ImportForm(plain_forms.Form):
    """What is said of a whole file; the file itself is streamed to disk beside this form."""

    reason = _reason(_("How they said so, for example: list of the old system, August."))
    country = forms.CharField(label=_("Numbers without a country code"), required=False)

    def clean_country(self) -> str:
        """A country there is, or none."""
        country: str = self.cleaned_data["country"]
        if country and country not in phonenumbers.SUPPORTED_REGIONS:
            raise forms.ValidationError(_("Choose a country of the list."))
        return country
