"""Two tabs, two workspaces: what a page of the one sends does not act in the other."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import resolve

from accounts.models import AuditEvent, Job, Membership, User, Workspace
from accounts.roles import Role
from billing.models import Rate
from senders.models import OptOut
from tests.house.test_urls import OPEN, URLS
from tests.journeys.pages import World
from tests.security.addresses import methods_of, paths_of

Clients = Callable[[User], Client]
OPTOUT = {"numbers": "+12025550123", "reason": "asked by mail"}
FORM = re.compile(r"<form\b[^>]*method=\"post\".*?</form>", re.DOTALL | re.IGNORECASE)


@pytest.fixture
def both(admin: User, other_workspace: Workspace) -> User:
    """An admin of two workspaces, who works in Parcelway."""
    Membership.objects.create(user=admin, workspace=other_workspace, role=Role.ADMIN)
    return admin


def fields(page: str) -> dict[str, str]:
    """What the form in the middle of a page holds hidden; the last, where a name stands twice."""
    found = FORM.findall(page.split("<main", 1)[1])[-1]
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found)
    return {unescape(name): unescape(value) for name, value in pairs}


def move(client: Client, workspace: Workspace) -> None:
    assert client.post("/switch/", {"workspace": str(workspace.key)}).status_code == 302


def test_a_form_of_one_workspace_does_not_act_in_another(
    signed_in: Clients, both: User, workspace: Workspace, other_workspace: Workspace
) -> None:
    client = signed_in(both)
    typed = OPTOUT | fields(client.get("/optouts/add/").content.decode())
    move(client, other_workspace)
    answer = client.post("/optouts/add/", typed)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "This page belongs to Parcelway" in page
    assert "You have since moved to Nordlink. Nothing was changed." in page
    assert not OptOut.objects.exists()


def test_it_goes_back_and_is_sent_there_with_all_that_was_typed(
    signed_in: Clients, both: User, workspace: Workspace, other_workspace: Workspace
) -> None:
    client = signed_in(both)
    typed = OPTOUT | fields(client.get("/optouts/add/").content.decode())
    move(client, other_workspace)
    page = client.post("/optouts/add/", typed).content.decode()
    again = fields(page) | {"move_back": str(workspace.key)}
    assert again["numbers"] == OPTOUT["numbers"]
    assert client.post("/optouts/add/", again).status_code == 302
    assert OptOut.objects.get().workspace == workspace
    assert client.session["workspace"] == workspace.pk
    entered = AuditEvent.objects.filter(action="workspace.enter").order_by("pk").last()
    assert entered.workspace_id == workspace.pk


@pytest.mark.parametrize("path", ["/billing/rates/import/", "/optouts/import/"])
def test_a_file_is_not_read_into_another_workspace(
    signed_in: Clients, both: User, other_workspace: Workspace, path: str
) -> None:
    client = signed_in(both)
    page = client.get(path).content.decode()
    action = re.search(r'action="(\?in_workspace=[0-9a-f-]{36})" enctype', page)
    file = SimpleUploadedFile("list.csv", b"number\n+12025550123\n")
    move(client, other_workspace)
    headers = {"Referer": f"http://testserver{path}"}
    answer = client.post(path + action[1], {"file": file}, headers=headers)  # type: ignore[index]
    assert answer.status_code == 409
    assert fields(answer.content.decode())["next"] == path
    assert not Job.objects.exists()


def test_every_page_hands_back_the_form_of_the_workspace_it_is_made_in(
    signed_in: Clients, both: User, workspace: Workspace, make_campaign: Any, practice: Any,
    settings: Any, tmp_path: Any,
) -> None:  # fmt: skip
    """Any form of any page: none can post without saying where it was made."""
    settings.UPLOADS = settings.EXPORTS = tmp_path
    world, client, bare, seen = World(make_campaign, practice, both), signed_in(both), [], 0
    paths = {case.path for case in world.cases(both)}
    for name in URLS.keys() - OPEN:
        paths |= set(paths_of(name, world, both)) if "GET" in methods_of(name) else set()
    for path in sorted(paths):
        answer = client.get(path)
        forms = [] if answer.streaming else FORM.findall(answer.content.decode("utf-8", "replace"))
        seen += len(forms)
        wanted = f'name="in_workspace" value="{workspace.key}"'
        bare += [f"{path}: {form[:80]}" for form in forms if wanted not in form]
    assert seen > 300
    assert bare == []


def test_a_form_without_the_field_acts_where_its_person_is(
    signed_in: Clients, both: User, workspace: Workspace
) -> None:
    assert signed_in(both).post("/optouts/add/", OPTOUT).status_code == 302
    assert OptOut.objects.get().workspace == workspace


def test_a_workspace_one_is_not_in_is_neither_named_nor_entered(
    signed_in: Clients, admin: User, workspace: Workspace, other_workspace: Workspace
) -> None:
    client, key = signed_in(admin), str(other_workspace.key)
    for given in (key, "x", "0" * 36):
        body = OPTOUT | {"in_workspace": given, "move_back": given}
        answer = client.post("/optouts/add/", body)
        assert answer.status_code == 409
        assert "Nordlink" not in answer.content.decode()
        assert "Nothing was changed." in answer.content.decode()
    assert client.session["workspace"] == workspace.pk
    assert not OptOut.objects.exists()


def test_a_membership_that_ended_meanwhile_sends_nothing_to_the_next_workspace(
    signed_in: Clients, both: User, workspace: Workspace, other_workspace: Workspace
) -> None:
    client = signed_in(both)
    given = {"country": "US", "price": "0.0079", "in_workspace": str(workspace.key)}
    Membership.objects.filter(user=both, workspace=workspace).update(is_active=False)
    assert client.post("/billing/rates/add/", given).status_code == 409
    assert not Rate.objects.exists()


def test_what_is_a_persons_own_works_from_any_tab(
    signed_in: Clients, both: User, other_workspace: Workspace
) -> None:
    client = signed_in(both)
    page = client.get("/profile/").content.decode()
    made_in = {"in_workspace": fields(page)["in_workspace"]}
    move(client, other_workspace)
    theme = client.post("/theme/", made_in | {"theme": "dark", "next": "/"})
    assert theme.cookies["theme"].value == "dark"
    assert client.post("/sessions/end/", made_in).status_code == 302
    assert client.post("/signout/", made_in).url == "/signin/"


def test_what_a_script_asks_for_is_refused_with_a_sign(
    signed_in: Clients, both: User, workspace: Workspace, other_workspace: Workspace
) -> None:
    """A draft that keeps itself and a part that refreshes itself say where their page is from."""
    client = signed_in(both)
    assert f'"x-workspace": "{workspace.key}"' in client.get("/").content.decode()
    headers = {"HX-Request": "true", "X-Workspace": str(workspace.key)}
    assert client.get("/?part=kpis", headers=headers).status_code == 200
    move(client, other_workspace)
    for answer in (
        client.get("/?part=kpis", headers=headers),
        client.post("/campaigns/new/", {"name": "Spring"}, headers=headers),
    ):
        assert answer.status_code == 409
        assert answer["HX-Trigger"] == "moved"
        assert answer.content == b""


def test_a_referer_that_is_no_address_leads_nowhere(
    signed_in: Clients, both: User, workspace: Workspace, other_workspace: Workspace
) -> None:
    client = signed_in(both)
    move(client, other_workspace)
    given = {"note": "x" * 200_001, "in_workspace": str(workspace.key)}
    answer = client.post("/senders/register/", given, headers={"Referer": "http://[x"})
    assert answer.status_code == 409


def test_going_back_leads_to_the_page_one_came_from(
    signed_in: Clients, both: User, workspace: Workspace, other_workspace: Workspace
) -> None:
    client = signed_in(both)
    move(client, other_workspace)
    too_much = {"note": "x" * 200_001, "in_workspace": str(workspace.key)}
    headers = {"Referer": "http://testserver/senders/register/"}
    page = client.post("/senders/register/", too_much, headers=headers).content.decode()
    assert "Go back and try again." in page
    back = [form for form in FORM.findall(page) if "Go back to Parcelway</button>" in form]
    given = dict(re.findall(r'name="(next)" value="([^"]*)"', back[-1]))
    answer = client.post("/switch/", given | {"workspace": str(workspace.key)})
    assert answer.url == "/senders/register/"
    assert client.session["workspace"] == workspace.pk
    outside = {"workspace": str(other_workspace.key), "next": "https://evil.example/"}
    assert client.post("/switch/", outside).url == "/"


MULTIPART = re.compile(r"<(?:form|button)\b[^>]*multipart/form-data[^>]*>")
TARGET = re.compile(r'(?:form)?action="([^"?]*)\?in_workspace=([0-9a-f-]{36})"')


def uploads(client: Client, path: str) -> list[tuple[str, str]]:
    """Where the page sends files, and the workspace it says first."""
    tags = MULTIPART.findall(client.get(path).content.decode())
    found = [TARGET.search(tag) for tag in tags]
    assert all(found), f"{path}: a file is sent that does not say where its page was made"
    return [(one[1] or path, one[2]) for one in found if one]


@pytest.mark.parametrize("path", ["/campaigns/new/", "/optouts/import/", "/billing/rates/import/"])
def test_a_file_of_another_workspace_is_refused_before_it_is_looked_into(
    signed_in: Clients, both: User, workspace: Workspace, other_workspace: Workspace, path: str
) -> None:
    """It is taken in all the same: a browser shows no answer that comes while it sends."""
    client = signed_in(both)
    ((target, key),) = uploads(client, path)
    assert key == str(workspace.key)
    assert resolve(target).func.csrf_exempt, "its token would be sought in the body, too early"
    move(client, other_workspace)
    for more in ("", f"&move_back={key}"):
        body = BytesIO(b"--x\r\n" + b"1" * 200_000)
        answer = client.generic(
            "POST", f"{target}?in_workspace={key}{more}",
            content_type="multipart/form-data; boundary=x",
            **{"wsgi.input": body, "CONTENT_LENGTH": "200005"},
        )  # fmt: skip
        assert answer.status_code == 409
        assert "This page belongs to Parcelway" in answer.content.decode()
        assert not hasattr(answer.wsgi_request, "_post"), "the form was read"
        assert body.read() == b""
    assert client.session["workspace"] == other_workspace.pk


@pytest.mark.parametrize("path", ["/optouts/import/", "/billing/rates/import/"])
def test_the_address_of_an_upload_is_a_page_like_any_other_to_read(
    signed_in: Clients, both: User, workspace: Workspace, other_workspace: Workspace, path: str
) -> None:
    """After a file with a mistake it stands in the browser, and in bookmarks."""
    client = signed_in(both)
    move(client, other_workspace)
    address = f"{path}?in_workspace={workspace.key}&move_back={workspace.key}"
    answer = client.get(address)
    assert answer.status_code == 200
    assert f'?in_workspace={other_workspace.key}"' in answer.content.decode()
    assert client.session["workspace"] == other_workspace.pk
    headers = {"X-Workspace": str(workspace.key)}
    assert client.get(address, headers=headers).status_code == 409
