"""T22: every URL by every role, before own and other objects, as the checked-in table says."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.roles import ALL, OWN, PERMISSIONS, Role
from tests.house import matrix
from tests.house.matrix import COLUMNS, IN, MISSING, NO_METHOD, OPEN_TO_ALL, REFUSED, SIGN_IN
from tests.house.test_urls import URLS
from tests.journeys.pages import World
from tests.security.addresses import OBJECTS, paths_of
from tests.security.fuzzing import Quick

TABLE = Path(__file__).with_name("permissions.txt")
PERSON = {"own": "operator", "other's": "colleague"}
# What a POST must hold to be one at all.
BODY = {"key": str(uuid.UUID(int=7)), "form": "csv"}


def test_the_table_is_what_the_code_says() -> None:
    """A new URL, a changed permission or a changed method changes a line, which is reviewed."""
    if os.environ.get("REWRITE") == "1":
        TABLE.write_text(matrix.table(), "utf-8")
    assert TABLE.read_text("utf-8").splitlines() == matrix.table().splitlines()


def test_every_url_with_an_object_says_whose_it_is() -> None:
    placed = {name for name, entry in URLS.items() if entry.pattern.converters}
    assert placed == OBJECTS.keys(), "tests/security/addresses.py: OBJECTS"


@pytest.fixture
def world(make_campaign: Any, practice: Any, admin: User, settings: Any, tmp_path: Path) -> World:
    settings.UPLOADS = settings.EXPORTS = tmp_path
    return World(make_campaign, practice, admin)


def answers(client: Client, world: World) -> Iterator[tuple[str, str, HttpResponse]]:
    for name in sorted(URLS):
        found = paths_of(name, world)
        assert found, f"{name} has no object: add a Case to World, or args to OBJECTS"
        for method in ("GET", "POST"):
            with transaction.atomic():
                answer = client.get(found[0]) if method == "GET" else client.post(found[0], BODY)
                if answer.streaming:
                    b"".join(answer.streaming_content)
                transaction.set_rollback(True)
            yield name, method, answer


def fits(expected: str, name: str, answer: HttpResponse) -> bool:
    """Is it the answer the table names? A method nobody has may be refused for the person first."""
    status = str(answer.status_code)
    if status == "302" and answer["Location"].startswith("/signin/"):
        status = SIGN_IN
    if name == "accounts:signout":  # everybody ends there
        return status in ("405", SIGN_IN)
    if expected == NO_METHOD:
        return status in (NO_METHOD, REFUSED, MISSING, SIGN_IN)
    if expected == OPEN_TO_ALL:
        # Who is invited may be in no workspace yet, so that page asks for signing in itself.
        return status < "500" or (name, status) == ("accounts:invitations", SIGN_IN)
    if expected == IN:
        return status < "500" and status not in (REFUSED, MISSING, NO_METHOD, SIGN_IN)
    return status == expected


@pytest.mark.parametrize("who", COLUMNS)
def test_everybody_is_answered_as_the_table_says(
    world: World, request: pytest.FixtureRequest, who: str
) -> None:
    """H3, H4, SR18: another workspace's object is 404, a missing role 403, whatever the verb."""
    client = Quick()
    if who != "nobody":
        client.force_login(request.getfixturevalue(PERSON.get(who, who)))
    wrong = [
        f"{name} {method}: {answer.status_code}, not {matrix.expected(name, method, who)}"
        for name, method, answer in answers(client, world)
        if not fits(matrix.expected(name, method, who), name, answer)
    ]
    assert not wrong, "\n".join(wrong)


# The rows of the table of roles that this version has: operator, admin, finance, viewer.
Y, O, N = ALL, OWN, None  # noqa: E741 - as the table writes them
MEANT: dict[str, tuple[str | None, str | None, str | None, str | None]] = {
    "campaigns.view": (Y, Y, Y, Y),  # the list and totals; reasons and receipt times
    "campaigns.read_text": (O, Y, N, N),
    "campaigns.read_numbers": (O, Y, N, N),
    "campaigns.create": (Y, Y, N, N),
    "campaigns.edit": (O, Y, N, N),
    "campaigns.submit": (O, Y, N, N),
    "campaigns.cancel": (O, Y, N, N),
    "campaigns.stop": (O, Y, Y, N),  # finance holds the money brake
    "campaigns.resume_suspended": (N, Y, N, N),
    "campaigns.resolve": (O, Y, N, N),
    "campaigns.queue_doubts": (N, Y, N, N),  # resend of what nobody knows of
    "senders.request": (Y, Y, N, N),
    "senders.decide": (N, Y, N, N),
    "thresholds.change": (N, Y, Y, N),
    "statements.view": (O, Y, Y, Y),
    "statements.export": (O, Y, Y, Y),
    "campaigns.export_numbers": (O, Y, N, N),
    "optouts.add": (Y, Y, N, N),
    "optouts.remove": (N, Y, N, N),
    "team.manage": (N, Y, N, N),
    "audit.view": (O, Y, Y, Y),
    "privacy.erase": (N, Y, N, N),
    "workspace.edit": (N, Y, N, N),
}


@pytest.mark.parametrize("permission", MEANT)
def test_the_code_gives_each_role_what_the_table_of_roles_says(permission: str) -> None:
    roles = (Role.OPERATOR, Role.ADMIN, Role.FINANCE, Role.VIEWER)
    assert tuple(PERMISSIONS[permission].get(role) for role in roles) == MEANT[permission]
