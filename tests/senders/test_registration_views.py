"""Pages of a sender ID's countries: who may ask, who may record, and what they show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from senders.models import REGISTRATION_MOVES, Registration, RegistrationState, SenderID
from senders.registration_views import RECORDED
from senders.rules import RULES

Clients = Callable[[User], Client]
SOON = (timezone.now().date() + timedelta(days=90)).isoformat()
GIVEN = {"reason": "The letter is not signed", "reference": "REG-7", "expires_on": SOON}
ADD = {"country": "ZW", "note": "Company number 7"}


@pytest.fixture
def sender(make_sender: Any, operator: User) -> SenderID:
    return make_sender(requested_by=operator)


@pytest.fixture
def register(sender: SenderID) -> Callable[..., Registration]:
    def make(state: str = "submitted", country: str = "SG", **more: Any) -> Registration:
        return Registration.objects.create(sender=sender, country=country, state=state, **more)

    return make


def url(sender: SenderID, country: str = "", action: str = "") -> str:
    tail = f"{country}/{action}" if country else "add"
    return f"/senders/{sender.key}/countries/{tail}/"


@pytest.mark.parametrize("action", sorted(RECORDED))
@pytest.mark.parametrize("role", ["operator", "finance", "viewer"])
def test_only_an_admin_records_what_a_registry_said(
    request: Any, signed_in: Clients, sender: SenderID, register: Any, action: str, role: str
) -> None:
    state = next(iter(REGISTRATION_MOVES[action][0]))
    registration = register(state)
    client = signed_in(request.getfixturevalue(role))
    assert client.get(url(sender, "SG", action)).status_code == 403
    assert client.post(url(sender, "SG", action), GIVEN).status_code == 403
    registration.refresh_from_db()
    assert registration.state == state


@pytest.mark.parametrize("role", ["finance", "viewer"])
def test_who_makes_no_campaigns_asks_for_no_country(
    request: Any, signed_in: Clients, sender: SenderID, register: Any, role: str
) -> None:
    register("draft")
    client = signed_in(request.getfixturevalue(role))
    assert client.post(url(sender), ADD).status_code == 403
    assert client.post(url(sender, "SG", "submit")).status_code == 403
    assert client.get("/senders/rules/").status_code == 200
    page = client.get(f"/senders/{sender.key}/").content.decode()
    assert "Singapore" in page
    assert "/countries/" not in page


@pytest.mark.parametrize("path", ["add", "SG/submit", "SG/approve"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing_and_nobody_signs_in(
    signed_in: Clients, stranger: User, sender: SenderID, register: Any, path: str, method: str
) -> None:
    """SI6: the sender ID of another workspace by its id."""
    register("draft")
    address = f"/senders/{sender.key}/countries/{path}/"
    answer = getattr(signed_in(stranger), method)(address, {**ADD, **GIVEN})
    assert answer.status_code == 404
    back = address if method == "get" else "/&unsaved=1"
    assert getattr(Client(), method)(address).url == f"/signin/?next={back}"
    assert Registration.objects.get().state == "draft"


@pytest.mark.parametrize("action", ["submit", *sorted(RECORDED)])
@pytest.mark.parametrize("state", RegistrationState.values)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_move_from_a_wrong_state_says_so_and_changes_nothing(
    signed_in: Clients, admin: User, sender: SenderID, register: Any, action: str, state: str,
    method: str,
) -> None:  # fmt: skip
    registration = register(state)
    client: Any = signed_in(admin)
    origins, target = REGISTRATION_MOVES[action]
    answer = getattr(client, method)(url(sender, "SG", action), GIVEN)
    registration.refresh_from_db()
    is_legal = state in origins
    assert registration.state == (target if is_legal and method == "post" else state)
    assert answer.status_code == (200 if is_legal and method == "get" else 302)
    if not is_legal:
        assert "Nothing was changed" in client.get(answer.url).content.decode()


def test_an_operator_adds_a_country_as_a_draft_or_submits_it(
    signed_in: Clients, operator: User, sender: SenderID
) -> None:
    client = signed_in(operator)
    client.post(url(sender), {**ADD, "then": "draft"})
    client.post(url(sender), {"country": "SG", "then": "submit"})
    states = dict(sender.registrations.values_list("country", "state"))
    assert states == {"ZW": "draft", "SG": "submitted"}
    client.post(url(sender, "ZW", "submit"))
    assert sender.registrations.get(country="ZW").state == "submitted"
    assert sender.registrations.get(country="ZW").note == ADD["note"]


@pytest.mark.parametrize("country", ["", "XX", "CN", "SG"])
def test_a_country_that_is_none_or_there_already_is_refused(
    signed_in: Clients, operator: User, sender: SenderID, register: Any, country: str
) -> None:
    register("approved")
    answer = signed_in(operator).post(url(sender), {"country": country})
    assert answer.status_code == 200
    assert "id_country_error" in answer.content.decode()
    assert sender.registrations.count() == 1


def test_the_approval_keeps_reference_and_last_day(
    signed_in: Clients, admin: User, sender: SenderID, register: Any
) -> None:
    registration = register()
    signed_in(admin).post(url(sender, "SG", "approve"), GIVEN)
    registration.refresh_from_db()
    assert (registration.reference, registration.expires_on) == ("REG-7", date.fromisoformat(SOON))
    page = signed_in(admin).get(f"/senders/{sender.key}/").content.decode()
    for words in ("REG-7", "Submitted → Approved", "Jonas Weber", "Singapore: Approved"):
        assert words in page


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow", "2020-01-01"])
def test_a_last_day_that_is_none_or_over_is_refused(
    signed_in: Clients, admin: User, sender: SenderID, register: Any, day: str
) -> None:
    registration = register()
    answer = signed_in(admin).post(url(sender, "SG", "approve"), {"expires_on": day})
    registration.refresh_from_db()
    assert (answer.status_code, registration.state) == (200, "submitted")
    assert "id_expires_on_error" in answer.content.decode()


@pytest.mark.parametrize(("action", "state"), [("reject", "submitted"), ("revoke", "approved")])
@pytest.mark.parametrize("reason", ["", "no", "x" * 301])
def test_a_no_needs_a_reason(
    signed_in: Clients, admin: User, sender: SenderID, register: Any, action: str, state: str,
    reason: str,
) -> None:  # fmt: skip
    registration = register(state)
    answer = signed_in(admin).post(url(sender, "SG", action), {"reason": reason})
    registration.refresh_from_db()
    assert (answer.status_code, registration.state) == (200, state)


def test_what_ran_out_is_shown_as_expired_before_the_sweep(
    signed_in: Clients, admin: User, sender: SenderID, register: Any
) -> None:
    register("approved", expires_on=timezone.now().date() - timedelta(days=2))
    page = signed_in(admin).get(f"/senders/{sender.key}/").content.decode()
    assert 'data-s="expired"' in page
    listed = signed_in(admin).get("/senders/").content.decode()
    assert 'data-ok="0"' in listed
    assert "expired" in listed


def test_countries_are_chosen_with_the_registration(signed_in: Clients, operator: User) -> None:
    new = {"value": "SHOP", "company": "Shop Ltd", "note": "News", "countries": ["SG", "AU"]}
    client = signed_in(operator)
    assert client.post("/senders/register/", {**new, "countries": ["ZW"]}).status_code == 200
    client.post("/senders/register/", new)
    found = Registration.objects.values_list("country", "state")
    assert sorted(found) == [("AU", "submitted"), ("SG", "submitted")]
    assert AuditEvent.objects.filter(action="registration.submit").count() == 2


def test_the_rules_say_their_source_and_that_they_are_no_legal_advice(
    signed_in: Clients, viewer: User
) -> None:
    page = signed_in(viewer).get("/senders/rules/").content.decode()
    assert "No legal advice" in page
    assert page.count("<tr>") == len(RULES) + 1
    assert "Vonage" in page
    assert "Low: old or conflicting" in page


def test_a_long_list_of_countries_asks_the_database_little(
    signed_in: Clients, admin: User, sender: SenderID, register: Any,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    for country in list(RULES)[:30]:
        register("approved", country)
    client = signed_in(admin)
    with django_assert_max_num_queries(8):
        client.get(f"/senders/{sender.key}/")
