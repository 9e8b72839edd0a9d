"""The way into a team: people are invited, and whoever has an account already answers.

Only so many go to one person, and out for one admin, within a day. What another workspace sends to
the same person is not counted: nobody learns of it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core import mail
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit, dates, notices, quotas, resetting
from accounts.models import Membership, SignInLink, User, Workspace
from accounts.team import INVITED, Refused, as_admin, locked, state

log = logging.getLogger(__name__)

PERSON, INVITER = "invited", "inviter"
MAILS_PER_PERSON, MAILS_PER_INVITER = 4, 100
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Invitation:
    """What became of an invitation; ``url`` is for the admin, where no mail brings it."""

    member: Membership
    is_mailed: bool
    url: str


def invite(workspace: Workspace, by: User, email: str, name: str, role: str) -> Invitation:
    """Invite a person and mail them the way in. Whoever has an account already is in the team
    when they accept; the admin hears the same of both.
    """
    try:
        with transaction.atomic():
            as_admin(workspace.pk, by)
            _count(workspace, by, email, name)
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
        row = locked(member, by)
        if state(row) != INVITED:
            raise Refused(_("%(name)s needs no invitation by now.") % {"name": row})
        _count(row.workspace, by, row.user.email, str(row))
        audit.record("team.invite_again", row, by)
    return _send(row, by)


def _count(workspace: Workspace, by: User, email: str, name: str) -> None:
    """Count one more invitation; what is refused further on takes the count back."""
    now, person, inviter = timezone.now(), f"{workspace.pk} {email.lower()}", str(by.pk)
    if not quotas.take(PERSON, person, MAILS_PER_PERSON, now, A_DAY):
        words = _("%(name)s was invited %(most)s times within a day. Invite again after %(when)s.")
        given = {"name": name, "most": MAILS_PER_PERSON, "when": _free(PERSON, person, now)}
        raise Refused(words % given)
    if not quotas.take(INVITER, inviter, MAILS_PER_INVITER, now, A_DAY):
        words = _("You sent %(n)s invitations within a day. Send the next after %(when)s.")
        raise Refused(words % {"n": MAILS_PER_INVITER, "when": _free(INVITER, inviter, now)})


def _free(kind: str, source: str, now: datetime) -> str:
    """When the day is over that is counted, as the reader has dates written."""
    return dates.write(timezone.localtime(quotas.begun(kind, source, now) + A_DAY), "full")


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


def _send(member: Membership, by: User) -> Invitation:
    """Mail the way in: a one-time link for who is new, else the page on which to accept.

    Without a mail server the admin is shown it too; of somebody whom another workspace knows
    only ever the page, on which nobody else can do anything.
    """
    page = settings.SITE_URL + reverse("accounts:invitations")
    if member.accepted_at is not None:
        is_shown = not settings.EMAIL_URL and _is_only_here(member)
        url = _link(member, member.workspace if is_shown else None)
        is_mailed = _mail(member, by, url, has_link=True)
        return Invitation(member, is_mailed, url if is_shown else page)
    return Invitation(member, _mail(member, by, page, has_link=False), page)


@transaction.atomic
def _link(member: Membership, shown_in: Workspace | None) -> str:
    """A new one-time link in place of those before."""
    resetting.drop_links(member.user)
    token = SignInLink.make(member.user, shown_in=shown_in)
    return settings.SITE_URL + reverse("accounts:link", args=[token])


def _is_only_here(member: Membership) -> bool:
    """Does no other workspace know the person?"""
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
