"""Forms of sender IDs."""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import date
from typing import Any

from django import forms
from django.core.validators import URLValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import plain_forms
from accounts.free_words import no_number, no_number_in_note
from accounts.models import Workspace
from senders.models import Registration, SenderID
from senders.rules import RULES
from sms.countries import COUNTRIES, country_name
from sms.sender_id import BadSenderID, check_sender_id

REASONS = {
    "empty": _("Write a sender ID."),
    "characters": _("Use the letters A to Z and digits only: no spaces, signs or accents."),
    "hyphen": _(
        "A sender ID holds no hyphen. The AD- of the Emirates and the -AD of Saudi Arabia belong "
        "to the registration there: write the name without it, in at most 8 characters."
    ),
    "too_long_alphanumeric": _("With a letter in it a sender ID has at most 11 characters."),
    "too_long_numeric": _("A sender ID of digits only has at most 15 digits."),
    "plus": _("Write the number without the +: country code and number, digits only."),
    "leading_zeros": _("Write the number without the leading 00: country code and number."),
}
HYPHENS = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2212")


class RecordForm(plain_forms.ModelForm):
    """What stands beside a sender ID: who is behind it and what it is used for."""

    website = forms.CharField(
        label=_("Website"),
        required=False,
        max_length=200,
        validators=[URLValidator(schemes=["http", "https"])],
        error_messages={"invalid": _("Write the whole address, for example https://example.com.")},
        widget=forms.TextInput(attrs={"class": "form-control", "inputmode": "url"}),
    )

    class Meta:
        model = SenderID
        fields = ["company", "website", "note"]
        labels = {
            "company": _("Legal company name"),
            "note": _("What you do, what you send, and a sample text"),
        }
        help_texts = {
            "company": _("At most 50 characters, in English."),
            "note": _("In English: carriers read it when they check the sender ID."),
        }
        error_messages = {
            "company": {"required": _("Write the legal name of the company.")},
            "note": {"required": _("Write what it is used for, with a sample text.")},
        }
        widgets = {
            "company": forms.TextInput(
                attrs={"class": "form-control", "autocomplete": "organization"}
            ),
            "note": forms.Textarea(attrs={"class": "form-control", "rows": 5}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].validators.append(no_number_in_note)


class RegisterForm(RecordForm):
    """A new sender ID. It is accepted as written or refused, never changed."""

    value = forms.CharField(
        label=_("Sender ID"),
        strip=False,
        max_length=40,
        help_text=_(
            "Letters and digits only. Up to 11 with letters, up to 15 digits only. Use the real "
            "name of your app, website or company."
        ),
        error_messages={"required": REASONS["empty"]},
        widget=forms.TextInput(
            attrs={"class": "form-control", "autocomplete": "off", "spellcheck": "false"}
        ),
    )

    countries = forms.MultipleChoiceField(
        label=_("Countries"),
        required=False,
        choices=lambda: by_name(RULES),
        error_messages={"invalid_choice": _("Choose countries of this list.")},
    )

    class Meta(RecordForm.Meta):
        fields = ["value", *RecordForm.Meta.fields]

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean_value(self) -> str:
        """A legal value that this workspace does not have yet."""
        value = self.cleaned_data["value"]
        try:
            check_sender_id(value)
        except BadSenderID as refused:
            hyphen = refused.reason == "characters" and HYPHENS & set(value)
            code = "hyphen" if hyphen else refused.reason
            raise forms.ValidationError(REASONS[code], code=code) from refused
        if SenderID.objects.filter(workspace=self.workspace, value=value).exists():
            taken = _("%(value)s is registered here already. Open it in the list of sender IDs.")
            raise forms.ValidationError(taken, code="taken", params={"value": value})
        return value


def by_name(codes: Iterable[str]) -> list[tuple[str, str]]:
    """Choices of countries in the order a person looks for them."""
    return sorted(((code, gettext(country_name(code))) for code in codes), key=lambda one: one[1])


class CountryForm(plain_forms.Form):
    """One more country for a sender ID that is there already."""

    country = forms.ChoiceField(
        label=_("Country"),
        widget=forms.Select(attrs={"class": "form-select"}),
        error_messages={
            "required": _("Choose a country."),
            "invalid_choice": _("Choose a country of this list that is not there already."),
        },
    )
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=300,
        validators=[no_number_in_note],
        help_text=_("What the registry or the carrier should know. Everybody reads it."),
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 3}),
    )

    def __init__(self, *args: Any, taken: Container[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        free = [code for code in COUNTRIES if code not in taken and code != "CN"]
        choices = [("", _("Choose a country")), *by_name(free)]
        self.fields["country"].choices = choices  # type: ignore[attr-defined]


class ApprovalForm(plain_forms.ModelForm):
    """What the registry wrote back: its reference, and how long it is valid."""

    class Meta:
        model = Registration
        fields = ["reference", "expires_on", "note"]
        help_texts = {
            "reference": _("The number or code under which the registry keeps it, if it gave one."),
            "expires_on": _("The last day it is valid. Admins are told 30 and 7 days ahead."),
        }
        widgets = {
            "reference": forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
            "expires_on": forms.DateInput(
                attrs={"class": "form-control", "type": "date"}, format="%Y-%m-%d"
            ),
            "note": forms.Textarea(attrs={"class": "form-control", "rows": 2}),
        }

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["note"].validators.append(no_number_in_note)

    def clean_expires_on(self) -> date | None:
        day: date | None = self.cleaned_data["expires_on"]
        if day is not None and day < self.today:
            text = _("This day has passed. Give the last day on which it is valid.")
            raise forms.ValidationError(text, code="past")
        return day


class ReasonForm(plain_forms.Form):
    """Why; whoever registered it reads this."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=5,
        max_length=300,
        validators=[no_number],
        help_text=_("Shown to the person who registered it, and kept in the history."),
        error_messages={"required": _("Write the reason, so that they know what to change.")},
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 3}),
    )
