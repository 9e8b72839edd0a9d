"""People, senders and campaigns for every test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.template import Context, Template
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from sheets import disk
from tests import traces


def pytest_configure() -> None:
    """Quick password hashes: nearly every test makes people, at half a second a person.

    And files looked up when asked for: every client that a test makes would list all of them.
    """
    quick = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    django_settings.PASSWORD_HASHERS = quick
    django_settings.WHITENOISE_AUTOREFRESH = True
    traces.begin()


# Nothing below these depends on the database; the files of which one pass is enough too.
ONCE = (
    "tests/sms/",
    "tests/sheets/",
    "tests/house/",
    "tests/journeys/test_smoke",  # starts an embedded console of its own
    "tests/security/test_inert",
    "tests/security/test_headers",
)
# What files, pages and forms say and hide: looked at on the database that refuses more.
STRICT = (
    "tests/accounts/test_inviting",
    "tests/accounts/test_team",
    "tests/accounts/test_throttling",
    "tests/billing/test_statement_views",
    "tests/billing/test_views",
    "tests/campaigns/importing/test_rejects",
    "tests/campaigns/test_compose_views",
    "tests/campaigns/test_control_views",
    "tests/campaigns/test_import_views",
    "tests/campaigns/test_masking",
    "tests/campaigns/test_uploads",
    "tests/security/test_hostile_forms",
    "tests/security/test_two_workspaces",
    "tests/senders/test_registration_views",
    "tests/senders/test_views",
    "tests/smsconsole/test_moved",
)


WATCHED: list[Callable[..., str]] = []  # how a test environment renders, to keep the contexts


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what one pass is enough for, so that the other can leave it out."""
    for item in items:
        if item.nodeid.startswith(ONCE) and not item.get_closest_marker("postgres"):
            item.add_marker(pytest.mark.once)
        if item.nodeid.startswith(STRICT):
            item.add_marker(pytest.mark.strict)


@pytest.fixture(scope="session", autouse=True)
def _pages_only(django_test_environment: None) -> None:
    """Tests read pages, as people do: a copy of the context of every part of a page takes time.
    Who reads rows from the context asks for ``contexts``.
    """

    def rendered(template: Template, context: Context) -> str:
        return template.nodelist.render(context)

    WATCHED.append(Template._render)
    Template._render = rendered


@pytest.fixture
def contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers of this test have a ``context``."""
    monkeypatch.setattr(Template, "_render", WATCHED[0])


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Parcelway", time_zone="UTC", currency="USD")


@pytest.fixture
def other_workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Nordlink", time_zone="UTC", currency="EUR")


@pytest.fixture
def make_person(db: None) -> Callable[..., User]:
    def make(role: str, workspace: Workspace, name: str = "") -> User:
        name = name or f"{role} of {workspace.name}"
        address = f"{name.lower().replace(' ', '.')}@example.com"
        user = User.objects.create_user(address, "correct horse battery", name=name)
        user.membership = Membership.objects.create(user=user, workspace=workspace, role=role)
        return user

    return make


@pytest.fixture
def operator(make_person: Callable[..., User], workspace: Workspace) -> User:
    return make_person(Role.OPERATOR, workspace, "Mei Lin Tan")


@pytest.fixture
def colleague(make_person: Callable[..., User], workspace: Workspace) -> User:
    """Another operator of the same workspace."""
    return make_person(Role.OPERATOR, workspace, "Diego Ramos")


@pytest.fixture
def admin(make_person: Callable[..., User], workspace: Workspace) -> User:
    return make_person(Role.ADMIN, workspace, "Jonas Weber")


@pytest.fixture
def finance(make_person: Callable[..., User], workspace: Workspace) -> User:
    return make_person(Role.FINANCE, workspace, "Aisha Bello")


@pytest.fixture
def viewer(make_person: Callable[..., User], workspace: Workspace) -> User:
    return make_person(Role.VIEWER, workspace, "Priya Nair")


@pytest.fixture
def stranger(make_person: Callable[..., User], other_workspace: Workspace) -> User:
    """An admin of another workspace."""
    return make_person(Role.ADMIN, other_workspace, "Sam Stranger")


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    def client_of(user: User) -> Client:
        client = Client()
        client.force_login(user)
        session = client.session
        if membership := getattr(user, "membership", None):
            session["workspace"] = membership.workspace_id
        session["started"] = session["seen"] = timezone.now().timestamp()
        session.save()
        return client

    return client_of


@pytest.fixture
def make_sender(workspace: Workspace, admin: User) -> Callable[..., Any]:
    from senders.models import SenderID, SenderState

    def make(value: str = "PARCELWAY", state: str = SenderState.APPROVED, **fields: Any) -> Any:
        given = {"workspace": workspace, "requested_by": admin, "company": "Parcelway", **fields}
        return SenderID.objects.create(value=value, state=state, note="Order news", **given)

    return make


@pytest.fixture
def practice(workspace: Workspace) -> Any:
    """The workspace's account at the practice carrier (no process behind it)."""
    from carriers.models import Carrier

    options = {"url": "http://127.0.0.1:9", "token": "practice-token"}
    return Carrier.objects.create(
        workspace=workspace, name="Practice carrier", gateway="loopback", options=options
    )


@pytest.fixture
def make_campaign(
    workspace: Workspace, operator: User, make_sender: Callable[..., Any], practice: Any
) -> Callable[..., Any]:
    """A draft that could be submitted: scenario, name, sender, content, typed recipients."""
    from senders.models import SenderID

    def make(numbers: list[str] | None = None, **fields: Any) -> Any:
        known = SenderID.objects.filter(workspace=workspace).first()
        sender = fields.pop("sender", None) or known or make_sender()
        author = fields.pop("author", operator)
        return make_draft(workspace, author, sender, numbers, **fields)

    return make


def make_draft(
    workspace: Workspace, author: User, sender: Any, numbers: list[str] | None, **fields: Any
) -> Any:
    """A draft of *author* with typed recipients, whatever else *fields* say of it."""
    from campaigns.models import Campaign, ImportState, Recipient, RecipientImport

    numbers = ["+12025550123", "+12025550124"] if numbers is None else numbers
    source = RecipientImport.objects.create(
        workspace=workspace, created_by=author, given_by=author, is_manual=True,
        state=ImportState.READY, accepted=len(numbers), rows_read=len(numbers),
        countries={"US": len(numbers)},
    )  # fmt: skip
    Recipient.objects.bulk_create(
        Recipient(source=source, row=row, number=number, country="US")
        for row, number in enumerate(numbers, 1)
    )
    given = {
        "workspace": workspace, "author": author, "name": "Delivery day", "sender": sender,
        "scenario": "notification", "content": "Your parcel arrives today.",
        "source": "manual", "manual_numbers": "\n".join(numbers), "recipients": source,
        **fields,
    }  # fmt: skip
    return Campaign.objects.create(**given)


@pytest.fixture
def seen_anew() -> Iterator[None]:
    """The disk is looked at again, not remembered from a moment ago."""
    disk._seen = None
    yield
    disk._seen = None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte; only root may make one."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
