"""A second workspace: made by who runs the console, with an admin who gets in."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import audit_words
from accounts.models import AuditEvent, User, Workspace
from accounts.roles import Role
from carriers.models import Carrier
from smsconsole import first_run

pytestmark = pytest.mark.django_db


def made(capsys: Any, **given: str) -> str:
    """What the command says."""
    call_command("workspace", **{"name": "Nordlink", "admin": "ann@example.com", **given})
    return capsys.readouterr().out


def test_a_new_admin_gets_a_link_into_the_new_workspace(capsys: Any, settings: Any) -> None:
    first_run.prepare()
    said = made(capsys, admin=" Ann@Example.com ")
    client = Client()
    assert client.post(re.search(r"/signin/\S+/", said)[0]).status_code == 302
    ann = User.objects.get(email="ann@example.com")
    (member,) = ann.memberships.all()
    assert (member.workspace.name, member.role) == ("Nordlink", Role.ADMIN)
    assert "Nordlink" in client.get("/team/").content.decode()
    event = AuditEvent.objects.filter(action="workspace.first_run").latest("pk")
    assert event.workspace == member.workspace
    assert audit_words.sentence(event) == "The console made the workspace Nordlink"


def test_whoever_works_elsewhere_already_finds_it_in_the_switcher(
    capsys: Any, operator: User, signed_in: Any
) -> None:
    said = made(capsys, admin=operator.email)
    assert "/signin/" not in said
    assert "mei.lin.tan@example.com changes to it in the menu of the own name" in said
    assert User.objects.count() == 1
    client = signed_in(operator)
    there = Workspace.objects.get(name="Nordlink")
    assert str(there.key) in client.get("/").content.decode()
    client.post("/switch/", {"workspace": there.key})
    assert client.get("/team/").status_code == 200


def test_it_can_try_the_practice_carrier_at_once(capsys: Any, settings: Any, tmp_path: Any) -> None:
    settings.PRACTICE_HOME = tmp_path / "practice"
    first_run.prepare()
    first_run.place_practice_carrier(4242)
    made(capsys)
    first, second = Carrier.objects.order_by("pk")
    assert second.workspace.name == "Nordlink"
    assert second.options == first.options != {}
    assert second.receipts_token != first.receipts_token


def test_a_server_in_production_gets_no_practice_carrier(capsys: Any, settings: Any) -> None:
    settings.PRODUCTION, settings.REHEARSAL = True, False
    first_run.prepare()
    made(capsys)
    assert not Carrier.objects.exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"name": "my WORKSPACE"}, "There is a workspace 'My workspace' already"),
        ({"name": " "}, "Give the workspace a name"),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"name": "A\nB"}, "is a line break"),
        ({"name": "Sales 202 555 0187"}, "without a phone number"),
        ({"admin": "ann"}, "'ann' is no e-mail address"),
        ({"admin": f"{'a' * 60}@{'.'.join(['b' * 60] * 4)}.example.com"}, "is no e-mail address"),
        ({"admin": "off@example.com"}, "is deactivated"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(
    capsys: Any, given: dict[str, str], says: str
) -> None:
    first_run.prepare()
    User.objects.create_user("off@example.com", is_active=False)
    people = User.objects.count()
    with pytest.raises(CommandError, match=says):
        made(capsys, **given)
    assert (Workspace.objects.count(), User.objects.count()) == (1, people)


def test_before_the_first_start_there_is_no_second_workspace(capsys: Any) -> None:
    with pytest.raises(CommandError, match="There is no console in"):
        made(capsys)
