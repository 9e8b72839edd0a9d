"""What a form does not ask for, asks twice or asks without its token changes nothing."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from billing import thresholds
from billing.models import Rate, Threshold
from campaigns.models import Campaign
from campaigns.states import CampaignState
from senders.models import OptOut, SenderID, SenderState
from tests.house.test_urls import OPEN, URLS
from tests.journeys.pages import World
from tests.security.addresses import methods_of, paths_of, view_of
from tests.security.fuzzing import Quick

Signed = Callable[[User], Client]
TYPED = {"value": "NEWSHOP", "company": "Parcelway & Sons", "note": '"><b>Orders</b>'}
ORIGIN = "http://testserver"
WRITES = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)
# What a look writes down: that somebody was here, or was refused.
OF_A_LOOK = {"accounts_session", "django_session", "accounts_user", "accounts_throttle"}
# A review reads typed numbers and keeps the estimate it shows: made again, they are the same.
REMEMBERS = {"campaigns:review", "campaigns:edit"}


@pytest.fixture
def guarded(operator: User) -> Client:
    """A browser whose console checks the tokens of forms, as it does for people."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    client.get(reverse("senders:register"))
    return client


def hidden(page: str) -> dict[str, str]:
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {unescape(name): unescape(value) for name, value in pairs}


@pytest.mark.parametrize("token", [None, "", "x" * 64, "a" * 32])
def test_a_form_without_its_token_is_refused_and_loses_nothing(
    guarded: Client, token: str | None
) -> None:
    """H1, SR25: the page of the refusal holds what was typed, and sends it with a fresh token."""
    given = TYPED | ({} if token is None else {"csrfmiddlewaretoken": token})
    path = reverse("senders:register")
    answer = guarded.post(path, given, headers={"origin": ORIGIN})
    assert answer.status_code == 403
    assert not SenderID.objects.exists()
    kept = hidden(answer.content.decode())
    assert {name: kept[name] for name in TYPED} == TYPED
    assert b"<b>Orders" not in answer.content
    fresh = re.search(r'csrfmiddlewaretoken" value="(\w+)"', answer.content.decode())
    again = kept | {"csrfmiddlewaretoken": fresh[1]}  # type: ignore[index]
    assert guarded.post(path, again, headers={"origin": ORIGIN}).status_code == 302
    assert SenderID.objects.get().company == TYPED["company"]


def test_another_sites_form_is_not_handed_back_to_be_sent_by_a_click(guarded: Client) -> None:
    """H1: else the refusal would do with one click what the token is there to prevent."""
    path = reverse("senders:register")
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {}):
        answer = guarded.post(path, TYPED, headers=headers)
        assert answer.status_code == 403
        assert b"NEWSHOP" not in answer.content


def test_passwords_are_not_handed_back(guarded: Client) -> None:
    """H1."""
    given = {"old_password": "correct horse", "new_password1": "battery staple", "next": "/"}
    answer = guarded.post("/password/", given, headers={"origin": ORIGIN})
    assert answer.status_code == 403
    assert b"correct horse" not in answer.content
    assert b"battery staple" not in answer.content


def test_htmx_needs_the_token_too(guarded: Client, make_campaign: Any) -> None:
    """H1, SR25: the page stays as it is, with all that was typed in it."""
    campaign = make_campaign()
    path = reverse("campaigns:edit", args=[campaign.key])
    headers = {"hx-request": "true", "origin": ORIGIN}
    assert guarded.post(path, {"name": "Other"}, headers=headers).status_code == 403
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', guarded.get(path).content.decode())
    headers |= {"x-csrftoken": token[1]}  # type: ignore[index]
    assert guarded.post(path, {"name": "Other"}, headers=headers).status_code < 400


def test_no_get_changes_anything(
    make_campaign: Any, practice: Any, admin: User, settings: Any, tmp_path: Any
) -> None:
    """H2: what changes something answers a GET with 405 or a page that asks."""
    settings.UPLOADS = settings.EXPORTS = tmp_path
    world, client = World(make_campaign, practice, admin), Quick()
    client.force_login(admin)
    found: list[str] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        hit = WRITES.match(sql)
        if hit and hit[2] not in OF_A_LOOK:
            found.append(f"{name}: {sql[:120]}")
        return execute(sql, params, many, context)

    for name in sorted(URLS.keys() - OPEN - REMEMBERS):
        for path in paths_of(name, world, admin):
            with transaction.atomic():
                with connection.execute_wrapper(watch):
                    answer = client.get(path)
                assert answer.status_code != 405 or "GET" not in methods_of(name)
                transaction.set_rollback(True)
    assert not found, "\n".join(found)


EXTRA = {
    "state": "approved", "workspace": "2", "workspace_id": "2", "tenant": "2", "role": "admin",
    "is_superuser": "1", "is_staff": "1", "is_active": "", "price": "0", "author": "1", "id": "1",
    "pk": "1", "requested_by": "1", "decided_by": "1", "entered_by": "1", "email": "a@b.example",
    "total": "0", "carrier": "1", "sender_value": "BANK", "currency": "ZZZ", "used": "0",
}  # fmt: skip


def test_a_sender_id_is_registered_for_review_whatever_else_is_posted(
    signed_in: Signed, operator: User, other_workspace: Workspace
) -> None:
    """H5, SR20."""
    extra = EXTRA | {"workspace": str(other_workspace.pk)}
    signed_in(operator).post(reverse("senders:register"), extra | TYPED)
    sender = SenderID.objects.get()
    assert (sender.state, sender.requested_by, sender.decided_by) == ("pending", operator, None)
    assert sender.workspace == operator.membership.workspace


def test_a_profile_changes_neither_address_nor_role(signed_in: Signed, operator: User) -> None:
    """H5, SR20."""
    given = {"name": "Mei", "time_zone": "UTC", "date_language": "en", "test_numbers": ""}
    signed_in(operator).post(reverse("profile"), EXTRA | given)
    fresh = User.objects.get(pk=operator.pk)
    assert (fresh.email, fresh.is_active) == (operator.email, True)
    assert Membership.objects.get(user=operator).role == Role.OPERATOR


def test_a_draft_stays_a_draft_of_its_author(
    signed_in: Signed, operator: User, make_campaign: Any, other_workspace: Workspace
) -> None:
    """H5, SR01, SR20."""
    campaign = make_campaign()
    extra = EXTRA | {"workspace": str(other_workspace.pk), "state": "completed", "prices": "{}"}
    path = reverse("campaigns:edit", args=[campaign.key])
    signed_in(operator).post(path, extra | {"name": "Renamed"})
    fresh = Campaign.objects.get(pk=campaign.pk)
    assert (fresh.state, fresh.author, fresh.workspace) == (
        CampaignState.DRAFT, operator, campaign.workspace,
    )  # fmt: skip
    assert fresh.carrier is None


RATE = {"country": "MY", "price": "0.031", "valid_from": timezone.now().date().isoformat()}


def test_a_rate_is_of_ones_own_workspace_and_currency(
    signed_in: Signed, finance: User, other_workspace: Workspace
) -> None:
    """H5, SR20."""
    extra = EXTRA | RATE | {"workspace": str(other_workspace.pk)}
    signed_in(finance).post(reverse("billing:rate_add"), extra | {"currency": "KRW"})
    assert not Rate.objects.exists()
    signed_in(finance).post(reverse("billing:rate_add"), extra | {"currency": ""})
    rate = Rate.objects.get()
    assert rate.workspace == finance.membership.workspace
    assert rate.price == 31_000


# --- twice: a double click, the back button, two tabs ---------------------------------------


def test_a_sender_id_registered_twice_is_there_once(signed_in: Signed, operator: User) -> None:
    """H16."""
    client, path = signed_in(operator), reverse("senders:register")
    answers = [client.post(path, TYPED).status_code for _time in range(2)]
    assert answers == [302, 200]
    assert SenderID.objects.count() == 1


def test_a_sender_id_is_decided_once(
    signed_in: Signed, admin: User, make_sender: Callable[..., SenderID]
) -> None:
    """H16: the second tab hears that nothing was changed."""
    sender = make_sender("NEWSHOP", SenderState.PENDING)
    client = signed_in(admin)
    client.post(reverse("senders:decide", args=[sender.key, "approve"]))
    path = reverse("senders:decide", args=[sender.key, "reject"])
    late = client.post(path, {"reason": "No"}, follow=True).content.decode()
    sender.refresh_from_db()
    assert sender.state == SenderState.APPROVED
    assert "Nothing was changed" in late


def test_a_threshold_set_twice_is_one_limit(
    signed_in: Signed, finance: User, workspace: Workspace
) -> None:
    """H16."""
    client, path = signed_in(finance), reverse("billing:threshold_edit", args=["day"])
    for _time in range(2):
        client.post(path, {"limit": "500", "warn_percent": "80"})
    assert Threshold.objects.get().limit == 500
    assert thresholds.usage(workspace)[0].used == 0


def test_a_number_opted_out_twice_is_on_the_list_once(signed_in: Signed, operator: User) -> None:
    """H16."""
    client, path = signed_in(operator), reverse("optouts:add")
    for _time in range(2):
        client.post(path, {"numbers": "+12025550123", "reason": "STOP"})
    assert OptOut.objects.count() == 1


# --- addresses of lists ------------------------------------------------------------------------

ABUSE = [
    "sort=password", "order=-user__password", "page=-1", "page=1000000000", "page=x", "q=%00",
    "q=" + "x" * 10_240, "q=%25", "q=.*(a%2B)%2B$", "after=%00", "before=9" + "9" * 40,
    "after=-1", "period=%00", "month=9999-99", "country=%F0%9F%98%80", "state=password",
    "row=1", "q[]=1", "q=a&q=b", "%00=1", "reason=../..", "by=password", "kind='--",
]  # fmt: skip
CHOOSERS = {"billing:threshold_choose"}  # which lead on, or back with a sentence
LISTS = sorted(
    name
    for name, entry in URLS.items()
    if not entry.pattern.converters and name not in OPEN | CHOOSERS and "GET" in methods_of(name)
    and "request.GET" in inspect.getsource(inspect.getmodule(view_of(name)))  # type: ignore[arg-type]
)  # fmt: skip


@pytest.mark.postgres  # which takes no NUL in a text
@pytest.mark.parametrize("name", LISTS)
def test_a_list_asked_for_nonsense_shows_its_first_page(admin: User, name: str) -> None:
    """H10, SR31: names of sorts and filters come from lists of ours."""
    client, path = Quick(), reverse(name)
    client.force_login(admin)
    answers = {query: client.get(f"{path}?{query}").status_code for query in ABUSE}
    assert {query: status for query, status in answers.items() if status not in (200, 400)} == {}
