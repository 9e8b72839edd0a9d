"""A workspace's own settings, changed by an admin."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User, Workspace

FIELDS = (
    "name", "time_zone", "currency", "keep_uploads_days", "keep_texts_days", "keep_numbers_days",
)  # fmt: skip


@transaction.atomic
def change(workspace: Workspace, by: User, values: dict[str, Any]) -> list[str]:
    """Write what differs, with its audit event; answer the names of what was changed."""
    row = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    old = {name: getattr(row, name) for name in FIELDS if values[name] != getattr(row, name)}
    if old:
        new = {name: values[name] for name in old}
        Workspace.objects.filter(pk=row.pk).update(**new)
        audit.record("workspace.change", row, by, old=old, new=new)
    return list(old)
