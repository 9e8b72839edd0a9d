"""Forms of the team: whom to invite, which role, which workspace."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts import plain_forms
from accounts.free_words import in_one_line, no_number_in_name
from accounts.roles import Role


class RoleForm(plain_forms.Form):
    """One of the four roles."""

    role = forms.ChoiceField(
        label=_("Role"),
        choices=Role.choices,
        initial=Role.OPERATOR,
        help_text=_("What each role may do stands on the page Team."),
        error_messages={"required": _("Choose a role."), "invalid_choice": _("Choose a role.")},
        widget=forms.Select(attrs={"class": "form-select"}),
    )


class InviteForm(RoleForm):
    """A person to add to the team."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("The invitation goes there. A person signs in with this address."),
        error_messages={
            "required": _("Write the e-mail address of the person."),
            "invalid": _("Write a whole e-mail address, for example ann@example.com."),
        },
        widget=forms.EmailInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_(
            "Your team sees this name until the person has come in; an account keeps its own."
        ),
        error_messages={"required": _("Write the name of the person.")},
        validators=[in_one_line, no_number_in_name],
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
    )
    field_order = ["email", "name", "role"]


class SwitchForm(plain_forms.Form):
    """The workspace to work in."""

    workspace = forms.UUIDField()
