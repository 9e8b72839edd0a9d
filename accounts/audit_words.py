"""What each audited action is called, as a sentence, and to which kind it belongs.

A word after ``%(`` is the person, the object or a value that the event holds. A test holds the
table against what the code records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts import audit_values, dates
from accounts.audit_values import NAMES, UNSAID
from accounts.models import AuditEvent
from sheets.spoken import without_numbers


class Kind(models.TextChoices):
    CAMPAIGNS = "campaigns", _("Campaigns")
    SENDERS = "senders", _("Sender IDs and opt-outs")
    MONEY = "money", _("Thresholds and rates")
    PEOPLE = "people", _("People and workspace")
    TAKEN = "taken", _("Exports and reveals")
    SECURITY = "security", _("Sign-in and refusals")


@dataclass(frozen=True, slots=True)
class Deed:
    """One action: its kind and its sentence. ``money`` also shows it to finance."""

    kind: Kind
    sentence: str | Promise
    money: bool = False


C, S, M, P, T, X = Kind
DEEDS: dict[str, Deed] = {
    "campaign.create": Deed(C, _("%(who)s created %(what)s")),
    "campaign.copy": Deed(C, _("%(who)s duplicated %(what)s as %(to)s")),
    "campaign.resend": Deed(C, _("%(who)s made a resend of %(what)s: %(to)s")),
    "campaign.import": Deed(C, _("%(who)s gave %(what)s a list of recipients")),
    "campaign.check_again": Deed(C, _("%(who)s had the list of %(what)s checked again")),
    "campaign.leave_out": Deed(C, _("%(who)s left rows out of the list of %(what)s")),
    "campaign.answer_import": Deed(C, _("%(who)s answered what the list of %(what)s asked")),
    "campaign.confirm": Deed(C, _("%(who)s let %(what)s go to its valid rows only")),
    "campaign.test": Deed(C, _("%(who)s sent a test of %(what)s")),
    "campaign.submit": Deed(C, _("%(who)s submitted %(what)s")),
    "campaign.edit": Deed(C, _("%(who)s took %(what)s back to draft")),
    "campaign.start": Deed(C, _("%(what)s started")),
    "campaign.start_late": Deed(C, _("%(what)s missed its start and waits for a person")),
    "campaign.pause": Deed(C, _("%(who)s paused %(what)s")),
    "campaign.resume": Deed(C, _("%(who)s resumed %(what)s")),
    "campaign.suspend": Deed(C, _("%(who)s suspended %(what)s")),
    "campaign.resume_suspended": Deed(C, _("%(who)s resumed %(what)s after its suspension")),
    "campaign.finish": Deed(C, _("%(what)s is completed: everything has left")),
    "campaign.reopen": Deed(C, _("%(who)s opened %(what)s again for messages in doubt")),
    "campaign.resolve": Deed(C, _("%(who)s decided about the messages in doubt of %(what)s")),
    "campaign.resolved": Deed(C, _("The decision about messages in doubt of %(what)s is done")),
    "campaign.cancel": Deed(C, _("%(who)s cancelled %(what)s")),
    "campaign.stop": Deed(C, _("%(who)s stopped %(what)s for good")),
    "campaign.export": Deed(T, _("%(who)s exported the phone number details of %(what)s")),
    "campaign.reveal": Deed(T, _("%(who)s revealed the numbers of %(what)s for 15 minutes")),
    "campaign.hide": Deed(T, _("%(who)s masked the numbers of %(what)s again")),
    "import.refused_download": Deed(T, _("%(who)s downloaded the refused rows of %(what)s")),
    "search.number": Deed(T, _("%(who)s looked up a phone number")),
    "audit.export": Deed(T, _("%(who)s exported the audit log")),
    "sender.register": Deed(S, _("%(who)s registered the sender ID %(what)s")),
    "sender.resubmit": Deed(S, _("%(who)s sent the sender ID %(what)s for review again")),
    "sender.approve": Deed(S, _("%(who)s approved the sender ID %(what)s")),
    "sender.reject": Deed(S, _("%(who)s rejected the sender ID %(what)s")),
    "sender.withdraw": Deed(S, _("%(who)s withdrew the sender ID %(what)s")),
    "registration.add": Deed(S, _("%(who)s asked for %(what)s in %(country)s")),
    "registration.submit": Deed(S, _("%(who)s submitted %(what)s in %(country)s")),
    "registration.review": Deed(S, _("%(what)s is in review in %(country)s, says %(who)s")),
    "registration.approve": Deed(S, _("%(who)s recorded %(what)s as approved in %(country)s")),
    "registration.renew": Deed(S, _("%(who)s renewed %(what)s in %(country)s")),
    "registration.reject": Deed(S, _("%(who)s recorded %(what)s as rejected in %(country)s")),
    "registration.expire": Deed(S, _("%(what)s expired in %(country)s")),
    "registration.revoke": Deed(S, _("%(who)s recorded %(what)s as revoked in %(country)s")),
    "optout.add": Deed(S, _("%(who)s added a number to the opt-outs")),
    "optout.remove": Deed(S, _("%(who)s removed a number from the opt-outs")),
    "optout.import": Deed(S, _("%(who)s imported a list of opt-outs")),
    "optout.export": Deed(T, _("%(who)s exported the opt-outs")),
    "threshold.set": Deed(
        M, _("%(who)s set the threshold of the %(period)s from %(old)s to %(new)s segments"), True
    ),
    "threshold.clear": Deed(
        M, _("%(who)s removed the threshold of the %(period)s, which was %(old)s segments"), True
    ),
    "rate.enter": Deed(
        M, _("%(who)s set the rate of %(country)s from %(old)s to %(new)s"), True
    ),
    "rate.import": Deed(M, _("%(who)s imported a sheet of rates"), True),
    "statement.export": Deed(T, _("%(who)s exported the statement of %(month)s"), True),
    "team.invite": Deed(P, _("%(who)s invited %(what)s as %(role)s")),
    "team.invite_again": Deed(P, _("%(who)s invited %(what)s once more")),
    "team.role": Deed(P, _("%(who)s changed the role of %(what)s from %(old)s to %(new)s")),
    "team.deactivate": Deed(P, _("%(who)s deactivated %(what)s")),
    "team.accept": Deed(P, _("%(who)s accepted the invitation")),
    "team.decline": Deed(P, _("%(who)s declined the invitation")),
    "team.reactivate": Deed(P, _("%(who)s reactivated %(what)s")),
    "workspace.enter": Deed(P, _("%(who)s changed to the workspace %(what)s")),
    "user.added": Deed(P, _("%(who)s added %(what)s")),
    "user.invited": Deed(P, _("%(who)s made a sign-in link for %(what)s")),
    "user.profile": Deed(P, _("%(who)s changed the own profile")),
    "user.password": Deed(X, _("%(who)s set a password")),
    "user.sign_in": Deed(X, _("%(who)s signed in")),
    "user.sign_in_failed": Deed(X, _("Somebody gave a wrong password for %(what)s")),
    "user.end_sessions": Deed(X, _("%(who)s ended sessions of %(what)s")),
    "user.sign_in_by_link": Deed(X, _("%(who)s signed in by a one-time link")),
    "user.reset_link": Deed(X, _("A link to set a new password was mailed to %(what)s")),
    "workspace.change": Deed(P, _("%(who)s changed the workspace")),
    "workspace.stop_sending": Deed(P, _("%(who)s stopped all sending"), True),
    "workspace.resume_sending": Deed(P, _("%(who)s let everything send again"), True),
    "workspace.first_run": Deed(P, _("%(who)s made the workspace %(what)s")),
    "retention.run": Deed(P, _("%(who)s deleted what %(what)s has kept long enough")),
    "privacy.erase": Deed(P, _("%(who)s had a person's data erased")),
    "privacy.erased": Deed(P, _("%(who)s has erased a person's data")),
    "access.refused": Deed(X, _("%(who)s was refused a page that the role may not open")),
    "access.not_found": Deed(X, _("%(who)s asked for something that is not in this workspace")),
}  # fmt: skip


class _Said(Mapping[str, str]):
    """The words of a sentence, from the event; what it does not hold is "?"."""

    def __init__(self, event: AuditEvent) -> None:
        self.event = event

    def __getitem__(self, name: str) -> str:
        if name == "who":
            return who(self.event)
        if name == "what":
            return label(self.event)
        return value_of(self.event, name) if name in self.event.data else "?"

    def __iter__(self) -> Any:
        return iter(self.event.data)

    def __len__(self) -> int:
        return len(self.event.data)


def who(event: AuditEvent) -> str:
    """The person, or the console itself."""
    return _t("The console") if event.actor is None else str(event.actor)


def label(event: AuditEvent) -> str:
    """What the object was called then, without a phone number."""
    return without_numbers(event.label)


def sentence(event: AuditEvent) -> str:
    """What happened, in one sentence."""
    deed = DEEDS.get(event.action)
    words = "%(who)s: " + event.action if deed is None else str(deed.sentence)
    return words % _Said(event)


def details(event: AuditEvent) -> list[tuple[str, str]]:
    """What else the event holds: (name, value). What is empty says nothing."""
    known = [name for name in NAMES if name in event.data]
    other = sorted(event.data.keys() - NAMES.keys() - UNSAID)
    said = [(audit_values.name_of(n), value_of(event, n)) for n in [*known, *other]]
    return [(name, value) for name, value in said if value]


def value_of(event: AuditEvent, name: str) -> str:
    """A value of the event as people read it; prices are kept in millionths."""
    value = event.data[name]
    if value is None:
        return _t("none") if name in ("old", "new") else ""
    if isinstance(value, bool):
        return audit_values.yes_or_no(value)
    if isinstance(value, int):
        is_price = event.action.startswith("rate.") and name in ("old", "new")
        return _money(value) if is_price or name == "cost" else f"{value:,}"
    if name.endswith("_at") and (moment := parse_datetime(str(value))):
        return _moment(moment)
    if isinstance(value, Mapping):
        return audit_values.pairs(value)
    if isinstance(value, list):
        return ", ".join(audit_values.text_of(name, str(one)) for one in value)
    return audit_values.text_of(name, str(value))


def _moment(at: datetime) -> str:
    """In the person's zone, which is named."""
    written = dates.write(timezone.localtime(at), "moment")
    return f"{written} {timezone.get_current_timezone_name()}"


def _money(micros: int) -> str:
    """Millionths as a decimal number of at least two places."""
    whole = f"{Decimal(micros) / 1_000_000:.6f}"
    return whole[:-4] + whole[-4:].rstrip("0")
