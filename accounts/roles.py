"""Who may do what: one table. ``ALL`` reaches every row of the workspace, ``OWN`` their own."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    OPERATOR = "operator", _("Operator")
    ADMIN = "admin", _("Admin")
    FINANCE = "finance", _("Finance")
    VIEWER = "viewer", _("Viewer")


ALL, OWN = "all", "own"
_EVERYONE = dict.fromkeys(Role, ALL)
_MAKERS = {Role.OPERATOR: OWN, Role.ADMIN: ALL}
_ADMIN = {Role.ADMIN: ALL}
_MONEY = {Role.ADMIN: ALL, Role.FINANCE: ALL}

PERMISSIONS: dict[str, dict[Role, str]] = {
    "overview.view": _EVERYONE,
    "campaigns.view": _EVERYONE,
    "campaigns.create": {Role.OPERATOR: ALL, Role.ADMIN: ALL},
    "campaigns.edit": _MAKERS,
    "campaigns.submit": _MAKERS,
    "campaigns.cancel": _MAKERS,
    "campaigns.pause": _MAKERS,
    "campaigns.stop": {Role.OPERATOR: OWN, Role.ADMIN: ALL, Role.FINANCE: ALL},
    "campaigns.resume": _MAKERS,
    "campaigns.resume_suspended": _ADMIN,
    "campaigns.resolve": _MAKERS,
    "campaigns.queue_doubts": _ADMIN,
    "campaigns.read_text": _MAKERS,
    "campaigns.read_numbers": _MAKERS,
    "campaigns.export_numbers": _MAKERS,
    "senders.view": _EVERYONE,
    "senders.request": {Role.OPERATOR: ALL, Role.ADMIN: ALL},
    "senders.decide": _ADMIN,
    "optouts.view": {Role.OPERATOR: ALL, Role.ADMIN: ALL, Role.VIEWER: ALL},
    "optouts.add": {Role.OPERATOR: ALL, Role.ADMIN: ALL},
    "optouts.remove": _ADMIN,
    "optouts.export": _ADMIN,
    "thresholds.view": _EVERYONE,
    "thresholds.change": _MONEY,
    "rates.view": _EVERYONE,
    "rates.change": _MONEY,
    "statements.view": {**_EVERYONE, Role.OPERATOR: OWN},
    "statements.export": {**_EVERYONE, Role.OPERATOR: OWN},
    "team.manage": _ADMIN,
    "workspace.edit": _ADMIN,
    "privacy.erase": _ADMIN,
    "audit.view": {**_EVERYONE, Role.OPERATOR: OWN},
    "audit.view_all": {Role.ADMIN: ALL, Role.VIEWER: ALL},
    "audit.view_money": {Role.ADMIN: ALL, Role.FINANCE: ALL, Role.VIEWER: ALL},
    "system.view": _ADMIN,
    "sending.stop": _MONEY,
    "sending.resume": _ADMIN,
    "search.use": _EVERYONE,
    "notices.view": _EVERYONE,
    "help.view": _EVERYONE,
    "profile.edit": _EVERYONE,
}


def allows(role: str, permission: str, *, own: bool = True) -> bool:
    """May *role* do it? An ``OWN`` entry counts only for what the person made."""
    scope = PERMISSIONS[permission].get(Role(role))
    return scope == ALL or (scope == OWN and own)


def can(role: str, permission: str) -> bool:
    """May *role* do it at all, at least to what is their own?"""
    return allows(role, permission)
