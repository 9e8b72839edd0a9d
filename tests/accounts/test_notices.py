"""Notices: written once, mailed once, read by their person only."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.utils import timezone

from accounts.forms import PersonForm
from accounts.models import Membership, Notice, User, Workspace
from accounts.notices import KINDS, notify, people_to_tell, send_mails, unsent_mails


def tell(users: list[User], workspace: Workspace, dedupe: str = "a", title: str = "Done") -> None:
    notify(users, workspace, "campaign.completed", title, "All sent.", "/campaigns/", dedupe)


def test_an_event_told_twice_is_one_notice(operator: User, workspace: Workspace) -> None:
    tell([operator, operator], workspace)
    tell([operator], workspace)
    assert Notice.objects.count() == 1
    tell([operator], workspace, dedupe="b")
    assert Notice.objects.count() == 2


def test_the_author_and_the_admins_are_told_each_once(
    admin: User, operator: User, colleague: User, finance: User, stranger: User,
    workspace: Workspace,
) -> None:  # fmt: skip
    assert set(people_to_tell(workspace, operator)) == {admin, operator}
    assert people_to_tell(workspace, admin) == [admin]
    assert people_to_tell(workspace) == [admin]


def test_an_author_who_left_the_workspace_is_not_told(
    admin: User, operator: User, workspace: Workspace
) -> None:
    Membership.objects.filter(user=operator).delete()
    User.objects.filter(pk=admin.pk).update(is_active=False)
    assert people_to_tell(workspace, operator) == []


def test_a_notice_is_mailed_once_with_the_way_to_it(
    operator: User, workspace: Workspace, settings
) -> None:
    settings.SITE_URL = "https://console.example"
    tell([operator], workspace, title="Line one\r\nBcc: all@example.com")
    assert (send_mails(), send_mails()) == (1, 0)
    (sent,) = mail.outbox
    assert sent.to == [operator.email]
    assert sent.subject == "[Parcelway] Line one Bcc: all@example.com"
    assert "https://console.example/campaigns/" in sent.body
    assert "All sent." in sent.body


def test_breaks_in_the_name_of_a_workspace_hold_up_no_mail(
    operator: User, workspace: Workspace
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(name="Parcel\rway\u2028\x0bone")
    tell([operator], workspace)
    assert send_mails() == 1
    assert mail.outbox[0].subject == "[Parcel way one] Done"


def test_nobody_gets_mail_they_did_not_want_or_news_that_are_old(
    operator: User, colleague: User, admin: User, workspace: Workspace
) -> None:
    User.objects.filter(pk=operator.pk).update(mails_notices=False)
    User.objects.filter(pk=colleague.pk).update(is_active=False)
    tell([operator, colleague], workspace)
    tell([admin], workspace)
    Notice.objects.filter(user=admin).update(read_at=timezone.now())
    assert send_mails() == 0
    User.objects.filter(pk=operator.pk).update(mails_notices=True)
    assert unsent_mails().count() == 1
    with time_machine.travel(timezone.now() + timedelta(days=4)):
        assert send_mails() == 0


def test_a_kind_that_is_not_ticked_is_not_mailed_and_holds_nothing_up(
    operator: User, workspace: Workspace
) -> None:
    ticked = [kind for kind in KINDS if kind != "campaign.completed"]
    given = {
        "name": "Mei",
        "time_zone": "UTC",
        "date_language": "en",
        "mails_notices": "on",
        "mails_off": ticked,
    }
    PersonForm(given, instance=operator).save()
    assert operator.mails_off == ["campaign.completed"]
    assert PersonForm(instance=operator).initial["mails_off"] == ticked
    tell([operator], workspace)
    notify([operator], workspace, "campaign.paused", "Paused", "", "/", "b")
    assert send_mails(limit=1) == 1
    (sent,) = mail.outbox
    assert "Paused" in sent.subject
    assert "/profile/" in sent.body


class Broken(BaseEmailBackend):
    """A mail server that refuses one address, then goes away."""

    refuses = "nobody@example.com"

    def send_messages(self, messages):
        if messages[0].to == [self.refuses]:
            raise smtplib.SMTPRecipientsRefused({})
        raise ConnectionResetError


def test_a_mail_server_that_is_away_loses_no_mail(
    operator: User, admin: User, workspace: Workspace, settings
) -> None:
    tell([operator, admin], workspace)
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = f"{__name__}.Broken"
    assert send_mails() == 0
    assert unsent_mails().count() == 2
    settings.EMAIL_BACKEND = working
    assert send_mails() == 2


def test_a_refused_address_does_not_stop_the_others(
    operator: User, admin: User, workspace: Workspace, settings
) -> None:
    User.objects.filter(pk=operator.pk).update(email=Broken.refuses)
    tell([operator], workspace)
    settings.EMAIL_BACKEND = f"{__name__}.Broken"
    assert send_mails() == 0
    assert unsent_mails().count() == 0


def test_the_bell_counts_until_the_notice_is_read(
    signed_in: Callable[[User], Client], operator: User, workspace: Workspace
) -> None:
    tell([operator], workspace)
    client = signed_in(operator)
    assert "Notices, 1 new" in client.get("/profile/").content.decode()
    notice = Notice.objects.get()
    assert client.get(f"/notices/{notice.pk}/read/").status_code == 405
    assert client.post(f"/notices/{notice.pk}/read/", {"open": "1"}).url == "/campaigns/"
    assert "Notices, 0 new" in client.get("/profile/").content.decode()


def test_a_notice_leads_nowhere_outside(
    signed_in: Callable[[User], Client], operator: User, workspace: Workspace
) -> None:
    notify([operator], workspace, "x", "t", "", "//evil.example/", "x")
    client = signed_in(operator)
    url = f"/notices/{Notice.objects.get().pk}/read/"
    assert client.post(url, {"open": "1"}).url == "/notices/"


def test_all_are_marked_read_at_once_and_only_mine(
    signed_in: Callable[[User], Client], operator: User, admin: User, workspace: Workspace
) -> None:
    tell([operator, admin], workspace)
    signed_in(operator).post("/notices/read/")
    assert Notice.objects.get(user=operator).read_at
    assert Notice.objects.get(user=admin).read_at is None


@pytest.mark.parametrize("who", ["colleague", "stranger"])
def test_another_persons_notice_is_not_found(
    request: pytest.FixtureRequest, signed_in: Callable[[User], Client], operator: User,
    workspace: Workspace, who: str,
) -> None:  # fmt: skip
    tell([operator], workspace)
    client = signed_in(request.getfixturevalue(who))
    assert client.post(f"/notices/{Notice.objects.get().pk}/read/").status_code == 404
    assert "All sent." not in client.get("/notices/").content.decode()


@pytest.mark.parametrize("before", ["-1", "x", "9" * 40, "\x00", "²"])
def test_a_wild_page_of_notices_is_the_first(
    signed_in: Callable[[User], Client], operator: User, workspace: Workspace, before: str
) -> None:
    answer = signed_in(operator).get("/notices/", {"before": before})
    assert answer.status_code == 200


def test_older_notices_are_a_page_away(
    signed_in: Callable[[User], Client], operator: User, workspace: Workspace
) -> None:
    for number in range(31):
        tell([operator], workspace, dedupe=str(number), title=f"Notice {number:02}.")
    client = signed_in(operator)
    first = client.get("/notices/").content.decode()
    assert "Notice 30." in first
    assert "Notice 00." not in first
    oldest_shown = Notice.objects.get(dedupe="1").pk
    assert f"?before={oldest_shown}" in first
    assert "Notice 00." in client.get(f"/notices/?before={oldest_shown}").content.decode()


def test_the_page_of_notices_asks_little(
    signed_in: Callable[[User], Client], operator: User, workspace: Workspace,
    django_assert_max_num_queries,
) -> None:  # fmt: skip
    for number in range(20):
        tell([operator], workspace, dedupe=str(number))
    client = signed_in(operator)
    with django_assert_max_num_queries(7):
        client.get("/notices/")


def test_a_mail_server_that_accepts_and_stays_silent_holds_nobody_up(
    operator: User, workspace: Workspace, settings
) -> None:
    assert settings.EMAIL_TIMEOUT
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = silent.getsockname()
        settings.EMAIL_TIMEOUT = 0.2
        tell([operator], workspace)
        assert send_mails() == 0
    assert unsent_mails().count() == 1
