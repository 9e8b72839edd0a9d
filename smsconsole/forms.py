"""The profile: the only form that needs both a person and a phone number."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.forms import PersonForm
from sms.numbers import BadNumber, parse_number, split_numbers

TEST_NUMBERS_MAX = 5


class TestNumbersField(forms.CharField):
    """Own numbers, one a line, kept in E.164."""

    __test__ = False

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(self.prepare_value(initial or []) != "\n".join((data or "").split()))

    def clean(self, value: Any) -> Any:
        entries = split_numbers(super().clean(value))
        if len(entries) > TEST_NUMBERS_MAX:
            raise forms.ValidationError(
                ngettext_lazy("At most %(n)s number.", "At most %(n)s numbers.", TEST_NUMBERS_MAX),
                code="many",
                params={"n": TEST_NUMBERS_MAX},
            )
        return list(dict.fromkeys(self._number(entry) for entry in entries))

    def _number(self, entry: str) -> str:
        try:
            return parse_number(entry).e164
        except BadNumber as bad:
            raise forms.ValidationError(
                "%(entry)s: %(hint)s", code=bad.problem, params={"entry": entry, "hint": bad.hint}
            ) from bad


class ProfileForm(PersonForm):
    """Who a person is, where they are, and the phones they test with."""

    test_numbers = TestNumbersField(
        label=_("Own test numbers"),
        required=False,
        max_length=400,
        help_text=_(
            "Up to 5 numbers of yours, one on each line, with + and the country code. "
            "Test messages go to these and to no other number."
        ),
        widget=forms.Textarea(attrs={"class": "form-control num", "rows": 3}),
    )

    class Meta(PersonForm.Meta):
        fields = [*PersonForm.Meta.fields, "test_numbers"]
