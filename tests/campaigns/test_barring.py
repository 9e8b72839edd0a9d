"""A sender ID that may not be used any more: nothing leaves under it, and nothing in its place."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from threading import Timer
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Notice, User
from billing import thresholds
from billing.models import Period
from campaigns import sending, ticking
from campaigns.models import Batch, Recipient, RecipientImport
from campaigns.sending import claiming
from campaigns.states import CampaignState, Hold
from senders import registering, reviewing
from senders.models import ENDED, Registration, RegistrationState, SenderState
from tests.campaigns import engine
from tests.sms.practice.carrier import PracticeCarrier

pytestmark = pytest.mark.django_db(transaction=True)

US = "+12025550180"  # the practice carrier always delivers to 0180
AU = "+61491570006"[:-4] + "0180"


@pytest.fixture
def ready(make_campaign: Callable[..., Any], carrier: Any) -> Callable[..., Any]:
    """A submitted campaign to numbers of two countries."""

    def make(americans: int, australians: int = 0, **fields: Any) -> Any:
        campaign = make_campaign(**fields)
        engine.fill(campaign, [US] * americans)
        if australians:
            source = campaign.recipients
            Recipient.objects.bulk_create(
                Recipient(source=source, row=americans + row, number=AU, country="AU")
                for row in range(1, australians + 1)
            )
            counts = {"US": americans, "AU": australians}
            rows = RecipientImport.objects.filter(pk=source.pk)
            rows.update(accepted=sum(counts.values()), countries=counts)
            source.refresh_from_db()
        return engine.submit(campaign, carrier)

    return make


@pytest.fixture
def register(admin: User) -> Callable[..., Registration]:
    def make(sender: Any, country: str = "AU", state: str = "approved", **more: Any) -> Any:
        return Registration.objects.create(sender=sender, country=country, state=state, **more)

    return make


def slow(carrier: Any, rate: int) -> None:
    carrier.rate = rate
    carrier.save()


def soon(seconds: float, act: Callable[[], None]) -> Timer:
    """Do *act* beside the dispatcher, as another process would."""

    def run() -> None:
        act()
        connection.close()

    timer = Timer(seconds, run)
    timer.start()
    return timer


def by_country(campaign: Any) -> dict[tuple[str, str], int]:
    rows = campaign.messages.values_list("country", "state")
    return dict(Counter(rows))


@pytest.mark.parametrize("state", [SenderState.WITHDRAWN, SenderState.REJECTED])
def test_withdrawn_between_submit_and_send_it_is_held_and_never_sent_with_a_fallback(
    ready: Callable[..., Any], make_sender: Callable[..., Any], admin: User, state: str,
    process: PracticeCarrier,
) -> None:  # fmt: skip
    """SI8, with another approved sender ID at hand."""
    campaign = ready(5)
    make_sender("OTHER")
    type(campaign.sender).objects.filter(pk=campaign.sender_id).update(state=state)
    engine.run(campaign)
    assert (campaign.state, campaign.pause_reason) == (CampaignState.PAUSED, "sender")
    assert not engine.accepted_lines(process)
    notice = Notice.objects.get(kind="campaign.paused", user=campaign.author)
    assert "PARCELWAY" in notice.body
    assert "resume" in notice.body
    assert not engine.broken()


def test_withdrawn_while_sending_hand_over_stops_within_two_seconds(
    ready: Callable[..., Any], carrier: Any, admin: User, process: PracticeCarrier
) -> None:
    """SI8 in the middle: rows that are leased and waiting in memory stay behind too."""
    slow(carrier, 100)
    campaign = ready(900)
    sending.start_due()
    sending.expand(campaign.pk)
    at: list[float] = []

    def withdraw() -> None:
        reviewing.decide(campaign.sender, "withdraw", admin, "The brand was sold")
        at.append(time.monotonic())

    timer = soon(0.8, withdraw)
    sending.dispatch(20)
    stopped = time.monotonic()
    timer.join()
    assert stopped - at[0] < 2
    campaign.refresh_from_db()
    assert (campaign.state, campaign.pause_reason) == (CampaignState.PAUSED, "sender")
    out = sum(engine.accepted_lines(process).values())
    assert engine.stored(campaign) == {"accepted": out, "queued": 900 - out}
    assert 0 < out < 400
    assert not engine.broken()


def test_approved_again_a_person_resumes_it_whole(
    ready: Callable[..., Any], signed_in: Callable[[User], Client], admin: User,
    process: PracticeCarrier,
) -> None:  # fmt: skip
    campaign = ready(5)
    reviewing.decide(campaign.sender, "withdraw", admin, "By mistake")
    engine.run(campaign)
    reviewing.resubmit(campaign.sender, admin)
    reviewing.decide(campaign.sender, "approve", admin)
    assert engine.run(campaign).state == CampaignState.PAUSED, "nothing resumes by itself"
    signed_in(campaign.author).post(f"/campaigns/{campaign.key}/resume/", {"reason": "In order"})
    engine.run(campaign)
    assert engine.stored(campaign) == {"accepted": 5}
    assert not engine.broken()


@pytest.mark.parametrize("state", ["rejected", "revoked", "expired"])
def test_a_country_whose_registration_ended_waits_and_the_others_go_on(
    ready: Callable[..., Any], register: Callable[..., Any], state: str, process: PracticeCarrier
) -> None:
    campaign = ready(20, 10)
    register(campaign.sender, "AU", state)
    engine.run(campaign)
    assert by_country(campaign) == {("US", "accepted"): 20, ("AU", "queued"): 10}
    assert (campaign.state, campaign.pause_reason) == (CampaignState.PAUSED, "sender")
    held = Notice.objects.get(kind="campaign.held", user=campaign.author)
    assert "Australia" in held.title
    assert "PARCELWAY" in held.body
    assert not engine.broken()


def test_one_that_ran_out_yesterday_counts_before_anything_has_swept(
    ready: Callable[..., Any], register: Callable[..., Any], process: PracticeCarrier
) -> None:
    campaign = ready(5)
    yesterday = timezone.now().date() - timedelta(days=1)
    register(campaign.sender, "US", "approved", expires_on=yesterday)
    engine.run(campaign)
    assert not engine.accepted_lines(process)
    assert campaign.pause_reason == "sender"


def test_the_sweep_writes_down_what_ran_out(
    make_campaign: Callable[..., Any], register: Callable[..., Any]
) -> None:
    yesterday = timezone.now().date() - timedelta(days=1)
    registration = register(make_campaign().sender, "US", "approved", expires_on=yesterday)
    ticking.sweep()
    registration.refresh_from_db()
    assert registration.state == "expired"


def test_one_that_is_not_decided_yet_stops_nothing(
    ready: Callable[..., Any], register: Callable[..., Any]
) -> None:
    campaign = ready(5)
    today = timezone.now().date()
    register(campaign.sender, "US", "approved", expires_on=today)
    register(campaign.sender, "AU", "submitted")
    assert engine.run(campaign).state == CampaignState.COMPLETED


def test_revoked_while_sending_only_that_country_stops_within_two_seconds(
    ready: Callable[..., Any], register: Callable[..., Any], carrier: Any, admin: User,
    process: PracticeCarrier,
) -> None:  # fmt: skip
    slow(carrier, 150)
    campaign = ready(120, 600)
    registration = register(campaign.sender, "AU")
    sending.start_due()
    sending.expand(campaign.pk)
    seen: list[int] = []

    def revoke() -> None:
        registering.move(registration, "revoke", admin, reason="The network complained")
        time.sleep(2)
        seen.append(sum(engine.accepted_lines(process).values()))

    timer = soon(0.8, revoke)
    sending.dispatch(20)
    timer.join()
    campaign.refresh_from_db()
    counts = by_country(campaign)
    assert counts[("US", "accepted")] == 120
    assert counts[("AU", "queued")] > 0
    assert sum(engine.accepted_lines(process).values()) == seen[0]
    assert campaign.pause_reason == "sender"
    assert not engine.broken()


def test_registered_again_the_held_country_goes_with_the_resume(
    ready: Callable[..., Any], register: Callable[..., Any], signed_in: Callable[[User], Client],
    admin: User, process: PracticeCarrier,
) -> None:  # fmt: skip
    campaign = ready(6, 4)
    registration = register(campaign.sender, "AU", "revoked")
    engine.run(campaign)
    client, path = signed_in(campaign.author), f"/campaigns/{campaign.key}/resume/"
    client.post(path, {"reason": "Too early"})
    engine.run(campaign)
    assert campaign.state == CampaignState.PAUSED
    assert Batch.objects.filter(hold=Hold.SENDER).count() == 1
    registering.move(registration, "submit", admin)
    registering.move(registration, "approve", admin)
    client.post(path, {"reason": "It is registered again"})
    engine.run(campaign)
    assert engine.stored(campaign) == {"accepted": 10}
    assert not engine.broken()


def test_held_by_a_threshold_and_by_its_sender_each_is_freed_by_its_own_way(
    ready: Callable[..., Any], register: Callable[..., Any], signed_in: Callable[[User], Client],
    admin: User,
) -> None:  # fmt: skip
    campaign = ready(10, 5)
    registration = register(campaign.sender, "AU", "revoked")
    thresholds.set_limit(campaign.workspace, Period.DAY, 4, 80, admin)
    engine.run(campaign)
    assert campaign.state == CampaignState.SUSPENDED
    holds = dict(Batch.objects.left().values_list("country", "hold"))
    assert holds == {"US": Hold.THRESHOLD, "AU": Hold.SENDER}
    thresholds.set_limit(campaign.workspace, Period.DAY, 100, 80, admin)
    client = signed_in(admin)
    client.post(f"/campaigns/{campaign.key}/resume-suspended/", {"reason": "Raised for today"})
    engine.run(campaign)
    assert (campaign.state, campaign.pause_reason) == (CampaignState.PAUSED, "sender")
    registration.move("submit", admin, timezone.now())
    client.post(f"/campaigns/{campaign.key}/resume/", {"reason": "Submitted again"})
    assert engine.run(campaign).state == CampaignState.COMPLETED
    assert not engine.broken()


def test_a_stopped_campaign_cancels_what_was_held(
    ready: Callable[..., Any], register: Callable[..., Any], admin: User
) -> None:
    campaign = ready(3, 4)
    register(campaign.sender, "AU", "rejected")
    engine.run(campaign)
    campaign.move("stop", by=admin)
    sending.cancel_rest(campaign.pk)
    assert by_country(campaign) == {("US", "accepted"): 3, ("AU", "cancelled"): 4}
    assert not engine.broken()


def test_a_claim_looks_at_registrations_once(ready: Callable[..., Any]) -> None:
    campaign = ready(900, 300)
    sending.start_due()
    sending.expand(campaign.pk)
    with CaptureQueriesContext(connection) as asked:
        leases = claiming.claim()
    assert len(leases) > 1
    looks = [q for q in asked.captured_queries if "senders_registration" in q["sql"]]
    assert len(looks) == 1


def test_every_ended_state_is_one_that_nothing_leaves_in() -> None:
    assert set(RegistrationState) - ENDED == {"draft", "submitted", "in_review", "approved"}
