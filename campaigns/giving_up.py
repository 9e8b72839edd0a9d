"""Messages whose receipt never came, and will not."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from campaigns import bulk, clock
from campaigns.counting import Deltas
from campaigns.models import Campaign, Message
from campaigns.states import MessageState


def give_up_waiting() -> int:
    """Messages accepted longer ago than validity + 72 hours without a receipt: *no_receipt*."""
    given_up = 0
    waiting = Campaign.objects.filter(
        tallies__state=MessageState.ACCEPTED, tallies__messages__gt=0, carrier__isnull=False
    ).distinct()
    for campaign in waiting.select_related("workspace", "carrier"):
        hours = campaign.route.validity_hours + settings.RECEIPT_WAIT_HOURS
        before = clock.now() - timedelta(hours=hours)
        if campaign.route.gives_receipts and campaign.started_at and campaign.started_at < before:
            given_up += _give_up(campaign, before)
    return given_up


@transaction.atomic
def _give_up(campaign: Campaign, before: datetime) -> int:
    rows = Message.objects.filter(
        campaign=campaign, state=MessageState.ACCEPTED, accepted_at__lt=before
    )
    messages = list(rows.select_for_update(no_key=True).order_by("pk")[:5_000])
    deltas = Deltas()
    for m in messages:
        key = (campaign.pk, m.country)
        deltas.add((*key, "accepted", m.reason), -1, -m.segments, -m.billed_segments, m.price)
        deltas.add((*key, "no_receipt", "no_receipt"), 1, m.segments, m.billed_segments, m.price)
    states = (("state", "text"), ("reason", "text"))
    changes = [(m.pk, "no_receipt", "no_receipt") for m in messages]
    bulk.update(
        "campaigns_message", "id", states, changes, guard=bulk.only_while("state", "accepted")
    )
    deltas.write()
    return len(messages)
