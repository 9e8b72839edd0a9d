"""Submit: check everything again, freeze what will be sent, move the campaign to *scheduled*."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from billing.models import Threshold
from campaigns import clock, destinations, drafting, estimating, fitting
from campaigns.destinations import Standing
from campaigns.estimating import Estimate
from campaigns.fitting import Fit
from campaigns.forms import CampaignForm
from campaigns.importing.check import manual_recipients
from campaigns.models import Campaign, WrongState, content_digest
from campaigns.models.campaign import Origin, Source
from campaigns.states import Scenario
from carriers.models import Carrier
from sms.countries import country_name
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
class Problem:
    """Why a campaign cannot be submitted; *anchor* is the id of the field to mend, *country* one
    that must be left out.
    """

    anchor: str
    sentence: Words
    country: str = ""


@dataclass(frozen=True, slots=True)
class Caution:
    """Something to know before submitting. It does not stop anybody."""

    code: str
    sentence: Words
    tone: str = "warn"
    route: str = ""
    label: Words = ""


class CannotSubmit(Exception):
    """The campaign stays a draft; *problems* say what to mend."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{len(problems)} problems")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Review:
    """Everything a person sees before submitting. ``token`` stands for exactly this."""

    problems: list[Problem]
    cautions: list[Caution]
    estimate: Estimate | None
    fit: Fit | None
    is_counting: bool
    token: str
    standing: Standing
    withheld: int  # messages

    @property
    def needs_choice(self) -> bool:
        """Whether somebody must choose to send until suspended."""
        return self.fit is not None and not self.fit.fits


def review(campaign: Campaign) -> Review:
    """What stands in the way of *campaign*, what it costs, and what to know before."""
    problems = missing(campaign)
    is_bad = any(p.anchor in ("id_content", "id_manual_numbers", "id_file") for p in problems)
    if campaign.source == Source.MANUAL and not is_bad:
        manual_recipients(campaign)
    problems += list_problems(campaign, problems)
    estimate = None if is_bad else estimating.estimate(campaign)
    fit = estimate and fitting.fit(campaign, estimate, campaign.send_at or clock.now())
    if estimate and estimate.unfit:
        problems.append(_unfit(estimate))
    source = campaign.recipients
    counts = destinations.countries(campaign) if is_bad or source is None else source.countries
    standing = destinations.standing(campaign, counts)
    problems += _blocked(standing)
    withheld = 0 if is_bad else drafting.withheld(campaign)
    return Review(
        problems=problems,
        cautions=_withheld_cautions(withheld) + cautions(campaign, estimate),
        estimate=estimate,
        fit=fit or None,
        is_counting=not is_bad and estimating.needs_task(campaign),
        token=token(campaign, estimate, withheld),
        standing=standing,
        withheld=withheld,
    )


@transaction.atomic
def submit(campaign: Campaign, by: User, *, partial_ok: bool = False, seen: str = "") -> None:
    """Freeze and schedule, or raise CannotSubmit; WrongState if it is no draft any more.

    *seen* is the token of the review the person looked at: a campaign that changed since is
    not submitted. Ring ``start_due`` on commit.
    """
    rows = Campaign.objects.select_for_update(of=("self",))
    locked = rows.select_related("workspace", "author", "sender", "recipients").get(pk=campaign.pk)
    if not locked.is_editable:
        raise WrongState("submit")
    found = review(locked)
    problems = found.problems + _refusals(locked, found, partial_ok=partial_ok, seen=seen)
    carrier = Carrier.objects.filter(workspace=locked.workspace, is_on=True).order_by("pk").first()
    problems += _carrier_problems(locked, carrier)
    if problems or carrier is None or found.estimate is None:
        raise CannotSubmit(problems)
    frozen = _frozen(locked, carrier, found.estimate)
    said = {
        "numbers": found.estimate.numbers,
        "segments": found.estimate.billable,
        "cost": found.estimate.cost,
        "send_at": frozen["send_at"].isoformat(),
        "partial_ok": partial_ok,
    }
    locked.move("submit", by=by, audit=said, partial_ok=partial_ok, **frozen)
    campaign.refresh_from_db()


def _carrier_problems(campaign: Campaign, carrier: Carrier | None) -> list[Problem]:
    """Rows that were practised with may never leave through a real carrier."""
    if carrier is None:
        return [Problem("", _("No carrier is in use. Ask an admin to switch one on."))]
    source = campaign.recipients
    if source is None or carrier.is_practice or not source.options.get("practice_only"):
        return []
    return [
        Problem(
            "id_file",
            _(
                "These numbers come from a campaign of the practice carrier and are not sent"
                " through a real one. Import your own list."
            ),
        )
    ]


def _frozen(campaign: Campaign, carrier: Carrier, estimate: Estimate) -> dict[str, Any]:
    """The columns that never change again."""
    now = clock.now()
    prices = {line.country: line.price for line in estimate.lines if line.price is not None}
    content = normalise(campaign.content)
    sender = campaign.sender.value  # type: ignore[union-attr]
    recipients = campaign.recipients.digest  # type: ignore[union-attr]
    return {
        "carrier": carrier,
        "content": content,
        "sender_value": sender,
        "prices": prices,
        "currency": campaign.workspace.currency,
        "estimate": {**campaign.estimate, "cost": estimate.cost},
        "total": estimate.numbers,
        "digest": content_digest(
            content, sender, campaign.scenario, recipients, carrier.pk, prices
        ),
        "send_at": campaign.send_at if campaign.is_scheduled else now,
        "submitted_at": now,
    }


def token(campaign: Campaign, estimate: Estimate | None, withheld: int) -> str:
    """Stands for all that a person agrees to on the review page, its prices included."""
    source = campaign.recipients
    lines = estimate.lines if estimate else ()
    words = [
        campaign.name, campaign.scenario, campaign.content, campaign.sender_id, campaign.source,
        campaign.is_scheduled, campaign.wall_time, campaign.time_zone, campaign.fold,
        source.pk if source else None, campaign.cost_centre, campaign.workspace.currency, withheld,
        sorted((line.country, line.numbers, line.billable, line.price) for line in lines),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:32]


# --- what stands in the way -----------------------------------------------------------------


def missing(campaign: Campaign) -> list[Problem]:
    """What the form still lacks, by the same rules as the form; the start is resolved anew."""
    if campaign.origin == Origin.TEST:
        return []
    form = CampaignForm.of(campaign, is_masked=True)
    form.is_valid()
    campaign.send_at = form.send_at if campaign.is_scheduled else None
    return [
        Problem(f"id_{name}", str(error))
        for name, errors in form.errors.items()
        for error in errors
    ]


def list_problems(campaign: Campaign, known: list[Problem]) -> list[Problem]:
    """What is wrong with the list or the rules around it, beside what the form says."""
    found = []
    source = campaign.recipients
    if source is not None and source.needs_confirmation:
        text = ngettext(
            "%(bad)d row was refused. Say that the campaign goes to the %(good)d valid numbers.",
            "%(bad)d rows were refused. Say that the campaign goes to the %(good)d valid numbers.",
            source.refused,
        )
        said = text % {"bad": source.refused, "good": source.accepted}
        found.append(Problem("confirm", said))
    if source is not None and source.is_ready and not source.accepted and not known:
        found.append(Problem("id_file", _("No valid number is left. Give at least one.")))
    if drafting.needs_optouts(campaign):
        text = _("The list was checked for a verification code, with opted-out numbers in it.")
        found.append(Problem("again", f"{text} {_('Check it again.')}"))
    has_none = not Threshold.objects.filter(workspace_id=campaign.workspace_id).exists()
    if settings.THRESHOLD_POLICY == "require" and has_none:
        text = _("No suspension threshold is set, and this console requires one. Ask an admin.")
        found.append(Problem("", text))
    return found


def _blocked(standing: Standing) -> list[Problem]:
    """Countries that certainly refuse the sender ID: nothing is submitted to them."""
    found = []
    for validity, numbers in standing:
        if validity.is_blocked:
            text = ngettext(
                "%(country)s, %(n)s number: %(said)s",
                "%(country)s, %(n)s numbers: %(said)s",
                numbers,
            )
            given = {"country": _(country_name(validity.country)), "n": f"{numbers:,}"}
            sentence = text % {**given, "said": validity.sentence}
            found.append(Problem("country", sentence, validity.country))
    return found


def _unfit(estimate: Estimate) -> Problem:
    rows = ", ".join(map(str, sorted(estimate.too_long + estimate.empty)[:10]))
    text = ngettext(
        "In %(n)d row the text is empty or longer than 10 segments: row %(rows)s.",
        "In %(n)d rows the text is empty or longer than 10 segments, first: %(rows)s.",
        estimate.unfit,
    )
    return Problem("leave-out", text % {"n": estimate.unfit, "rows": rows})


def _refusals(campaign: Campaign, found: Review, *, partial_ok: bool, seen: str) -> list[Problem]:
    problems = []
    if seen and seen != found.token:
        text = _(
            "The campaign, who opted out or its prices changed after you opened this page. Look at"
            " it again."
        )
        problems.append(Problem("", text))
    if found.is_counting:
        problems.append(Problem("", _("The recipients are still being counted. Wait a moment.")))
    if found.fit and not found.fit.fits and not partial_ok:
        text = _("It does not fit the suspension threshold: choose “send until suspended” first.")
        problems.append(Problem("id_partial_ok", text))
    return problems


# --- what to know before ----------------------------------------------------------------------


def cautions(campaign: Campaign, estimate: Estimate | None) -> list[Caution]:
    """Every warning of the review, the gravest first."""
    found = [*_off_cautions(campaign), *_threshold_cautions(campaign), *_time_cautions(campaign)]
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
    if Threshold.objects.filter(workspace_id=campaign.workspace_id).exists():
        return []
    text = _(
        "No suspension threshold is set: nothing stops sending if somebody abuses this console."
    )
    return [Caution("no_threshold", text, route="help_abuse", label=_("Why set one"))]


def _time_cautions(campaign: Campaign) -> list[Caution]:
    cutoff = timedelta(seconds=settings.CANCEL_CUTOFF_SECONDS)
    if campaign.send_at is None or campaign.send_at - clock.now() >= cutoff:
        return []
    minutes = settings.CANCEL_CUTOFF_SECONDS // 60
    text = _("It starts in less than %(n)d minutes, so it cannot be cancelled once submitted.")
    return [Caution("cannot_cancel", text % {"n": minutes})]


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
        found.append(Caution("unpriced", text % {"n": n}, route="billing:rates", label=_("Rates")))
    return found


def send_test(campaign: Campaign, by: User) -> Campaign:
    """Send the draft to the person's own numbers now; CannotTest or CannotSubmit if not."""
    problems = [p for p in missing(campaign) if p.anchor in ("id_sender", "id_content")]
    if problems:
        raise CannotSubmit([replace(problem) for problem in problems])
    with transaction.atomic():
        test = drafting.test_campaign(campaign, by)
        submit(test, by)
    return test
