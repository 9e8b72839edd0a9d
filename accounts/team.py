"""The people of a workspace: given a role, deactivated, taken back.

Only an admin changes a team, never oneself, and one change after the other: whoever was demoted
a moment ago changes nothing more. So the last admin of a workspace cannot be lost.
"""

from __future__ import annotations

from datetime import datetime
from typing import cast

from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Lower
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import audit, notices, resetting, sessions
from accounts.middleware import SESSION_KEY
from accounts.models import Membership, User, Workspace
from accounts.roles import Role

INVITED, ACTIVE, DEACTIVATED = "invited", "active", "deactivated"


class Refused(Exception):
    """It was not done; the text says why."""


def people(workspace: Workspace, now: datetime) -> QuerySet[Membership]:
    """Everybody who is or was in the team, by name, with ``places``: where they work in it now."""
    places = sessions.places(cast(User, OuterRef("user")), now).order_by()
    places = places.filter(workspace=workspace)
    counted = places.values("user").annotate(n=Count("pk")).values("n")
    rows = Membership.objects.filter(workspace=workspace).select_related("user")
    rows = rows.annotate(places=Coalesce(Subquery(counted), 0))
    called = Case(When(accepted_at=None, then="invited_as"), default="user__name")
    return rows.order_by("-is_active", Lower(called), "pk")


def state(member: Membership) -> str:
    """Invited and not seen yet, active, or deactivated."""
    if not member.is_active:
        return DEACTIVATED
    if member.accepted_at is None:
        return INVITED
    if not member.user.is_active:
        return DEACTIVATED
    return ACTIVE if has_come(member) else INVITED


def has_come(member: Membership) -> bool:
    """Has the person accepted, and a way to sign in?"""
    return member.accepted_at is not None and not is_new(member.user)


def is_new(user: User) -> bool:
    """Has the person never been here, and no password to come with?"""
    return user.last_login is None and not user.has_usable_password()


@transaction.atomic
def set_role(member: Membership, by: User, role: str) -> None:
    """Give another role. The person is told, and signs in anew to what it opens."""
    row = locked(member, by)
    if row.role == role:
        return
    Membership.objects.filter(pk=row.pk).update(role=role)
    sessions.end_in(row.workspace, row.user)
    event = audit.record("team.role", row, by, old=row.role, new=role)
    if row.accepted_at is None:
        return
    given = {"workspace": row.workspace.name, "role": Role(role).label, "person": by.name}
    title = _("Your role in %(workspace)s is now %(role)s") % given
    body = _("%(person)s changed it. What you may do is different from now on.") % given
    key = f"team.role:{event.pk}"
    notices.notify([row.user], row.workspace, "team.role", title, body, reverse("overview"), key)


@transaction.atomic
def deactivate(member: Membership, by: User) -> None:
    """Take away all access to the workspace and end the sessions of the person in it."""
    row = locked(member, by)
    if not Membership.objects.filter(pk=row.pk, is_active=True).update(is_active=False):
        raise Refused(_("%(name)s was deactivated already.") % {"name": row})
    if not Membership.objects.active().filter(user=row.user).exists():
        resetting.drop_links(row.user)
    ended = sessions.end_in(row.workspace, row.user)
    audit.record("team.deactivate", row, by, old=ACTIVE, new=DEACTIVATED, ended=ended)


@transaction.atomic
def reactivate(member: Membership, by: User) -> None:
    """Give the access back, with the role the person had."""
    row = locked(member, by)
    if not Membership.objects.filter(pk=row.pk, is_active=False).update(is_active=True):
        raise Refused(_("%(name)s is active already.") % {"name": row})
    audit.record("team.reactivate", row, by, old=DEACTIVATED, new=ACTIVE)


@transaction.atomic
def end_sessions(member: Membership, by: User) -> None:
    """Sign the person out wherever they work in this workspace; other workspaces stay theirs."""
    row = locked(member, by)
    audit.record("user.end_sessions", row, by, ended=sessions.end_in(row.workspace, row.user))


@transaction.atomic
def enter(session: SessionBase, member: Membership, by: User) -> None:
    """Let the person work in that workspace from now on, in a session of a new id."""
    session[SESSION_KEY] = member.workspace_id
    session.cycle_key()
    audit.record("workspace.enter", member.workspace, by)


def as_admin(workspace_id: int, by: User) -> None:
    """Wait for the change of the team before this one; then *by* must still be allowed to."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)
    mine = Membership.objects.active().filter(user=by, workspace=workspace_id).first()
    if mine is None or not mine.can("team.manage"):
        raise PermissionDenied("team.manage")


def locked(member: Membership, by: User) -> Membership:
    """The membership as it is now, while nobody else can change the team."""
    as_admin(member.workspace_id, by)
    if member.user_id == by.pk:
        raise Refused(_("Another admin changes your own role and access."))
    return Membership.objects.select_related("user", "workspace").get(pk=member.pk)
