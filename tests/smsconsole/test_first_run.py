"""The first start: who is there, how they get in, and what happens the second time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.mail import send_mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User, Workspace
from accounts.roles import Role
from billing.models import Threshold
from carriers.models import Carrier
from smsconsole import first_run

pytestmark = pytest.mark.django_db


def path_of(invitation: first_run.Invitation, settings: Any) -> str:
    return invitation.url.removeprefix(settings.SITE_URL)


def test_a_first_run_makes_one_workspace_one_admin_and_a_practice_carrier() -> None:
    first_run.prepare()
    first_run.prepare()
    admin = User.objects.get()
    assert [str(member.role) for member in admin.memberships.all()] == [Role.ADMIN]
    assert Workspace.objects.count() == Carrier.objects.practice().count() == 1
    assert Carrier.objects.count() == 1
    assert AuditEvent.objects.filter(action="workspace.first_run").count() == 1


def test_nobody_gets_a_default_password() -> None:
    first_run.prepare()
    assert not User.objects.get().has_usable_password()


def test_out_of_the_box_there_is_no_threshold() -> None:
    first_run.prepare()
    assert not Threshold.objects.exists()


def test_the_first_link_signs_the_admin_in_once(settings: Any) -> None:
    first_run.prepare()
    invitation = first_run.invitation()
    assert invitation is not None
    path = path_of(invitation, settings)
    admin, late = Client(), Client()
    signin(admin, path)
    signin(late, path)
    assert "_auth_user_id" in admin.session
    assert "_auth_user_id" not in late.session


def signin(client: Client, path: str) -> None:
    """Follow the link as a person does: open the page, then press its button."""
    client.get(path)
    client.post(path)


def test_a_fresh_link_is_made_until_an_admin_has_signed_in(settings: Any) -> None:
    first_run.prepare()
    first, second = first_run.invitation(), first_run.invitation()
    assert first is not None
    assert second is not None
    client = Client()
    signin(client, path_of(first, settings))
    assert "_auth_user_id" not in client.session
    signin(client, path_of(second, settings))
    assert "_auth_user_id" in client.session
    assert first_run.invitation() is None


def test_who_cannot_get_in_is_invited_again(settings: Any, capsys: Any) -> None:
    first_run.prepare()
    User.objects.update(last_login=timezone.now())
    call_command("invite", "Admin@localhost")
    url = capsys.readouterr().out.strip()
    client = Client()
    signin(client, url.removeprefix(settings.SITE_URL))
    assert "_auth_user_id" in client.session


def test_a_new_person_is_added_with_a_role_and_comes_in_by_the_link(
    settings: Any, capsys: Any
) -> None:
    first_run.prepare()
    call_command("invite", "Mei@example.com", role="operator", name="Mei Lin Tan")
    url = capsys.readouterr().out.strip()
    client = Client()
    signin(client, url.removeprefix(settings.SITE_URL))
    person = User.objects.get(email="mei@example.com")
    assert client.session["_auth_user_id"] == str(person.pk)
    assert person.name == "Mei Lin Tan"
    assert [str(member.role) for member in person.memberships.all()] == [Role.OPERATOR]


def test_a_stranger_gets_no_link() -> None:
    first_run.prepare()
    with pytest.raises(CommandError, match="Nobody has the address"):
        call_command("invite", "nobody@example.com")
    assert User.objects.count() == 1


@pytest.mark.parametrize("where", ["everywhere", "in the workspace"])
def test_a_deactivated_person_gets_a_sentence_and_no_link(where: str) -> None:
    first_run.prepare()
    call_command("invite", "mei@example.com", role="operator", name="Mei Lin Tan")
    person = User.objects.get(email="mei@example.com")
    links = person.signin_links.count()
    if where == "everywhere":
        User.objects.filter(pk=person.pk).update(is_active=False)
    else:
        person.memberships.update(is_active=False)
    with pytest.raises(CommandError, match=r"mei@example.com' is deactivated.*on Team"):
        call_command("invite", "mei@example.com")
    assert person.signin_links.count() == links


def test_mail_without_a_server_lies_in_one_private_file(settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "smsconsole.maillog.EmailBackend"
    settings.MAIL_LOG = tmp_path / "logs" / "mail.log"
    for subject in ("First", "Second"):
        send_mail(subject, "Words", None, ["admin@example.com"])
    written = settings.MAIL_LOG.read_text()
    assert "Subject: First" in written
    assert "Subject: Second" in written
    assert settings.MAIL_LOG.stat().st_mode & 0o077 == 0


def test_a_server_in_production_gets_no_practice_carrier(settings: Any) -> None:
    settings.PRODUCTION, settings.REHEARSAL = True, False
    first_run.prepare()
    assert not Carrier.objects.exists()


def test_the_practice_carrier_is_found_where_it_listens_now(settings: Any, tmp_path: Any) -> None:
    settings.PRACTICE_HOME = tmp_path / "practice"
    first_run.prepare()
    first_run.place_practice_carrier(4242)
    token = Carrier.objects.get().options["token"]
    first_run.place_practice_carrier(4343)
    assert Carrier.objects.get().options == {"url": "http://127.0.0.1:4343", "token": token}


def test_first_run_on_a_server_prints_the_link(capsys: Any, settings: Any) -> None:
    call_command("first_run")
    assert f"{settings.SITE_URL}/signin/" in capsys.readouterr().out
    User.objects.update(last_login=timezone.now())
    call_command("first_run")
    assert "/signin/" not in capsys.readouterr().out
