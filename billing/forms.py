"""Forms of thresholds and rates."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import phonenumbers
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import plain_forms
from billing.models import MICRO, THRESHOLD_MAX
from billing.prices import SENTENCES, is_ambiguous

COUNTRIES = sorted(phonenumbers.SUPPORTED_REGIONS - {"CN"})
"""Every country the international service may send to: mainland China is not among them."""

FARTHEST = timedelta(days=5 * 366)

DIGITS = re.compile(r"[0-9]+")
GROUPED = re.compile(r"[0-9]{1,3}(?:[ ,\u00a0\u202f][0-9]{3})+")
FRACTION = re.compile(r"[0-9]+[.,][0-9]*")


class SegmentsField(forms.CharField):
    """A whole number of segments, written in digits. 0 is a number: nothing is sent."""

    sentences = {
        "negative": _("A threshold cannot be below 0. 0 means that nothing is sent."),
        "fraction": _("Write a whole number: a segment cannot be divided."),
        "digits": _("Write the number of segments in digits, for example 50000."),
        "large": _("A threshold can be at most 2,147,483,647 segments."),
    }

    def __init__(self, **kwargs: Any) -> None:
        given = {"inputmode": "numeric", "autocomplete": "off", "class": "form-control num"}
        super().__init__(max_length=40, widget=forms.TextInput(attrs=given), **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value).strip()
        if text[:1] in ("-", "−") and text[1:2].isdigit():
            raise self._refused("negative")
        if GROUPED.fullmatch(text):
            text = re.sub("[^0-9]", "", text)
        if FRACTION.fullmatch(text):
            raise self._refused("fraction")
        if not DIGITS.fullmatch(text):
            raise self._refused("digits")
        if int(text) > THRESHOLD_MAX:
            raise self._refused("large")
        return int(text)

    def _refused(self, code: str) -> forms.ValidationError:
        return forms.ValidationError(self.sentences[code], code=code)


class ThresholdForm(plain_forms.Form):
    """A limit. One that stops sending at once is only taken with ``sure``."""

    limit = SegmentsField(
        label=_("Limit in segments"),
        help_text=_("0 means that nothing is sent. At most 2,147,483,647."),
        error_messages={"required": _("Write the number of segments. 0 means nothing is sent.")},
    )
    warn_percent = forms.IntegerField(
        label=_("Warn at percent"),
        min_value=1,
        max_value=100,
        initial=80,
        help_text=_("Admins are told once in each period."),
        error_messages={"invalid": _("Write a whole number from 1 to 100.")},
        widget=forms.NumberInput(attrs={"class": "form-control num"}),
    )
    sure = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, max_length=20, widget=forms.HiddenInput)

    def __init__(self, *args: Any, used: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.used = used
        self.fields["seen"].initial = self.initial.get("limit", "none")

    def cap_numbers(self) -> None:
        """It counts messages to one number; reached, it rejects and suspends nothing."""
        del self.fields["warn_percent"]
        self.fields["limit"].label = _("Messages a day to one number")
        self.fields["limit"].help_text = _(
            "What is above that is rejected, and the campaign goes on. 20 is a usual value."
        )

    def say_changed(self) -> None:
        """Somebody was faster: the form now knows of the limit that holds."""
        limit = self.fields["seen"].initial
        text = _("Somebody changed this threshold meanwhile: it is %(limit)s now. Look again.")
        self.add_error(None, forms.ValidationError(text, code="changed", params={"limit": limit}))
        self.data = dict(self.data.items()) | {"seen": str(limit)}

    def needs_a_yes(self) -> bool:
        """This limit leaves no room now, and nobody has said yet that it is meant so."""
        limit = self.cleaned_data["limit"]
        return limit <= self.used and self.cleaned_data["sure"] != str(limit)


class DatedForm(plain_forms.Form):
    """Something that holds from a day on."""

    valid_from = forms.DateField(
        label=_("Valid from"),
        help_text=_("Campaigns that are already submitted keep the price they had."),
        error_messages={"invalid": _("Write the day as 2026-11-27.")},
        widget=forms.DateInput(attrs={"class": "form-control", "type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today

    def clean_valid_from(self) -> date:
        """Within five years: a mistyped year would hide the rate or the one before it."""
        day: date = self.cleaned_data["valid_from"]
        if abs(day - self.today) > FARTHEST:
            raise forms.ValidationError(_("This day is more than 5 years away. Check the year."))
        return day


class RateForm(DatedForm):
    """The price of one segment to a country from a day on."""

    field_order = ("country", "price", "valid_from")

    country = forms.ChoiceField(
        label=_("Country"),
        choices=[("", ""), *((code, code) for code in COUNTRIES)],
        widget=forms.Select(attrs={"class": "form-select"}),
        error_messages={"required": _("Choose the country.")},
    )
    price = forms.DecimalField(
        label=_("Price per segment"),
        min_value=0,
        max_digits=12,
        decimal_places=6,
        help_text=_("Up to 6 decimals, with a point: 0.0345."),
        error_messages={
            "required": _("Write the price of one segment."),
            "invalid": _("Write the price in digits with a decimal point, for example 0.0345."),
            "min_value": _("A price cannot be below 0."),
            "max_decimal_places": _("Write at most 6 decimals."),
        },
        widget=forms.TextInput(
            attrs={"class": "form-control num", "inputmode": "decimal", "autocomplete": "off"}
        ),
    )

    currency = forms.CharField(required=False, max_length=3, widget=forms.HiddenInput)

    def __init__(self, *args: Any, counts_in: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.counts_in = counts_in
        self.fields["currency"].initial = counts_in

    def clean_price(self) -> Decimal:
        if is_ambiguous(str(self.data.get("price", ""))):
            raise forms.ValidationError(str(SENTENCES["ambiguous"]), code="ambiguous")
        price: Decimal = self.cleaned_data["price"]
        return price

    def clean(self) -> dict[str, Any]:
        """A price that was meant in another currency is none in this."""
        given = super().clean() or {}
        if given.get("currency", "") not in ("", self.counts_in):
            text = _("The workspace counts in %(now)s now. Write the price in it.")
            self.data = {**self.data, "currency": self.counts_in}
            raise forms.ValidationError(text, code="currency", params={"now": self.counts_in})
        return given

    @property
    def micros(self) -> int:
        """The price in integer micro-units."""
        return int(Decimal(self.cleaned_data["price"]) * MICRO)


class RateSheetForm(DatedForm):
    """A sheet of rates. The file comes through the upload handler, not through this form."""

    field_order = ("file", "valid_from")

    file = forms.Field(
        label=_("Sheet"),
        required=False,
        help_text=_(".xlsx or .csv, at most 2 MB and 1,000 rows."),
        widget=forms.FileInput(attrs={"class": "form-control", "accept": ".xlsx,.csv,.tsv"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["valid_from"].help_text = _("For rows without a day of their own.")
