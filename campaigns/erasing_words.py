"""An erased number in what people wrote: reasons, notes, names and texts that may still change."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import Model

from accounts.models import Job, Workspace
from campaigns.erasure_search import Sought, chunks
from campaigns.models import Campaign, Reveal
from campaigns.states import CampaignState
from senders.models import OptOut, Registration, SenderID

# What people write down, by its table: where its workspace stands, and its columns. Charges and
# audit events are not here: they are never changed.
WORDS: tuple[tuple[type[Model], str, tuple[str, ...]], ...] = (
    (OptOut, "workspace", ("reason", "file_name")),
    (SenderID, "workspace", ("company", "website", "note", "reason")),
    (Registration, "sender__workspace", ("reference", "note", "reason")),
    (Campaign, "workspace", ("name", "cost_centre")),
    (Reveal, "campaign__workspace", ("reason",)),
    (Workspace, "pk", ("sending_off_reason",)),
    (Job, "workspace", ("options", "file_name", "error")),
)


def run(sought: Sought, found: Counter[str]) -> None:
    """Put every number that is sought out of sight, and count the rows it stood in."""
    for model, place, names in WORDS:
        _mask(sought, found, model._default_manager.filter(**{place: sought.workspace_id}), names)
    drafts = Campaign.objects.filter(workspace=sought.workspace_id, state=CampaignState.DRAFT)
    _mask(sought, found, drafts, ("content",))  # what was submitted is frozen


def _mask(sought: Sought, found: Counter[str], rows: Any, names: tuple[str, ...]) -> None:
    for pk, *was in chunks(rows, *names):
        now = [sought.masked(value) for value in was]
        changed = {name: (old, new) for name, old, new in zip(names, was, now, strict=True)
                   if old != new}  # fmt: skip
        for name, (old, new) in changed.items():  # somebody may write at the same time
            found["words"] += rows.filter(pk=pk, **{name: old}).update(**{name: new})
