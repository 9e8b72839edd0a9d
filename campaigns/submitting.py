"""Submit: check everything again, freeze what will be sent, move the campaign to *scheduled*."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from billing.models import Threshold
from campaigns import clock, destinations, drafting, estimating, families, fitting
from campaigns.cautions import Caution, cautions
from campaigns.destinations import Standing
from campaigns.estimating import Estimate
from campaigns.fitting import Fit
from campaigns.forms import CampaignForm
from campaigns.importing.check import manual_recipients
from campaigns.models import Campaign, WrongState, content_digest
from campaigns.models.campaign import Origin, Source
from carriers.models import Carrier
from sms.countries import country_name
from sms.text import normalise

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a campaign cannot be submitted; *anchor* is the id of the field to mend, *country* one
    that must be left out.
    """

    anchor: str
    sentence: Words
    country: str = ""


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
    problems += _reached(campaign)
    source = campaign.recipients
    counts = destinations.countries(campaign) if is_bad or source is None else source.countries
    standing = destinations.standing(campaign, counts)
    problems += _blocked(standing)
    withheld = 0 if is_bad else drafting.withheld(campaign)
    return Review(
        problems=problems,
        cautions=cautions(campaign, estimate, withheld),
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
    families.lock(campaign)
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
    rows = Threshold.objects.suspending().filter(workspace_id=campaign.workspace_id)
    has_none = not rows.exists()
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


def _reached(campaign: Campaign) -> list[Problem]:
    """Whom another resend has reached since this one was made: nobody is written to twice."""
    if campaign.origin == Origin.RESEND and families.is_forgotten(campaign):
        text = _(
            "The phone numbers of its first campaign or of another resend are no longer kept, so"
            " nobody knows whom they reached. Discard this draft and create a new campaign."
        )
        return [Problem("", text)]
    numbers = families.shared(campaign)
    if not numbers:
        return []
    if campaign.recipients is not None and numbers == campaign.recipients.accepted:
        text = _(
            "Another resend has reached all of these numbers meanwhile, or is about to. Nothing is"
            " left to send: discard this draft."
        )
        return [Problem("", text)]
    text = ngettext(
        "Another resend has reached %(n)s of these numbers meanwhile, or is about to. It would get"
        " the message twice.",
        "Another resend has reached %(n)s of these numbers meanwhile, or is about to. They would"
        " get the message twice.",
        numbers,
    )
    return [Problem("reached", text % {"n": f"{numbers:,}"})]


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


# --- a test ----------------------------------------------------------------------------------


def send_test(campaign: Campaign, by: User) -> Campaign:
    """Send the draft to the person's own numbers now; CannotTest or CannotSubmit if not."""
    problems = [p for p in missing(campaign) if p.anchor in ("id_sender", "id_content")]
    if problems:
        raise CannotSubmit([replace(problem) for problem in problems])
    with transaction.atomic():
        test = drafting.test_campaign(campaign, by)
        submit(test, by)
    return test
