"""Write down what somebody did, in the transaction of the deed."""

from __future__ import annotations

from typing import Any

from django.db import models

from accounts.models import AuditEvent, User


def record(action: str, target: models.Model, by: User | None, **data: Any) -> AuditEvent:
    """Append one audit event. *data* holds old and new values, reasons and counts, never texts."""
    workspace_id = getattr(target, "workspace_id", None)
    return AuditEvent.objects.create(
        workspace_id=workspace_id,
        actor=by if by is not None and by.pk else None,
        action=action,
        object_type=target._meta.label_lower,
        object_id=str(target.pk),
        label=str(target)[:120],
        data=data,
    )
