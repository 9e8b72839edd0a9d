"""What to know before a campaign is submitted. None of it stops anybody."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import Threshold
from campaigns import clock, repeats
from campaigns.estimating import Estimate
from campaigns.importing.reasons import OPTED_OUT, REACHED
from campaigns.models import Campaign
from campaigns.models.campaign import Origin
from campaigns.states import Scenario
from sms.sender_id import check_sender_id, is_generic
from sms.text import normalise, unwanted

SHORTENERS = (
    "bit.ly", "buff.ly", "cutt.ly", "goo.gl", "is.gd", "ow.ly", "rb.gy", "rebrand.ly",
    "shorturl.at", "t.co", "t.ly", "tiny.cc", "tinyurl.com", "v.gd",
)  # fmt: skip
_SHORTENED = re.compile(
    r"(?<![\w.-])(" + "|".join(map(re.escape, SHORTENERS)) + r")/", re.IGNORECASE
)
_OPT_OUT = re.compile(
    r"\b(?:stop|unsubscribe|opt.?out|arret|iptal|huy|abmelden|baja)\b", re.IGNORECASE
)

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Caution:
    """Something to know before submitting. It does not stop anybody."""

    code: str
    sentence: Words
    tone: str = "warn"
    url: str = ""
    label: Words = ""


def cautions(campaign: Campaign, estimate: Estimate | None, withheld: int = 0) -> list[Caution]:
    """Every warning of the review, the gravest first; *withheld* messages are not sent."""
    found = [*_withheld_cautions(withheld), *_off_cautions(campaign)]
    found += _threshold_cautions(campaign) + _time_cautions(campaign)
    found += _left_out_cautions(campaign) + _repeat_cautions(campaign)
    found += _content_cautions(campaign)
    return found + (_count_cautions(estimate) if estimate else [])


def _withheld_cautions(withheld: int) -> list[Caution]:
    text = ngettext(
        "%(n)s message is withheld: its number opted out after the list was checked. It costs"
        " nothing.",
        "%(n)s messages are withheld: their numbers opted out after the list was checked. They"
        " cost nothing.",
        withheld,
    )
    return [Caution("withheld", text % {"n": f"{withheld:,}"})] if withheld else []


def _off_cautions(campaign: Campaign) -> list[Caution]:
    if campaign.workspace.sending_off_at is None:
        return []
    text = _("All sending is stopped: it starts on time and then waits until an admin sends again.")
    return [Caution("sending_off", text)]


def _threshold_cautions(campaign: Campaign) -> list[Caution]:
    if Threshold.objects.suspending().filter(workspace_id=campaign.workspace_id).exists():
        return []
    text = _(
        "No suspension threshold is set: nothing stops sending if somebody abuses this console."
    )
    return [Caution("no_threshold", text, url=reverse("help_abuse"), label=_("Why set one"))]


def _time_cautions(campaign: Campaign) -> list[Caution]:
    cutoff = timedelta(seconds=settings.CANCEL_CUTOFF_SECONDS)
    if campaign.send_at is None or campaign.send_at - clock.now() >= cutoff:
        return []
    minutes = settings.CANCEL_CUTOFF_SECONDS // 60
    text = ngettext(
        "It starts in less than %(n)d minute, so it cannot be cancelled once submitted.",
        "It starts in less than %(n)d minutes, so it cannot be cancelled once submitted.",
        minutes,
    )
    return [Caution("cannot_cancel", text % {"n": minutes})]


def _left_out_cautions(campaign: Campaign) -> list[Caution]:
    """Who failed the first time and is not on the list of a resend."""
    source = campaign.recipients
    if campaign.origin != Origin.RESEND or source is None:
        return []
    reached, opted_out = source.tally.get(REACHED, 0), source.tally.get(OPTED_OUT, 0)
    found = []
    if reached:
        text = ngettext(
            "%(n)s number is left out: another resend has reached it or is about to.",
            "%(n)s numbers are left out: another resend has reached them or is about to.",
            reached,
        )
        found.append(Caution("reached", text % {"n": f"{reached:,}"}, tone="info"))
    if opted_out:
        text = ngettext(
            "%(n)s number is left out: it has opted out since.",
            "%(n)s numbers are left out: they have opted out since.",
            opted_out,
        )
        found.append(Caution("opted_out", text % {"n": f"{opted_out:,}"}, tone="info"))
    return found


def _repeat_cautions(campaign: Campaign) -> list[Caution]:
    numbers = repeats.numbers(campaign.recipients)
    if not numbers:
        return []
    text = ngettext(
        "%(n)s number gets more than one message.",
        "%(n)s numbers get more than one message.",
        numbers,
    )
    url = reverse("campaigns:numbers", args=[campaign.key]) + "?reason=repeated#rows"
    said = {"url": url, "label": _("See these rows")}
    return [Caution("repeated", text % {"n": f"{numbers:,}"}, **said)]


def _content_cautions(campaign: Campaign) -> list[Caution]:
    found = []
    sender = campaign.sender.value if campaign.sender else ""
    if campaign.scenario == Scenario.OTP:
        text = _(
            "Verification codes are sent one by one by an application. In a bulk campaign they"
            " wait in a queue and may arrive too late."
        )
        found.append(Caution("otp_in_bulk", text))
    if sender and is_generic(sender):
        text = _(
            "%(sender)s says nothing about who sends. Several countries refuse such names: use"
            " the name of your app, site or company."
        )
        found.append(Caution("generic_sender", text % {"sender": sender}))
    if campaign.scenario == Scenario.MARKETING and not _can_opt_out(campaign.content, sender):
        text = _("The text does not say how to opt out, and nobody can reply to this sender ID.")
        found.append(Caution("no_opt_out", text))
    if shortened := _SHORTENED.search(campaign.content):
        text = _("Carriers often refuse shortened links such as %(link)s. Use your own domain.")
        found.append(Caution("short_link", text % {"link": shortened[1]}))
    if any(mark.kind == "warned" for mark in unwanted(normalise(campaign.content))):
        text = _("The text holds a mark that turns the direction of reading. Check it on a phone.")
        found.append(Caution("direction", text))
    return found


def _can_opt_out(content: str, sender: str) -> bool:
    is_numeric = bool(sender) and check_sender_id(sender) == "numeric"
    return is_numeric or bool(_OPT_OUT.search(content))


def _count_cautions(estimate: Estimate) -> list[Caution]:
    found = []
    if estimate.unicode:
        text = ngettext(
            "%(n)d message is sent as Unicode: 70 characters fill a segment, not 160.",
            "%(n)d messages are sent as Unicode: 70 characters fill a segment, not 160.",
            estimate.unicode,
        )
        found.append(Caution("unicode", text % {"n": estimate.unicode}, tone="info"))
    if estimate.unpriced:
        n = len(estimate.unpriced)
        text = ngettext(
            "%(n)d country has no price: its cost is not in the total.",
            "%(n)d countries have no price: their cost is not in the total.",
            n,
        )
        found.append(
            Caution("unpriced", text % {"n": n}, url=reverse("billing:rates"), label=_("Rates"))
        )
    return found
