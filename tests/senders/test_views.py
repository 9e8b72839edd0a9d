"""Sender IDs on their way, asked for by everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from accounts.models import AuditEvent, Notice, User, Workspace
from senders.models import MOVES, SenderID, SenderState

Clients = Callable[[User], Client]
NEW = {"value": "Parcelway", "company": "Parcelway Ltd", "website": "", "note": "Order news"}
REASON = {"reason": "The letter of consent is missing."}
RECORD = {"company": "Parcelway Ltd", "website": "", "note": "Order news, with a sample"}


def url(action: str, sender: SenderID) -> str:
    if action in ("detail", "resubmit"):
        return reverse(f"senders:{action}", args=[sender.key])
    return reverse("senders:decide", args=[sender.key, action])


@pytest.mark.parametrize("who", ["operator", "admin", "finance", "viewer"])
@pytest.mark.parametrize(
    ("action", "state", "allowed"),
    [
        ("list", "pending", {"operator", "admin", "finance", "viewer"}),
        ("register", "pending", {"operator", "admin"}),
        ("detail", "pending", {"operator", "admin", "finance", "viewer"}),
        ("approve", "pending", {"admin"}),
        ("reject", "pending", {"admin"}),
        ("withdraw", "approved", {"admin"}),
        ("resubmit", "rejected", {"operator", "admin"}),
    ],
)
def test_a_page_opens_for_the_roles_that_may(
    request: pytest.FixtureRequest, signed_in: Clients, make_sender, who: str, action: str,
    state: str, allowed: set[str],
) -> None:  # fmt: skip
    sender = make_sender(state=state)
    path = f"/senders/{'register/' if action == 'register' else ''}"
    path = path if action in ("list", "register") else url(action, sender)
    client = signed_in(request.getfixturevalue(who))
    assert client.get(path).status_code == (200 if who in allowed else 403)
    sender.refresh_from_db()
    assert sender.state == state
    assert Client().get(path).url == f"/signin/?next={path}"


@pytest.mark.parametrize("action", ["detail", "approve", "reject", "withdraw", "resubmit"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_finds_nothing(
    signed_in: Clients, make_sender, stranger: User, action: str, method: str
) -> None:
    sender = make_sender(state=SenderState.PENDING)
    client = signed_in(stranger)
    assert getattr(client, method)(url(action, sender), REASON).status_code == 404
    assert "PARCELWAY" not in client.get("/senders/").content.decode()


def test_an_operator_registers_and_an_admin_is_told(
    signed_in: Clients, operator: User, admin: User, finance: User
) -> None:
    answer = signed_in(operator).post("/senders/register/", NEW)
    sender = SenderID.objects.get()
    assert answer.url == url("detail", sender)
    assert (sender.state, sender.requested_by) == ("pending", operator)
    notice = Notice.objects.get()
    assert (notice.user, notice.path) == (admin, url("detail", sender))
    assert AuditEvent.objects.get(object_id=str(sender.pk)).action == "sender.register"


def test_a_refused_form_keeps_what_was_typed(signed_in: Clients, operator: User) -> None:
    page = signed_in(operator).post("/senders/register/", {**NEW, "value": "AD-ACME"})
    text = page.content.decode()
    assert 'value="AD-ACME"' in text
    assert "Order news" in text
    assert "holds no hyphen" in text
    assert not SenderID.objects.exists()


def test_a_general_word_is_taken_with_a_warning(signed_in: Clients, operator: User) -> None:
    answer = signed_in(operator).post("/senders/register/", {**NEW, "value": "Info"}, follow=True)
    assert SenderID.objects.get().value == "Info"
    assert "This is a general word." in answer.content.decode()


def test_an_approved_one_can_be_used_and_its_requester_hears_of_it(
    signed_in: Clients, operator: User, admin: User, workspace: Workspace
) -> None:
    signed_in(operator).post("/senders/register/", NEW)
    sender = SenderID.objects.get()
    signed_in(admin).post(url("approve", sender))
    assert list(SenderID.objects.usable()) == [sender]
    assert Notice.objects.get(user=operator).title == "Sender ID Parcelway is approved"


@pytest.mark.parametrize("action", ["reject", "withdraw"])
@pytest.mark.parametrize("reason", ["", "no", "x" * 301])
def test_a_no_needs_a_reason(
    signed_in: Clients, make_sender, admin: User, action: str, reason: str
) -> None:
    sender = make_sender(state=SenderState.PENDING)
    assert signed_in(admin).post(url(action, sender), {"reason": reason}).status_code == 200
    sender.refresh_from_db()
    assert sender.state == "pending"


def test_the_reason_reaches_the_page_the_history_and_the_notice(
    signed_in: Clients, make_sender, operator: User, admin: User
) -> None:
    sender = make_sender(state=SenderState.PENDING, requested_by=operator)
    signed_in(admin).post(url("reject", sender), {"reason": "<b>No</b> letter of consent"})
    page = signed_in(operator).get(url("detail", sender)).content.decode()
    assert page.count(escape("<b>No</b> letter of consent")) == 2
    assert "<b>No</b>" not in page
    assert Notice.objects.get(user=operator).body == "<b>No</b> letter of consent"


def test_a_rejected_one_is_mended_and_sent_again(
    signed_in: Clients, make_sender, operator: User, admin: User
) -> None:
    sender = make_sender(state=SenderState.REJECTED, requested_by=operator, reason="No")
    signed_in(operator).post(url("resubmit", sender), {**RECORD, "value": "OTHER"})
    sender.refresh_from_db()
    assert (sender.state, sender.note, sender.reason) == ("pending", RECORD["note"], "")
    assert sender.value == "PARCELWAY"
    assert Notice.objects.get(user=admin).title == "Sender ID PARCELWAY waits for review"


@pytest.mark.parametrize("action", sorted(MOVES))
@pytest.mark.parametrize("state", SenderState.values)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_move_from_a_wrong_state_says_so_and_changes_nothing(
    signed_in: Clients, make_sender, admin: User, action: str, state: str, method: str
) -> None:
    sender = make_sender(state=state)
    client: Any = signed_in(admin)
    answer = getattr(client, method)(url(action, sender), {**REASON, **RECORD})
    legal = state in MOVES[action][0]
    sender.refresh_from_db()
    moved = legal and method == "post"
    assert sender.state == (MOVES[action][1] if moved else state)
    assert answer.status_code == (200 if legal and method == "get" else 302)
    if not legal:
        assert "Nothing was changed" in client.get(answer.url).content.decode()


def test_an_act_nobody_offers_is_not_found(signed_in: Clients, make_sender, admin: User) -> None:
    sender = make_sender(state=SenderState.PENDING)
    assert signed_in(admin).post(url("delete", sender)).status_code == 404


def test_somebody_who_may_decide_nothing_sees_no_button(
    signed_in: Clients, make_sender, viewer: User, admin: User
) -> None:
    sender = make_sender(state=SenderState.PENDING)
    assert (
        url("approve", sender) not in signed_in(viewer).get(url("detail", sender)).content.decode()
    )
    assert url("approve", sender) in signed_in(admin).get(url("detail", sender)).content.decode()


def test_the_list_shows_one_state_and_counts_all(
    signed_in: Clients, make_sender, viewer: User
) -> None:
    make_sender("YES")
    make_sender("MAYBE", state=SenderState.PENDING)
    client = signed_in(viewer)
    page = client.get("/senders/?state=approved").content.decode()
    assert ">YES<" in page
    assert ">MAYBE<" not in page
    assert client.get("/senders/?state=nonsense&after=%00").status_code == 200


def test_a_long_list_has_pages_and_asks_the_database_little(
    signed_in: Clients, workspace: Workspace, admin: User, django_assert_max_num_queries
) -> None:
    SenderID.objects.bulk_create(
        SenderID(workspace=workspace, value=f"S{n:03}", company="P", note="n", requested_by=admin)
        for n in range(60)
    )
    client = signed_in(admin)
    with django_assert_max_num_queries(8):
        first = client.get("/senders/?state=pending").content.decode()
    assert ">S049<" in first
    assert ">S050<" not in first
    assert "?state=pending&amp;after=S049" in first
    second = client.get("/senders/?state=pending&after=S049").content.decode()
    assert ">S050<" in second
