"""Tell people what happened: in the console at once, by mail when the sweep comes round.

A notice is written once for each person and event, however often the event is told. Mail is
sent at most once: a notice is marked before it is handed over and unmarked only when the
handing over certainly failed. A process killed in between loses one mail, not the notice.
"""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import islice

from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import dates
from accounts.models import Membership, Notice, User, Workspace
from accounts.roles import Role

log = logging.getLogger(__name__)

MAIL_LIFE = timedelta(days=3)
"""What is older is no news; whoever switches mails on does not get the past."""

KINDS = {
    "campaign.completed": gettext_lazy("A campaign is completed"),
    "campaign.paused": gettext_lazy("A campaign is paused"),
    "campaign.suspended": gettext_lazy("A campaign is suspended by a threshold"),
    "campaign.held": gettext_lazy("Messages to a country wait"),
    "campaign.attention": gettext_lazy("A campaign needs attention"),
    "campaign.question": gettext_lazy("A file of recipients needs an answer"),
    "threshold.warning": gettext_lazy("A threshold's warning value is passed"),
    "sending.stopped": gettext_lazy("All sending is stopped"),
    "sending.resumed": gettext_lazy("All sending goes on"),
    "sender.review": gettext_lazy("A sender ID waits for review"),
    "sender.approve": gettext_lazy("A sender ID is approved"),
    "sender.reject": gettext_lazy("A sender ID is rejected"),
    "sender.withdraw": gettext_lazy("A sender ID is withdrawn"),
    "registration.approve": gettext_lazy("A sender ID is registered in a country"),
    "registration.reject": gettext_lazy("A registration is rejected"),
    "registration.revoke": gettext_lazy("A registration is revoked"),
    "registration.expires": gettext_lazy("A registration expires soon"),
    "registration.expire": gettext_lazy("A registration has expired"),
    "team.role": gettext_lazy("Your role is changed"),
}
"""Every kind of notice as its person reads it; each can be kept out of the mail."""


def one_line(text: str) -> str:
    """*text* without breaks, as the subject of a mail has to be."""
    return " ".join(text.split())


def people_to_tell(workspace: Workspace, author: User | None = None) -> list[User]:
    """The workspace's admins and *author*, each once, while they are members and active."""
    told = Q(role=Role.ADMIN) | Q(user=author) if author else Q(role=Role.ADMIN)
    members = workspace.memberships.active().filter(told).select_related("user")
    return [membership.user for membership in members.order_by("pk")]


def notify(
    users: Iterable[User],
    workspace: Workspace,
    kind: str,
    title: str,
    body: str | Callable[[], str],
    path: str,
    dedupe: str,
) -> None:
    """Give each person the notice, unless they already have the one called *dedupe*.

    A *body* with a date in it is a function: it is asked for each person, in their manner.
    """
    title = one_line(title)[:200]
    rows = [
        Notice(
            user=user, workspace=workspace, kind=kind, title=title, body=_for(user, body),
            path=path, dedupe=dedupe,
        )
        for user in users
    ]  # fmt: skip
    Notice.objects.bulk_create(rows, ignore_conflicts=True)


def _for(user: User, body: str | Callable[[], str]) -> str:
    if isinstance(body, str):
        return body
    with dates.written(user.date_language):
        return body()


def settle(dedupe: str) -> None:
    """What the notice asked for is done: it is read, and no mail follows it."""
    Notice.objects.filter(dedupe=dedupe, read_at=None).update(read_at=timezone.now())


def unsent_mails() -> QuerySet[Notice]:
    """Notices that are still to be mailed to people who are still in the team, oldest first."""
    active = Membership.objects.active().filter(
        user=OuterRef("user"), workspace=OuterRef("workspace")
    )
    return Notice.objects.filter(
        Exists(active),
        mailed_at=None,
        read_at=None,
        at__gt=timezone.now() - MAIL_LIFE,
        user__mails_notices=True,
    ).order_by("pk")


def send_mails(limit: int = 100) -> int:
    """Mail what is to be mailed, at most *limit*; returns how many left.

    Stops at the first failure of the mail server: the rest waits for the next call.
    """
    rows = unsent_mails().select_related("user", "workspace").iterator()
    wanted = (notice for notice in rows if notice.kind not in notice.user.mails_off)
    waiting = list(islice(wanted, limit))
    if not waiting:
        return 0
    connection = mail.get_connection()
    sent = 0
    try:
        connection.open()
        for notice in waiting:
            sent += _send(notice, connection)
    except OSError as error:
        log.warning("mail server refused, notices wait: %s", type(error).__name__)
    finally:
        connection.close()
    return sent


def _send(notice: Notice, connection: BaseEmailBackend) -> int:
    row = Notice.objects.filter(pk=notice.pk, mailed_at=None)
    if not row.update(mailed_at=timezone.now()):
        return 0
    try:
        return _message(notice, connection).send()
    except smtplib.SMTPRecipientsRefused:
        log.warning("address of user %s refused, notice %s not mailed", notice.user_id, notice.pk)
        return 0
    except OSError:
        Notice.objects.filter(pk=notice.pk).update(mailed_at=None)
        raise


def _message(notice: Notice, connection: BaseEmailBackend) -> mail.EmailMessage:
    where = settings.SITE_URL + (notice.path or "/")
    why = _(
        "You get this mail because your profile asks for it. Choose what comes by mail: %(url)s"
    )
    profile = settings.SITE_URL + reverse("profile")
    parts = [notice.title, notice.body, where, "-- \n" + why % {"url": profile}]
    return mail.EmailMessage(
        subject=one_line(f"[{notice.workspace.name}] {notice.title}"),
        body="\n\n".join(filter(None, parts)),
        to=[notice.user.email],
        connection=connection,
    )
