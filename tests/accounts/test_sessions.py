"""Sessions end: by themselves, by their person, and with the person's right to be here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone

from accounts import sessions
from accounts.models import AuditEvent, Session, User

SignedIn = Callable[[User], Client]
GIVEN = {"password": "correct horse battery"}


def sign_in(user: User, **headers: str) -> Client:
    client = Client(**headers)
    assert client.post("/signin/", {"email": user.email, **GIVEN}).status_code == 302
    return client


def later(**delta: int) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(**delta), tick=False)


def test_a_session_ends_after_half_an_hour_without_a_click(operator: User) -> None:
    client = sign_in(operator)
    with later(minutes=29):
        assert client.get("/").status_code == 200
    with later(minutes=58):
        assert client.get("/").status_code == 200
    with later(minutes=89):
        answer = client.get("/campaigns/")
        assert answer.url == "/signin/?next=/campaigns/&ended=idle"
        assert "after 30 minutes without a click" in client.get(answer.url).content.decode()


def test_a_session_ends_twelve_hours_after_signing_in_whatever_happens(operator: User) -> None:
    client = sign_in(operator)
    begun = timezone.now()
    for minutes in range(25, 12 * 60, 25):
        with time_machine.travel(begun + timedelta(minutes=minutes), tick=False):
            assert client.get("/profile/").status_code == 200
    with time_machine.travel(begun + timedelta(hours=12), tick=False):
        assert client.get("/profile/").url.endswith("ended=long")


def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(operator: User) -> None:
    client = sign_in(operator)
    poll = {
        "HX-Request": "true",
        "HX-Current-URL": "http://testserver/campaigns/",
        "X-By-Itself": "1",
    }
    for minutes in (10, 20, 29):
        with later(minutes=minutes):
            assert client.get("/?part=kpis", headers=poll).status_code == 200
    with later(minutes=31):
        answer = client.get("/?part=kpis", headers=poll)
        assert answer.status_code == 204
        assert answer["HX-Redirect"] == "/signin/?next=/campaigns/&ended=idle"


def test_who_posts_after_the_end_comes_back_to_the_page_of_the_form(operator: User) -> None:
    client = sign_in(operator)
    with later(minutes=31):
        page = "http://testserver/senders/register/"
        answer = client.post("/senders/register/", {}, headers={"Referer": page})
        assert answer.url == "/signin/?next=/senders/register/&ended=idle&unsaved=1"
        assert "was not saved" in client.get(answer.url).content.decode()


def test_who_only_looked_is_not_told_that_something_was_lost(operator: User) -> None:
    assert "was not saved" not in Client().get("/signin/?next=/").content.decode()
    client = sign_in(operator)
    with later(minutes=31):
        assert "unsaved" not in client.get("/campaigns/").url


def test_a_browser_whose_session_somebody_ended_is_told_so_once(
    operator: User, admin: User
) -> None:
    client, boss = sign_in(operator), sign_in(admin)
    boss.post(f"/team/{operator.membership.pk}/end/")
    poll = {"HX-Request": "true", "HX-Current-URL": "http://testserver/campaigns/"}
    answer = client.get("/?part=kpis", headers=poll)
    assert answer["HX-Redirect"] == "/signin/?next=/campaigns/&ended=gone"
    assert "an admin, a new password or you" in client.get(answer["HX-Redirect"]).content.decode()
    assert client.get("/campaigns/").url == "/signin/?next=/campaigns/"


def test_a_new_password_tells_the_other_browsers(operator: User) -> None:
    here, other = sign_in(operator), sign_in(operator)
    given = dict.fromkeys(("new_password1", "new_password2"), "staple battery horse")
    here.post("/password/", {**given, "old_password": GIVEN["password"]})
    assert other.get("/").url == "/signin/?next=/&ended=gone"


def test_a_browser_that_signed_out_or_was_never_here_is_told_nothing(operator: User) -> None:
    client = sign_in(operator)
    client.post("/signout/")
    assert client.get("/").url == Client().get("/").url == "/signin/?next=/"


def test_the_moment_of_the_last_request_is_written_at_most_once_a_minute(
    operator: User, django_assert_num_queries: Callable
) -> None:
    client = sign_in(operator)
    client.get("/notices/")
    seen = Session.objects.get().seen_at
    with later(seconds=30):
        client.get("/notices/")
    assert Session.objects.get().seen_at == seen
    with later(seconds=61):
        client.get("/notices/")
    assert Session.objects.get().seen_at > seen
    operator.refresh_from_db()
    assert operator.memberships.get().last_seen_at == Session.objects.get().seen_at


def test_h11_the_session_id_changes_at_sign_in(operator: User) -> None:
    """H11: an id that was planted before signing in opens nothing."""
    client = Client()
    client.get("/signin/")
    planted = client.session
    planted["planted"] = 1
    planted.save()
    client.cookies["session"] = planted.session_key
    client.post("/signin/", {"email": operator.email, **GIVEN})
    assert client.session.session_key != planted.session_key
    thief = Client()
    thief.cookies["session"] = planted.session_key
    assert thief.get("/").status_code == 302


def test_h11_a_session_is_dead_after_signing_out_and_after_a_new_password(operator: User) -> None:
    """H11"""
    client, other = sign_in(operator), sign_in(operator)
    stolen = Client()
    stolen.cookies["session"] = client.session.session_key
    client.post("/signout/")
    assert stolen.get("/").status_code == 302
    given = dict.fromkeys(("new_password1", "new_password2"), "staple battery horse")
    here = sign_in(operator)
    here.post("/password/", {**given, "old_password": GIVEN["password"]})
    assert here.get("/").status_code == 200
    assert other.get("/").status_code == 302
    assert Session.objects.filter(user=operator).count() == 1


def test_h11_a_session_is_dead_with_its_person_deactivated(operator: User) -> None:
    """H11"""
    client = sign_in(operator)
    User.objects.filter(pk=operator.pk).update(is_active=False)
    assert client.get("/").status_code == 302


def test_a_session_that_was_ended_is_not_written_back_by_a_slow_request(operator: User) -> None:
    client = sign_in(operator)
    slow = client.session
    assert slow["started"]
    sessions.end_all(operator)
    slow["late"] = True
    with pytest.raises(UpdateError):
        slow.save()
    assert not Session.objects.filter(user=operator).exists()


def test_a_person_sees_where_they_are_signed_in_and_ends_it(operator: User, admin: User) -> None:
    here = sign_in(operator, HTTP_USER_AGENT="Browser of the desk")
    phone = sign_in(operator, HTTP_USER_AGENT="Browser of the phone")
    sign_in(operator, HTTP_USER_AGENT="Browser of the train")
    page = here.get("/sessions/").content.decode()
    assert "Browser of the desk" in page
    assert page.count("This one") == 1
    assert here.session.session_key not in page
    other = Session.objects.get(agent="Browser of the phone")
    stranger = sign_in(admin)
    stranger.post("/sessions/end/", {"place": other.handle})
    assert phone.get("/").status_code == 200
    here.post("/sessions/end/", {"place": other.handle})
    assert phone.get("/").status_code == 302
    here.post("/sessions/end/")
    assert [one.agent for one in Session.objects.filter(user=operator)] == ["Browser of the desk"]
    assert AuditEvent.objects.filter(action="user.end_sessions", actor=operator).count() == 2


def test_sessions_that_are_over_are_forgotten(operator: User) -> None:
    sign_in(operator)
    sessions.sweep(timezone.now())
    assert Session.objects.count() == 1
    sessions.sweep(timezone.now() + timedelta(hours=13))
    assert not Session.objects.exists()


def test_a_long_name_of_a_browser_is_cut(operator: User) -> None:
    client = sign_in(operator, HTTP_USER_AGENT="x" * 3000)
    assert client.get("/").status_code == 200
    assert len(Session.objects.get().agent) == 200


CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140"
)


@pytest.mark.parametrize(
    ("agent", "called"),
    [
        (f"{CHROME} Safari/537.36", "Chrome on Windows"),
        (f"{CHROME} Safari/537.36 Edg/140", "Edge on Windows"),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU like Mac OS X) Version/19 Mobile Safari/604.1",
            "Safari on iPhone",
        ),
        ("curl/8", "curl/8"),
        ("", "Unknown browser"),
    ],
)
def test_a_browser_is_called_what_its_owner_calls_it(agent: str, called: str) -> None:
    assert Session(agent=agent).browser == called
