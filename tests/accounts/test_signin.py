"""Signing in and out, one-time links, passwords."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from accounts.forms import WRONG
from accounts.models import AuditEvent, SignInLink, User

PASSWORD = "correct horse battery"
SIGNIN = "/signin/"


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str):
    return client.post(SIGNIN, {"email": email, "password": password, **more})


def test_an_address_and_its_password_sign_in(client: Client, operator: User) -> None:
    answer = sign_in(client, "Mei.Lin.Tan@Example.com ")
    assert answer.status_code == 302
    assert answer.url == "/"
    assert client.session["_auth_user_id"] == str(operator.pk)
    assert AuditEvent.objects.filter(action="user.sign_in", actor=operator).count() == 1


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("mei.lin.tan@example.com", "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("mei.lin.tan@example.com\x00", PASSWORD),
    ],
)
def test_whoever_is_refused_gets_one_answer(
    client: Client, operator: User, email: str, password: str
) -> None:
    answer = sign_in(client, email, password)
    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session
    if "\x00" not in email:
        assert escape(str(WRONG)) in answer.content.decode()


def test_somebody_switched_off_cannot_sign_in(client: Client, operator: User) -> None:
    User.objects.filter(pk=operator.pk).update(is_active=False)
    assert escape(str(WRONG)) in sign_in(client, operator.email).content.decode()


def test_signing_in_gives_a_new_session_id(client: Client, operator: User) -> None:
    session = client.session
    session["kept"] = True
    session.save()
    before = session.session_key
    sign_in(client, operator.email)
    assert client.session.session_key != before


@pytest.mark.parametrize(
    ("wanted", "leads_to"),
    [
        ("/senders/", "/senders/"),
        ("//evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("https:///evil.example", "/"),
        ("https://evil.example/", "/"),
        ("nowhere", "/"),
        ("a\0b", "/"),
        ("", "/"),
    ],
)
def test_after_signing_in_one_stays_in_the_console(
    client: Client, operator: User, wanted: str, leads_to: str
) -> None:
    """H6, SR28."""
    assert sign_in(client, operator.email, next=wanted).url == leads_to


def test_the_page_asked_for_before_signing_in_comes_after_it(
    client: Client, operator: User
) -> None:
    to = client.get("/senders/?state=pending").url
    page = client.get(to).content.decode()
    assert 'name="next" value="/senders/?state=pending"' in page


def test_whoever_is_signed_in_does_not_see_the_form(
    signed_in: Callable[[User], Client], operator: User
) -> None:
    assert signed_in(operator).get(SIGNIN).url == "/"


def test_signing_out_ends_the_session_and_clears_what_the_browser_kept(
    signed_in: Callable[[User], Client], operator: User
) -> None:
    client = signed_in(operator)
    old = client.session.session_key
    answer = client.post("/signout/")
    assert answer.url == SIGNIN
    assert '"cache"' in answer["Clear-Site-Data"]
    client.cookies["session"] = old
    assert client.get("/").status_code == 302


def test_signing_out_takes_a_post(signed_in: Callable[[User], Client], operator: User) -> None:
    client = signed_in(operator)
    assert client.get("/signout/").status_code == 405
    assert client.get("/").status_code == 200


def test_opening_a_link_changes_nothing(client: Client, operator: User) -> None:
    token = SignInLink.make(operator)
    for _time in range(2):
        page = client.get(reverse("accounts:link", args=[token]))
        assert "Sign in as Mei Lin Tan" in page.content.decode()
    assert SignInLink.objects.get().used_at is None
    assert "_auth_user_id" not in client.session


def test_a_link_signs_in_once_and_asks_for_a_password(operator: User) -> None:
    url = reverse("accounts:link", args=[SignInLink.make(operator)])
    client = Client()
    assert client.post(url).url == "/password/"
    page = client.get("/password/").content.decode()
    assert "old_password" not in page
    late = Client()
    assert late.post(url).status_code == 410
    assert "_auth_user_id" not in late.session


@pytest.mark.parametrize("token", ["nonsense", "x" * 500])
def test_a_link_nobody_made_says_what_to_do(client: Client, db: None, token: str) -> None:
    answer = client.post(reverse("accounts:link", args=[token]))
    assert answer.status_code == 410
    assert "no longer works" in answer.content.decode()


def test_a_link_ends_after_a_day(client: Client, operator: User) -> None:
    url = reverse("accounts:link", args=[SignInLink.make(operator)])
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1)):
        assert client.get(url).status_code == 410


def by_link(user: User) -> Client:
    client = Client()
    client.post(reverse("accounts:link", args=[SignInLink.make(user)]))
    return client


@pytest.mark.parametrize(
    ("password", "kept"),
    [
        ("elevenchars", False),
        ("qwerty123456", False),
        ("mei.lin.tan@example.com", False),
        ("staple battery horse", True),
        ("ß漢字 long enough", True),
    ],
)
def test_a_first_password_is_long_and_not_a_common_one(
    operator: User, password: str, kept: bool
) -> None:
    answer = by_link(operator).post(
        "/password/", {"new_password1": password, "new_password2": password}
    )
    operator.refresh_from_db()
    assert operator.check_password(password) is kept
    assert (answer.status_code == 302) is kept


def test_half_an_hour_after_the_link_the_old_password_is_asked_for(operator: User) -> None:
    client = by_link(operator)
    with time_machine.travel(timezone.now() + timedelta(minutes=20)):
        assert "old_password" not in client.get("/password/").content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=31)):
        assert "old_password" in client.get("/password/").content.decode()


def test_a_new_password_ends_the_other_sessions(
    signed_in: Callable[[User], Client], operator: User
) -> None:
    here, elsewhere = signed_in(operator), signed_in(operator)
    given = {"new_password1": "staple battery horse", "new_password2": "staple battery horse"}
    assert here.post("/password/", {**given, "old_password": "not it"}).status_code == 200
    assert here.post("/password/", {**given, "old_password": PASSWORD}).status_code == 302
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302


def test_the_present_password_is_guessed_as_slowly_as_at_the_door_and_that_is_written_down(
    signed_in: Callable[[User], Client], operator: User
) -> None:
    """H12: a session somebody left open does not lead to the password."""
    here = signed_in(operator)
    new = {"new_password1": "staple battery horse", "new_password2": "staple battery horse"}
    tries = [here.post("/password/", {**new, "old_password": "not it"}) for _n in range(6)]
    assert [answer.status_code for answer in tries] == [200] * 5 + [429]
    assert "Wait 1 minute" in tries[-1].content.decode()
    assert here.post("/password/", {**new, "old_password": PASSWORD}).status_code == 429
    written = AuditEvent.objects.filter(action="user.sign_in_failed", object_id=operator.pk)
    assert written.count() == 5
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        assert here.post("/password/", {**new, "old_password": PASSWORD}).status_code == 302


@pytest.mark.parametrize("header", ["Referer", "HX-Current-URL"])
@pytest.mark.parametrize(
    "page", ["http://testserver//evil.example/x", "http://testserver/\\evil.example", "http://[x"]
)
def test_nobody_is_asked_to_sign_in_on_the_way_to_another_site(
    db: None, header: str, page: str
) -> None:
    """H6"""
    headers = {header: page}
    if header == "HX-Current-URL":
        headers["HX-Request"] = "true"
    answer = Client().post("/notices/read/", headers=headers)
    where = answer["HX-Redirect"] if "HX-Redirect" in answer else answer["Location"]
    assert where == "/signin/?next=/&unsaved=1"


def test_pages_of_a_signed_in_person_stay_out_of_every_cache(
    signed_in: Callable[[User], Client], operator: User
) -> None:
    assert "no-store" in signed_in(operator).get("/profile/")["Cache-Control"]


def test_a_password_that_is_short_and_mistyped_hears_both(
    signed_in: Callable[[User], Client], operator: User
) -> None:
    given = {"old_password": "correct horse battery", "new_password1": "short"}
    page = signed_in(operator).post("/password/", {**given, "new_password2": "other"})
    words = page.content.decode()
    assert "too short" in words
    assert "The two new passwords differ" in words


FRESH = "Nobody has signed in here yet."


def test_a_fresh_console_says_where_the_first_link_is(client: Client, admin: User) -> None:
    page = client.get(SIGNIN).content.decode()
    assert FRESH in page
    assert "in the terminal where the console was started" in page
    assert "make link EMAIL=admin@localhost" in page
    assert admin.email not in page
    assert "Ask an admin of your workspace" not in page
    assert FRESH in sign_in(client, "nobody@example.com").content.decode()
    sign_in(client, admin.email)
    client.post("/signout/")
    page = client.get(SIGNIN).content.decode()
    assert FRESH not in page
    assert "Ask an admin of your workspace" in page


@pytest.mark.parametrize(
    ("production", "mail", "told"),
    [(True, "smtp://mail.example:25", False), (True, "", True), (False, "smtp://m:25", True)],
)
def test_a_server_with_mail_says_nothing_of_its_terminal(
    client: Client, admin: User, settings, production: bool, mail: str, told: bool
) -> None:
    settings.PRODUCTION, settings.EMAIL_URL = production, mail
    assert (FRESH in client.get(SIGNIN).content.decode()) is told
