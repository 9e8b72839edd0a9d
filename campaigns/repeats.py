"""Numbers that a list gives more than once, with different values: each gets several messages."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet, Sum

from campaigns.models import Recipient, RecipientImport


def _numbers(source: RecipientImport) -> Any:
    rows = source.recipients.known().order_by().values("number")
    return rows.annotate(n=Count("pk")).filter(n__gt=1)


def counted(source: RecipientImport) -> dict[str, int]:
    """What a list keeps of it: messages beyond one a number, and how many numbers that are."""
    sums = _numbers(source).aggregate(numbers=Count("number"), rows=Sum("n"))
    numbers: int = sums["numbers"]
    return {"repeated": (sums["rows"] or 0) - numbers, "doubled": numbers}


def numbers(source: RecipientImport | None) -> int:
    """How many numbers get more than one message; counted now for a list that did not keep it."""
    if source is None or not source.about.get("repeated"):
        return 0
    kept: int | None = source.about.get("doubled")
    return counted(source)["doubled"] if kept is None else kept


def rows(source: RecipientImport) -> QuerySet[Recipient]:
    """Every row of such numbers, those of one number together."""
    found = _numbers(source).values("number")
    return source.recipients.filter(number__in=found).order_by("number", "row", "pk")
