"""The people of a workspace: invited, given a role, deactivated, taken back.

Only an admin changes a team, never oneself, and one change after the other: whoever was demoted
a moment ago changes nothing more. So the last admin of a workspace cannot be lost.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, notices, resetting, sessions
from accounts.middleware import SESSION_KEY
from accounts.models import Membership, SignInLink, User, Workspace
from accounts.roles import Role

log = logging.getLogger(__name__)

INVITED, ACTIVE, DEACTIVATED = "invited", "active", "deactivated"


class Refused(Exception):
    """It was not done; the text says why."""


@dataclass(frozen=True)
class Invitation:
    """What became of an invitation. ``url`` only where no mail can bring it to its person."""

    member: Membership
    is_mailed: bool
    url: str = ""


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


def invite(workspace: Workspace, by: User, email: str, name: str, role: str) -> Invitation:
    """Invite a person and mail them the way in. Whoever has an account already is in the team
    when they accept; the admin hears the same of both.
    """
    try:
        with transaction.atomic():
            _as_admin(workspace.pk, by)
            known = User.objects.filter(email=email.lower()).first()
            member = Membership.objects.create(
                user=known or User.objects.create_user(email, name=name),
                workspace=workspace, role=role, invited_as=name,
                accepted_at=None if known else timezone.now(),
            )  # fmt: skip
            audit.record("team.invite", member, by, role=role)
    except IntegrityError as error:
        raise Refused(
            _("This person is in the team already. Look for them on its page.")
        ) from error
    return _send(member, by)


def invite_again(member: Membership, by: User) -> Invitation:
    """A new link for somebody who never came; links made before stop working."""
    with transaction.atomic():
        row = _locked(member, by)
        if state(row) != INVITED:
            raise Refused(_("%(name)s needs no invitation by now.") % {"name": row})
        audit.record("team.invite_again", row, by)
    return _send(row, by)


@transaction.atomic
def set_role(member: Membership, by: User, role: str) -> None:
    """Give another role. The person is told, and signs in anew to what it opens."""
    row = _locked(member, by)
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
    row = _locked(member, by)
    if not Membership.objects.filter(pk=row.pk, is_active=True).update(is_active=False):
        raise Refused(_("%(name)s was deactivated already.") % {"name": row})
    if not Membership.objects.active().filter(user=row.user).exists():
        resetting.drop_links(row.user)
    ended = sessions.end_in(row.workspace, row.user)
    audit.record("team.deactivate", row, by, old=ACTIVE, new=DEACTIVATED, ended=ended)


@transaction.atomic
def reactivate(member: Membership, by: User) -> None:
    """Give the access back, with the role the person had."""
    row = _locked(member, by)
    if not Membership.objects.filter(pk=row.pk, is_active=False).update(is_active=True):
        raise Refused(_("%(name)s is active already.") % {"name": row})
    audit.record("team.reactivate", row, by, old=DEACTIVATED, new=ACTIVE)


@transaction.atomic
def end_sessions(member: Membership, by: User) -> None:
    """Sign the person out wherever they work in this workspace; other workspaces stay theirs."""
    row = _locked(member, by)
    audit.record("user.end_sessions", row, by, ended=sessions.end_in(row.workspace, row.user))


def invitations(user: User) -> QuerySet[Membership]:
    """What teams wait for the person's answer."""
    return Membership.objects.offered(user).select_related("workspace").order_by("pk")


@transaction.atomic
def accept(member: Membership, by: User) -> None:
    """Join the team that invited one; an invitation taken back meanwhile is none."""
    rows = Membership.objects.offered(by).filter(pk=member.pk)
    if not rows.update(accepted_at=timezone.now()):
        raise Refused(_("This invitation was taken back."))
    member.refresh_from_db()
    audit.record("team.accept", member, by)


@transaction.atomic
def decline(member: Membership, by: User) -> None:
    """Leave no trace in the team but the event; an admin may invite again."""
    audit.record("team.decline", member, by)
    if not Membership.objects.offered(by).filter(pk=member.pk).delete()[0]:
        raise Refused(_("This invitation was taken back."))


@transaction.atomic
def enter(session: SessionBase, member: Membership, by: User) -> None:
    """Let the person work in that workspace from now on, in a session of a new id."""
    session[SESSION_KEY] = member.workspace_id
    session.cycle_key()
    audit.record("workspace.enter", member.workspace, by)


def _as_admin(workspace_id: int, by: User) -> None:
    """Wait for the change of the team before this one; then *by* must still be allowed to."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)
    mine = Membership.objects.active().filter(user=by, workspace=workspace_id).first()
    if mine is None or not mine.can("team.manage"):
        raise PermissionDenied("team.manage")


def _locked(member: Membership, by: User) -> Membership:
    """The membership as it is now, while nobody else can change the team."""
    _as_admin(member.workspace_id, by)
    if member.user_id == by.pk:
        raise Refused(_("Another admin changes your own role and access."))
    return Membership.objects.select_related("user", "workspace").get(pk=member.pk)


def _send(member: Membership, by: User) -> Invitation:
    """Mail the way in: a one-time link for who is new, else the page on which to accept."""
    path = reverse("accounts:invitations")
    has_link = member.accepted_at is not None
    if has_link:
        with transaction.atomic():
            resetting.drop_links(member.user)
            path = reverse("accounts:link", args=[SignInLink.make(member.user)])
    url = settings.SITE_URL + path
    is_mailed = _mail(member, by, url, has_link=has_link)
    is_shown = not settings.EMAIL_URL and (not has_link or _is_only_here(member))
    return Invitation(member, is_mailed, url if is_shown else "")


def _is_only_here(member: Membership) -> bool:
    """Whoever holds a link is its person: nobody gets one that opens another workspace too."""
    others = Membership.objects.filter(user=member.user).exclude(pk=member.pk)
    return not others.exists()


def _mail(member: Membership, by: User, url: str, *, has_link: bool) -> bool:
    """Hand the mail over; False if the server refused or there is none."""
    told = {
        "person": by.name,
        "workspace": notices.one_line(member.workspace.name),
        "role": member.get_role_display(),
        "url": url,
    }
    words = _(
        "%(person)s invites you to the workspace %(workspace)s at SMS Console, as %(role)s.\n\n"
        "%(url)s\n\n"
        "The link works once, within 24 hours. After it you set a password."
    )
    if not has_link:
        words = _(
            "%(person)s invites you to the workspace %(workspace)s at SMS Console, as %(role)s.\n\n"
            "%(url)s\n\n"
            "Sign in as you always do and accept or decline. Until you accept nobody there sees "
            "anything of your account."
        )
    try:
        message = mail.EmailMessage(
            subject=_("Your invitation to %(workspace)s at SMS Console") % told,
            body=words % told,
            to=[member.user.email],
        )
        return bool(message.send())
    except OSError as error:
        log.warning("mail server refused, an invitation waits: %s", type(error).__name__)
        return False
