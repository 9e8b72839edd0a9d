"""Write charges. A charge counts in the month in which it is written; rows never change."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from billing.models import Charge, FailedCharge


@dataclass(frozen=True, slots=True)
class Account:
    """Whose bill it is and the words a statement needs, copied from the campaign."""

    workspace_id: int
    author_id: int | None
    campaign_key: uuid.UUID
    campaign_name: str
    cost_centre: str
    sender: str
    carrier: str
    scenario: str
    currency: str


def charge(
    account: Account, day: date, country: str, price: int | None, messages: int, segments: int
) -> Charge:
    """Append one charge: *segments* to *country* at *price* micro-units each (None: unknown)."""
    return Charge.objects.create(
        workspace_id=account.workspace_id,
        author_id=account.author_id,
        day=day,
        campaign_key=account.campaign_key,
        campaign_name=account.campaign_name,
        cost_centre=account.cost_centre,
        country=country,
        sender=account.sender,
        carrier=account.carrier,
        scenario=account.scenario,
        messages=messages,
        segments=segments,
        price=price,
        amount=None if price is None else price * segments,
        currency=account.currency,
    )


def note_failed(changes: Mapping[int, Sequence[int]], at: datetime) -> None:
    """Append how many charged (messages, segments) of each charge failed after all.

    Negative where a later receipt says that they were delivered. The charges stand.
    """
    FailedCharge.objects.bulk_create(
        FailedCharge(charge_id=charge_id, messages=messages, segments=segments, at=at)
        for charge_id, (messages, segments) in sorted(changes.items())
        if messages or segments
    )
