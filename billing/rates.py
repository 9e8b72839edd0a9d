"""What a segment costs: the dated rates that people entered, newest word first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from accounts.models import Workspace
from billing.models import Rate


def prices(workspace: Workspace, countries: Iterable[str], day: date) -> dict[str, int | None]:
    """Micro-units per segment for each of *countries* on *day*; None where nobody entered a rate.

    The latest ``valid_from`` counts, and among equal days the row entered last. A rate in another
    currency than the workspace's is no price: nothing is converted.
    """
    wanted = list(countries)
    rows = Rate.objects.filter(
        workspace=workspace, country__in=wanted, currency=workspace.currency
    ).valid_on(day)
    found = rows.order_by("country", "valid_from", "pk").values_list("country", "price")
    return {**dict.fromkeys(wanted), **dict(found)}
