"""The team: who is in it, invited, changed, deactivated; and changing between workspaces."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import audit_words, inviting, notices, team
from accounts.models import AuditEvent, Membership, Notice, Session, SignInLink, User, Workspace
from accounts.roles import Role
from tests.accounts.asking import SERVER, SignIn, events, invited, person_of, words

# --- the page --------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["operator", "finance", "viewer"])
def test_only_admins_see_the_team(
    signed_in: SignIn, who: str, request: pytest.FixtureRequest
) -> None:
    client = signed_in(request.getfixturevalue(who))
    for path in ("/team/", "/team/invite/"):
        assert client.get(path).status_code == client.post(path).status_code == 403


def test_the_page_tells_people_of_the_own_workspace_with_role_state_and_places(
    boss: Client, signed_in: SignIn, operator: User, stranger: User, workspace: Workspace
) -> None:
    new = User.objects.create_user("new@example.com", name="Nora New")
    Membership.objects.create(user=new, workspace=workspace, role=Role.VIEWER)
    Membership.objects.filter(user=operator).update(is_active=False)
    signed_in(operator)
    signed_in(operator)
    page = words(boss.get("/team/"))
    assert re.search(r"Jonas Weber You .*? Admin .*? Active", page)
    assert re.search(r"Nora New new@example.com Viewer .*? Invited never", page)
    assert re.search(r"Mei Lin Tan .*? Operator .*? Deactivated never signed in at 2 places", page)
    assert "2 people" in page
    assert stranger.name not in page


def test_the_page_asks_the_database_as_often_for_many_people_as_for_few(
    boss: Client, make_person: Any, workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    for at in range(8):
        make_person(Role.VIEWER, workspace, f"Person {at}")
    boss.get("/team/")
    with django_assert_max_num_queries(8):
        boss.get("/team/")


@pytest.mark.parametrize(
    "path", ["role/", "deactivate/", "reactivate/", "end/", "invite/", "conquer/"]
)
def test_a_person_of_another_workspace_is_not_found(
    boss: Client, stranger: User, path: str
) -> None:
    where = f"/team/{stranger.membership.pk}/{path}"
    assert boss.get(where).status_code == boss.post(where, {"role": "viewer"}).status_code == 404
    assert person_of(stranger.membership).role == Role.ADMIN


@pytest.mark.parametrize("path", ["role/", "deactivate/", "end/"])
def test_nobody_changes_their_own_role_or_access(boss: Client, admin: User, path: str) -> None:
    where = f"/team/{admin.membership.pk}/{path}"
    assert boss.post(where, {"role": "viewer"}).status_code == 404
    with pytest.raises(team.Refused):
        team.set_role(admin.membership, admin, Role.VIEWER)
    assert person_of(admin.membership).role == Role.ADMIN


@pytest.mark.parametrize("path", ["role/", "deactivate/", "end/"])
def test_asking_changes_nothing(boss: Client, operator: User, path: str) -> None:
    before = AuditEvent.objects.count()
    assert boss.get(f"/team/{operator.membership.pk}/{path}").status_code == 200
    assert AuditEvent.objects.count() == before
    assert person_of(operator.membership).is_active


# --- role, access, sessions ------------------------------------------------------------------


def test_a_new_role_acts_on_the_next_request_in_a_new_session(
    boss: Client, signed_in: SignIn, operator: User
) -> None:
    """SR14, SR22: nothing of the old role is left in any browser; the person is told."""
    client = signed_in(operator)
    boss.post(f"/team/{operator.membership.pk}/role/", {"role": "finance"})
    assert client.get("/campaigns/new/").url.startswith("/signin/")
    assert signed_in(operator).get("/campaigns/new/").status_code == 403
    (event,) = events("team.role")
    assert (event.data["old"], event.data["new"]) == ("operator", "finance")
    assert "from operator to finance" in audit_words.sentence(event)
    notice = Notice.objects.get(user=operator)
    assert notice.title == "Your role in Parcelway is now Finance"


def test_the_role_somebody_has_already_changes_nothing(
    boss: Client, signed_in: SignIn, operator: User
) -> None:
    client = signed_in(operator)
    boss.post(f"/team/{operator.membership.pk}/role/", {"role": "operator"})
    assert client.get("/").status_code == 200
    assert events("team.role") == []


def test_a_deactivated_person_is_out_with_the_next_click_and_comes_back_when_reactivated(
    boss: Client, client: Client, signed_in: SignIn, operator: User
) -> None:
    """SR14: all sessions die on deactivation."""
    theirs = signed_in(operator)
    link = SignInLink.make(operator)
    where = f"/team/{operator.membership.pk}"
    page = boss.get(f"{where}/deactivate/")
    assert "Campaigns they submitted go on" in words(page)
    boss.post(f"{where}/deactivate/")
    assert theirs.get("/").url.startswith("/signin/")
    assert not Session.objects.filter(user=operator).exists()
    assert client.post(f"/signin/{link}/").status_code == 410
    client.post("/signin/", {"email": operator.email, "password": "correct horse battery"})
    told = client.get("/campaigns/")
    assert told.status_code == 403
    assert "Your access to Parcelway was ended" in words(told)
    assert "ask an admin: Jonas Weber" in words(told)
    assert client.get("/", headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    boss.post(f"{where}/reactivate/")
    assert client.get("/campaigns/").status_code == 200
    moves = [(e.data["old"], e.data["new"]) for e in events("team.deactivate")]
    assert moves == [("active", "deactivated")]
    assert [e.data["new"] for e in events("team.reactivate")] == ["active"]


def test_whoever_never_came_is_invited_again_when_reactivated(
    boss: Client, stranger: User, settings: Any
) -> None:
    """Nobody is said to be able to sign in who has no password and no link."""
    settings.EMAIL_URL = SERVER
    for email in ("ann@example.com", stranger.email):
        invited(boss, email)
        member = Membership.objects.get(invited_as="Ann Lee", user__email=email)
        where = f"/team/{member.pk}"
        boss.post(f"{where}/deactivate/")
        assert "They have never come" in words(boss.get(f"{where}/reactivate/"))
        told = boss.post(f"{where}/reactivate/", follow=True)
        assert told.redirect_chain == [(f"{where}/invite/", 302)]
        assert "Ann Lee is in the team again, but has never come" in words(told)
        assert "can sign in" not in words(told)
        mail.outbox.clear()
        boss.post(f"{where}/invite/")
        assert [sent.to for sent in mail.outbox] == [[member.user.email]]


def test_a_second_deactivation_changes_nothing(boss: Client, operator: User) -> None:
    where = f"/team/{operator.membership.pk}/deactivate/"
    boss.post(where)
    assert "somebody else was first" in words(boss.post(where, follow=True))
    assert len(events("team.deactivate")) == 1


def test_who_is_deactivated_here_still_works_elsewhere(
    boss: Client, signed_in: SignIn, operator: User, other_workspace: Workspace
) -> None:
    Membership.objects.create(user=operator, workspace=other_workspace, role=Role.VIEWER)
    boss.post(f"/team/{operator.membership.pk}/deactivate/")
    page = signed_in(operator).get("/")
    assert page.status_code == 200
    assert "Nordlink" in words(page)


def test_an_admin_ends_the_sessions_of_a_person(
    boss: Client, signed_in: SignIn, operator: User
) -> None:
    clients = [signed_in(operator), signed_in(operator)]
    boss.post(f"/team/{operator.membership.pk}/end/")
    assert [c.get("/").status_code for c in clients] == [302, 302]
    assert signed_in(operator).get("/").status_code == 200
    (event,) = events("user.end_sessions")
    assert (event.data["ended"], event.workspace) == (2, operator.membership.workspace)


@pytest.mark.parametrize(
    ("path", "given"), [("end/", {}), ("role/", {"role": "viewer"}), ("deactivate/", {})]
)
def test_an_admin_signs_nobody_out_of_another_workspace(
    boss: Client, stranger: User, workspace: Workspace, path: str, given: dict[str, str]
) -> None:
    """Nor sees how long ago and at how many places the person works there."""
    theirs = Client()
    theirs.post("/signin/", {"email": stranger.email, "password": "correct horse battery"})
    member = Membership.objects.create(user=stranger, workspace=workspace, role=Role.OPERATOR)
    page = words(boss.get("/team/"))
    assert re.search(r"Sam Stranger .*? Active never", page)
    assert "signed in at" not in page.split("Sam Stranger")[1]
    boss.post(f"/team/{member.pk}/{path}", given)
    assert theirs.get("/team/").status_code == 200
    assert Session.objects.filter(user=stranger).count() == 1


def test_an_admin_ends_only_those_sessions_that_work_in_the_workspace(
    boss: Client, operator: User, other_workspace: Workspace
) -> None:
    Membership.objects.create(user=operator, workspace=other_workspace, role=Role.VIEWER)
    here, there = Client(), Client()
    for client in (here, there):
        client.post("/signin/", {"email": operator.email, "password": "correct horse battery"})
    there.post("/switch/", {"workspace": other_workspace.key})
    assert "signed in at 1 place" in words(boss.get("/team/"))
    boss.post(f"/team/{operator.membership.pk}/end/")
    assert [c.get("/").status_code for c in (here, there)] == [302, 200]


def test_the_deactivated_are_told_nothing_and_mailed_nothing(
    admin: User, operator: User, make_person: Any, workspace: Workspace
) -> None:
    second = make_person(Role.ADMIN, workspace, "Olga Old")
    notices.notify([operator, second], workspace, "x", "Done", "", "/", "a")
    Membership.objects.filter(user__in=[operator, second]).update(is_active=False)
    assert notices.people_to_tell(workspace, operator) == [admin]
    assert not notices.unsent_mails().exists()


def test_whoever_was_demoted_a_moment_ago_changes_nothing_more(
    admin: User, operator: User, make_person: Any, workspace: Workspace
) -> None:
    second = make_person(Role.ADMIN, workspace, "Olga Other")
    team.set_role(second.membership, admin, Role.VIEWER)
    for move in (team.deactivate, team.end_sessions, inviting.invite_again):
        with pytest.raises(PermissionDenied):
            move(operator.membership, second)
    with pytest.raises(PermissionDenied):
        inviting.invite(workspace, second, "ann@example.com", "Ann", Role.ADMIN)
    assert person_of(admin.membership).role == Role.ADMIN


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_admins_who_demote_each_other_leave_one(
    admin: User, make_person: Any, workspace: Workspace
) -> None:
    second = make_person(Role.ADMIN, workspace, "Olga Other")
    for _round in range(8):
        Membership.objects.filter(workspace=workspace).update(role=Role.ADMIN, is_active=True)
        start = threading.Barrier(2)
        errors: list[BaseException] = []

        def demote(
            one: User, by: User, start: threading.Barrier = start,
            errors: list[BaseException] = errors,
        ) -> None:  # fmt: skip
            try:
                start.wait()
                team.set_role(one.membership, by, Role.VIEWER)
            except PermissionDenied as error:
                errors.append(error)
            finally:
                connection.close()

        pairs = ((admin, second), (second, admin))
        threads = [threading.Thread(target=demote, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = Membership.objects.active().filter(workspace=workspace, role=Role.ADMIN)
        assert (left.count(), len(errors)) == (1, 1)


# --- changing between workspaces ---------------------------------------------------------------


@pytest.fixture
def in_both(operator: User, other_workspace: Workspace) -> User:
    Membership.objects.create(user=operator, workspace=other_workspace, role=Role.ADMIN)
    return operator


def test_a_person_of_two_workspaces_changes_between_them(
    signed_in: SignIn, in_both: User, other_workspace: Workspace
) -> None:
    """SR14: with another role comes another session id."""
    client = signed_in(in_both)
    before = client.session.session_key
    page = client.get("/").content.decode()
    assert f'value="{other_workspace.key}"' in page
    assert client.get("/team/").status_code == 403
    answer = client.post("/switch/", {"workspace": other_workspace.key})
    assert answer.url == "/"
    assert client.session.session_key != before
    assert client.get("/team/").status_code == 200
    (event,) = events("workspace.enter")
    assert (event.workspace, event.actor) == (other_workspace, in_both)


def test_who_has_one_workspace_is_offered_no_other(
    signed_in: SignIn, operator: User, other_workspace: Workspace
) -> None:
    assert "/switch/" not in signed_in(operator).get("/").content.decode()


@pytest.mark.parametrize("how", ["not a member", "deactivated", "garbage", "nothing"])
def test_a_workspace_that_is_not_ones_own_cannot_be_entered(
    signed_in: SignIn, operator: User, other_workspace: Workspace, how: str
) -> None:
    if how == "deactivated":
        Membership.objects.create(
            user=operator, workspace=other_workspace, role=Role.ADMIN, is_active=False
        )
    client = signed_in(operator)
    key = {"garbage": "a\0b", "nothing": ""}.get(how, str(other_workspace.key))
    page = client.post("/switch/", {"workspace": key}, follow=True)
    assert "You are still here" in words(page)
    assert client.get("/team/").status_code == 403
    assert events("workspace.enter") == []


def test_changing_takes_a_post(signed_in: SignIn, in_both: User) -> None:
    assert signed_in(in_both).get("/switch/").status_code == 405


def test_whoever_is_deactivated_where_they_work_falls_back_to_where_they_may(
    signed_in: SignIn, in_both: User, other_workspace: Workspace
) -> None:
    client = signed_in(in_both)
    client.post("/switch/", {"workspace": other_workspace.key})
    in_both.memberships.filter(workspace=other_workspace).update(is_active=False)
    assert client.get("/team/").status_code == 403
    assert client.get("/").status_code == 200


def test_the_list_of_workspaces_costs_people_of_one_no_query(
    signed_in: SignIn, operator: User, other_workspace: Workspace
) -> None:
    counts = []
    for _both in (False, True):
        client = signed_in(operator)
        client.get("/notices/")
        with CaptureQueriesContext(connection) as asked:
            client.get("/notices/")
        counts.append(len(asked))
        Membership.objects.get_or_create(user=operator, workspace=other_workspace, role=Role.VIEWER)
    assert counts[1] == counts[0] + 1
