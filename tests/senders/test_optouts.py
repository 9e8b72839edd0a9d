"""The list of numbers that must not be written to, asked by everybody."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from html import unescape
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.keyed import digest
from accounts.models import AuditEvent, User, Workspace
from senders import optouts
from senders.models import OptOut

pytestmark = pytest.mark.django_db
Clients = Callable[[User], Client]
NUMBER, OTHER = "+12025550123", "+61491570006"
REASON = {"reason": "Asked for news again"}


@pytest.fixture
def listed(workspace: Workspace, operator: User) -> OptOut:
    return OptOut.objects.create(
        workspace=workspace, number=NUMBER, source="typed", reason="Replied STOP", added_by=operator
    )


OLDER = re.compile(r'<a [^>]*href="([^"]*)"[^>]* rel="next"')


def rows_of(html: str) -> list[str]:
    return re.findall(r'<td class="lead-cell[^>]*>(.*?)</td>', html)


def page(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode()


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


# --- the list -----------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["operator", "admin", "finance", "viewer"])
@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("list", {"operator", "admin", "viewer"}),
        ("add", {"operator", "admin"}),
        ("import", {"operator", "admin"}),
        ("export", {"admin"}),
        ("remove", {"admin"}),
    ],
)
def test_a_page_opens_for_the_roles_that_may(
    request: pytest.FixtureRequest, signed_in: Clients, listed: OptOut, who: str, name: str,
    allowed: set[str],
) -> None:  # fmt: skip
    path = reverse(f"optouts:{name}", args=[listed.key] if name == "remove" else [])
    client = signed_in(request.getfixturevalue(who))
    expected = 200 if who in allowed else 403
    assert client.get(path).status_code == expected
    if expected == 403:
        assert client.post(path, REASON).status_code == 403
    assert Client().get(path).url == f"/signin/?next={path}"
    assert OptOut.objects.filter(pk=listed.pk).exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing(
    signed_in: Clients, listed: OptOut, stranger: User, method: str
) -> None:
    client = signed_in(stranger)
    path = reverse("optouts:remove", args=[listed.key])
    assert getattr(client, method)(path, REASON).status_code == 404
    found = page(client.post(reverse("optouts:list"), {"q": NUMBER}))
    assert "Replied STOP" not in found
    answer = client.post(reverse("optouts:export"), REASON)
    assert NUMBER not in b"".join(answer).decode()
    assert OptOut.objects.filter(pk=listed.pk).exists()


def test_the_list_says_where_each_number_comes_from_and_hides_its_middle(
    signed_in: Clients, viewer: User, listed: OptOut, workspace: Workspace
) -> None:
    OptOut.objects.create(workspace=workspace, number=OTHER, source="file", file_name="old.csv")
    OptOut.objects.create(workspace=workspace, digest=digest("+12025550199"), source="erased")
    html = page(signed_in(viewer).get(reverse("optouts:list")))
    for words in ("+1 20 ••• 0123", "Replied STOP", "Mei Lin Tan", "old.csv", "Erased"):
        assert words in html, words
    assert NUMBER not in html
    assert "5550123" not in html
    assert "Remove" not in html


def test_an_empty_list_says_what_to_do(signed_in: Clients, operator: User) -> None:
    assert "No number here" in page(signed_in(operator).get(reverse("optouts:list")))


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        (NUMBER, 1), ("1 (202) 555-0123", 1), ("0123", 1), ("+1 202 555 0199", 1), ("0199", 0),
        ("+12025550100", 0), ("123", 0), ("50123", 0), ("5550123", 0), ("2025550123", 0),
        ("+1 202 555", 0), ("\0", 2), ("ann", 0), ("' OR 1=1 --", 0),
    ],
)  # fmt: skip
def test_a_number_is_found_by_its_last_digits_and_an_erased_one_whole(
    signed_in: Clients, viewer: User, listed: OptOut, workspace: Workspace, sought: str, found: int
) -> None:
    OptOut.objects.create(workspace=workspace, digest=digest("+12025550199"), source="erased")
    html = page(signed_in(viewer).post(reverse("optouts:list"), {"q": sought}))
    assert html.count('data-th="Source"') == found


@pytest.mark.parametrize("who", ["operator", "admin", "viewer"])
def test_part_of_a_number_confirms_no_digit_of_it_to_anybody(
    request: pytest.FixtureRequest, signed_in: Clients, listed: OptOut, who: str
) -> None:
    client = signed_in(request.getfixturevalue(who))
    asked = {
        sought: page(client.post(reverse("optouts:list"), {"q": sought})).replace(sought, "")
        for sought in ("50123", "50124", "550123", "2025550123", "2025550124")
    }
    for words in asked.values():
        assert "Type the whole number with + and the country code, or exactly its last" in words
        assert "+1 20" not in words
    assert "search.number" not in actions()


def test_who_looks_a_number_up_among_the_opt_outs_is_written_down_once_and_without_it(
    signed_in: Clients, viewer: User, listed: OptOut
) -> None:
    client = signed_in(viewer)
    for sought in (NUMBER, "1 (202) 555-0123", "ann", ""):
        client.post(reverse("optouts:list"), {"q": sought})
    event = AuditEvent.objects.get(action="search.number")
    assert (event.actor, event.data) == (viewer, {"digest": digest(NUMBER)})
    assert "5550123" not in event.label
    client.post("/search/", {"q": NUMBER})
    assert actions().count("search.number") == 1


@pytest.mark.parametrize("query", ["?before=x", "?before=" + "9" * 40, "?source=<b>", "?before=²"])
def test_a_wild_address_shows_the_list(
    signed_in: Clients, viewer: User, listed: OptOut, query: str
) -> None:
    assert "Replied STOP" in page(signed_in(viewer).get(reverse("optouts:list") + query))


def test_a_long_list_is_turned_page_by_page_with_few_queries(
    signed_in: Clients, viewer: User, workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    numbers = [f"+1202555{n:04}" for n in range(100, 160)]
    optouts.add_many(workspace.pk, numbers, source="file")
    client = signed_in(viewer)
    with django_assert_max_num_queries(12):
        first = client.get(reverse("optouts:list") + "?source=file")
    shown = rows_of(page(first))
    assert [number[-4:] for number in shown[:2]] == ["0159", "0158"]
    link = OLDER.search(page(first))
    assert link
    older = page(client.get(reverse("optouts:list") + unescape(link[1])))
    assert [len(shown), len(rows_of(older)), OLDER.search(older)] == [50, 10, None]


# --- adding -------------------------------------------------------------------------------


def test_typed_numbers_are_added_and_what_cannot_be_read_stays_in_the_form(
    signed_in: Clients, operator: User, listed: OptOut
) -> None:
    given = {"numbers": f"{OTHER}; 1 202 555 0123\n+12345, {OTHER}", "reason": "Called us"}
    answer = signed_in(operator).post(reverse("optouts:add"), given)
    html = page(answer)
    assert "1 number is added. 1 was there already." in html
    assert "1 entry was not added" in html
    assert "+12345</bdi>: " in html
    assert re.search(r'<textarea[^>]* name="numbers"[^>]*>\s*\+12345</textarea>', html)
    assert re.search(r'<input[^>]* value="Called us"', html)
    row = OptOut.objects.get(number=OTHER)
    assert (row.source, row.reason, row.added_by) == ("typed", "Called us", operator)
    assert actions() == ["optout.add"]


def test_good_numbers_lead_back_to_the_list(signed_in: Clients, operator: User) -> None:
    given = {"numbers": NUMBER, "reason": "Called us"}
    answer = signed_in(operator).post(reverse("optouts:add"), given)
    assert answer.url == reverse("optouts:list")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"numbers": " ,;\n", "reason": "Called"}, "Write at least one number."),
        ({"numbers": NUMBER, "reason": ""}, "Write the reason"),
        ({"numbers": "1,\n" * 101, "reason": "Called"}, "101 numbers are too many"),
    ],
)
def test_a_form_that_lacks_something_adds_nothing(
    signed_in: Clients, operator: User, given: dict[str, str], said: str
) -> None:
    assert said in page(signed_in(operator).post(reverse("optouts:add"), given))
    assert not OptOut.objects.exists()


def test_an_erased_number_is_still_on_the_list(listed: OptOut, operator: User) -> None:
    OptOut.objects.filter(pk=listed.pk).update(number="")
    workspace = listed.workspace
    assert OptOut.objects.among(workspace.pk, [NUMBER, OTHER]) == {NUMBER}
    assert optouts.add(workspace, [NUMBER], "again", operator) == optouts.Added(0, 1, ())
    assert OptOut.objects.get().number == ""


def test_a_number_is_there_once_for_each_workspace(
    listed: OptOut, other_workspace: Workspace
) -> None:
    OptOut.objects.create(workspace=other_workspace, number=NUMBER, source="typed")
    with pytest.raises(IntegrityError), transaction.atomic():
        OptOut.objects.create(workspace=listed.workspace, number=NUMBER, source="typed")


def test_rows_from_before_get_their_digest(listed: OptOut) -> None:
    OptOut.objects.update(digest="")
    step = import_module("senders.migrations.0003_optouts_by_digest")
    step.fill(apps, None)
    row = OptOut.objects.get()
    assert (row.digest, row.source) == (digest(NUMBER), "typed")
    assert row.key != listed.key


# --- removing and taking away -------------------------------------------------------------


def test_an_admin_removes_a_number_for_a_reason(
    signed_in: Clients, admin: User, listed: OptOut
) -> None:
    client, path = signed_in(admin), reverse("optouts:remove", args=[listed.key])
    assert "Later campaigns can write to this number again" in page(client.get(path))
    assert "Write the reason" in page(client.post(path, {"reason": ""}))
    assert OptOut.objects.exists()
    assert client.post(path, REASON).url == reverse("optouts:list")
    assert not OptOut.objects.exists()
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.workspace) == (
        "optout.remove",
        admin,
        admin.membership.workspace,
    )
    assert event.data == {**REASON, "number": "+1 20 ••• 0123", "source": "typed"}
    assert client.post(path, REASON).status_code == 404


def test_of_two_who_remove_it_one_is_told(admin: User, listed: OptOut) -> None:
    optouts.remove(OptOut.objects.get(), admin, "once")
    with pytest.raises(optouts.Gone):
        optouts.remove(listed, admin, "twice")
    assert actions() == ["optout.remove"]


def test_an_erased_person_is_neither_offered_for_removal_nor_removed(
    signed_in: Clients, admin: User, listed: OptOut
) -> None:
    client, path = signed_in(admin), reverse("optouts:remove", args=[listed.key])
    assert path in page(client.get(reverse("optouts:list")))
    OptOut.objects.filter(pk=listed.pk).update(number="", source="erased")
    assert path not in page(client.get(reverse("optouts:list")))
    assert client.get(path).status_code == 404
    assert client.post(path, REASON).status_code == 404
    with pytest.raises(optouts.Gone):
        optouts.remove(listed, admin, "asked before it was erased")
    assert OptOut.objects.filter(pk=listed.pk).exists()


def test_a_number_in_an_old_reason_or_file_name_is_masked(
    signed_in: Clients, viewer: User, listed: OptOut
) -> None:
    OptOut.objects.filter(pk=listed.pk).update(
        reason="He called from 0491 570 006", file_name="0491570006.csv"
    )
    shown = page(signed_in(viewer).get(reverse("optouts:list")))
    assert "He called from •••" in shown
    assert "•••.csv" in shown


def test_an_admin_takes_the_list_away_for_a_reason(
    signed_in: Clients, admin: User, listed: OptOut
) -> None:
    OptOut.objects.create(
        workspace=listed.workspace, digest=digest("+12025550199"), source="erased"
    )
    OptOut.objects.filter(pk=listed.pk).update(reason="=HYPERLINK(1) of 0491 570 006")
    client, path = signed_in(admin), reverse("optouts:export")
    asked = page(client.get(path))
    assert "holds 1 number in full" in asked
    assert "Erased numbers that it cannot hold: 1" in asked
    assert "Write the reason" in page(client.post(path, {"reason": ""}))
    answer = client.post(path, {"reason": "Move to another system"})
    lines = b"".join(answer).decode("utf-8-sig").splitlines()
    head, row = csv.reader(lines)
    assert tuple(head) == optouts.COLUMNS
    assert row[:5] == [f"'{NUMBER}", "Typed", "", "'=HYPERLINK(1) of •••", "Mei Lin Tan"]
    assert len(lines) == 2
    event = AuditEvent.objects.get()
    assert event.data == {"rows": 1, "reason": "Move to another system"}
    assert event.workspace == listed.workspace
