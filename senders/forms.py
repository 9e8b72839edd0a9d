"""Forms of sender IDs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import URLValidator
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from senders.models import SenderID
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


class RecordForm(forms.ModelForm):
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


class ReasonForm(forms.Form):
    """Why; whoever registered it reads this."""

    reason = forms.CharField(
        label=_("Reason"),
        min_length=5,
        max_length=300,
        help_text=_("Shown to the person who registered it, and kept in the history."),
        error_messages={"required": _("Write the reason, so that they know what to change.")},
        widget=forms.Textarea(attrs={"class": "form-control", "rows": 3}),
    )
