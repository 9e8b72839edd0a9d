"""Forms of people: signing in, who they are, their password."""

from __future__ import annotations

import math
import zoneinfo
from datetime import datetime
from functools import cache, lru_cache, partial
from importlib import resources
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth import forms as auth
from django.forms.utils import flatatt
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts import audit, dates, notices, plain_forms, throttling
from accounts.free_words import in_one_line, no_number_in_name
from accounts.models import User

AREAS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe",
    "Indian", "Pacific",
)  # fmt: skip
WRONG = _("The e-mail address or the password is not right. Check both and sign in again.")


NO_ZONE = _("There is no such time zone. Choose one from the list, such as Asia/Kuala Lumpur.")
ZONE_NOT_FOUND = _(
    "No time zone is found. Type a city, a country or an offset: Berlin, Germany or +2."
)


class ZoneSelect(forms.Select):
    """A list of zones in which find.js searches, by country too: the browser knows their names."""

    def __init__(self) -> None:
        super().__init__({"class": "form-select", "data-find": ZONE_NOT_FOUND})

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """One string, where a template for each of some 400 options took half of a page's time."""
        chosen, countries = str(value), zone_countries()
        options = format_html_join(
            "", '<option value="{}"{}>{}</option>',
            ((zone, _told(zone, countries.get(zone), chosen), label)
             for zone, label in self.choices),
        )  # fmt: skip
        given = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        return format_html("<select{}>{}</select>", flatatt(given), options)


def _told(zone: str, country: str | None, chosen: str) -> SafeString:
    told: dict[str, Any] = {"data-country": country} if country else {}
    return flatatt({**told, "selected": zone == chosen})


@cache
def zone_countries() -> dict[str, str]:
    """The country of each zone that is a country's own, as the time zone data says."""
    table = resources.files("tzdata").joinpath("zoneinfo/zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return {row[2]: row[0] for row in rows}


def zone_field(label: Any, hint: Any) -> forms.ChoiceField:
    """A time zone of a place, or UTC."""
    return forms.ChoiceField(
        label=label,
        choices=zone_choices,
        help_text=hint,
        error_messages={"required": NO_ZONE, "invalid_choice": NO_ZONE},
        widget=ZoneSelect(),
    )


def offer(field: forms.Field, kept: str) -> None:
    """Let what is kept already stay, though the list does not hold it: an old name of a zone."""
    choices = getattr(field, "choices", [])
    if kept not in dict(choices):
        field.choices = [(kept, kept), *choices]  # type: ignore[attr-defined]


@cache
def zone_names() -> list[str]:
    """Zones of places, and UTC. The others read the wrong way round: Etc/GMT+8 lies behind."""
    names = (n for n in zoneinfo.available_timezones() if n.split("/")[0] in AREAS and "/" in n)
    return ["UTC", *sorted(names)]


def zone_choices() -> list[tuple[str, str]]:
    """Each zone with its offset now."""
    now = timezone.now()
    return _offered(now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0))


@lru_cache(maxsize=2)
def _offered(quarter: datetime) -> list[tuple[str, str]]:
    return [(name, zone_label(name, quarter)) for name in zone_names()]


def zone_label(name: str, now: datetime) -> str:
    """Asia/Kuala Lumpur (UTC+08:00)."""
    offset = now.astimezone(zoneinfo.ZoneInfo(name)).strftime("%z")
    shown = name.replace("_", " ")
    return shown if name == "UTC" else f"{shown} (UTC{offset[:3]}:{offset[3:]})"


def _late(until: datetime, now: datetime) -> forms.ValidationError:
    wait = max(1, math.ceil((until - now).total_seconds() / 60))
    words = ngettext(
        "Too many tries. Wait %(n)s minute, or have a sign-in link mailed to you.",
        "Too many tries. Wait %(n)s minutes, or have a sign-in link mailed to you.",
        wait,
    )
    return forms.ValidationError(words, code="late", params={"n": wait})


class SignInForm(plain_forms.Form):
    """E-mail address and password; the same answer whichever of them is wrong."""

    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        error_messages={"required": _("Write your e-mail address.")},
        widget=forms.EmailInput(attrs={"class": "form-control", "autocomplete": "username"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=4096,
        error_messages={"required": _("Write your password.")},
        widget=forms.PasswordInput(
            attrs={"class": "form-control", "autocomplete": "current-password"}
        ),
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: Any = None
        self.is_late = False

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "email" in given and "password" in given:
            self._try(given["email"], given["password"])
        return given

    def _try(self, email: str, password: str) -> None:
        """Look at the password, unless there were too many tries."""
        now = timezone.now()
        if until := throttling.may_try(self.request, email, now):
            self.is_late = True
            raise _late(until, now)
        self.user = authenticate(self.request, username=email, password=password)
        if self.user is None:
            if known := User.objects.filter(email=email.strip().lower()).first():
                audit.record("user.sign_in_failed", known, None)
            raise forms.ValidationError(WRONG, code="wrong")
        throttling.succeeded(self.request, email)


class ResetForm(plain_forms.Form):
    """The address to which a link is mailed."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        error_messages={"required": _("Write your e-mail address.")},
        widget=forms.EmailInput(attrs={"class": "form-control", "autocomplete": "username"}),
    )


class MailsField(forms.MultipleChoiceField):
    """Ticked are the kinds that come by mail; kept are those that do not, so new kinds come."""

    def clean(self, value: Any) -> list[str]:
        ticked = super().clean(value)
        return [kind for kind in notices.KINDS if kind not in ticked]


class PersonForm(plain_forms.ModelForm):
    """What a person may change about themselves."""

    time_zone = zone_field(
        _("Time zone"), _("Every time is shown in this zone, with UTC in the tooltip.")
    )

    date_language = forms.ChoiceField(
        label=_("Language of dates"),
        choices=dates.choices,
        help_text=_("How dates and times are written on every page. Files keep 2026-11-22 14:05."),
        widget=forms.Select(attrs={"class": "form-select"}),
    )

    mails_off = MailsField(
        label=_("What comes by mail"),
        required=False,
        choices=list(notices.KINDS.items()),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )

    class Meta:
        model = User
        fields = ["name", "time_zone", "date_language", "mails_notices", "mails_off"]
        labels = {"name": _("Name"), "mails_notices": _("Notices come by mail")}
        widgets = {
            "name": forms.TextInput(attrs={"class": "form-control", "autocomplete": "name"}),
            "mails_notices": forms.CheckboxInput(
                attrs={
                    "class": "form-check-input",
                    "role": "switch",
                    "data-reveal": "#mail-kinds",
                    "aria-describedby": "mails-hint",
                }
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        off = self.instance.mails_off
        offer(self.fields["time_zone"], self.instance.time_zone)
        kept = partial(no_number_in_name, kept=self.instance.name)
        self.fields["name"].validators += [in_one_line, kept]
        self.initial["mails_off"] = [kind for kind in notices.KINDS if kind not in off]


EMPTY = _("Write a password.")
DIFFER = _("The two new passwords differ. Write the same one twice.")
NOT_RIGHT = _("The present password is not right. Write it again.")
RULES = _("At least 12 characters. Not a common password, and not like your name or address.")


def _dress(fields: dict[str, forms.Field]) -> None:
    for field in fields.values():
        field.widget.attrs["class"] = "form-control"
        field.error_messages["required"] = EMPTY
    fields["new_password1"].help_text = RULES
    fields["new_password2"].label = _("New password again")
    fields["new_password2"].help_text = ""


class _Told(auth.SetPasswordMixin):
    """Tells what is wrong with the password itself even when the two differ."""

    error_messages: dict[str, Any] = {
        "password_mismatch": DIFFER, "password_incorrect": NOT_RIGHT,
    }  # fmt: skip

    def validate_password_for_user(self, user: User, password_field_name: str = "") -> None:
        super().validate_password_for_user(user, "new_password1")


class SetPasswordForm(plain_forms.Plain, _Told, auth.SetPasswordForm):
    """A first password, for somebody whom a one-time link let in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self.fields)


class ChangePasswordForm(plain_forms.Plain, _Told, auth.PasswordChangeForm):
    """A new password in place of the old one, which is asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _dress(self.fields)
        self.fields["old_password"].label = _("Present password")
        self.is_late = False

    def clean_old_password(self) -> str:
        """Look at it as slowly as at one for signing in: a session left open is no key."""
        now = timezone.now()
        if until := throttling.may_try_password(self.user, now):
            self.is_late = True
            raise _late(until, now)
        try:
            given: str = super().clean_old_password()
        except forms.ValidationError:
            audit.record("user.sign_in_failed", self.user, None)
            raise
        throttling.password_was_right(self.user)
        return given
