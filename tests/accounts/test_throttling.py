"""H12: guessing is slow, and the person whose account is guessed at still gets in."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts import throttling
from accounts.models import SignInLink, Throttle, User
from campaigns import ticking

PASSWORD = "correct horse battery"
pytestmark = pytest.mark.django_db


def attempt(email: str, password: str, address: str = "192.0.2.1", client: Client | None = None):
    given = {"email": email, "password": password}
    return (client or Client()).post("/signin/", given, REMOTE_ADDR=address)


def tried(times: int, address: str = "192.0.2.1") -> None:
    """So many tries from one address, each for another account."""
    request = RequestFactory().post("/signin/", REMOTE_ADDR=address)
    for n in range(times):
        throttling.may_try(request, f"person{n}@example.com", timezone.now())


def words(answer) -> str:
    """What its alerts say."""
    alerts = re.findall(r' role="alert".*?note-body">(.*?)</div>', answer.content.decode(), re.S)
    return unescape(" ".join(alerts))


def test_h12_one_account_from_many_addresses(operator: User) -> None:
    answers = [attempt(operator.email, "wrong", f"192.0.2.{n}") for n in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert "Wait 1 minute" in words(answers[-1])
    assert attempt(operator.email, PASSWORD, "192.0.2.99").status_code == 429


def test_h12_the_delay_grows_to_a_quarter_of_an_hour_and_no_further(operator: User) -> None:
    for _n in range(5):
        attempt(operator.email, "wrong")
    moment, waits = timezone.now(), []
    for _n in range(6):
        with time_machine.travel(moment, tick=False):
            waits.append(words(attempt(operator.email, "wrong")).split()[4])
        moment += timedelta(minutes=int(waits[-1]))
        with time_machine.travel(moment, tick=False):
            assert attempt(operator.email, "wrong").status_code == 200
    assert waits == ["1", "2", "4", "8", "15", "15"]


def test_h12_after_the_delay_the_person_gets_in_and_nothing_is_held_against_them(
    operator: User,
) -> None:
    for _n in range(6):
        attempt(operator.email, "wrong")
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=False):
        assert attempt(operator.email, PASSWORD).status_code == 302
        assert attempt(operator.email, "wrong").status_code == 200
        assert attempt(operator.email, PASSWORD).status_code == 302


def test_h12_a_browser_that_knows_the_person_is_not_locked_out_by_others(operator: User) -> None:
    known = Client()
    assert attempt(operator.email, PASSWORD, client=known).status_code == 302
    known.post("/signout/")
    for n in range(20):
        attempt(operator.email, "wrong", f"198.51.100.{n}")
    assert attempt(operator.email, PASSWORD, "198.51.100.99").status_code == 429
    assert attempt(operator.email, PASSWORD, client=known).status_code == 302


def test_a_known_browser_is_not_shut_out_by_others_behind_its_address(operator: User) -> None:
    """H12: nor does it use up the tries of the others."""
    known = Client()
    attempt(operator.email, PASSWORD, client=known)
    tried(50)
    assert attempt("one.more@example.com", "wrong").status_code == 429
    assert attempt(operator.email, "wrong", client=known).status_code == 200
    assert attempt(operator.email, PASSWORD, client=known).status_code == 302
    assert attempt("one.more@example.com", "wrong").status_code == 429


def test_the_mark_of_a_known_browser_serves_one_account_only(operator: User, admin: User) -> None:
    known = Client()
    attempt(operator.email, PASSWORD, client=known)
    for n in range(5):
        attempt(admin.email, "wrong", f"198.51.100.{n}")
    assert attempt(admin.email, PASSWORD, client=known).status_code == 429
    known.cookies["known"] = "forged:mark"
    assert attempt(operator.email, PASSWORD, client=known).status_code == 302


def test_h12_a_link_lets_the_person_in_at_any_time(operator: User) -> None:
    for n in range(20):
        attempt(operator.email, "wrong", f"198.51.100.{n}")
    assert Client().post(f"/signin/{SignInLink.make(operator)}/").status_code == 302


def test_h12_many_accounts_from_one_address(operator: User) -> None:
    answers = [attempt(f"person{n}@example.com", "wrong").status_code for n in range(51)]
    assert answers == [200] * 50 + [429]
    assert attempt(operator.email, PASSWORD).status_code == 429
    assert attempt(operator.email, PASSWORD, "192.0.2.2").status_code == 302
    with time_machine.travel(timezone.now() + timedelta(minutes=61), tick=False):
        assert attempt(operator.email, PASSWORD).status_code == 302


def test_an_office_behind_one_address_signs_in_as_often_as_it_likes(operator: User) -> None:
    assert {attempt(operator.email, PASSWORD).status_code for _n in range(55)} == {302}


def test_h12_an_unknown_person_hears_and_waits_the_same(operator: User) -> None:
    for email in (operator.email, "nobody@example.com"):
        said = [words(attempt(email, "wrong", f"198.51.100.{n}")) for n in range(7)]
        assert len(set(said[:5])) == 1
        assert "Wait 1 minute" in said[6]


@pytest.mark.parametrize(
    ("behind", "forwarded", "counted"),
    [(False, "203.0.113.7", 200), (True, "203.0.113.7", 200), (True, "", 429)],
)
def test_a_forwarded_address_counts_only_behind_a_proxy(
    settings, operator: User, behind: bool, forwarded: str, counted: int
) -> None:
    settings.BEHIND_PROXY = behind
    tried(50)
    headers = {"X-Forwarded-For": f"192.0.2.1, {forwarded}"} if forwarded else {}
    given = {"email": "other@example.com", "password": "x"}
    answer = Client().post("/signin/", given, headers=headers, REMOTE_ADDR="192.0.2.1")
    assert answer.status_code == (counted if behind else 429)


@pytest.mark.parametrize(
    ("first", "second", "are_one"),
    [
        ("2001:db8:0:7::1", "2001:db8:0:7:ffff::2", True),
        ("2001:db8:0:7::1", "2001:db8:0:8::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("192.0.2.1:5555", "192.0.2.1:5556", True),
        ("192.0.2.1:5555", "192.0.2.1", True),
        ("192.0.2.1:5555", "192.0.2.2:5555", False),
        ("[2001:db8:0:7::1]:443", "[2001:db8:0:7::2]:444", True),
        ("[2001:db8:0:7::1]", "2001:db8:0:7::2", True),
        ("[2001:db8:0:7::1]:443", "[2001:db8:0:8::1]:443", False),
        ("[::ffff:192.0.2.1]:443", "192.0.2.1:5555", True),
        ("", "unix:", False),
    ],
)
def test_an_address_of_ipv6_counts_with_all_of_its_network(
    settings, first: str, second: str, are_one: bool
) -> None:
    """H12: whoever has one IPv6 address has all of its /64."""
    tried(50, first)
    assert attempt("other@example.com", "x", second).status_code == (429 if are_one else 200)
    settings.BEHIND_PROXY = True
    headers = {"X-Forwarded-For": f"198.51.100.1, {second}"}
    given = {"email": "another@example.com", "password": "x"}
    answer = Client().post("/signin/", given, headers=headers, REMOTE_ADDR=second)
    assert answer.status_code == (429 if are_one else 200)


def test_mails_are_counted_by_the_network_too(operator: User) -> None:
    for n in range(throttling.MAILS_PER_ADDRESS):
        Client().post("/reset/", {"email": f"p{n}@example.com"}, REMOTE_ADDR=f"2001:db8::{n}")
    Client().post("/reset/", {"email": operator.email}, REMOTE_ADDR="2001:db8::ffff")
    assert User.objects.get(pk=operator.pk).reset_asked_at is None
    Client().post("/reset/", {"email": operator.email}, REMOTE_ADDR="2001:db8:0:1::")
    assert User.objects.get(pk=operator.pk).reset_asked_at is not None


def test_tries_are_forgotten_when_they_count_no_more(operator: User) -> None:
    """H12: the names that a stranger types fill no table, and no try is forgotten too early."""
    for n in range(6):
        attempt(f"person{n}@example.com", "wrong")
    for hours, left in ((23, 7), (25, 0)):
        Throttle.objects.update(since=timezone.now() - timedelta(hours=hours))
        ticking.sweep()
        assert Throttle.objects.count() == left, hours


@pytest.mark.parametrize("email", ["", "a\x00b", "x" * 5000, "İ@example.com"])
def test_a_wild_address_is_answered_with_the_form(email: str) -> None:
    assert attempt(email, "wrong").status_code == 200
