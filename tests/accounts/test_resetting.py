"""H14: a link by mail works once, for half an hour, and says nothing about who is here."""

from __future__ import annotations

import re
import smtplib
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends import locmem
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import resetting, throttling
from accounts.models import AuditEvent, SignInLink, Throttle, User
from campaigns import ticking

NEW = "staple battery horse"


def asked(email: str, **extra: str):
    return Client().post("/reset/", {"email": email}, **extra)


def mailed() -> str:
    """The path of the link in the latest mail."""
    return re.search(r"http://127\.0\.0\.1:8000(\S+)", mail.outbox[-1].body)[1]


class Away(BaseEmailBackend):
    """A mail server that cannot be reached."""

    tries = 0

    def send_messages(self, messages: Any) -> int:
        Away.tries += 1
        raise ConnectionRefusedError


class Refusing(locmem.EmailBackend):
    """A mail server that takes no mail for people whose address begins with "gone"."""

    def send_messages(self, messages: Any) -> int:
        (to,) = messages[0].to
        if to.startswith("gone"):
            raise smtplib.SMTPRecipientsRefused({to: (550, b"no such person")})
        return super().send_messages(messages)


@pytest.fixture(autouse=True)
def site(settings) -> None:
    settings.SITE_URL = "http://127.0.0.1:8000"


def test_a_forgotten_password_is_set_again_by_mail(operator: User) -> None:
    asked(operator.email.upper())
    assert resetting.send_asked() == 1
    assert mail.outbox[-1].to == [operator.email]
    client = Client()
    assert client.post(mailed()).url == "/password/"
    client.post("/password/", {"new_password1": NEW, "new_password2": NEW})
    operator.refresh_from_db()
    assert operator.check_password(NEW)
    assert AuditEvent.objects.filter(action="user.reset_link", object_id=operator.pk).exists()


def test_every_address_hears_the_same_and_only_people_get_mail(operator: User) -> None:
    pages = [asked(email).content.decode() for email in (operator.email, "nobody@example.com")]
    assert len({re.sub(r"[A-Za-z0-9]{64}", "", page) for page in pages}) == 1
    assert resetting.send_asked() == 1
    User.objects.filter(pk=operator.pk).update(is_active=False)
    asked(operator.email)
    assert resetting.send_asked() == 0


def work_for(email: str, address: str) -> list[str]:
    """What the database is asked to do about a wish, without the values."""
    with CaptureQueriesContext(connection) as found:
        asked(email, REMOTE_ADDR=address)
    return [re.sub(r"'[^']*'|\"s[0-9]+_x[0-9]+\"|\b[0-9]+\b", "?", q["sql"]) for q in found]


def test_every_address_costs_the_server_the_same(operator: User) -> None:
    """Nobody tells by the time of an answer who is here: known, waiting, switched off or not."""
    User.objects.create_user("off@example.com", is_active=False)
    people = (operator.email, "off@example.com", "nobody@example.com")
    for n in range(5):
        done = [work_for(email, f"192.0.2.{10 * n + at}") for at, email in enumerate(people)]
        assert done[0] == done[1] == done[2]
        assert any("UPDATE" in statement for statement in done[0])
    counted = Throttle.objects.filter(kind=throttling.MAIL)
    assert sorted(counted.values_list("count", flat=True)) == [1] * 15 + [3] * 3


def test_the_wish_is_written_down_together_with_the_counts(operator: User) -> None:
    """A commit of its own would be a write to disk more, for those who are here alone."""
    found = work_for(operator.email, "192.0.2.1")
    wish = next(n for n, q in enumerate(found) if q.startswith('UPDATE "accounts_user"'))
    depth = [q.startswith("SAVEPOINT") - q.startswith("RELEASE") for q in found]
    first = next(n for n, q in enumerate(found) if "accounts_throttle" in q)
    assert all(sum(depth[: n + 1]) > 0 for n in range(first, wish + 1))


def test_h14_a_link_works_once_and_not_after_half_an_hour(operator: User) -> None:
    """H14"""
    asked(operator.email)
    resetting.send_asked()
    path = mailed()
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert Client().post(path).status_code == 410
    assert Client().get(path).status_code == 200
    assert Client().post(path).status_code == 302
    assert Client().post(path).status_code == 410


def test_h14_a_link_outlives_a_newer_one_and_none_a_new_password(operator: User) -> None:
    """H14: whoever asks for a link of somebody else voids neither theirs nor an invitation."""
    paths = [f"/signin/{SignInLink.make(operator)}/"]
    for _n in range(3):
        asked(operator.email)
        resetting.send_asked()
        paths.append(mailed())
    assert [Client().get(path).status_code for path in paths] == [200] * 4
    client = Client()
    client.post("/signin/", {"email": operator.email, "password": "correct horse battery"})
    old = {"old_password": "correct horse battery", "new_password1": NEW, "new_password2": NEW}
    client.post("/password/", old)
    assert [Client().post(path).status_code for path in paths] == [410] * 4


def test_h7_the_link_leads_to_the_site_whatever_host_was_asked(operator: User) -> None:
    """H7, H14: a host that is not ours is refused, and mails never repeat one."""
    assert asked(operator.email, HTTP_HOST="evil.example").status_code == 400
    assert resetting.send_asked() == 0
    asked(operator.email, HTTP_HOST="localhost", HTTP_X_FORWARDED_HOST="evil.example")
    resetting.send_asked()
    assert "evil" not in mail.outbox[-1].body
    assert mailed()


def test_nobodys_mailbox_is_flooded(operator: User) -> None:
    for n in range(10):
        asked(operator.email, REMOTE_ADDR=f"192.0.2.{n}")
        resetting.send_asked()
    assert len(mail.outbox) == 3


def test_a_wish_is_answered_once_and_kept_while_the_mail_server_is_away(
    operator: User, settings
) -> None:
    asked(operator.email)
    settings.EMAIL_BACKEND = f"{__name__}.Away"
    assert resetting.send_asked() == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert (resetting.send_asked(), resetting.send_asked()) == (1, 0)
    asked(operator.email)
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert resetting.send_asked() == 0


def test_addresses_that_are_refused_are_not_tried_again_and_keep_nobody_waiting(
    operator: User, settings, caplog
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    for n in range(resetting.A_PASS):
        User.objects.create_user(f"gone{n}@example.com")
        resetting.ask(f"gone{n}@example.com", timezone.now())
    resetting.ask(operator.email, timezone.now())
    assert [resetting.send_asked() for _n in range(3)] == [0, 1, 0]
    assert list(SignInLink.objects.values_list("user", flat=True)) == [operator.pk]
    assert "@" not in caplog.text


def test_a_pass_ends_at_a_mail_server_that_is_away_and_leaves_no_link(
    operator: User, admin: User, settings, monkeypatch
) -> None:
    monkeypatch.setattr(Away, "tries", 0)
    settings.EMAIL_BACKEND = f"{__name__}.Away"
    for user in (operator, admin):
        resetting.ask(user.email, timezone.now())
    assert resetting.send_asked() == 0
    assert Away.tries == 1
    assert not SignInLink.objects.exists()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert resetting.send_asked() == 2


def test_h14_wishes_of_strangers_leave_the_owner_a_link_that_works(operator: User) -> None:
    """H14: while they use up the limit, the link that was mailed last works."""
    begun = timezone.now()
    for minute in range(0, 45, 3):
        with time_machine.travel(begun + timedelta(minutes=minute), tick=False):
            for n in range(5):
                asked(operator.email, REMOTE_ADDR=f"192.0.2.{n}")
            resetting.send_asked()
            assert Client().get(mailed()).status_code == 200, minute
    assert len(mail.outbox) == 2


def test_links_go_a_day_after_they_were_used_or_ran_out(operator: User) -> None:
    waiting = SignInLink.make(operator)
    for hours in (23, 25):
        SignInLink.make(operator, timedelta(hours=-hours))
        used = SignInLink.make(operator, timedelta(days=7))
        SignInLink.use(used, timezone.now() - timedelta(hours=hours))
    assert SignInLink.objects.count() == 5
    ticking.sweep()
    assert SignInLink.objects.count() == 3
    assert SignInLink.unused(waiting, timezone.now()).exists()
    a_day_ago = timezone.now() - timedelta(days=1)
    assert not SignInLink.objects.filter(expires_at__lt=a_day_ago).exists()
    assert not SignInLink.objects.filter(used_at__lt=a_day_ago).exists()


def test_a_wish_repeated_all_the_time_keeps_its_place(operator: User, admin: User) -> None:
    begun = timezone.now()
    for n, user in enumerate((operator, admin, operator)):
        with time_machine.travel(begun + timedelta(seconds=n), tick=False):
            asked(user.email)
    with time_machine.travel(begun + timedelta(seconds=9), tick=False):
        assert resetting.send_asked() == 2
    assert [sent.to for sent in mail.outbox] == [[operator.email], [admin.email]]


def test_h6_nobody_is_sent_to_another_site_after_signing_in(operator: User) -> None:
    """H6"""
    given = {"email": operator.email, "password": "correct horse battery"}
    for place in ("//evil.com", "\\\\evil", "/\\evil", "javascript:alert(1)", "https:///evil"):
        answer = Client().post("/signin/", {**given, "next": place})
        assert answer.url == "/"
    assert Client().post("/signin/", {**given, "next": "/campaigns/"}).url == "/campaigns/"
