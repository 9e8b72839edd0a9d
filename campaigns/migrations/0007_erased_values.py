"""Values that were erased are told apart from values that were left empty on purpose."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import Exists, OuterRef


def mark(apps: Any, schema_editor: Any) -> None:
    """Where nobody asked for an erasure after the list came, every empty value is its own."""
    models = {name: apps.get_model("campaigns", name)
              for name in ("Erasure", "Recipient", "RecipientImport")}  # fmt: skip
    asked = models["Erasure"].objects.filter(
        workspace=OuterRef("workspace"), asked_at__gte=OuterRef("created_at")
    )
    lists = models["RecipientImport"].objects.filter(Exists(asked)).exclude(variables=[])
    for pk, variables in list(lists.values_list("pk", "variables")):
        rows = models["Recipient"].objects.filter(source=pk, values=[""] * len(variables))
        rows.update(values=[None] * len(variables))


def unmark(apps: Any, schema_editor: Any) -> None:
    for pk, variables in list(
        apps.get_model("campaigns", "RecipientImport")
        .objects.exclude(variables=[])
        .values_list("pk", "variables")
    ):
        rows = apps.get_model("campaigns", "Recipient").objects.filter(source=pk, values__0=None)
        rows.update(values=[""] * len(variables))


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0006_privacy")]

    operations = [migrations.RunPython(mark, unmark)]
