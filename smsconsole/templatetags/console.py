"""The tags and filters of every page, `{% load console %}`: display only, no query."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django import template
from django.template.base import Parser, Token
from django.template.context import Context
from django.template.defaulttags import CsrfTokenNode
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import dates
from sms import countries
from sms.display import hide_numbers
from smsconsole import drawing, icons, moved, wording

register = template.Library()

# Every state a page can show: its icon and its word. Colours hang on data-s in console.css.
STATES = {
    "draft": ("pencil", _("Draft")),
    "scheduled": ("clock", _("Scheduled")),
    "sending": ("loader-2", _("Sending")),
    "paused": ("player-pause", _("Paused")),
    "suspended": ("hand-stop", _("Suspended")),
    "completed": ("check", _("Completed")),
    "stopped": ("player-stop", _("Stopped")),
    "cancelled": ("x", _("Cancelled")),
    "queued": ("clock", _("Queued")),
    "held": ("hand-stop", _("Held")),
    "claimed": ("loader-2", _("Claimed")),
    "submitting": ("loader-2", _("Submitting")),
    "accepted": ("dots", _("Accepted")),
    "in_doubt": ("help-circle", _("In doubt")),
    "delivered": ("check", _("Delivered")),
    "undelivered": ("x", _("Undelivered")),
    "expired": ("clock-x", _("Expired")),
    "rejected": ("x", _("Rejected")),
    "no_receipt": ("mail-question", _("No receipt")),
    "sent": ("check", _("Sent")),
    "failed": ("x", _("Failed")),
    "other": ("dots", _("Other")),
    "pending": ("hourglass", _("Under review")),
    "approved": ("check", _("Approved")),
    "withdrawn": ("x", _("Withdrawn")),
    "submitted": ("clock", _("Submitted")),
    "in_review": ("hourglass", _("In review")),
    "revoked": ("x", _("Revoked")),
    "ok": ("check", _("Fine")),
    "warn": ("alert-triangle", _("Attention")),
    "info": ("info-circle", _("Note")),
}
# Territories that numbers belong to and the flag set has no picture of.
FLAGLESS = frozenset({"AC", "BQ", "TA", "XK"})
PLACEHOLDER = re.compile(r"(\$\{[^{}\s]{1,32}\})")
HUES = 5


class FormTokens(CsrfTokenNode):
    """Django's token, and the workspace that the form is made in."""

    def render(self, context: Context) -> SafeString:
        token: SafeString = super().render(context)  # type: ignore[assignment]
        request = getattr(context, "request", None)
        membership = getattr(request, "membership", None)
        if membership is None:
            return token
        pattern = '{}<input type="hidden" name="{}" value="{}">'
        return format_html(pattern, token, moved.FIELD, membership.workspace.key)


@register.tag
def csrf_token(parser: Parser, token: Token) -> FormTokens:
    """`{% csrf_token %}` in place of Django's: no form can have the one without the other."""
    return FormTokens()


def name_of(code: str) -> str:
    """A country's name in the language of the page."""
    return gettext(countries.country_name(code)) if code else ""


@register.simple_tag
def icon(name: str, css: str = "", label: str = "") -> SafeString:
    """`{% icon "plus" %}`, with a size class, or with a label when it stands alone."""
    return icons.draw(name, css, str(label))


@register.simple_tag
def clock() -> SafeString:
    """`{% clock %}`: the zone and the hours of the person, for a time that a script writes."""
    hours = 12 if "A" in dates.manner().time else 24
    zone = timezone.get_current_timezone_name()
    return format_html(' data-zone="{}" data-hours="{}"', zone, hours)


@register.simple_tag
def chip(state: str, text: str = "") -> SafeString:
    """`{% chip campaign.state %}`: icon and word; *text* replaces the word."""
    picture, word = STATES.get(state, ("dots", state.replace("_", " ").capitalize()))
    return format_html(
        '<span class="chip" data-s="{}">{}{}</span>', state, icons.draw(picture), text or word
    )


@register.simple_tag
def country(code: str, name: bool = True) -> SafeString:
    """`{% country "MY" %}`: flag and name; with False the name is only read aloud."""
    code = code.upper()
    flag = (
        SafeString("")
        if code in FLAGLESS or len(code) != 2
        else format_html(
            '<span class="flag flag-country-{}" aria-hidden="true"></span>', code.lower()
        )
    )
    shown = name or not flag
    pattern = "{} {}" if shown else '{}<span class="visually-hidden">{}</span>'
    return format_html(pattern, flag, name_of(code) if code else gettext("No country"))


@register.simple_tag
def face(name: str) -> SafeString:
    """`{% face user.name %}`: initials on a colour that stays the same for a name."""
    words = name.replace("@", " ").replace(".", " ").split() or ["?"]
    initials = (words[0][0] + (words[-1][0] if len(words) > 1 else words[0][1:2])).upper()
    hue = sum(map(ord, name)) % HUES + 1
    return format_html(
        '<span class="face" data-hue="{}" aria-hidden="true">{}</span>', hue, initials
    )


@register.simple_tag
def stack(
    total: int, sent: int = 0, failed: int = 0, other: int = 0, thin: bool = False
) -> SafeString:
    """`{% stack total sent failed other %}`: the bar; write the numbers beside it."""
    return drawing.stack(total or 0, sent or 0, failed or 0, other or 0, thin=thin)


@register.simple_tag
def limit(used: int, cap: int, label: str, warn: int = 80) -> SafeString:
    """`{% limit used cap label %}`: use against a threshold, read aloud as *label*."""
    return drawing.limit(used, cap, str(label), warn)


@register.simple_tag
def donut(sent: int, failed: int, other: int, label: str = "") -> SafeString:
    """`{% donut sent failed other %}`: the share of all messages that was sent."""
    return drawing.donut(sent or 0, failed or 0, other or 0, str(label))


@register.simple_tag
def ring(value: float, total: float) -> SafeString:
    """`{% ring done total %}`: progress as a ring, decoration only."""
    return drawing.ring(value or 0, total or 0)


@register.simple_tag
def when(
    value: datetime | date | None, style: str = "full", zone: str = "", utc: bool = False
) -> SafeString | str:
    """`{% when at %}`, in a style of dates.STYLES; `utc=True` writes UTC below."""
    shown = wording.moment(value, style, zone)
    if not utc or not isinstance(value, datetime):
        return shown
    below = dates.write(value.astimezone(UTC), "full")
    return format_html('{}<span class="sub"{}>{} UTC</span>', shown, wording.tongue(), below)


@register.filter
def written(value: datetime | date, style: str) -> str:
    """`{{ wall|written:"short" }}`: a time that has no zone, as the person reads it."""
    return dates.write(value, style)


@register.filter
def number(value: int | float | None) -> str:
    return wording.number(value)


@register.filter
def pct(part: float | None, whole: float | None) -> str:
    """`{{ failed|pct:total }}`."""
    return wording.percent(part, whole)


@register.filter
def rate(sent: int, failed: int) -> str:
    """Delivery rate, Sent / (Sent + Failed): `{{ sent|rate:failed }}`."""
    return wording.percent(sent, sent + failed)


@register.filter
def money(micros: int | None, currency: str = "USD") -> str:
    """`{{ charge.amount|money:charge.currency }}`."""
    return wording.money(micros, currency)


@register.filter
def amounts(found: Iterable[tuple[str, int]]) -> str:
    """`{{ spend.amounts|amounts }}`: one sum for each currency."""
    return wording.amounts(found)


@register.filter
def price(micros: int | None, currency: str = "USD") -> str:
    """The price of a segment, with four decimals."""
    return wording.money(micros, currency, places=4)


@register.filter
def rate_price(micros: int | None, currency: str = "USD") -> str:
    """A rate exactly as it was entered: four decimals, or more where it has more."""
    text = wording.money(micros, currency, places=6)
    return text if micros is None else text[:-2] + text[-2:].rstrip("0")


@register.filter
def duration(value: timedelta | float | None) -> str:
    return wording.duration(value)


@register.filter
def country_name(code: str) -> str:
    return name_of(code)


@register.filter
def masked_unless(text: object, is_open: object) -> str:
    """`{{ problem.raw|masked_unless:shown_until }}`: numbers in a text hidden, unless open."""
    return str(text) if is_open else hide_numbers(str(text))


@register.filter
def by_country_name(codes: Iterable[str]) -> list[str]:
    """`{% for code in codes|by_country_name %}`: in the order a person looks for them."""
    return sorted(codes, key=name_of)


@register.filter
def marked(content: str) -> SafeString:
    """Message content with its variables tinted; everything in it is escaped."""
    parts = PLACEHOLDER.split(content)
    return format_html_join(
        "",
        "{}",
        ((format_html("<mark>{}</mark>", p) if i % 2 else p,) for i, p in enumerate(parts)),
    )
