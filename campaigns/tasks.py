"""Doorbells. A task carries an id at most; losing, repeating or delaying one is harmless."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from accounts import notices, resetting, sealing
from campaigns import (
    erasing,
    estimating,
    exports,
    receipts,
    resolving,
    retention,
    sending,
    ticking,
)
from campaigns.importing import check as importing
from senders import optout_files
from senders.tasks import import_optouts


@shared_task
def tick() -> None:
    """One pass over what is due or stuck, and a ring for the rest."""
    ring_for(ticking.tick())
    look_after.delay()


@shared_task
def look_after() -> None:
    """Restart what lost its worker: imports, exports, decisions. Send notices by mail."""
    for pk in importing.recover_imports():
        check_import.delay(pk)
    for pk in exports.unfinished(timezone.now()):
        export_numbers.delay(pk)
    for pk in resolving.unfinished(timezone.now()):
        resolve_doubts.delay(pk)
    for pk in optout_files.unfinished(timezone.now()):
        import_optouts.delay(pk)
    notices.send_mails()
    resetting.send_asked()


@shared_task
def sweep() -> None:
    """Audit seals; look-ups of what is in doubt; receipts too early or missing; old files."""
    sealing.seal()
    ticking.sweep()
    exports.sweep(timezone.now())
    importing.sweep(timezone.now())
    optout_files.sweep(timezone.now())
    retention.run(timezone.now())
    for pk in erasing.unfinished():
        erase.delay(pk)


def ring_for(bells: ticking.Bells) -> None:
    """Hand each piece of waiting work to the queue it belongs to."""
    for pk in bells.expand:
        expand_campaign.delay(pk)
    if bells.dispatch:
        dispatch.delay(bells.dispatch[0])
    if bells.receipts:
        apply_receipts.delay()


@shared_task
def start_due() -> None:
    """Start due campaigns now instead of at the next tick."""
    for pk in sending.start_due():
        expand_campaign.delay(pk)


@shared_task
def ring(campaign_id: int) -> None:
    """A person moved a campaign: expand, dispatch or cancel its rest as its state says."""
    sending.cancel_rest(campaign_id)
    sending.expand(campaign_id)
    dispatch.delay(campaign_id)


@shared_task
def expand_campaign(campaign_id: int) -> None:
    """Write a campaign's messages and ring for the sender."""
    sending.expand(campaign_id)
    dispatch.delay(campaign_id)


@shared_task
def dispatch(campaign_id: int) -> None:
    """Send what is ready, of this campaign and every other; ring again if time ran out."""
    if sending.dispatch():
        dispatch.delay(campaign_id)


@shared_task
def apply_receipts() -> None:
    """Apply what waits in the receipts inbox."""
    receipts.apply()


@shared_task
def check_import(import_id: int) -> None:
    """Read an uploaded file and check every row."""
    importing.check(import_id)


@shared_task
def count_campaign(campaign_id: int) -> None:
    """Count segments and cost of a large draft."""
    estimating.count_campaign(campaign_id)


@shared_task
def export_numbers(job_id: int) -> None:
    """Write a large export to its file."""
    exports.run(job_id)


@shared_task
def resolve_doubts(job_id: int) -> None:
    """Carry out what somebody decided about messages in doubt."""
    resolving.run(job_id)


@shared_task
def erase(workspace_id: int) -> None:
    """Go on with the erasures somebody asked for."""
    erasing.run(workspace_id)
