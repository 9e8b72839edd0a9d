"""Charges and what failed of them, made of rows."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from accounts.models import Workspace
from billing.models import Charge, FailedCharge

NOVEMBER, OCTOBER = date(2026, 11, 3), date(2026, 10, 31)
KEYS = {name: uuid.UUID(int=at) for at, name in enumerate(("Opening", "Sale", "Codes"), 1)}


def charge(workspace: Workspace, day: date = NOVEMBER, segments: int = 10, **given: Any) -> Charge:
    """One charge; *failed* of its messages failed later."""
    failed = given.pop("failed", 0)
    price = given.setdefault("price", 31_000)
    name = given.pop("campaign", "Opening")
    fields = {
        "country": "MY", "sender": "SHOP", "carrier": "Practice carrier", "currency": "USD",
        "scenario": "notification", "messages": segments, "cost_centre": "Retail",
        "amount": None if price is None else price * segments, **given,
    }  # fmt: skip
    made = Charge.objects.create(
        workspace=workspace, day=day, segments=segments, campaign_name=name,
        campaign_key=KEYS[name], **fields,
    )  # fmt: skip
    if failed:
        fail(made, failed)
    return made


def fail(made: Charge, segments: int) -> FailedCharge:
    return FailedCharge.objects.create(charge=made, messages=segments, segments=segments)
