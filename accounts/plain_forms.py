"""Forms whose every refusal names its field and says what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Sentences = Mapping[str, str | Promise]

# By the code of an error; a field's own sentence goes before these.
SENTENCES: Sentences = {
    "required": _("{field} is missing. Fill it in."),
    "invalid": _("{field} cannot be read. Correct it."),
    "max_length": _(
        "{field} has %(show_value)d characters; at most %(limit_value)d are kept. Shorten it."
    ),
    "min_length": _("{field} is too short: write at least %(limit_value)d characters."),
    "max_value": _("{field} is too high: write at most %(limit_value)s."),
    "min_value": _("{field} is too low: write at least %(limit_value)s."),
    "max_digits": _("{field} is too long: write at most %(max)s digits."),
    "max_decimal_places": _("{field} has too many decimals: write at most %(max)s."),
    "max_whole_digits": _("{field} is too high: write at most %(max)s digits before the point."),
    "null_characters_not_allowed": _("{field} holds a character without a shape. Type it anew."),
    "invalid_choice": _("{field} is not one of the list. Choose one of it."),
    "invalid_list": _("{field} cannot be read. Choose from the list again."),
    "invalid_pk_value": _("{field} is not one of the list. Choose one of it."),
    "missing": _("{field} is missing. Choose a file."),
    "empty": _("{field} is empty. Choose a file that holds something."),
    "contradiction": _("{field}: choose a file or clear it, not both."),
    "overflow": _("{field} is too large. Correct it."),
}
BY_FIELD: tuple[tuple[type[forms.Field], Sentences], ...] = (
    (forms.BooleanField, {"required": _("Tick {field} to go on.")}),
    (forms.ChoiceField, {"required": _("Choose from the list: {field}.")}),
    (forms.ModelChoiceField, {"required": _("Choose from the list: {field}.")}),
    (forms.FileField, {"required": _("{field} is missing. Choose a file.")}),
    (forms.EmailField, {"invalid": _("{field} is no whole address. Write name@example.com.")}),
    (forms.DateField, {"invalid": _("{field} is no day. Write it as 2026-11-27.")}),
    (forms.DecimalField, {"invalid": _("{field} is no number. Write it as 0.0125.")}),
    (forms.IntegerField, {"invalid": _("{field} is no whole number. Write one such as 10.")}),
    (forms.UUIDField, {"invalid": _("The page is out of date. Load it again.")}),
)


def _framework(field: forms.Field) -> dict[str, Any]:
    """The sentences that the field has when nobody gave it one."""
    found: dict[str, Any] = {}
    for kind in reversed(type(field).__mro__):
        if kind.__module__.startswith("django."):
            found |= getattr(kind, "default_error_messages", {})
    return found


def say(fields: Mapping[str, forms.Field]) -> None:
    """Give each field the house's sentences where it has none of its own."""
    for name, field in fields.items():
        label = str(field.label or name.replace("_", " ").capitalize()).replace("%", "")
        theirs = _framework(field)
        ours = dict(SENTENCES)
        for kind, sentences in BY_FIELD:
            if isinstance(field, kind):
                ours |= sentences
        for code, sentence in ours.items():
            if field.error_messages.get(code) == theirs.get(code):
                field.error_messages[code] = str(sentence).replace("{field}", label)


class RowField(forms.ModelChoiceField):
    """A row by its key; what is no key at all is not one of the list either."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except forms.ValidationError as bad:
            raise forms.ValidationError(
                self.error_messages["invalid_choice"], code="invalid_choice"
            ) from bad


class Plain:
    """For a form that is not made of ``Form`` or ``ModelForm``: put it first."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say(self.fields)


class Form(Plain, forms.Form):
    """A form of the house."""


class ModelForm(Plain, forms.ModelForm):
    """A form of a row, of the house."""
