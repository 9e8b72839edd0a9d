"""SR09: one switch in the database stops all of a workspace; nothing is lost, nothing doubled."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent, Notice, User, Workspace
from billing import thresholds
from billing.models import Period, ThresholdWindow
from campaigns import sending, stopping, submitting, tasks, ticking
from campaigns.models import Batch, Campaign
from campaigns.sending import claiming
from campaigns.states import BatchState, CampaignState
from sms.gateways.base import CarrierClass
from tests.campaigns import engine
from tests.campaigns.test_barring import slow, soon
from tests.campaigns.test_races import together
from tests.sms.practice.carrier import PracticeCarrier

SignedIn = Callable[[User], Client]
US = "+12025550180"  # the practice carrier always delivers to 0180
OFF, ON = "/sending/stop/", "/sending/resume/"
WHY = "Code requests are being abused"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ready(make_campaign: Callable[..., Any], carrier: Any) -> Callable[..., Any]:
    def make(count: int, **fields: Any) -> Any:
        campaign = make_campaign(**fields)
        engine.fill(campaign, [US] * count)
        return engine.submit(campaign, carrier)

    return make


def begin(campaign: Campaign) -> None:
    sending.start_due()
    sending.expand(campaign.pk)


@pytest.mark.parametrize("carrier_class", [CarrierClass.IDEMPOTENT, CarrierClass.RECEIPTS])
def test_off_while_sending_no_call_begins_two_seconds_later_and_on_again_each_goes_once(
    ready: Callable[..., Any], carrier: Any, admin: User, workspace: Workspace,
    process: PracticeCarrier, carrier_class: str,
) -> None:  # fmt: skip
    slow(carrier, 150)
    carrier.options |= {"class": str(carrier_class)}
    carrier.save()
    thresholds.set_limit(workspace, Period.DAY, 5_000, 80, admin)
    campaign = ready(600)
    begin(campaign)
    at: list[float] = []

    def off() -> None:
        stopping.switch_off(workspace, admin, WHY)
        at.append(time.monotonic())

    timer = soon(0.8, off)
    assert sending.dispatch(20) is False, "nothing to ring again for"
    assert time.monotonic() - at[0] < 2
    timer.join()
    out = sum(engine.accepted_lines(process).values())
    assert 0 < out < 450
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SENDING
    assert not Batch.objects.filter(state=BatchState.LEASED).exists()
    assert not engine.broken()
    sending.dispatch(5)
    assert sum(engine.accepted_lines(process).values()) == out, "another run sends nothing"
    slow(carrier, 100_000)
    assert stopping.switch_on(workspace, admin)
    engine.run(campaign)
    assert campaign.state == CampaignState.COMPLETED
    judged = engine.accepted_lines(process)
    assert (len(judged), set(judged.values())) == (600, {1})
    assert ThresholdWindow.objects.get().used == 600
    assert not engine.broken()


def test_off_before_the_start_a_due_campaign_is_expanded_and_waits_whole(
    ready: Callable[..., Any], admin: User, workspace: Workspace, process: PracticeCarrier
) -> None:
    stopping.switch_off(workspace, admin, WHY)
    thresholds.set_limit(workspace, Period.DAY, 10, 80, admin)
    campaign = engine.run(ready(20))
    assert (campaign.state, engine.stored(campaign)) == (CampaignState.SENDING, {"queued": 20})
    assert not ThresholdWindow.objects.filter(used__gt=0).exists(), "nothing is reserved"
    assert not engine.accepted_lines(process)
    assert ticking.tick().dispatch == [], "and nobody rings for it"
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SENDING
    stopping.switch_on(workspace, admin)
    assert ticking.tick().dispatch == [campaign.pk]


def test_what_a_claim_holds_is_not_begun_once_it_is_off(
    ready: Callable[..., Any], carrier: Any, admin: User, workspace: Workspace
) -> None:
    """Read in begin, too: rows of a carrier without a key are committed as begun before a call."""
    carrier.options |= {"class": str(CarrierClass.RECEIPTS)}
    carrier.save()
    begin(ready(5))
    [(lease, rows)] = claiming.claim()
    stopping.switch_off(workspace, admin, WHY)
    assert not claiming.begin(lease, rows[-1].position)


def test_a_claim_that_meets_the_switch_under_its_lock_takes_nothing(
    ready: Callable[..., Any], admin: User, workspace: Workspace
) -> None:
    campaign = ready(5)
    begin(campaign)
    stopping.switch_off(workspace, admin, WHY)
    assert claiming._claim_from(campaign.pk) == (0, [])
    assert claiming.claim() == []
    assert engine.stored(campaign) == {"queued": 5}


def test_it_stops_one_workspace_only(
    ready: Callable[..., Any], stranger: User, other_workspace: Workspace
) -> None:
    stopping.switch_off(other_workspace, stranger, WHY)
    assert engine.run(ready(5)).state == CampaignState.COMPLETED


def test_a_claim_asks_the_database_no_more_often_than_for_its_leases(
    ready: Callable[..., Any], admin: User, workspace: Workspace
) -> None:
    begin(ready(5))
    with CaptureQueriesContext(connection) as asked:
        assert claiming.claim()
    locks = [q for q in asked.captured_queries if 'FROM "accounts_workspace"' in q["sql"]]
    assert len(locks) == 1
    stopping.switch_off(workspace, admin, WHY)
    with CaptureQueriesContext(connection) as asked:
        assert not claiming.claim()
    assert len(asked.captured_queries) == 1


def test_what_was_refused_by_the_switch_is_neither_completed_nor_suspended(
    ready: Callable[..., Any], admin: User, workspace: Workspace
) -> None:
    thresholds.set_limit(workspace, Period.DAY, 3, 80, admin)
    campaign = ready(5)
    stopping.switch_off(workspace, admin, WHY)
    assert engine.run(campaign).state == CampaignState.SENDING
    stopping.switch_on(workspace, admin)
    assert engine.run(campaign).state == CampaignState.SUSPENDED
    assert not engine.broken()


def test_on_again_rings_at_once(
    ready: Callable[..., Any], admin: User, workspace: Workspace, monkeypatch: Any
) -> None:
    campaign = ready(5)
    stopping.switch_off(workspace, admin, WHY)
    begin(campaign)
    rung: list[int] = []
    monkeypatch.setattr(tasks.dispatch, "delay", rung.append)
    stopping.switch_on(workspace, admin)
    assert rung == [campaign.pk]


def test_a_bell_that_nobody_hears_does_not_keep_it_off(
    ready: Callable[..., Any], admin: User, workspace: Workspace, monkeypatch: Any
) -> None:
    def no_redis(_pk: int) -> None:
        raise ConnectionError

    campaign = ready(5)
    stopping.switch_off(workspace, admin, WHY)
    begin(campaign)
    monkeypatch.setattr(tasks.dispatch, "delay", no_redis)
    assert stopping.switch_on(workspace, admin)
    assert engine.run(campaign).state == CampaignState.COMPLETED


def test_it_is_audited_with_reason_old_and_new_and_told_to_every_admin(
    workspace: Workspace, admin: User, finance: User, operator: User
) -> None:
    assert stopping.switch_off(workspace, finance, WHY)
    assert not stopping.switch_off(workspace, admin, "Again")
    assert stopping.switch_on(workspace, admin)
    assert not stopping.switch_on(workspace, admin)
    events = AuditEvent.objects.filter(action__endswith="_sending").order_by("pk")
    assert [(event.actor, event.data) for event in events] == [
        (finance, {"reason": WHY, "old": "on", "new": "off"}),
        (admin, {"old": "off", "new": "on"}),
    ]
    told = Notice.objects.order_by("pk").values_list("user__name", "kind")
    assert list(told) == [("Jonas Weber", "sending.stopped"), ("Jonas Weber", "sending.resumed")]


@pytest.mark.postgres
def test_two_switches_at_once_are_one(workspace: Workspace, admin: User, finance: User) -> None:
    both = together(
        lambda: stopping.switch_off(workspace, admin, WHY),
        lambda: stopping.switch_off(workspace, finance, WHY),
    )
    assert sorted(both) == [False, True]
    assert AuditEvent.objects.filter(action="workspace.stop_sending").count() == 1
    assert sorted(together(*[lambda: stopping.switch_on(workspace, admin)] * 2)) == [False, True]


# --- pages ----------------------------------------------------------------------------------


def test_who_may_switch(
    signed_in: SignedIn, workspace: Workspace, operator: User, admin: User, finance: User,
    viewer: User, stranger: User,
) -> None:  # fmt: skip
    def is_off() -> bool:
        return Workspace.objects.filter(pk=workspace.pk, sending_off_at__isnull=False).exists()

    assert Client().post(OFF, {"reason": WHY}).status_code == 302
    for person in (operator, viewer):
        assert signed_in(person).post(OFF, {"reason": WHY}).status_code == 403
    signed_in(stranger).post(OFF, {"reason": WHY})
    assert not is_off(), "a stranger stops only what is theirs"
    assert signed_in(finance).post(OFF, {"reason": WHY}).status_code == 302
    assert is_off()
    for person in (operator, viewer, finance):
        assert signed_in(person).post(ON).status_code == 403
    signed_in(stranger).post(ON)
    assert is_off()
    assert signed_in(admin).get(ON).status_code == 200
    assert is_off(), "a question changes nothing"
    signed_in(admin).post(ON)
    assert not is_off()


@pytest.mark.parametrize(
    ("reason", "said"),
    [("", "required"), ("Oh", "at least 5"), ("Stop +1 202 555 0123", "without the number"),
     ("x" * 201, "200")],
)  # fmt: skip
def test_a_reason_that_everybody_may_read_is_needed(
    signed_in: SignedIn, admin: User, workspace: Workspace, reason: str, said: str
) -> None:
    answer = signed_in(admin).post(OFF, {"reason": reason})
    assert said in answer.content.decode()
    workspace.refresh_from_db()
    assert workspace.sending_off_at is None


def test_the_question_says_with_numbers_what_follows(
    signed_in: SignedIn, admin: User, ready: Callable[..., Any], make_campaign: Callable[..., Any]
) -> None:
    begin(ready(7))
    later = make_campaign()
    Campaign.objects.filter(pk=later.pk).update(state=CampaignState.SCHEDULED)
    page = " ".join(signed_in(admin).get(OFF).content.decode().split())
    assert "1 campaign is sending. 7 messages have not left and wait." in page
    assert "1 scheduled campaign waits" in page


def test_while_it_is_off_every_page_says_so_without_a_further_query(
    signed_in: SignedIn, admin: User, operator: User, workspace: Workspace,
    make_campaign: Callable[..., Any],
) -> None:  # fmt: skip
    draft = make_campaign()
    paths = ["/", "/campaigns/", "/billing/thresholds/", f"/campaigns/{draft.key}/"]
    client = signed_in(operator)
    for path in paths:
        client.get(path)
        with CaptureQueriesContext(connection) as before:
            client.get(path)
        stopping.switch_off(workspace, admin, WHY)
        with CaptureQueriesContext(connection) as after:
            page = client.get(path).content.decode()
        assert len(after) == len(before), path
        assert "All sending is stopped" in page
        assert f"by Jonas Weber: {WHY}" in page
        assert ON not in page, "who may not send again is not offered it"
        assert ON in signed_in(admin).get(path).content.decode()
        stopping.switch_on(workspace, admin)


def test_the_button_stands_where_the_money_is_and_where_the_machine_is(
    signed_in: SignedIn, admin: User, finance: User, viewer: User
) -> None:
    assert OFF in signed_in(admin).get(reverse("system")).content.decode()
    page = reverse("billing:thresholds")
    assert OFF in signed_in(finance).get(page).content.decode()
    assert OFF not in signed_in(viewer).get(page).content.decode()


def test_a_campaign_is_still_submitted_and_its_pages_say_that_it_waits(
    signed_in: SignedIn, admin: User, operator: User, workspace: Workspace,
    make_campaign: Callable[..., Any],
) -> None:  # fmt: skip
    campaign = make_campaign()
    stopping.switch_off(workspace, admin, WHY)
    client = signed_in(operator)
    assert "waits until an admin sends again" in (
        client.get(f"/campaigns/{campaign.key}/review/").content.decode()
    )
    seen = submitting.review(campaign).token
    answer = client.post(f"/campaigns/{campaign.key}/submit/", {"seen": seen}, follow=True)
    assert "it waits until an admin sends again" in answer.content.decode()
    engine.run(campaign)
    part = {"headers": {"HX-Request": "true", "HX-Target": "live"}}
    live = client.get(f"/campaigns/{campaign.key}/", **part).content.decode()
    assert f"by Jonas Weber: {WHY}" in live
    assert "2 left" in live


def test_a_test_waits_too(
    signed_in: SignedIn, admin: User, operator: User, workspace: Workspace, carrier: Any,
    make_campaign: Callable[..., Any], process: PracticeCarrier,
) -> None:  # fmt: skip
    operator.test_numbers = ["+12025550123"]
    operator.save()
    draft = make_campaign()
    stopping.switch_off(workspace, admin, WHY)
    answer = signed_in(operator).post(f"/campaigns/{draft.key}/test/", follow=True)
    assert "the test waits" in answer.content.decode()
    test = Campaign.objects.get(origin="test")
    engine.run(test)
    assert engine.stored(test) == {"queued": 1}
    assert not engine.accepted_lines(process)
