"""The forms of the dialogs that ask before an act."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts import plain_forms
from accounts.free_words import no_number
from campaigns.statistics import ReasonRow

REASON_MAX = 200
REVEAL_REASON_MIN = 5


class ReasonForm(plain_forms.Form):
    """Why, in the person's words. It goes into the audit trail, so it holds no number."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=REASON_MAX,
        required=False,
        validators=[no_number],
        help_text=_("Shown in the audit trail."),
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )


class NeededReasonForm(ReasonForm):
    """A reason that must be given."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        field.required = True
        field.min_length = 10  # type: ignore[attr-defined]
        field.help_text = _("Shown in the audit trail. At least 10 characters.")
        field.widget.attrs["minlength"] = 10

    def clean_reason(self) -> str:
        reason = self.cleaned_data["reason"].strip()
        if len(reason) < 10:
            raise ValidationError(_("Say why in at least 10 characters."))
        return str(reason)


class RevealForm(ReasonForm):
    """Why somebody needs whole numbers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        field.required = True
        field.help_text = _("Shown in the audit trail. 5 to 200 characters.")
        field.widget.attrs["minlength"] = REVEAL_REASON_MIN

    def clean_reason(self) -> str:
        reason = str(self.cleaned_data["reason"]).strip()
        if len(reason) < REVEAL_REASON_MIN:
            raise ValidationError(_("Say why in at least 5 characters."))
        return reason


class SwitchForm(RevealForm):
    """Why all sending stops, in words that stand on every page while it does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        help_text = _("Everybody reads it on every page, and the audit trail keeps it.")
        self.fields["reason"].help_text = f"{help_text} {_('5 to 200 characters.')}"


class StopForm(ReasonForm):
    """The person types how many numbers get nothing: the count they were shown."""

    asked = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    typed = forms.CharField(
        max_length=20,
        label=_("Numbers that get nothing"),
        error_messages={"required": _("Type the count to confirm.")},
        widget=forms.TextInput(
            attrs={"class": "form-control", "inputmode": "numeric", "autocomplete": "off"}
        ),
    )
    field_order = ("typed", "reason", "asked")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        typed = "".join(c for c in given.get("typed", "") if c not in " ,.'\u00a0\u202f")
        asked = given.get("asked")
        if "typed" in given and typed != str(asked):
            self.add_error("typed", _("This is not the count shown above. Type it to confirm."))
        return given


class ResolveForm(NeededReasonForm):
    """What messages in doubt count as from now on. *asked* and *seen* say which of them."""

    decision = forms.ChoiceField(
        label=_("Decision"), error_messages={"required": _("Choose what they count as.")}
    )
    understood = forms.BooleanField(
        label=_("I understand that these may arrive twice"), required=False
    )
    asked = forms.IntegerField(min_value=0, max_value=10**7, widget=forms.HiddenInput)
    seen = forms.IntegerField(min_value=0, max_value=2**63 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, choices: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["decision"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("decision") == "queue" and not given.get("understood"):
            self.add_error("understood", _("Tick this: the carrier may have sent them already."))
        return given


class DuplicateForm(plain_forms.Form):
    """What the copy takes along. *token* becomes the copy's key: a second click finds it."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    recipients = forms.BooleanField(
        label=_("Take the recipients too"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )


class ResendForm(plain_forms.Form):
    """Which reasons to try again."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    reasons = forms.MultipleChoiceField(
        label=_("Reasons"),
        error_messages={"required": _("Choose at least one reason.")},
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )

    def __init__(self, *args: Any, rows: list[ReasonRow], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(row.code, f"{row.failure.title}, {row.messages:,}") for row in rows]
        self.fields["reasons"].choices = choices  # type: ignore[attr-defined]
        self.fields["reasons"].initial = [code for code, _label in choices]
