"""What a person decides about messages in doubt: states, money, windows, and who was faster."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Thread
from time import monotonic
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse

from accounts.models import AuditEvent, Job, JobState, User
from billing import thresholds
from billing.models import Charge, Period, ThresholdWindow
from campaigns import clock, receipts, resolving, sending
from campaigns.models import Batch, Campaign, Message, MessageEvent
from campaigns.resolving import Decision
from campaigns.sending import asking, claiming
from campaigns.states import BatchState, CampaignState
from carriers.models import Carrier
from sms.gateways.base import Outcome, Receipt
from tests.campaigns import engine
from tests.campaigns.building import Made, make_sent_campaign
from tests.sms.practice.carrier import PracticeCarrier

pytestmark = pytest.mark.django_db(transaction=True)

SURE = "+12025550180"
WHY = "The carrier's support looked at them"


@pytest.fixture(params=["receipts", "blind"])
def doubted(
    request: pytest.FixtureRequest,
    make_campaign: Callable[..., Any],
    carrier: Any,
    process: PracticeCarrier,
    admin: User,
) -> Callable[..., Campaign]:
    """A completed campaign of a carrier that cannot be asked, with *count* messages in doubt."""

    def make(count: int = 5, sent: int = 0) -> Campaign:
        process.change(carrier_class=request.param)
        carrier.options = {**carrier.options, "class": request.param}
        carrier.save()
        thresholds.set_limit(carrier.workspace, Period.DAY, 1_000, 80, by=admin)
        campaign = make_campaign()
        engine.fill(campaign, [SURE] * (count + sent))
        engine.submit(campaign, carrier)
        sending.start_due()
        sending.expand(campaign.pk)
        [(lease, rows)] = claiming.claim()
        assert claiming.begin(lease, rows[count - 1].position)
        Batch.objects.update(lease_until=clock.now() - timedelta(minutes=2))
        sending.recover()
        engine.run(campaign)
        sending.finish(campaign.pk)
        campaign.refresh_from_db()
        assert engine.stored(campaign)["in_doubt"] == count
        assert campaign.state == CampaignState.COMPLETED
        return campaign

    return make


def decide(campaign: Campaign, decision: Decision, by: User, **seen: int) -> dict[str, int]:
    told = resolving.doubts(campaign)
    given = {"seen": told.seen, "asked": told.count, **seen}
    job = resolving.decide(campaign, decision, by, WHY, **given)
    resolving.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.DONE
    return {name: n for name, n in resolving.counts(job).items() if n}


def used() -> int:
    return ThresholdWindow.objects.get().used


def told(campaign: Campaign, message: Message, outcome: Outcome = Outcome.DELIVERED) -> None:
    """The carrier's receipt about *message* arrives and is applied."""
    receipt = Receipt(
        reference=str(message.reference),
        carrier_id="late-1",
        outcome=outcome,
        reason=None,
        detail="",
        done_at=None,
    )
    receipts.record(campaign.route, [receipt], "{}")
    receipts.apply()


def test_marked_as_sent_they_are_billed_today(doubted: Any, admin: User) -> None:
    campaign = doubted(5, sent=2)
    assert decide(campaign, Decision.SENT, admin) == {"accepted": 5}
    assert engine.stored(campaign) == engine.tallied(campaign) == {"accepted": 7}
    assert sum(Charge.objects.values_list("segments", flat=True)) == 7
    assert used() == 7
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.COMPLETED
    assert MessageEvent.objects.filter(kind="decided", note=WHY, now="accepted").count() == 5
    assert not engine.broken()


def test_left_as_not_sent_they_cost_nothing_and_make_room(doubted: Any, admin: User) -> None:
    campaign = doubted(5)
    assert decide(campaign, Decision.LEAVE, admin) == {"cancelled": 5}
    assert engine.stored(campaign) == engine.tallied(campaign) == {"cancelled": 5}
    assert used() == 0
    assert not Charge.objects.exists()
    assert not engine.broken()


def test_queued_again_they_leave_once_more(
    doubted: Any, admin: User, process: PracticeCarrier
) -> None:
    campaign = doubted(5)
    assert decide(campaign, Decision.QUEUE, admin) == {"queued": 5}
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SENDING
    batch = Batch.objects.get()
    assert (batch.state, batch.left, batch.segments) == (BatchState.READY, 5, 5)
    assert used() == 5
    assert not engine.broken()
    engine.run(campaign)
    assert engine.stored(campaign) == {"accepted": 5}
    assert sum(engine.accepted_lines(process).values()) == 5
    assert used() == 5
    assert not engine.broken()


@pytest.mark.parametrize("decision", [Decision.SENT, Decision.LEAVE])
def test_a_late_receipt_is_the_truth(doubted: Any, admin: User, decision: Decision) -> None:
    campaign = doubted(2)
    decide(campaign, decision, admin)
    told(campaign, campaign.messages.first())
    assert engine.stored(campaign)["delivered"] == 1
    assert not engine.broken()


def test_a_receipt_for_what_is_queued_again_keeps_it_from_leaving_twice(
    doubted: Any, admin: User, process: PracticeCarrier
) -> None:
    campaign = doubted(2)
    decide(campaign, Decision.QUEUE, admin)
    first = campaign.messages.first()
    told(campaign, first)
    engine.run(campaign)
    receipts.apply()
    assert str(first.reference) not in engine.accepted_lines(process)
    assert engine.stored(campaign) == {"delivered": 1, "accepted": 1}
    assert not engine.broken()


@pytest.mark.parametrize("decision", [Decision.SENT, Decision.LEAVE, Decision.QUEUE])
def test_a_receipt_that_was_faster_wins(doubted: Any, admin: User, decision: Decision) -> None:
    campaign = doubted(3)
    seen = resolving.doubts(campaign)
    told(campaign, campaign.messages.first())
    found = decide(campaign, decision, admin, seen=seen.seen, asked=seen.count)
    assert found["gone"] == 1
    assert engine.stored(campaign)["delivered"] == 1
    assert not engine.broken()


def test_nobody_decides_about_what_they_did_not_see(doubted: Any, admin: User) -> None:
    campaign = doubted(3)
    seen = resolving.doubts(campaign)
    with pytest.raises(resolving.MoreInDoubt):
        decide(campaign, Decision.SENT, admin, seen=seen.seen, asked=2)
    newest = MessageEvent.objects.filter(kind="in_doubt").latest("pk")
    found = decide(campaign, Decision.SENT, admin, seen=newest.pk - 1, asked=2)
    assert found == {"accepted": 2}
    assert engine.stored(campaign) == {"accepted": 2, "in_doubt": 1}


def test_of_a_stopped_campaign_and_of_erased_people_nothing_leaves(
    doubted: Any, admin: User
) -> None:
    campaign = doubted(3)
    Message.objects.filter(position=1).update(number="", text="")
    seen = resolving.doubts(campaign)
    job = resolving.decide(campaign, Decision.QUEUE, admin, WHY, seen=seen.seen, asked=seen.count)
    resolving.run(job.pk)
    assert engine.stored(campaign) == {"cancelled": 1, "queued": 2}
    assert used() == 2
    campaign.refresh_from_db()
    campaign.move("stop", by=admin)
    sending.cancel_rest(campaign.pk)
    assert engine.stored(campaign) == {"cancelled": 3}
    assert used() == 0


def test_queueing_for_a_campaign_stopped_meanwhile_cancels(doubted: Any, admin: User) -> None:
    campaign = doubted(2)
    Campaign.objects.update(state=CampaignState.SENDING)
    campaign.refresh_from_db()
    campaign.move("stop", by=admin, ended_at=clock.now())
    assert decide(campaign, Decision.QUEUE, admin) == {"cancelled": 2}
    assert used() == 0
    assert not engine.broken()


def test_a_run_that_was_killed_goes_on_and_counts_each_once(
    doubted: Any, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "CHUNK", 2)
    campaign = doubted(5)
    seen = resolving.doubts(campaign)
    job = resolving.decide(campaign, Decision.QUEUE, admin, WHY, seen=seen.seen, asked=5)
    claimed = resolving.jobs.claim(job.pk, resolving.KIND)
    assert claimed
    assert resolving._resolve_some(claimed, campaign)
    assert engine.stored(campaign) == {"queued": 2, "in_doubt": 3}
    Job.objects.update(state=JobState.WAITING)
    resolving.run(job.pk)
    resolving.run(job.pk)
    job.refresh_from_db()
    assert engine.stored(campaign) == {"queued": 5}
    assert resolving.counts(job) == {"queued": 5, "gone": 0}
    done = AuditEvent.objects.get(action="campaign.resolved")
    assert done.data == {"decision": "queue", "queued": 5, "gone": 0}
    assert not engine.broken()


def test_what_is_just_being_sent_keeps_its_doubts(doubted: Any, admin: User) -> None:
    campaign = doubted(2)
    Batch.objects.update(state=BatchState.LEASED)
    assert decide(campaign, Decision.QUEUE, admin) == {"busy": 2}
    assert engine.stored(campaign) == {"in_doubt": 2}


@pytest.mark.postgres
def test_two_people_at_once_decide_each_message_once(doubted: Any, admin: User) -> None:
    campaign = doubted(60)
    seen = resolving.doubts(campaign)
    made = [
        resolving.decide(campaign, each, admin, WHY, seen=seen.seen, asked=60)
        for each in (Decision.SENT, Decision.LEAVE)
    ]

    def run(pk: int) -> None:
        resolving.run(pk)
        connection.close()

    threads = [Thread(target=run, args=(job.pk,)) for job in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [resolving.counts(Job.objects.get(pk=job.pk)) for job in made]
    done = [sum(n for name, n in each.items() if name != "gone") for each in found]
    assert sum(done) == 60
    assert not engine.broken()


def test_what_is_queued_again_without_a_decision_is_found(doubted: Any, admin: User) -> None:
    """The invariant of the single submit: after a doubt only a look-up or a person lets it go."""
    campaign = doubted(1)
    decide(campaign, Decision.QUEUE, admin)
    MessageEvent.objects.filter(kind="decided").delete()
    assert set(engine.broken()) == {"I3 single submit"}


def test_a_carrier_that_can_answer_is_asked_at_once_and_believed_the_second_time(
    doubted: Any, admin: User, process: PracticeCarrier
) -> None:
    campaign = doubted(2)
    assert not resolving.can_answer(campaign)
    process.change(carrier_class="queryable")
    carrier = campaign.carrier
    carrier.options = {**carrier.options, "class": "queryable"}
    carrier.save()
    campaign = Campaign.objects.get()
    assert resolving.can_answer(campaign)
    assert decide(campaign, Decision.LOOK_UP, admin) == {}
    assert decide(campaign, Decision.LOOK_UP, admin) == {}, "asked again before a minute passed"
    assert engine.stored(campaign) == {"in_doubt": 2}
    MessageEvent.objects.filter(kind="not_found").update(at=clock.now() - timedelta(seconds=61))
    assert decide(campaign, Decision.LOOK_UP, admin) == {"look_up": 2}
    assert engine.stored(campaign) == {"queued": 2}
    assert not engine.broken()


class TestPage:
    def page(self, campaign: Campaign) -> str:
        return reverse("campaigns:resolve", args=[campaign.key])

    def given(self, campaign: Campaign, decision: str, **more: Any) -> dict[str, Any]:
        seen = resolving.doubts(campaign)
        return {
            "decision": decision, "reason": WHY, "seen": seen.seen, "asked": seen.count, **more
        }  # fmt: skip

    def test_it_says_what_happened(self, doubted: Any, admin: User, signed_in: Any) -> None:
        campaign = doubted(3)
        client = signed_in(admin)
        assert "3 messages" in client.get(self.page(campaign)).content.decode()
        given = self.given(campaign, "sent")
        told(campaign, campaign.messages.first())
        answer = client.post(self.page(campaign), given, follow=True)
        assert "2 marked as sent, 1 had news" in answer.content.decode()
        event = AuditEvent.objects.get(action="campaign.resolve")
        assert (event.actor, event.data["reason"], event.data["numbers"]) == (admin, WHY, 2)
        again = client.get(self.page(campaign), follow=True).content.decode()
        assert "in doubt any more" in again

    @pytest.mark.parametrize("reason", ["", "short", "call +1 202 555 0123 about it"])
    def test_it_needs_a_reason_without_a_number(
        self, doubted: Any, admin: User, signed_in: Any, reason: str
    ) -> None:
        campaign = doubted(1)
        given = self.given(campaign, "sent", reason=reason)
        assert signed_in(admin).post(self.page(campaign), given).status_code == 200
        assert engine.stored(campaign) == {"in_doubt": 1}

    def test_only_who_ticks_that_it_may_arrive_twice_queues_again(
        self, doubted: Any, admin: User, signed_in: Any
    ) -> None:
        campaign, client = doubted(1), signed_in(admin)
        given = self.given(campaign, "queue")
        assert "Tick this" in client.post(self.page(campaign), given).content.decode()
        assert engine.stored(campaign) == {"in_doubt": 1}
        client.post(self.page(campaign), {**given, "understood": "on"})
        assert engine.stored(campaign) == {"queued": 1}

    def test_an_operator_decides_about_their_own_but_queues_nothing_again(
        self, doubted: Any, operator: User, colleague: User, stranger: User, signed_in: Any
    ) -> None:
        campaign = doubted(1)
        given = self.given(campaign, "queue", understood="on")
        client = signed_in(operator)
        assert "queue again" not in client.get(self.page(campaign)).content.decode()
        assert client.post(self.page(campaign), given).status_code == 403
        sent = {**given, "decision": "sent"}
        assert signed_in(colleague).post(self.page(campaign), sent).status_code == 403
        assert signed_in(stranger).post(self.page(campaign), sent).status_code == 404
        assert engine.stored(campaign) == {"in_doubt": 1}
        assert client.post(self.page(campaign), sent).status_code == 302
        assert engine.stored(campaign) == {"accepted": 1}


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a carrier that takes every call and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_carrier_that_never_answers_is_not_waited_for_longer_than_there_is_time(
    make_campaign: Callable[..., Any], practice: Any, silent: str
) -> None:
    practice.options = {"url": silent, "token": "a-token", "class": "queryable"}
    practice.save()
    campaign = make_sent_campaign(make_campaign(), [Made("in_doubt")] * 20, carrier=practice)
    begun = monotonic()
    assert asking.ask_about(campaign, begun + 1, at_once=True) == 0
    assert monotonic() - begun < 5


def test_an_account_that_is_set_up_wrongly_keeps_nobody_elses_doubts_from_being_asked(
    make_campaign: Callable[..., Any], practice: Any, process: PracticeCarrier
) -> None:
    wrong = Carrier.objects.create(workspace=practice.workspace, name="Wrong", gateway="loopback")
    make_sent_campaign(make_campaign(), [Made("in_doubt")], carrier=wrong)
    process.change(carrier_class="queryable")
    practice.options = {**process.settings, "class": "queryable"}
    practice.save()
    campaign = make_sent_campaign(make_campaign(), [Made("in_doubt")] * 2, carrier=practice)
    sending.ask()
    assert MessageEvent.objects.filter(message__campaign=campaign, kind="not_found").exists()
