"""The kill switch of a workspace: nothing more is handed to a carrier, whatever was planned.

The switch is one column that every claim, every begin and the watch over leases read, so it
works while Redis is away. No campaign changes its state: what is *sending* waits, and goes on
where it was.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User, Workspace
from accounts.notices import notify, people_to_tell
from campaigns import clock, reading, tasks
from campaigns.models import Campaign
from campaigns.states import CampaignState


@dataclass(frozen=True, slots=True)
class Reach:
    """What the switch stops now: campaigns, their messages that have not left, later starts."""

    sending: int
    left: int
    scheduled: int


def reach(workspace: Workspace) -> Reach:
    """What there is to be stopped; test sends are counted too."""
    rows = Campaign.objects.filter(workspace=workspace)
    sending = list(rows.filter(state=CampaignState.SENDING).select_related(*reading.SHOWN_WITH))
    left = sum(result.left for result in reading.results(sending).values())
    scheduled = rows.filter(state=CampaignState.SCHEDULED).count()
    return Reach(len(sending), left, scheduled)


@transaction.atomic
def switch_off(workspace: Workspace, by: User, reason: str) -> bool:
    """Hand nothing more over, within 2 seconds; False if somebody else was first."""
    rows = Workspace.objects.filter(pk=workspace.pk, sending_off_at=None)
    if not rows.update(sending_off_at=Now(), sending_off_by=by, sending_off_reason=reason):
        return False
    audit.record("workspace.stop_sending", workspace, by, reason=reason, old="on", new="off")
    title = _("All sending is stopped by %(who)s") % {"who": by}
    _tell(workspace, "stopped", title, _("Reason: %(reason)s") % {"reason": reason})
    return True


@transaction.atomic
def switch_on(workspace: Workspace, by: User) -> bool:
    """Let what waits go on, at once; False if somebody else was first."""
    rows = Workspace.objects.filter(pk=workspace.pk, sending_off_at__isnull=False)
    if not rows.update(sending_off_at=None, sending_off_by=None, sending_off_reason=""):
        return False
    audit.record("workspace.resume_sending", workspace, by, old="off", new="on")
    title = _("%(who)s lets everything send again") % {"who": by}
    _tell(workspace, "resumed", title, _("What had waited goes on where it was."))
    waiting = Campaign.objects.going().filter(workspace=workspace).first()
    if waiting is not None:
        # One bell is enough for all campaigns; a lost one costs seconds.
        transaction.on_commit(lambda: tasks.dispatch.delay(waiting.pk), robust=True)
    return True


def _tell(workspace: Workspace, what: str, title: str, body: str) -> None:
    notify(
        people_to_tell(workspace),
        workspace,
        kind=f"sending.{what}",
        title=title,
        body=body,
        path=reverse("overview"),
        dedupe=f"sending-{what}-{clock.now():%Y%m%d%H%M%S%f}",
    )
