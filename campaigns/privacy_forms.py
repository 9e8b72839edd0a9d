"""Forms of the workspace and of erasing a number."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import plain_forms
from accounts.forms import offer, zone_field
from accounts.free_words import in_one_line, no_number_in_name
from accounts.models import Workspace
from accounts.workspaces import FIELDS
from sheets.spoken import holds_number
from sms.numbers import BadNumber, parse_number

CURRENCIES = (
    "AED", "ARS", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "EUR",
    "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "JPY", "KES", "KRW", "MAD", "MXN", "MYR", "NGN",
    "NOK", "NZD", "PEN", "PHP", "PKR", "PLN", "RON", "SAR", "SEK", "SGD", "THB", "TRY", "TWD",
    "TZS", "UAH", "USD", "VND", "ZAR",
)  # fmt: skip
KEPT = {
    "keep_uploads_days": (1, 30), "keep_texts_days": (1, 365), "keep_numbers_days": (7, 730),
}  # fmt: skip
WORD = "ERASE"
KEPT_FROM = 6  # digits: a reason of an erasure is kept for good
_SELECT = {"class": "form-select"}


def _days(label: Any, name: str, hint: Any) -> forms.IntegerField:
    least, most = KEPT[name]
    wrong = _("Write a number of days from %(least)d to %(most)d.") % {"least": least, "most": most}
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, help_text=hint,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), wrong),
        widget=forms.NumberInput(attrs={"class": "form-control num"}),
    )  # fmt: skip


class WorkspaceForm(plain_forms.Form):
    """Name, time zone, currency, and for how many days each kind of personal data is kept."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        error_messages={"required": _("Write the name of the team or company.")},
        validators=[in_one_line],
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "organization"}),
    )
    time_zone = zone_field(
        _("Time zone of days and months"),
        _("Thresholds and statements begin and end at midnight in this zone."),
    )
    currency = forms.ChoiceField(
        label=_("Currency"),
        choices=[(code, code) for code in CURRENCIES],
        help_text=_(
            "Nothing is converted: rates in another currency are no price until they are entered "
            "again, and what was charged stays as it is."
        ),
        widget=forms.Select(attrs=_SELECT),
    )
    keep_uploads_days = _days(
        _("Uploaded files, days"), "keep_uploads_days",
        _("1 to 30. The checked recipients stay; the file cannot be read again."),
    )  # fmt: skip
    keep_texts_days = _days(
        _("Texts and values, days"), "keep_texts_days",
        _("1 to 365, from the end of a campaign. Afterwards it cannot be duplicated or resent."),
    )  # fmt: skip
    keep_numbers_days = _days(
        _("Phone numbers, days"), "keep_numbers_days",
        _("7 to 730, from the end of a campaign. Opt-outs are kept."),
    )  # fmt: skip

    seen = forms.JSONField(required=False, widget=forms.HiddenInput)

    def __init__(self, workspace: Workspace, given: Any = None) -> None:
        now = {name: getattr(workspace, name) for name in FIELDS}
        super().__init__(given, initial=now | {"seen": now})
        self.workspace = workspace
        kept = partial(no_number_in_name, kept=workspace.name)
        self.fields["name"].validators.append(kept)
        for name in ("time_zone", "currency"):
            offer(self.fields[name], getattr(workspace, name))

    def clean_seen(self) -> dict[str, Any]:
        """The settings that the page was made from; none if it says nothing of them."""
        seen = self.cleaned_data["seen"]
        return seen if isinstance(seen, dict) else {}

    def say_changed(self) -> None:
        """Somebody was faster: what the person left alone now is as it holds."""
        given, seen = self.cleaned_data, self.cleaned_data["seen"]
        now = self.initial["seen"]
        left = {name: now[name] for name in FIELDS if given.get(name) == seen.get(name)}
        self.data = dict(self.data.items()) | left | {"seen": json.dumps(now)}

    @property
    def changes_currency(self) -> bool:
        """Is it to be another currency than now, and than the person saw?"""
        seen = self.cleaned_data["seen"].get("currency")
        return self.cleaned_data["currency"] not in (self.workspace.currency, seen)

    @property
    def shortens(self) -> bool:
        """Is something to be kept for fewer days than now?"""
        return any(self.cleaned_data[name] < getattr(self.workspace, name) for name in KEPT)

    @property
    def days(self) -> str:
        """The three numbers as they are asked about: a yes counts for these alone."""
        return "-".join(str(self.cleaned_data[name]) for name in KEPT)


class EraseForm(plain_forms.Form):
    """Whose number is to be forgotten, why, and the word that nobody types by mistake."""

    number = forms.CharField(
        label=_("Phone number"),
        max_length=40,
        help_text=_("In whole, with + and the country code. It is not written down anywhere."),
        error_messages={"required": _("Write the number in whole, with + and the country code.")},
        widget=forms.TextInput(
            attrs={"class": "form-control num", "autocomplete": "off", "inputmode": "tel"}
        ),
    )
    reason = forms.CharField(
        label=_("Reason"),
        min_length=3,
        max_length=200,
        help_text=_("Kept in the audit log, without names or numbers: request of 3 May, case 17."),
        error_messages={"required": _("Write the reason: it is what shows later why.")},
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    sure = forms.CharField(
        label=_("Type ERASE to confirm"),
        max_length=10,
        error_messages={"required": _("Type ERASE: what is erased cannot be brought back.")},
        widget=forms.TextInput(
            attrs={"class": "form-control", "autocomplete": "off", "spellcheck": "false"}
        ),
    )

    def clean_number(self) -> str:
        """The number in E.164."""
        try:
            return parse_number(self.cleaned_data["number"]).e164
        except BadNumber as bad:
            raise forms.ValidationError(bad.hint) from bad

    def clean_reason(self) -> str:
        """Words that can be kept: the audit log forgets nothing."""
        reason: str = self.cleaned_data["reason"]
        if holds_number(reason, KEPT_FROM):
            text = _("The reason is kept for good. Write it without a phone number.")
            raise forms.ValidationError(text)
        return reason

    def clean_sure(self) -> str:
        if self.cleaned_data["sure"].strip().upper() != WORD:
            raise forms.ValidationError(_("Type ERASE: what is erased cannot be brought back."))
        return WORD
