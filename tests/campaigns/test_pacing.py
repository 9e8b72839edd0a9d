"""When a carrier is left alone. The time is brought along."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.sending import resting
from campaigns.sending.pacing import FEWER_DOUBTS, PAUSE_SECONDS, Breaker
from carriers.models import Carrier
from tests.campaigns import engine
from tests.sms.practice.carrier import PracticeCarrier


def trouble(breaker: Breaker, times: int, *, doubtful: bool = True, at: float = 0.0) -> list[bool]:
    return [breaker.failed(at, doubtful=doubtful) for _ in range(times)]


@pytest.mark.parametrize("most", [FEWER_DOUBTS, 5])
def test_some_doubts_in_a_row_open_it_once(most: int) -> None:
    breaker = Breaker(most)
    assert trouble(breaker, most - 1) == [False] * (most - 1)
    assert breaker.may_call(0.0)
    assert trouble(breaker, 3) == [True, False, False]
    assert not breaker.may_call(0.9)


def test_a_certain_answer_in_between_starts_the_row_anew() -> None:
    breaker = Breaker(3)
    for _ in range(10):
        trouble(breaker, 2)
        assert not breaker.answered()
    assert breaker.may_call(0.0)


def test_one_call_at_a_time_finds_out_and_a_bad_answer_costs_half_a_minute() -> None:
    breaker = Breaker(3)
    trouble(breaker, 3)
    assert breaker.may_call(1.0)
    breaker.called()
    assert not breaker.may_call(1.0)
    trouble(breaker, 1, at=2.0)
    assert not breaker.may_call(1.9 + PAUSE_SECONDS)
    assert breaker.may_call(2.0 + PAUSE_SECONDS)
    breaker.called()
    assert breaker.answered()
    assert breaker.may_call(40.0)
    breaker.called()
    assert breaker.may_call(40.0), "one call at a time, although the carrier is well"


def test_a_late_answer_to_a_call_of_before_closes_nothing() -> None:
    breaker = Breaker(3)
    trouble(breaker, 3)
    assert not breaker.answered()
    assert not breaker.may_call(0.5)


def test_connections_refused_together_are_one_step_back() -> None:
    breaker = Breaker()
    assert not any(trouble(breaker, 64, doubtful=False))
    assert breaker.may_call(0.5)
    opened = [breaker.failed(at, doubtful=False) for at in (0.5, 1.5, 3.5, 7.5)]
    assert opened == [False, False, False, True]


def test_what_others_know_is_learnt() -> None:
    breaker = Breaker()
    breaker.learn(0.0, 12.0)
    assert not breaker.may_call(11.0)
    breaker.learn(11.0, None)
    assert breaker.may_call(11.0)


def test_of_all_dispatchers_one_may_probe(practice: Carrier) -> None:
    resting.begin(practice.pk)
    assert not resting.take_probe(practice.pk), "the first pause is not over"
    assert 0 < resting.seconds_left([practice.pk])[practice.pk] <= 1
    Carrier.objects.update(resting_until="2020-01-01T00:00:00Z")
    resting.begin(practice.pk)
    assert [resting.take_probe(practice.pk) for _ in range(3)] == [True, False, False]
    assert resting.seconds_left([practice.pk])[practice.pk] > PAUSE_SECONDS - 2
    resting.end(practice.pk)
    assert resting.seconds_left([practice.pk]) == {}


@pytest.mark.django_db(transaction=True)
def test_a_carrier_that_rests_is_asked_once_and_everything_goes_on_when_it_answers(
    make_campaign: Any, carrier: Any, process: PracticeCarrier
) -> None:
    carrier.options = {**carrier.options, "class": "blind"}
    carrier.window = 1
    carrier.save()
    process.change(carrier_class="blind", faults={"error_before": 1.0})
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180"] * 40)
    engine.run(engine.submit(campaign, carrier), budget=4)
    assert engine.stored(campaign) == {"in_doubt": FEWER_DOUBTS + 1, "queued": 39 - FEWER_DOUBTS}
    process.change(faults={})
    engine.run(campaign, budget=3)
    assert not engine.accepted_lines(process), "another dispatcher called before its time"
    Carrier.objects.update(resting_until="2020-01-01T00:00:00Z")
    engine.run(campaign, budget=20)
    assert engine.stored(campaign) == {"in_doubt": FEWER_DOUBTS + 1, "accepted": 39 - FEWER_DOUBTS}
    assert Carrier.objects.get().resting_until is None
    assert not engine.broken()
