"""Campaigns that were sent, made of rows: messages with the tallies that belong to them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns import revealing
from campaigns.models import (
    Campaign,
    CampaignTally,
    HourTally,
    ImportState,
    Message,
    MessageEvent,
    Recipient,
    RecipientImport,
)
from campaigns.models.campaign import Source
from campaigns.states import BILLED, CampaignState, MessageState, bucket

SENT_AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
RECEIPT_AT = datetime(2026, 11, 21, 9, 0, 7, tzinfo=UTC)
PRICES = {"US": 31_000, "AU": 54_000}
WITH_RECEIPT = {MessageState.DELIVERED, MessageState.UNDELIVERED, MessageState.EXPIRED}


@dataclass(frozen=True)
class Made:
    """How one message ended."""

    state: str
    reason: str = ""
    country: str = "US"
    number: str = ""
    segments: int = 1
    detail: str = ""
    values: tuple[str, ...] = ()


# Every state a message can be in, some of them twice, in two countries.
EVERY_STATE: tuple[Made, ...] = (
    Made("delivered"),
    Made("delivered", country="AU", number="+61491570006", segments=2),
    Made("delivered"),
    Made("undelivered", "unreachable", detail="stat:UNDELIV err:027"),
    Made("undelivered", "unknown_subscriber", country="AU", number="+61491570156"),
    Made("expired", "expired"),
    Made("rejected", "sender_not_approved", segments=2),
    Made("queued"),
    Made("accepted", segments=3),
    Made("in_doubt"),
    Made("no_receipt", country="AU", number="+61491570157"),
    Made("cancelled", "cancelled"),
)


def make_sent_campaign(
    template: Campaign, made: Sequence[Made] = EVERY_STATE, **fields: Any
) -> Campaign:
    """Turn a draft of ``make_campaign`` into one whose messages ended as *made* says."""
    carrier = fields.pop("carrier")
    numbers = [row.number or f"+1202555{100 + at % 100:04}" for at, row in enumerate(made)]
    countries = Counter(row.country for row in made)
    source = RecipientImport.objects.create(
        workspace=template.workspace, created_by=template.author, given_by=template.author,
        original_name="slots.xlsx",
        state=ImportState.READY, accepted=len(made), rows_read=len(made) + 5, refused=5,
        tally={"not_valid": 2, "duplicate": 2, "opted_out": 1}, countries=dict(countries),
        variables=["name", "slot"][: max(len(row.values) for row in made)],
    )  # fmt: skip
    Recipient.objects.bulk_create(
        Recipient(source=source, row=at + 2, number=numbers[at], country=row.country,
                  values=list(row.values))
        for at, row in enumerate(made)
    )  # fmt: skip
    given = {
        "state": CampaignState.COMPLETED, "source": Source.IMPORT, "recipients": source,
        "carrier": carrier, "sender_value": template.sender.value, "total": len(made),
        "prices": PRICES, "currency": "USD", "submitted_at": SENT_AT, "send_at": SENT_AT,
        "started_at": SENT_AT, "ended_at": SENT_AT, "expanded_at": SENT_AT,
        "time_zone": "Asia/Kuala_Lumpur", "estimate": {"billable": 20, "cost": 700_000},
        **fields,
    }  # fmt: skip
    Campaign.objects.filter(pk=template.pk).update(**given)
    campaign = Campaign.objects.get(pk=template.pk)
    _write_messages(campaign, made, numbers)
    write_tallies(campaign)
    return campaign


def _write_messages(campaign: Campaign, made: Sequence[Made], numbers: list[str]) -> None:
    recipients = Recipient.objects.filter(source=campaign.recipients).order_by("row")
    Message.objects.bulk_create(
        Message(
            campaign=campaign, position=at, recipient=recipient, number=numbers[at],
            country=row.country, text="Your parcel arrives today.", encoding="GSM-7",
            segments=row.segments, state=row.state, reason=row.reason, detail=row.detail,
            billed_segments=row.segments if row.state in BILLED else 0,
            price=campaign.prices.get(row.country),
            accepted_at=SENT_AT if row.state in BILLED else None,
            receipt_at=RECEIPT_AT if row.state in WITH_RECEIPT else None,
        )
        for at, (row, recipient) in enumerate(zip(made, recipients, strict=True))
    )  # fmt: skip
    MessageEvent.objects.bulk_create(
        MessageEvent(message=message, kind="in_doubt", was="queued", now="in_doubt", at=SENT_AT)
        for message in Message.objects.filter(campaign=campaign, state="in_doubt")
    )


def write_tallies(campaign: Campaign) -> None:
    """The tallies that the engine would have kept for these messages."""
    kinds: dict[tuple[str, str, str], Counter[str]] = {}
    hours: Counter[str] = Counter()
    for m in Message.objects.filter(campaign=campaign):
        sums = kinds.setdefault((m.country, m.state, m.reason), Counter())
        sums.update(messages=1, segments=m.segments, billed=m.billed_segments)
        sums["amount"] += m.amount or 0
        sums["unpriced"] += m.billed_segments if m.price is None else 0
        if m.state not in ("queued", "in_doubt", "cancelled"):
            hours[bucket(m.state)] += 1
    CampaignTally.objects.bulk_create(
        CampaignTally(campaign=campaign, country=c, state=s, reason=r, **sums)
        for (c, s, r), sums in kinds.items()
    )
    HourTally.objects.bulk_create(
        HourTally(workspace=campaign.workspace, campaign=campaign, hour=SENT_AT, bucket=b,
                  messages=n)
        for b, n in hours.items()
    )  # fmt: skip


def revealed(campaign: Campaign, user: Any) -> Campaign:
    """The campaign, its numbers whole for this person for the next 15 minutes."""
    revealing.reveal(campaign, user, "A customer complains", timezone.now())
    return campaign


def counts(messages: Iterable[Message]) -> Counter[str]:
    """Sent, Failed and Other as the rows say."""
    return Counter(str(bucket(m.state)) for m in messages)


def press_submit(client: Client, campaign: Campaign, **given: str) -> Any:
    """Submit Campaign as its review page does, with what was seen there."""
    page = client.get(reverse("campaigns:review", args=[campaign.key])).content.decode()
    seen = re.search(r'name="seen" value="([^"]+)"', page)
    fields = {"seen": seen[1] if seen else "", **given}
    return client.post(reverse("campaigns:submit", args=[campaign.key]), fields)
