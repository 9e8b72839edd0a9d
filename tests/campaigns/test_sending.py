from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.models import Notice, User
from billing import thresholds
from billing.models import Charge, Period, ThresholdWindow
from campaigns import clock, sending, ticking
from campaigns.models import Attempt, Batch, MessageEvent
from campaigns.sending import claiming, ending, expanding, recovering
from campaigns.states import BatchState, CampaignState, Hold
from senders.models import OptOut, SenderState
from tests.campaigns import engine
from tests.sms.practice.carrier import PracticeCarrier

pytestmark = pytest.mark.django_db(transaction=True)

SURE = "+12025550180"  # the practice carrier always delivers to it
LONG = "a" * 400  # three segments


@pytest.fixture
def ready(make_campaign: Callable[..., Any], carrier: Any) -> Callable[..., Any]:
    """A submitted campaign to *count* numbers that the practice carrier delivers to."""

    def make(count: int, **fields: Any) -> Any:
        campaign = make_campaign(**fields)
        engine.fill(campaign, [SURE] * count)
        return engine.submit(campaign, carrier)

    return make


def test_a_campaign_reaches_the_carrier_once_per_recipient(
    make_campaign: Callable[..., Any], carrier: Any, process: PracticeCarrier
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, engine.numbers(1200, 3000))
    engine.run(engine.submit(campaign, carrier))

    assert campaign.state == CampaignState.COMPLETED
    judged = engine.accepted_lines(process)
    assert set(judged.values()) == {1}
    counts = engine.stored(campaign)
    assert counts == engine.tallied(campaign)
    assert counts["accepted"] == len(judged)
    assert sum(counts.values()) == 1200
    assert sum(Charge.objects.values_list("segments", flat=True)) == len(judged)
    assert not engine.broken()


def test_every_step_may_run_twice(ready: Callable[..., Any], process: PracticeCarrier) -> None:
    campaign = ready(700)
    for _ in range(2):
        engine.run(campaign)
        sending.recover()
        ticking.tick()
    assert engine.stored(campaign) == {"accepted": 700}
    assert sum(engine.accepted_lines(process).values()) == 700
    assert Notice.objects.filter(kind="campaign.completed", user=campaign.author).count() == 1
    assert not engine.broken()


def test_nothing_starts_before_its_instant(ready: Callable[..., Any]) -> None:
    campaign = ready(1)
    soon = campaign.__class__.objects.filter(pk=campaign.pk, state=CampaignState.SCHEDULED)
    soon.update(send_at=timezone.now() + timedelta(seconds=60))
    assert sending.start_due() == []
    soon.update(send_at=timezone.now())
    assert sending.start_due() == [campaign.pk]
    assert sending.start_due() == []


def test_a_start_missed_by_more_than_the_grace_waits_for_a_person(
    ready: Callable[..., Any],
) -> None:
    campaign = ready(1)
    minutes = settings.SCHEDULE_GRACE_MINUTES + 1
    type(campaign).objects.update(send_at=timezone.now() - timedelta(minutes=minutes))
    assert sending.start_due() == []
    campaign.refresh_from_db()
    assert (campaign.state, campaign.pause_reason) == (CampaignState.PAUSED, "late_start")
    assert Notice.objects.filter(kind="campaign.paused", user=campaign.author).exists()


def test_an_expansion_that_was_cut_off_goes_on_where_it_stopped(
    ready: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expanding, "CHUNK_ROWS", 40)
    campaign = ready(100)
    sending.start_due()
    campaign.refresh_from_db()
    compiled = expanding.template.compile(campaign.content)
    chunk = list(expanding._next_recipients(campaign))
    stale = type(campaign).objects.get(pk=campaign.pk)
    assert expanding._write_chunk(campaign, compiled, chunk)
    assert not expanding._write_chunk(stale, compiled, chunk), "a stale twin wrote again"
    sending.expand(campaign.pk)
    sending.expand(campaign.pk)
    assert campaign.messages.count() == 100
    assert not engine.broken()


def test_a_refusal_is_not_billed_and_an_opt_out_after_import_is_respected(
    make_campaign: Callable[..., Any], carrier: Any, process: PracticeCarrier
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, [SURE, "+12025550185", "+12025550186", "+12025550123"])
    engine.submit(campaign, carrier)
    OptOut.objects.create(workspace=campaign.workspace, number="+12025550123", source="reply")
    engine.run(campaign)
    reasons = dict(campaign.messages.values_list("number", "reason"))
    assert reasons == {
        SURE: "",
        "+12025550185": "content_rejected",
        "+12025550186": "unsupported_country",
        "+12025550123": "opted_out",
    }
    assert sum(engine.accepted_lines(process).values()) == 1
    assert sum(Charge.objects.values_list("segments", flat=True)) == 1
    assert not engine.broken()


def test_a_withdrawn_sender_pauses_before_anything_leaves(
    ready: Callable[..., Any], process: PracticeCarrier
) -> None:
    campaign = ready(5)
    campaign.sender.__class__.objects.update(state=SenderState.WITHDRAWN)
    engine.run(campaign)
    assert (campaign.state, campaign.pause_reason) == (CampaignState.PAUSED, "sender")
    assert not engine.accepted_lines(process)


def test_credentials_the_carrier_refuses_pause_the_campaign_and_lose_nothing(
    ready: Callable[..., Any], carrier: Any, process: PracticeCarrier
) -> None:
    carrier.options = {**carrier.options, "token": "wrong"}
    carrier.save()
    campaign = engine.run(ready(3))
    assert (campaign.state, campaign.pause_reason) == (CampaignState.PAUSED, "carrier_refused")
    assert engine.stored(campaign) == {"queued": 3}
    carrier.options = process.settings
    carrier.save()
    campaign.move("resume", by=campaign.author, pause_reason="")
    Batch.objects.update(not_before=None)
    engine.run(campaign)
    assert engine.stored(campaign) == {"accepted": 3}
    assert not engine.broken()


def test_a_batch_that_ends_while_the_end_is_looked_for_holds_nothing_up(
    ready: Callable[..., Any],
) -> None:
    """What is left is read once: between two looks the last batch may have been settled."""
    campaign = ready(1)
    sending.start_due()
    sending.expand(campaign.pk)
    looks = []

    def settled_behind_it(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if "campaigns_batch" in sql and sql.startswith("SELECT"):
            looks.append(sql)
            if len(looks) == 1:
                Batch.objects.filter(campaign=campaign).update(state=BatchState.DONE, left=0)
        return answer

    with connection.execute_wrapper(settled_behind_it):
        ending.finish(campaign.pk)
    assert looks
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SENDING
    ending.finish(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.COMPLETED


class TestThresholds:
    @pytest.mark.parametrize(
        ("limit", "content", "leave"),
        [(10, "short", 10), (10, LONG, 9), (0, "short", 0), (5, LONG, 3), (700, "short", 700)],
    )
    def test_nothing_passes_it_by_one_segment(
        self, limit: int, content: str, leave: int, ready: Callable[..., Any], admin: User,
        process: PracticeCarrier,
    ) -> None:  # fmt: skip
        """Also Q1 (0 means send nothing) and Q7 (3 segments into a room of 2: not sent)."""
        campaign = ready(720, content=content)
        thresholds.set_limit(campaign.workspace, Period.DAY, limit, 80, admin)
        engine.run(campaign)
        assert campaign.state == CampaignState.SUSPENDED
        segments = 3 if content == LONG else 1
        assert sum(engine.accepted_lines(process).values()) * segments == leave
        assert ThresholdWindow.objects.get().used == leave
        assert {u.pk for u in (admin, campaign.author)} <= set(
            Notice.objects.filter(kind="campaign.suspended").values_list("user", flat=True)
        )
        assert not engine.broken()

    def test_two_campaigns_share_what_is_left(
        self, ready: Callable[..., Any], admin: User, process: PracticeCarrier
    ) -> None:
        first, second = ready(300), ready(300)
        thresholds.set_limit(first.workspace, Period.MONTH, 431, 80, admin)
        sending.start_due()
        sending.expand(first.pk)
        sending.expand(second.pk)
        sending.dispatch(20)
        assert sum(engine.accepted_lines(process).values()) == 431
        states = set(type(first).objects.values_list("state", flat=True))
        assert states == {CampaignState.COMPLETED, CampaignState.SUSPENDED}
        assert not engine.broken()

    def test_raising_it_resumes_nothing_until_a_person_does(
        self, ready: Callable[..., Any], admin: User, process: PracticeCarrier
    ) -> None:
        campaign = ready(30)
        thresholds.set_limit(campaign.workspace, Period.DAY, 10, 80, admin)
        engine.run(campaign)
        thresholds.set_limit(campaign.workspace, Period.DAY, 1000, 80, admin)
        engine.run(campaign)
        assert campaign.state == CampaignState.SUSPENDED
        campaign.move("resume_suspended", by=admin)
        Batch.objects.filter(campaign=campaign).update(hold=Hold.NONE)
        engine.run(campaign)
        assert campaign.state == CampaignState.COMPLETED
        assert sum(engine.accepted_lines(process).values()) == 30
        assert not engine.broken()

    def test_a_refused_message_gives_its_segments_back(
        self, make_campaign: Callable[..., Any], carrier: Any, admin: User
    ) -> None:
        campaign = make_campaign(content=LONG)
        engine.fill(campaign, ["+12025550185", SURE])
        thresholds.set_limit(campaign.workspace, Period.DAY, 6, 80, admin)
        engine.run(engine.submit(campaign, carrier))
        assert ThresholdWindow.objects.get().used == 3
        assert not engine.broken()

    def test_one_set_while_messages_are_under_way_counts_them(
        self, ready: Callable[..., Any], admin: User
    ) -> None:
        campaign = ready(600)
        sending.start_due()
        sending.expand(campaign.pk)
        claiming.claim()
        thresholds.set_limit(campaign.workspace, Period.DAY, 550, 80, admin)
        engine.run(ready(10))
        assert ThresholdWindow.objects.get().used >= 550
        sending.dispatch(20)
        assert not engine.broken()

    def test_lowered_below_what_is_used_it_grants_nothing_more(
        self, ready: Callable[..., Any], admin: User, process: PracticeCarrier
    ) -> None:
        """Q4."""
        first = ready(20)
        thresholds.set_limit(first.workspace, Period.DAY, 100, 80, admin)
        engine.run(first)
        thresholds.set_limit(first.workspace, Period.DAY, 5, 80, admin)
        second = engine.run(ready(1))
        assert second.state == CampaignState.SUSPENDED
        assert sum(engine.accepted_lines(process).values()) == 20
        window = ThresholdWindow.objects.get()
        assert (window.used, window.limit, window.ceiling) == (20, 5, 20)
        assert not engine.broken()

    def test_what_is_reserved_stays_in_the_window_of_its_day(
        self, ready: Callable[..., Any], admin: User
    ) -> None:
        """Q8: midnight passes between the reservation and the carrier's answer."""
        campaign = ready(20)
        thresholds.set_limit(campaign.workspace, Period.DAY, 100, 80, admin)
        sending.start_due()
        sending.expand(campaign.pk)
        claiming.claim()
        day = timedelta(days=1)
        ThresholdWindow.objects.update(start=F("start") - day, end=F("end") - day)
        Batch.objects.update(
            reserved_at=F("reserved_at") - day, lease_until=clock.now() - timedelta(seconds=1)
        )
        sending.recover()
        engine.run(campaign)
        engine.run(ready(5))
        assert list(ThresholdWindow.objects.order_by("start").values_list("used")) == [(20,), (5,)]
        assert not engine.broken()

    def test_what_was_granted_is_sent_by_whoever_takes_it_over(
        self, ready: Callable[..., Any], admin: User, process: PracticeCarrier
    ) -> None:
        """The claim that fills the window holds what comes after it, not what it was granted."""
        campaign = ready(720)
        thresholds.set_limit(campaign.workspace, Period.DAY, 10, 80, admin)
        sending.start_due()
        sending.expand(campaign.pk)
        claiming.claim()  # by somebody who dies at once
        Batch.objects.filter(state=BatchState.LEASED).update(
            lease_until=clock.now() - timedelta(seconds=1)
        )
        sending.recover()
        engine.run(campaign)
        assert sum(engine.accepted_lines(process).values()) == 10
        assert campaign.state == CampaignState.SUSPENDED
        assert not engine.broken()

    def test_its_warning_is_told_once(self, ready: Callable[..., Any], admin: User) -> None:
        campaign = ready(85)
        thresholds.set_limit(campaign.workspace, Period.DAY, 100, 80, admin)
        engine.run(campaign)
        engine.run(ready(5))
        assert Notice.objects.filter(kind="threshold.warning", user=admin).count() == 1


class TestHalting:
    def test_a_paused_campaign_sends_nothing_and_resumes_whole(
        self, ready: Callable[..., Any], process: PracticeCarrier
    ) -> None:
        campaign = ready(50)
        sending.start_due()
        sending.expand(campaign.pk)
        campaign.move("pause", by=campaign.author, pause_reason="person")
        sending.dispatch(5)
        assert not engine.accepted_lines(process)
        campaign.move("resume", by=campaign.author, pause_reason="")
        engine.run(campaign)
        assert engine.stored(campaign) == {"accepted": 50}
        assert not engine.broken()

    def test_a_pause_in_the_middle_keeps_what_is_left_for_later(
        self, ready: Callable[..., Any], carrier: Any, process: PracticeCarrier
    ) -> None:
        carrier.rate = 100
        carrier.save()
        campaign = ready(400)
        sending.start_due()
        sending.expand(campaign.pk)
        sending.dispatch(budget=1.0)
        out = sum(engine.accepted_lines(process).values())
        assert 0 < out < 400
        assert engine.stored(campaign) == {"accepted": out, "queued": 400 - out}
        assert not Batch.objects.filter(state=BatchState.LEASED).exists()
        assert not engine.broken()

    def test_stop_cancels_what_has_not_left_and_frees_its_segments(
        self, ready: Callable[..., Any], admin: User, carrier: Any
    ) -> None:
        carrier.rate = 100
        carrier.save()
        campaign = ready(400)
        thresholds.set_limit(campaign.workspace, Period.DAY, 1000, 80, admin)
        sending.start_due()
        sending.expand(campaign.pk)
        sending.dispatch(budget=1.0)
        campaign.move("stop", by=admin)
        ticking.tick()
        counts = engine.stored(campaign)
        assert set(counts) == {"accepted", "cancelled"}
        assert sum(counts.values()) == 400
        assert ThresholdWindow.objects.get().used == counts["accepted"]
        assert not engine.broken()

    def test_stop_before_expansion_still_accounts_for_every_number(
        self, ready: Callable[..., Any]
    ) -> None:
        campaign = ready(10)
        sending.start_due()
        campaign.refresh_from_db()
        campaign.move("stop", by=campaign.author)
        sending.expand(campaign.pk)
        ticking.tick()
        assert engine.stored(campaign) == {"cancelled": 10}
        assert not engine.broken()


class TestCrashes:
    def test_a_lease_that_ran_out_is_sent_by_somebody_else_once(
        self, ready: Callable[..., Any], process: PracticeCarrier
    ) -> None:
        campaign = ready(20)
        sending.start_due()
        sending.expand(campaign.pk)
        [(lease, rows)] = claiming.claim()
        assert len(rows) == 20
        assert sending.recover() == 0, "a living lease was taken away"
        Batch.objects.update(lease_until=clock.now() - timedelta(seconds=1))
        assert sending.recover() == 1
        engine.run(campaign)
        assert engine.stored(campaign) == {"accepted": 20}
        assert not claiming.begin(lease, lease.hi), "the zombie may still send"
        recovering.give_back(lease)
        assert not Batch.objects.exclude(state=BatchState.DONE).exists()
        assert not engine.broken()

    @pytest.mark.parametrize("kind", ["receipts", "queryable", "blind"])
    def test_without_a_key_what_may_have_left_is_in_doubt_and_the_rest_is_sent(
        self, kind: str, ready: Callable[..., Any], carrier: Any, process: PracticeCarrier
    ) -> None:
        process.change(carrier_class=kind)
        carrier.options = {**carrier.options, "class": kind}
        carrier.save()
        campaign = ready(60)
        sending.start_due()
        sending.expand(campaign.pk)
        [(lease, rows)] = claiming.claim()
        assert claiming.begin(lease, rows[9].position)
        Batch.objects.update(lease_until=clock.now() - timedelta(seconds=1))
        sending.recover()
        engine.run(campaign)
        assert campaign.state == CampaignState.COMPLETED
        assert engine.stored(campaign) == {"in_doubt": 10, "accepted": 50}
        assert sum(engine.accepted_lines(process).values()) == 50
        assert MessageEvent.objects.filter(kind="in_doubt").count() == 10
        assert not engine.broken()

    @pytest.mark.parametrize("number", ["0196", "0197", "0198", "0199"])
    def test_an_unclear_answer_is_asked_again_with_the_same_key(
        self, number: str, make_campaign: Callable[..., Any], carrier: Any,
        process: PracticeCarrier, settings: Any,
    ) -> None:  # fmt: skip
        settings.LEASE_SECONDS = 3
        campaign = make_campaign()
        engine.fill(campaign, [f"+1202555{number}"])
        engine.submit(campaign, carrier)
        engine.run(campaign)
        assert engine.stored(campaign) == {"queued": 1}
        Batch.objects.update(not_before=None)
        engine.run(campaign)
        assert engine.stored(campaign) == {"accepted": 1}
        assert set(engine.accepted_lines(process).values()) == {1}
        assert Attempt.objects.count() == 2
        assert not engine.broken()

    def test_a_carrier_that_is_away_costs_time_and_no_message(
        self, ready: Callable[..., Any], carrier: Any, process: PracticeCarrier
    ) -> None:
        process.kill()
        campaign = ready(30)
        sending.start_due()
        sending.expand(campaign.pk)
        assert sending.dispatch(budget=1.0)
        assert engine.stored(campaign) == {"queued": 30}
        process.start()
        carrier.options = process.settings
        carrier.save()
        engine.run(campaign)
        assert engine.stored(campaign) == {"accepted": 30}
        assert not engine.broken()

    def test_a_second_dispatcher_on_sqlite_is_refused(self, ready: Callable[..., Any]) -> None:
        if connection.vendor == "postgresql":
            return
        campaign = ready(1)
        sending.start_due()
        sending.expand(campaign.pk)
        with sending.wire.sole_dispatcher() as alone:
            assert alone
            assert sending.dispatch(5) is False
        assert engine.stored(campaign) == {"queued": 1}


class TestAsking:
    """A carrier that can be asked about a reference clears up what is in doubt."""

    @pytest.fixture
    def doubted(
        self, make_campaign: Callable[..., Any], carrier: Any, process: PracticeCarrier,
        settings: Any,
    ) -> Callable[..., Any]:  # fmt: skip
        settings.LEASE_SECONDS = 3

        def make(number: str, begun_only: bool) -> Any:
            process.change(carrier_class="queryable")
            carrier.options = {**carrier.options, "class": "queryable"}
            carrier.save()
            campaign = make_campaign()
            engine.fill(campaign, [number])
            engine.submit(campaign, carrier)
            if begun_only:
                sending.start_due()
                sending.expand(campaign.pk)
                [(lease, rows)] = claiming.claim()
                assert claiming.begin(lease, rows[0].position)
                self.run_out()
            engine.run(campaign)
            assert engine.stored(campaign) == {"in_doubt": 1}
            self.run_out()
            return campaign

        return make

    def run_out(self) -> None:
        """Let leases and waiting times pass."""
        long_ago = clock.now() - timedelta(minutes=2)
        Batch.objects.filter(state=BatchState.LEASED).update(lease_until=long_ago)
        sending.recover()
        MessageEvent.objects.update(at=long_ago)

    def test_what_it_has_is_settled_and_billed(
        self, doubted: Callable[..., Any], process: PracticeCarrier
    ) -> None:
        campaign = doubted("+12025550196", begun_only=False)
        assert sending.ask() == 1
        assert engine.stored(campaign) == {"accepted": 1}
        assert Charge.objects.get().segments == 1
        assert not engine.broken()

    def test_what_it_never_got_is_sent_after_the_second_no(
        self, doubted: Callable[..., Any], process: PracticeCarrier
    ) -> None:
        campaign = doubted(SURE, begun_only=True)
        assert sending.ask() == 0
        assert sending.ask() == 0, "asked again before a minute had passed"
        MessageEvent.objects.update(at=clock.now() - timedelta(minutes=2))
        assert sending.ask() == 1
        engine.run(campaign)
        assert engine.stored(campaign) == {"accepted": 1}
        assert sum(engine.accepted_lines(process).values()) == 1
        assert campaign.state == CampaignState.COMPLETED
        assert not engine.broken()

    def test_a_second_doubt_is_asked_about_twice_again(
        self, doubted: Callable[..., Any], carrier: Any
    ) -> None:
        """What the carrier said of the first doubt is older than the second call."""
        campaign = doubted(SURE, begun_only=True)
        for _time in range(2):
            sending.ask()
            MessageEvent.objects.update(at=clock.now() - timedelta(minutes=2))
        [(lease, rows)] = claiming.claim()
        assert claiming.begin(lease, rows[0].position)
        self.run_out()
        assert engine.stored(campaign) == {"in_doubt": 1}
        assert sending.ask() == 0
        assert engine.stored(campaign) == {"in_doubt": 1}

    def test_of_a_stopped_campaign_what_it_never_got_is_cancelled(
        self, doubted: Callable[..., Any], admin: User
    ) -> None:
        campaign = doubted(SURE, begun_only=True)
        type(campaign).objects.update(state=CampaignState.SENDING)
        campaign.move("stop", by=admin)
        sending.ask()
        MessageEvent.objects.update(at=clock.now() - timedelta(minutes=2))
        assert sending.ask() == 1
        assert engine.stored(campaign) == {"cancelled": 1}
        assert not engine.broken()
