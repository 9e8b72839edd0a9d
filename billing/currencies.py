"""What a change of a workspace's currency leaves as it is, and what it takes the price of."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Workspace
from billing import headroom, thresholds
from billing.models import Period, Rate
from billing.periods import span


@dataclass(frozen=True, slots=True)
class Change:
    """From *old* to *new*: countries with a price in either, and this month's cost so far."""

    old: str
    new: str
    priced_before: int
    priced_already: int
    spend: headroom.Spend


def change(workspace: Workspace, new: str) -> Change:
    """What it would mean to count in *new* from now on; nothing is converted."""
    rates = Rate.objects.filter(workspace=workspace).order_by().values("country").distinct()
    month, _end = span(Period.MONTH, thresholds.today(workspace))
    return Change(
        workspace.currency,
        new,
        rates.filter(currency=workspace.currency).count(),
        rates.filter(currency=new).count(),
        headroom.spend(workspace, month),
    )
