"""A campaign in motion: the real engine against a real practice carrier."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from django.utils import timezone

from campaigns import receipts, sending, verifying
from campaigns.models import (
    Campaign,
    CampaignTally,
    ImportState,
    Recipient,
    RecipientImport,
    content_digest,
)
from sms.gateways.base import Callback
from tests.sms.practice.carrier import PracticeCarrier, Receiver

DELIVERED = "0180"


def numbers(count: int, first: int = 0) -> list[str]:
    """Numbers of the practice range, made up: they only ever reach the practice carrier."""
    return [f"+1202555{first + n:04d}" for n in range(count)]


def fill(campaign: Campaign, to: list[str], country: str = "US") -> None:
    """Give *campaign* a ready list of recipients."""
    source = RecipientImport.objects.create(
        workspace=campaign.workspace, created_by=campaign.author, is_manual=True,
        state=ImportState.READY, accepted=len(to), countries={country: len(to)},
    )  # fmt: skip
    Recipient.objects.bulk_create(
        Recipient(source=source, row=row, number=number, country=country)
        for row, number in enumerate(to, 1)
    )
    campaign.recipients = source
    campaign.save()


def submit(campaign: Campaign, carrier: Any, **changes: Any) -> Campaign:
    """Freeze and submit, as ``submitting.submit`` leaves a campaign, without its checks."""
    digest = content_digest(
        campaign.content, campaign.sender.value, campaign.scenario, campaign.recipients.digest,
        carrier.pk, {"US": 50_000},
    )  # fmt: skip
    campaign.move(
        "submit", by=campaign.author, carrier=carrier, sender_value=campaign.sender.value,
        total=campaign.recipients.accepted, currency="USD", prices={"US": 50_000},
        submitted_at=timezone.now(), digest=digest, **{"send_at": timezone.now(), **changes},
    )  # fmt: skip
    return campaign


def run(campaign: Campaign, budget: float = 20.0) -> Campaign:
    """Start, expand and dispatch until nothing is left to hand over."""
    sending.start_due()
    sending.expand(campaign.pk)
    sending.dispatch(budget)
    campaign.refresh_from_db()
    return campaign


def take_receipts(carrier: Any, receiver: Receiver, posted: int = 0) -> int:
    """Record what the practice carrier posted since *posted* and apply it."""
    gateway = carrier.open()
    for post in receiver.posts[posted:]:
        callback = Callback("POST", {k.lower(): v for k, v in post.headers.items()}, {}, post.body)
        receipts.record(carrier, gateway.parse_receipts(callback), post.body.decode())
    receipts.apply()
    return len(receiver.posts)


def tallied(campaign: Campaign) -> dict[str, int]:
    """Messages by state as the tallies say."""
    counts: Counter[str] = Counter()
    for tally in CampaignTally.objects.filter(campaign=campaign):
        counts[tally.state] += tally.messages
    return {state: n for state, n in counts.items() if n}


def stored(campaign: Campaign) -> dict[str, int]:
    """Messages by state as the rows say."""
    return dict(Counter(campaign.messages.values_list("state", flat=True)))


def accepted_lines(process: PracticeCarrier) -> Counter[str]:
    """How often the carrier accepted each reference: its own ledger is the judge."""
    lines = (process.home / "ledger.jsonl").read_text().splitlines()
    found = (json.loads(line) for line in lines if line)
    return Counter(line["reference"] for line in found if line["kind"] == "accepted")


def broken() -> dict[str, Any]:
    """The invariants that do not hold, with what breaks them."""
    return {name: rows for name, rows in verifying.findings().items() if rows}
