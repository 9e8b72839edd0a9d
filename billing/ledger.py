"""Write charges. A charge counts in the month in which it is written; rows never change."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date

from billing.models import Charge


@dataclass(frozen=True, slots=True)
class Account:
    """Whose bill it is and the words a statement needs, copied from the campaign."""

    workspace_id: int
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
