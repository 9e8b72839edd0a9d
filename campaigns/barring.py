"""Countries to which nothing is sent because the registry there said no to the sender ID."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from django.utils import timezone

from campaigns import clock
from campaigns.announcing import announce_held
from campaigns.models import Batch, Campaign
from campaigns.settling import Lease
from campaigns.states import BatchState, Hold
from senders.models import ENDED, Registration, SenderState


def hold_ended(campaign: Campaign, day: date) -> None:
    """Hold what waits for a country where the sender ID's registration has ended, and say so.

    Called with every claim: one look at an index, and nothing more while all is well.
    """
    ended = Registration.objects.filter(sender_id=campaign.sender_id).ended(day)
    countries = list(ended.values_list("country", flat=True))
    if not countries:
        return
    rows = Batch.objects.filter(
        campaign=campaign, state=BatchState.READY, hold=Hold.NONE, country__in=countries
    )
    held = sorted(set(rows.values_list("country", flat=True)))
    if held and rows.update(hold=Hold.SENDER):
        announce_held(campaign, held)


def halted(leases: Collection[Lease]) -> set[Lease]:
    """Those to hand nothing more over for: the campaign is no longer *sending*, all sending of
    its workspace is off, its sender ID was withdrawn, or the registration in their country has
    ended.
    """
    rows = Campaign.objects.going().filter(
        pk__in={lease.campaign.pk for lease in leases}, sender__state=SenderState.APPROVED
    )
    going = set(rows.values_list("pk", flat=True))
    found = Registration.objects.filter(
        sender_id__in={lease.campaign.sender_id for lease in leases},
        country__in={lease.country for lease in leases},
    )
    known: dict[tuple[int | None, str], Registration] = {
        (row.sender_id, row.country): row for row in found
    }
    return {
        lease
        for lease in leases
        if lease.campaign.pk not in going
        or _has_ended(known.get((lease.campaign.sender_id, lease.country)), lease)
    }


def _has_ended(registration: Registration | None, lease: Lease) -> bool:
    day = clock.day_of(lease.campaign.workspace, timezone.now())
    return registration is not None and registration.state_on(day) in ENDED
