"""Who did what to a campaign: audit events as sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import AuditEvent
from billing import wording
from sheets.spoken import without_numbers
from sms.countries import country_name

Words = str | Promise
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. ``tone`` colours its dot; ``who`` is empty for the console."""

    at: datetime
    what: Words
    detail: str
    who: str
    tone: str


WORDS: dict[str, tuple[Words, str]] = {
    "campaign.create": (_("Created"), ""),
    "campaign.import": (_("Recipients imported"), ""),
    "campaign.check_again": (_("List checked again"), ""),
    "campaign.leave_out": (_("Rows left out of the list"), ""),
    "campaign.answer_import": (_("Question about the list answered"), ""),
    "campaign.confirm": (_("Refused rows accepted: sending to the valid ones"), ""),
    "campaign.test": (_("Test sent"), ""),
    "campaign.submit": (_("Submitted"), "done"),
    "campaign.edit": (_("Taken back to draft"), "warn"),
    "campaign.start": (_("Started"), "done"),
    "campaign.start_late": (_("Not started: the time was missed"), "warn"),
    "campaign.pause": (_("Paused"), "warn"),
    "campaign.resume": (_("Resumed"), "done"),
    "campaign.suspend": (_("Suspended"), "bad"),
    "campaign.resume_suspended": (_("Resumed after the suspension"), "done"),
    "campaign.finish": (_("Completed: everything has left"), "done"),
    "campaign.reopen": (_("Opened again for messages in doubt"), "warn"),
    "campaign.resolve": (_("Decided about messages in doubt"), "warn"),
    "campaign.resolved": (_("The decision about messages in doubt is carried out"), "done"),
    "campaign.cancel": (_("Cancelled"), "bad"),
    "campaign.stop": (_("Stopped for good"), "bad"),
    "campaign.export": (_("Phone number details exported"), ""),
    "campaign.reveal": (_("Numbers revealed for 15 minutes"), "warn"),
    "campaign.hide": (_("Numbers masked again"), ""),
    "import.refused_download": (_("Refused rows downloaded"), ""),
    "campaign.copy": (_("Duplicated"), ""),
    "campaign.resend": (_("Resend created"), ""),
}
REASONS: dict[str, Words] = {
    "late_start": _("the start was missed by more than an hour"),
    "carrier_refused": _("the carrier refused the account"),
    "sender": _("the sender ID is no longer approved"),
    "threshold": _("a suspension threshold was reached"),
}
# What an event says of itself, in this order.
SAID = ("reason", "of", "to", "numbers", "left", "rows")


def threshold(period: str, limit: int, country: str = "") -> str:
    """A threshold by its name and figure, as a sentence begins."""
    given = {"which": wording.adjective(period), "limit": f"{limit:,}"}
    if country:
        words = ngettext(
            "The %(which)s threshold of %(limit)s segment to %(country)s",
            "The %(which)s threshold of %(limit)s segments to %(country)s",
            limit,
        )
        return words % {**given, "country": country_name(country)}
    words = ngettext(
        "The %(which)s threshold of %(limit)s segment",
        "The %(which)s threshold of %(limit)s segments",
        limit,
    )
    return words % given


def steps(events: Iterable[AuditEvent]) -> list[Step]:
    """The events as they are shown, the latest first."""
    return [_step(event) for event in events]


def _step(event: AuditEvent) -> Step:
    plain = event.action.rpartition(".")[2].replace("_", " ").capitalize()
    what, tone = WORDS.get(event.action, (plain, ""))
    said: Iterable[str] = (_say(name, event.data.get(name)) for name in SAID)
    if "limit" in event.data and event.data.get("reason") == "threshold":
        data = event.data
        which = threshold(data.get("period", ""), data["limit"], data.get("country", ""))
        said = [_("%(threshold)s was reached") % {"threshold": which}]
    who = "" if event.actor is None else str(event.actor)
    return Step(event.at, what, " · ".join(filter(None, said)), who, tone)


def _say(name: str, value: object) -> str:
    if value in (None, "", 0):
        return ""
    if name == "reason":
        known = REASONS.get(str(value))
        return str(known) if known else f"“{without_numbers(str(value))}”"
    count = value if isinstance(value, int) else 0
    form = {
        "of": _("from %(value)s"),
        "to": _("as %(value)s"),
        "numbers": ngettext("%(value)s number", "%(value)s numbers", count),
        "left": ngettext("%(value)s number left", "%(value)s numbers left", count),
        "rows": ngettext("%(value)s row", "%(value)s rows", count),
    }[name]
    shown = f"{count:,}" if isinstance(value, int) else without_numbers(str(value))
    return str(form) % {"value": shown}
