"""A link by mail for whoever forgot the password.

The page answers at once and the same for every address, after the same work: the wish is counted
and written down, and the link is made and mailed when the mails of notices are. Its token is kept
nowhere. A newer link leaves the earlier ones and invitations alone, or a stranger could void them;
a new password voids all.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import SignInLink, User

log = logging.getLogger(__name__)

LINK_LIFE = timedelta(minutes=30)
KEPT_AFTER = timedelta(days=1)
A_PASS = 20


def ask(email: str, now: datetime) -> None:
    """Write down that a link is wished for, if there is an active person with this address.

    A wish that waits keeps its place, however often it is repeated.
    """
    not_waiting = Q(reset_asked_at=None) | Q(reset_asked_at__lte=now - LINK_LIFE)
    people = User.objects.filter(email=email.strip().lower(), is_active=True)
    people.filter(not_waiting).update(reset_asked_at=now)


def send_asked() -> int:
    """Mail a link to everybody who asked for one; how many.

    A wish is taken before its mail is handed over, so none is answered twice. It comes back when
    the handing over certainly failed, which ends the pass; an address that the server refuses is
    not tried again. After the life of a link nobody waits for it.
    """
    now = timezone.now()
    User.objects.filter(reset_asked_at__lt=now - LINK_LIFE).update(reset_asked_at=None)
    waiting = User.objects.filter(reset_asked_at__isnull=False).order_by("reset_asked_at")
    sent = 0
    try:
        for user in waiting[:A_PASS]:
            sent += _send(user)
    except OSError as error:
        log.warning("mail server refused, sign-in links wait: %s", type(error).__name__)
    return sent


def _send(user: User) -> int:
    row = User.objects.filter(pk=user.pk, reset_asked_at=user.reset_asked_at)
    if not row.update(reset_asked_at=None):
        return 0
    token = SignInLink.make(user, LINK_LIFE)
    try:
        sent = _message(user, token).send()
    except smtplib.SMTPRecipientsRefused:
        SignInLink.unused(token, timezone.now()).delete()
        log.warning("address of user %s refused, sign-in link not mailed", user.pk)
        return 0
    except OSError:
        SignInLink.unused(token, timezone.now()).delete()
        User.objects.filter(pk=user.pk).update(reset_asked_at=user.reset_asked_at)
        raise
    audit.record("user.reset_link", user, None)
    return int(sent)


def drop_links(user: User) -> None:
    """No link made before signs the person in any more."""
    SignInLink.objects.filter(user=user, used_at=None).delete()


def sweep(now: datetime) -> None:
    """Forget links a day after they were used or ran out."""
    before = now - KEPT_AFTER
    SignInLink.objects.filter(Q(used_at__lt=before) | Q(expires_at__lt=before)).delete()


def _message(user: User, token: str) -> EmailMessage:
    url = settings.SITE_URL + reverse("accounts:link", args=[token])
    words = _(
        "Somebody asked for a way to sign in to SMS Console with this address.\n\n"
        "%(url)s\n\n"
        "The link works once, within 30 minutes. After it you set a new password, and every "
        "other place where you are signed in is ended.\n\n"
        "If it was not you, nothing is to be done: without the link nobody gets in."
    )
    subject = _("Set a new password for SMS Console")
    return EmailMessage(subject=subject, body=words % {"url": url}, to=[user.email])
