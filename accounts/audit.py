"""Write down what somebody did, in the transaction of the deed."""

from __future__ import annotations

from typing import Any

from django.db import models

from accounts import reference
from accounts.models import AuditEvent, Membership, User


def record(action: str, target: models.Model, by: User | None, **data: Any) -> AuditEvent:
    """Append one audit event. *data* holds old and new values, reasons and counts, never texts."""
    return AuditEvent.objects.create(
        workspace_id=_workspace_of(target, by),
        actor=by if by is not None and by.pk else None,
        action=action,
        object_type=target._meta.label_lower,
        object_id=str(target.pk),
        label=str(target)[:120],
        data=data,
        request_id=reference.current.get(),
    )


def _workspace_of(target: models.Model, by: User | None) -> int | None:
    """Whose log it stands in. What concerns a person alone stands where that person works."""
    if target._meta.label == "accounts.Workspace":
        return int(target.pk)
    if (of_target := getattr(target, "workspace_id", None)) is not None:
        return int(of_target)
    for person in filter(None, (by, target)):
        if (membership := getattr(person, "membership", None)) is not None:
            return int(membership.workspace_id)
    if isinstance(target, User):
        rows = Membership.objects.filter(user=target, accepted_at__isnull=False)
        rows = rows.order_by("-is_active", "pk")
        return rows.values_list("workspace_id", flat=True).first()
    return None
