"""A sender ID's way: registered, decided on, and the people told of it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit, notices
from accounts.models import AuditEvent, User, Workspace
from senders import registering
from senders.models import SenderID

DECISIONS = {
    "approve": gettext_lazy("Sender ID %(value)s is approved"),
    "reject": gettext_lazy("Sender ID %(value)s is rejected"),
    "withdraw": gettext_lazy("Sender ID %(value)s is withdrawn"),
}


def register(
    sender: SenderID, workspace: Workspace, by: User, countries: Sequence[str] = ()
) -> None:
    """Keep a new sender ID under review, and ask for *countries* with it; an IntegrityError if
    the value is there already.
    """
    sender.workspace, sender.requested_by = workspace, by
    with transaction.atomic():
        sender.save()
        event = audit.record("sender.register", sender, by, value=sender.value)
        registering.add(sender, countries, by)
        registering.submit_drafts(sender, by, countries)
        _ask_for_review(sender, by, event)


def resubmit(sender: SenderID, by: User) -> None:
    """Send a rejected or withdrawn one to review again with its new record."""
    fields = {name: getattr(sender, name) for name in ("company", "website", "note")}
    with transaction.atomic():
        sender.move("resubmit", by, timezone.now())
        SenderID.objects.filter(pk=sender.pk).update(**fields)
        _ask_for_review(sender, by, _last_event(sender))


def decide(sender: SenderID, action: str, by: User, reason: str = "") -> None:
    """Approve, reject or withdraw; WrongSenderState if somebody else was first."""
    with transaction.atomic():
        sender.move(action, by, timezone.now(), reason)
        event = _last_event(sender)
        told = [sender.requested_by] if sender.requested_by_id != by.pk else []
        title = str(DECISIONS[action]) % {"value": sender.value}
        _tell(told, sender, f"sender.{action}", title, reason, event)


def _ask_for_review(sender: SenderID, by: User, event: AuditEvent) -> None:
    admins = [user for user in notices.people_to_tell(sender.workspace) if user.pk != by.pk]
    title = _("Sender ID %(value)s waits for review") % {"value": sender.value}
    body = _("%(person)s registered it for %(company)s.")
    said = body % {"person": by.name, "company": sender.company}
    _tell(admins, sender, "sender.review", title, said, event)


def _tell(
    users: list[User], sender: SenderID, kind: str, title: str, body: str, event: AuditEvent
) -> None:
    path = reverse("senders:detail", args=[sender.key])
    notices.notify(users, sender.workspace, kind, title, body, path, f"{kind}:{event.pk}")


def _last_event(sender: SenderID) -> AuditEvent:
    events = AuditEvent.objects.filter(
        object_type=sender._meta.label_lower, action__startswith="sender."
    )
    return events.filter(object_id=str(sender.pk)).latest("pk")
