"""Delete what has been kept as long as the workspace says: uploads, texts and values, numbers.

Counts, states, segments, references and money stay. Every step is one short transaction over at
most some thousand rows, and a run ends after a few seconds: what is left is due at once again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import audit
from accounts.models import Workspace
from campaigns.models import (
    Batch,
    Campaign,
    CampaignTally,
    DeliveryReceipt,
    ImportProblem,
    ImportState,
    Message,
    MessageEvent,
    ReceiptState,
    Recipient,
    RecipientImport,
    Retention,
)
from campaigns.states import OVER, CampaignState, MessageState
from sheets import store

STEP = 2_000
EVERY = timedelta(hours=1)
FIRST = timedelta(days=1)  # after an upgrade there is time to say how long is wanted
UNDER_WAY = (ImportState.RECEIVING, ImportState.CHECKING)
OPEN = (MessageState.QUEUED, MessageState.IN_DOUBT, MessageState.ACCEPTED)

Deleted = Iterator[tuple[str, int]]


def run(now: datetime, seconds: float = 2.0) -> None:
    """Look for old rows in every workspace that is due, for at most *seconds*."""
    until = monotonic() + seconds
    for workspace in Workspace.objects.order_by("retention__ran_at", "pk"):
        Retention.objects.get_or_create(workspace=workspace, defaults={"due_at": now + FIRST})
        mine = Retention.objects.filter(workspace=workspace, due_at__lte=now)
        if mine.update(due_at=now + EVERY, ran_at=now):
            _run(workspace, now, until)
        if monotonic() > until:
            return


def _run(workspace: Workspace, now: datetime, until: float) -> None:
    deleted: Counter[str] = Counter()
    is_whole = True
    steps = chain(
        _uploads(workspace, now), _texts(workspace, now), _numbers(workspace, now),
        _drafts(workspace, now), _lists(workspace, now), _unmatched(workspace, now),
    )  # fmt: skip
    for kind, rows in steps:
        deleted[kind] += rows
        if monotonic() > until:
            is_whole = False
            break
    found = {kind: rows for kind, rows in deleted.items() if rows}
    mine = Retention.objects.filter(workspace=workspace)
    with transaction.atomic():
        if not is_whole:
            mine.update(due_at=now)
        if found:
            mine.update(deleted_at=now, deleted=found)
            audit.record("retention.run", workspace, None, **found)


# --- what is old enough -------------------------------------------------------------------


def _before(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)


def _over(workspace: Workspace, before: datetime) -> QuerySet[Campaign]:
    """Campaigns that ended before and have nothing left to send."""
    left = Batch.objects.left().filter(campaign=OuterRef("pk"))
    rows = Campaign.objects.filter(workspace=workspace, state__in=OVER, ended_at__lt=before)
    unwritten = Q(state=CampaignState.STOPPED, expanded_at=None)
    return rows.exclude(unwritten).exclude(Exists(left)).select_related("carrier").order_by("pk")


def _may_hear(campaign: Campaign, now: datetime) -> bool:
    """Can a receipt or a look-up still move one of its messages?"""
    if campaign.carrier is None or campaign.ended_at is None:
        return False
    hours = campaign.carrier.validity_hours + settings.RECEIPT_WAIT_HOURS
    if campaign.ended_at < now - timedelta(hours=hours):
        return False
    rows = CampaignTally.objects.filter(campaign=campaign, state__in=OPEN, messages__gt=0)
    return rows.exists()


def _lists_without(purged: str, workspace: Workspace, before: datetime) -> Any:
    """Lists that only campaigns use which have lost the same already, or none."""
    still = Campaign.objects.filter(recipients=OuterRef("pk"), **{purged: None})
    rows = RecipientImport.objects.filter(
        workspace=workspace, finished_at__lt=before, **{purged: None}
    )
    return rows.exclude(state__in=UNDER_WAY).exclude(Exists(still))


# --- one kind after the other --------------------------------------------------------------


def _uploads(workspace: Workspace, now: datetime) -> Deleted:
    rows = RecipientImport.objects.filter(
        workspace=workspace, finished_at__lt=_before(now, workspace.keep_uploads_days)
    )
    for source in rows.exclude(state__in=UNDER_WAY).exclude(stored_name=""):
        mine = RecipientImport.objects.filter(pk=source.pk, stored_name=source.stored_name)
        if mine.update(stored_name=""):
            store.delete(source.stored_name)
            yield "uploads", 1


def _texts(workspace: Workspace, now: datetime) -> Deleted:
    before = _before(now, workspace.keep_texts_days)
    for campaign in _over(workspace, before).filter(texts_purged_at=None):
        if _may_hear(campaign, now):
            continue
        for rows in _messages(campaign, ~Q(text="")):
            yield "texts", rows.update(text="")
        mine = Campaign.objects.filter(pk=campaign.pk, state__in=OVER)
        mine.update(texts_purged_at=now, content="")
        yield "campaign_texts", 1


def _numbers(workspace: Workspace, now: datetime) -> Deleted:
    before = _before(now, workspace.keep_numbers_days)
    for campaign in _over(workspace, before).filter(numbers_purged_at=None):
        if _may_hear(campaign, now):
            continue
        for rows in _messages(campaign, ~Q(number="")):
            yield "numbers", _forget(rows)
        mine = Campaign.objects.filter(pk=campaign.pk, state__in=OVER)
        mine.update(numbers_purged_at=now, manual_numbers="")
        yield "campaign_numbers", 1


def _messages(campaign: Campaign, left: Q) -> Iterator[QuerySet[Message]]:
    """Those of its messages that are *left*, some thousand at a time, from the first of them."""
    rows = Message.objects.filter(left, campaign=campaign)
    first = rows.order_by("position").values_list("position", flat=True).first()
    if first is None:
        return
    for start in range(first, campaign.total + 1, STEP):
        yield rows.filter(position__gte=start, position__lt=start + STEP)


@transaction.atomic
def _forget(rows: QuerySet[Message]) -> int:
    """Numbers of these messages, and what carriers said in words that may repeat them."""
    MessageEvent.objects.filter(message__in=rows).exclude(note="").update(note="")
    receipts = DeliveryReceipt.objects.filter(message__in=rows)
    receipts.exclude(raw="", detail="").update(raw="", detail="")
    return rows.update(number="", detail="")


def _drafts(workspace: Workspace, now: datetime) -> Deleted:
    """Drafts that nobody touched for as long as numbers are kept lose their recipients."""
    rows = Campaign.objects.filter(
        workspace=workspace, state=CampaignState.DRAFT,
        updated_at__lt=_before(now, workspace.keep_numbers_days),
    )  # fmt: skip
    has_some = rows.exclude(manual_numbers="", recipients=None)
    for pk in list(has_some.values_list("pk", flat=True)):
        yield "drafts", rows.filter(pk=pk).update(manual_numbers="", recipients=None)


def _lists(workspace: Workspace, now: datetime) -> Deleted:
    before = _before(now, workspace.keep_texts_days)
    for source in _lists_without("texts_purged_at", workspace, before):
        for rows in _ids(Recipient.objects.filter(source=source).exclude(values=[])):
            yield "values", rows.update(values=[])
        yield from _refused_rows(source)
        RecipientImport.objects.filter(pk=source.pk).update(
            texts_purged_at=now, about=_counts_of(source)
        )
    before = _before(now, workspace.keep_numbers_days)
    for source in _lists_without("numbers_purged_at", workspace, before):
        for rows in _ids(Recipient.objects.filter(source=source).exclude(number="")):
            yield "list_numbers", rows.update(number="")
        yield from _refused_rows(source)
        RecipientImport.objects.filter(pk=source.pk).update(
            numbers_purged_at=now, about=_counts_of(source)
        )


def _refused_rows(source: RecipientImport) -> Deleted:
    for rows in _ids(ImportProblem.objects.filter(source=source).exclude(raw="")):
        yield "refused_rows", rows.update(raw="")


def _counts_of(source: RecipientImport) -> dict[str, Any]:
    """What was said of the file, without samples of its cells."""
    kept = ("repeated", "doubled")
    return {name: source.about[name] for name in kept if name in source.about}


def _unmatched(workspace: Workspace, now: datetime) -> Deleted:
    """Receipts that belong to no message go whole: they hold numbers, and are nobody's evidence."""
    rows = DeliveryReceipt.objects.filter(
        account__workspace=workspace, message=None, state=ReceiptState.ORPHAN,
        arrived_at__lt=_before(now, workspace.keep_numbers_days),
    )  # fmt: skip
    for some in _ids(rows):
        yield "receipts", some.delete()[0]


def _ids(rows: Any) -> Iterator[Any]:
    """*rows*, which leave their own filter when they are changed, some thousand at a time."""
    while found := list(rows.order_by("pk").values_list("pk", flat=True)[:STEP]):
        yield rows.model.objects.filter(pk__in=found)


# --- what is to come -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the next run would delete with other days; counts of campaigns and files."""

    uploads: int
    texts: int
    numbers: int

    def __bool__(self) -> bool:
        return bool(self.uploads or self.texts or self.numbers)


def forecast(workspace: Workspace, now: datetime) -> Forecast:
    """What the next run would delete with the days *workspace* holds, saved or not."""
    uploads = RecipientImport.objects.filter(
        workspace=workspace, finished_at__lt=_before(now, workspace.keep_uploads_days)
    )
    texts = _over(workspace, _before(now, workspace.keep_texts_days))
    numbers = _over(workspace, _before(now, workspace.keep_numbers_days))
    return Forecast(
        uploads.exclude(state__in=UNDER_WAY).exclude(stored_name="").count(),
        texts.filter(texts_purged_at=None).count(),
        numbers.filter(numbers_purged_at=None).count(),
    )
