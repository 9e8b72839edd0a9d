"""What a signed-in person was refused is in the audit log. Row H3."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User

SignedIn = Callable[[User], Client]


def refusals() -> Any:
    return AuditEvent.objects.filter(action__startswith="access.").order_by("pk")


def test_a_missing_role_is_written_down_by_permission_and_route(
    signed_in: SignedIn, viewer: User
) -> None:
    answer = signed_in(viewer).get("/billing/rates/add/?country=whispered")
    event = refusals().get()
    assert event.action == "access.refused"
    assert event.data == {"route": "billing:rate_add", "permission": "rates.change"}
    assert (event.actor, event.workspace_id) == (viewer, viewer.membership.workspace_id)
    assert event.request_id == answer["X-Request-ID"]


@pytest.mark.parametrize("page", ["", "cancel/", "review/", "edit/"])
def test_an_object_of_another_workspace_is_not_found_and_written_down(
    signed_in: SignedIn, stranger: User, make_campaign: Any, page: str
) -> None:
    """H3: 404 as for an id that never was, and an audit event in the log of who asked."""
    campaign = make_campaign()
    answer = signed_in(stranger).get(f"/campaigns/{campaign.key}/{page}")
    event = refusals().get()
    assert answer.status_code == 404
    assert event.action == "access.not_found"
    assert event.workspace_id == stranger.membership.workspace_id
    assert str(campaign.key) not in str(event.data)


def test_a_crawler_writes_one_line_a_minute_for_each_page(
    signed_in: SignedIn, stranger: User
) -> None:
    client = signed_in(stranger)
    start = timezone.now().replace(second=0, microsecond=0)
    with time_machine.travel(start, tick=False) as clock:
        for _ in range(5):
            client.get(f"/campaigns/{uuid.uuid4()}/")
            client.get(f"/senders/{uuid.uuid4()}/")
        assert refusals().count() == 2
        clock.shift(timedelta(seconds=61))
        client.get(f"/campaigns/{uuid.uuid4()}/")
    assert refusals().count() == 3


def test_an_address_that_never_was_is_no_event(signed_in: SignedIn, viewer: User) -> None:
    assert signed_in(viewer).get("/nowhere/whispered/").status_code == 404
    assert not refusals().exists()


def test_who_is_not_signed_in_fills_no_log(client: Client, make_campaign: Any) -> None:
    client.get(f"/campaigns/{make_campaign().key}/")
    assert not refusals().exists()


def test_a_form_that_is_too_old_was_no_missing_role(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    assert client.post("/notices/read/").status_code == 403
    assert not refusals().exists()
