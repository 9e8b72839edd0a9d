"""Inviting people: who gets which way in, who hears what, and how often."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from django.utils import timezone

from accounts import audit_words, dates, inviting, team
from accounts.models import AuditEvent, Membership, Notice, SignInLink, User, Workspace
from accounts.roles import Role
from tests.accounts.asking import SERVER, SignIn, events, invited, person_of, words


def link_in(text: str) -> str:
    found = re.search(r"/signin/[A-Za-z0-9_-]{43}/", text)
    return found[0] if found else ""


def test_an_invited_person_comes_in_by_the_mailed_link_once(
    boss: Client, client: Client, settings: Any, workspace: Workspace
) -> None:
    """SR13: nobody gets a password from somebody else."""
    settings.EMAIL_URL, settings.SITE_URL = SERVER, "https://console.example"
    page = invited(boss, "Ann@Example.com")
    assert page.redirect_chain == [("/team/", 302)]
    assert "on its way" in words(page)
    (sent,) = mail.outbox
    assert (sent.to, link_in(sent.body) != "") == (["ann@example.com"], True)
    assert "https://console.example/signin/" in sent.body
    assert link_in(page.content.decode()) == ""
    user = User.objects.get(email="ann@example.com")
    assert not user.has_usable_password()
    assert client.post(link_in(sent.body)).url == "/password/"
    assert client.post(link_in(sent.body)).status_code == 410
    assert client.get("/").status_code == 200
    (event,) = events("team.invite")
    assert audit_words.sentence(event) == "Jonas Weber invited Ann Lee as viewer"
    assert event.workspace == workspace


def test_without_a_mail_server_the_link_is_shown_this_once(
    boss: Client, client: Client, settings: Any
) -> None:
    settings.EMAIL_URL = ""
    page = invited(boss)
    assert page.redirect_chain == []
    assert "only written to the log file" in words(page)
    assert client.post(link_in(page.content.decode())).url == "/password/"
    assert link_in(boss.get("/team/").content.decode()) == ""
    assert not [e for e in AuditEvent.objects.all() if "signin" in str(e.data)]


def said(page: Any, email: str) -> str:
    return words(page).replace(email, "ADDRESS")


@pytest.mark.parametrize("kind", ["active", "switched off", "not seen yet"])
def test_the_admin_hears_the_same_of_known_and_of_unknown_addresses(
    boss: Client, stranger: User, settings: Any, kind: str
) -> None:
    """Nor shows the page of the team anything of their account before they accept."""
    settings.EMAIL_URL = SERVER
    User.objects.filter(pk=stranger.pk).update(is_active=kind != "switched off")
    if kind == "not seen yet":
        User.objects.filter(pk=stranger.pk).update(password="!")
    unknown = said(invited(boss), "ann@example.com")
    User.objects.filter(email="ann@example.com").delete()
    assert said(invited(boss, stranger.email), stranger.email) == unknown
    page = boss.get("/team/").content.decode()
    assert stranger.name not in page
    member = stranger.memberships.latest("pk")
    for path in ("role", "deactivate", "invite"):
        assert stranger.name not in boss.get(f"/team/{member.pk}/{path}/").content.decode()
    assert [event.label for event in events("team.invite")] == ["Ann Lee", "Ann Lee"]


@pytest.mark.parametrize("has_server", [True, False])
def test_a_person_with_an_account_works_in_the_workspace_only_after_accepting(
    boss: Client, signed_in: SignIn, stranger: User, settings: Any, workspace: Workspace,
    has_server: bool,
) -> None:  # fmt: skip
    settings.EMAIL_URL = SERVER if has_server else ""
    page = invited(boss, stranger.email)
    assert link_in(page.content.decode() + mail.outbox[0].body) == ""
    assert "/invitations/" in mail.outbox[0].body
    assert ("/invitations/" in page.content.decode()) is not has_server
    theirs = signed_in(stranger)
    theirs.post("/switch/", {"workspace": workspace.key})
    assert "You work in Parcelway now" not in words(theirs.get("/"))
    assert "1 invitation" in words(theirs.get("/"))
    assert "Parcelway invites you as Viewer" in words(theirs.get("/invitations/"))
    member = stranger.memberships.latest("pk")
    answer = theirs.post("/invitations/", {"invitation": member.pk, "accept": "1"}, follow=True)
    assert "You work in Parcelway now" in words(answer)
    assert theirs.get("/team/").status_code == 403
    assert "Sam Stranger" in words(boss.get("/team/"))
    (event,) = events("team.accept")
    assert (event.workspace, event.actor) == (workspace, stranger)


def test_a_declined_invitation_is_gone_and_changes_nothing_for_the_person(
    boss: Client, signed_in: SignIn, stranger: User, workspace: Workspace
) -> None:
    invited(boss, stranger.email)
    theirs = signed_in(stranger)
    member = stranger.memberships.latest("pk")
    assert theirs.get("/invitations/").status_code == 200
    assert stranger.memberships.count() == 2
    theirs.post("/invitations/", {"invitation": member.pk, "decline": "1"})
    assert stranger.memberships.count() == 1
    assert theirs.get("/team/").status_code == 200
    (event,) = events("team.decline")
    assert (event.workspace, event.label) == (workspace, "Ann Lee")


@pytest.mark.parametrize("invitation", ["", "x", "9" * 40, "theirs"])
def test_nobody_answers_an_invitation_that_is_not_theirs(
    boss: Client, signed_in: SignIn, client: Client, stranger: User, operator: User, invitation: str
) -> None:
    invited(boss, stranger.email)
    pk = stranger.memberships.latest("pk").pk if invitation == "theirs" else invitation
    given = {"invitation": pk, "accept": "1"}
    assert signed_in(operator).post("/invitations/", given).status_code == 404
    assert client.post("/invitations/", given).url.startswith("/signin/")
    assert not events("team.accept")


def test_an_invitation_that_was_taken_back_is_none(
    boss: Client, signed_in: SignIn, stranger: User
) -> None:
    invited(boss, stranger.email)
    member = stranger.memberships.latest("pk")
    boss.post(f"/team/{member.pk}/deactivate/")
    answer = signed_in(stranger).post("/invitations/", {"invitation": member.pk, "accept": "1"})
    assert answer.status_code == 404
    for answering in (inviting.accept, inviting.decline):
        with pytest.raises(team.Refused):
            answering(member, stranger)


def test_whoever_is_in_no_workspace_is_led_to_the_invitations(
    boss: Client, signed_in: SignIn, stranger: User
) -> None:
    stranger.memberships.all().delete()
    invited(boss, stranger.email)
    theirs = signed_in(stranger)
    assert theirs.get("/").url == "/invitations/"
    assert theirs.get("/invitations/").status_code == 200
    pk = stranger.memberships.get().pk
    theirs.post("/invitations/", {"invitation": pk, "accept": "1"})
    assert theirs.get("/").status_code == 200


def test_a_new_role_of_an_invitation_is_told_to_nobody(boss: Client, stranger: User) -> None:
    invited(boss, stranger.email)
    member = stranger.memberships.latest("pk")
    boss.post(f"/team/{member.pk}/role/", {"role": "operator"})
    assert person_of(member).role == Role.OPERATOR
    assert not Notice.objects.filter(user=stranger).exists()


def test_an_invitation_elsewhere_voids_no_link_and_shows_none(
    boss: Client, other_workspace: Workspace, settings: Any
) -> None:
    settings.EMAIL_URL = ""
    new = User.objects.create_user("ann@example.com", name="Ann Lee")
    Membership.objects.create(user=new, workspace=other_workspace, role=Role.ADMIN)
    early = SignInLink.make(new)
    assert link_in(invited(boss).content.decode()) == ""
    again = boss.post(f"/team/{new.memberships.latest('pk').pk}/invite/")
    assert link_in(again.content.decode()) == ""
    assert SignInLink.unused(early, timezone.now()).exists()


def test_a_link_shown_on_a_page_opens_nothing_once_another_workspace_knows_the_person(
    boss: Client, signed_in: SignIn, client: Client, stranger: User, settings: Any
) -> None:
    """Or an admin would prepare accounts, and be in every team that invites their people."""
    settings.EMAIL_URL = ""
    kept = link_in(invited(boss).content.decode())
    assert client.get(kept).status_code == 200
    invited(signed_in(stranger))
    assert client.get(kept).status_code == client.post(kept).status_code == 410
    assert client.get("/password/").url.startswith("/signin/")
    assert User.objects.get(email="ann@example.com").last_login is None


@pytest.mark.parametrize("how", ["signed in", "password set"])
def test_a_link_shown_on_a_page_opens_no_account_that_was_used(
    boss: Client, client: Client, settings: Any, how: str
) -> None:
    settings.EMAIL_URL = ""
    kept = link_in(invited(boss).content.decode())
    ann = User.objects.get(email="ann@example.com")
    if how == "signed in":
        assert client.post(f"/signin/{SignInLink.make(ann)}/").status_code == 302
    else:
        ann.set_password("correct horse battery")
        ann.save()
    assert Client().post(kept).status_code == 410


def test_without_a_mail_server_the_page_says_the_same_of_everybody(
    boss: Client, stranger: User, settings: Any
) -> None:
    """The link itself tells: who is known needs none to sign in. The words do not."""
    settings.EMAIL_URL = ""
    told = []
    for email in ("ann@example.com", stranger.email):
        page = invited(boss, email)
        told.append(re.sub(r"http://\S+", "LINK", said(page, email)))
    ann = User.objects.get(email="ann@example.com")
    Membership.objects.create(user=ann, workspace=stranger.membership.workspace, role=Role.VIEWER)
    page = boss.post(f"/team/{ann.memberships.earliest('pk').pk}/invite/")
    told.append(re.sub(r"http://\S+", "LINK", said(page, "ann@example.com")))
    assert "LINK" in told[0]
    assert told[0] == told[1] == told[2]


def test_inviting_again_ends_the_links_before(boss: Client, settings: Any) -> None:
    settings.EMAIL_URL = ""
    first = link_in(invited(boss).content.decode())
    member = Membership.objects.latest("pk")
    again = boss.post(f"/team/{member.pk}/invite/")
    second = link_in(again.content.decode())
    assert second not in ("", first)
    assert Client().get(first).status_code == 410
    assert Client().get(second).status_code == 200
    assert len(events("team.invite_again")) == 1


def test_whoever_has_come_is_not_invited_again(boss: Client, operator: User) -> None:
    page = boss.post(f"/team/{operator.membership.pk}/invite/", follow=True)
    assert "needs no invitation" in words(page)
    assert mail.outbox == []
    assert not SignInLink.objects.exists()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"email": "ann"}, "Write a whole e-mail address"),
        ({"email": ""}, "Write the e-mail address of the person"),
        ({"name": " "}, "Write the name of the person"),
        ({"role": "owner"}, "Choose a role"),
        ({"email": "MEI.lin.tan@example.com"}, "in the team already"),
    ],
)
def test_a_wrong_invitation_says_what_to_mend(
    boss: Client, operator: User, given: dict[str, str], says: str
) -> None:
    before = Membership.objects.count()
    page = boss.post(
        "/team/invite/", {"email": "a@example.com", "name": "Ann", "role": "viewer"} | given
    )
    assert says in words(page)
    assert (Membership.objects.count(), mail.outbox) == (before, [])


class DownBackend(BaseEmailBackend):
    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError


def test_a_refusing_mail_server_is_told_and_the_person_stays_in_the_team(
    boss: Client, settings: Any
) -> None:
    settings.EMAIL_URL = SERVER
    settings.EMAIL_BACKEND = f"{__name__}.DownBackend"
    page = invited(boss)
    assert "did not take the invitation" in words(page)
    assert Membership.objects.filter(user__email="ann@example.com").exists()


# --- how often --------------------------------------------------------------------------------


def again(client: Client) -> Any:
    """The invitation of whoever was invited last, once more."""
    member = Membership.objects.exclude(invited_as="").latest("pk")
    return client.post(f"/team/{member.pk}/invite/", follow=True)


def test_a_person_is_not_mailed_without_end(boss: Client, settings: Any) -> None:
    """The page says from when on; what was mailed last still works."""
    settings.EMAIL_URL = SERVER
    begun = timezone.now().replace(minute=5)
    with time_machine.travel(begun, tick=False):
        invited(boss)
        for _n in range(6):
            page = again(boss)
    assert len(mail.outbox) == 4
    assert "Ann Lee was invited 4 times within a day. Invite again after" in words(page)
    assert dates.write(begun + timedelta(days=1), "full") in words(page)
    assert Client().get(link_in(mail.outbox[-1].body)).status_code == 200
    assert len(events("team.invite_again")) == 3


def test_a_person_is_invited_again_when_the_day_is_over(
    boss: Client, signed_in: SignIn, admin: User
) -> None:
    invited(boss)
    for _n in range(4):
        again(boss)
    mail.outbox.clear()
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        again(signed_in(admin))
    assert len(mail.outbox) == 1


def test_whoever_declines_is_not_mailed_without_end_either(
    boss: Client, signed_in: SignIn, stranger: User
) -> None:
    theirs = signed_in(stranger)
    for _n in range(6):
        page = invited(boss, stranger.email)
        for member in inviting.invitations(stranger):
            theirs.post("/invitations/", {"invitation": member.pk, "decline": "1"})
    assert len(mail.outbox) == 4
    assert "Ann Lee was invited 4 times within a day." in words(page)
    assert not inviting.invitations(stranger).exists()


def test_what_another_workspace_mailed_is_not_counted_here(
    boss: Client, signed_in: SignIn, stranger: User
) -> None:
    """Or an admin would learn who invites the same person elsewhere."""
    theirs = signed_in(stranger)
    invited(theirs)
    for _n in range(4):
        again(theirs)
    mail.outbox.clear()
    invited(boss)
    assert len(mail.outbox) == 1


def test_one_admin_does_not_mail_the_world(
    boss: Client, signed_in: SignIn, make_person: Any, workspace: Workspace, monkeypatch: Any
) -> None:
    monkeypatch.setattr(inviting, "MAILS_PER_INVITER", 3)
    for n in range(5):
        page = invited(boss, f"ann{n}@example.com")
    assert len(mail.outbox) == 3
    assert "You sent 3 invitations within a day. Send the next after" in words(page)
    assert Membership.objects.filter(invited_as="Ann Lee").count() == 3
    again(boss)
    assert len(mail.outbox) == 3
    again(signed_in(make_person(Role.ADMIN, workspace, "Olga Other")))
    assert len(mail.outbox) == 4
