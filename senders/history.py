"""What happened to a sender ID and its registrations: audit events in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEvent
from senders.models import RegistrationState

Words = str | Promise

WORDS: dict[str, tuple[Words, str]] = {
    "sender.register": (_("Sent for review"), "now"),
    "sender.resubmit": (_("Sent for review again"), "now"),
    "sender.approve": (_("Approved"), "done"),
    "sender.reject": (_("Rejected"), "bad"),
    "sender.withdraw": (_("Withdrawn"), "bad"),
    "registration.add": (_("Country added"), "now"),
    "registration.submit": (_("Submitted"), "now"),
    "registration.review": (_("In review"), "now"),
    "registration.approve": (_("Approved"), "done"),
    "registration.renew": (_("Renewed"), "done"),
    "registration.reject": (_("Rejected"), "bad"),
    "registration.revoke": (_("Revoked"), "bad"),
    "registration.expire": (_("Expired"), "bad"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened; ``country`` is empty where the sender ID itself moved."""

    at: datetime
    what: Words
    tone: str
    who: str
    country: str
    old: Words
    new: Words
    reason: str
    reference: str
    until: str


def steps(events: Iterable[AuditEvent]) -> list[Step]:
    """The events as they are shown, in the order they come."""
    return [_step(event) for event in events]


def _step(event: AuditEvent) -> Step:
    said = event.data
    what, tone = WORDS.get(event.action, (event.action, "now"))
    return Step(
        at=event.at, what=what, tone=tone, who=str(event.actor or ""),
        country=said.get("country", ""), old=_state(said.get("old")), new=_state(said.get("new")),
        reason=said.get("reason", ""), reference=said.get("reference", ""),
        until=said.get("expires_on", ""),
    )  # fmt: skip


def _state(name: str | None) -> Words:
    return RegistrationState(name).label if name in RegistrationState.values else ""
