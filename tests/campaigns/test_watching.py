"""A clock that jumps starts nothing early."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from time import sleep
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Notice, User
from campaigns import clock, sending, watching
from campaigns.models import Batch, Campaign, ClockJump
from campaigns.states import CampaignState
from campaigns.watching import Watch
from tests import turning
from tests.campaigns import engine

HOUR, DAY = 3_600, 86_400


def looked(watch: Watch, *times: tuple[float, float]) -> list[float]:
    return [watch.look(shared, steady, steady) for shared, steady in times]


def test_clocks_that_go_alike_or_drift_slowly_are_right() -> None:
    times = [(1_000_000 + 1.01 * n, float(n)) for n in range(0, 100_000, 5_000)]
    assert max(map(abs, looked(Watch(), *times))) <= 50


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 61, -61])
def test_a_jump_is_seen_with_its_size(jump: int) -> None:
    assert looked(Watch(), (1_000.0, 0.0), (1_005.0 + jump, 5.0)) == [0.0, jump]


def test_an_answer_that_took_minutes_is_no_jump() -> None:
    watch = Watch()
    watch.look(1_000.0, 0.0, 0.0)
    assert watch.look(1_300.0, 5.0, 305.0) == 0.0
    assert watch.look(1_310.0, 310.0, 310.0) == 0.0


@pytest.fixture
def turn(transactional_db: None) -> Iterator[Callable[[float], None]]:
    """The server's clock, to be turned on by so many seconds."""
    with connection.cursor() as cursor:
        for statement in [*turning.CLOCK, f"SET search_path = {turning.PATH}"]:
            cursor.execute(statement)
    watching._watch.adopt()

    def on_by(seconds: float) -> None:
        with connection.cursor() as cursor:
            cursor.execute(turning.TURN, [seconds])

    yield on_by
    with connection.cursor() as cursor:
        for statement in turning.TAKE_AWAY:
            cursor.execute(statement)
    watching._watch.adopt()


def state(campaign: Campaign) -> str:
    campaign.refresh_from_db()
    return campaign.state


@pytest.fixture
def scheduled(make_campaign: Any, practice: Any) -> Campaign:
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180"])
    return engine.submit(campaign, practice, send_at=timezone.now() + timedelta(minutes=20))


@pytest.mark.postgres
@pytest.mark.parametrize("jump", [HOUR, -HOUR, DAY, -DAY])
def test_what_is_scheduled_waits_until_the_clock_is_right_again(
    jump: int, turn: Any, scheduled: Campaign, make_campaign: Any, practice: Any, admin: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(watching, "RIGHT_AGAIN_SECONDS", 0.2)
    at_once = make_campaign()
    engine.fill(at_once, ["+12025550180"])
    assert sending.start_due() == []
    turn(jump)
    assert abs((clock.now() - timezone.now()).total_seconds() - jump) < 5
    engine.submit(at_once, practice, send_at=clock.now())
    Campaign.objects.filter(pk=at_once.pk).update(submitted_at=clock.now())
    for _ in range(3):
        sending.start_due()
    assert state(scheduled) == CampaignState.SCHEDULED
    assert state(at_once) == CampaignState.SENDING
    assert ClockJump.objects.holding().count() == 1
    told = Notice.objects.filter(user=admin, title__startswith="The clock jumped")
    assert told.count() == 1
    turn(0)
    assert watching.is_held(), "one look is not enough"
    sleep(0.3)
    assert not watching.is_held()
    assert not ClockJump.objects.holding().exists()
    Campaign.objects.filter(pk=scheduled.pk).update(send_at=clock.now())
    assert sending.start_due() == [scheduled.pk]


@pytest.mark.postgres
def test_no_pause_lasts_as_long_as_the_clock_was_ahead(
    turn: Any, scheduled: Campaign, practice: Any
) -> None:
    for number, column in enumerate([{"state": "ready"}, {"state": "leased"}], 1):
        tomorrow = timezone.now() + timedelta(days=1)
        Batch.objects.create(
            campaign=scheduled, carrier=practice, country="US", lo=number, hi=number, left=1,
            segments=1, attempt=1, not_before=tomorrow, lease_until=tomorrow, **column,
        )  # fmt: skip
    call_command("confirm_clock")
    ready, leased = Batch.objects.order_by("lo")
    assert ready.not_before is None
    assert leased.lease_until < timezone.now() + timedelta(minutes=2)


@pytest.mark.postgres
def test_a_person_may_say_that_the_new_time_is_right(
    turn: Any, scheduled: Campaign, capsys: pytest.CaptureFixture[str]
) -> None:
    sending.start_due()
    turn(1_500)
    assert sending.start_due() == []
    watching._watch.adopt()  # as a process that was started meanwhile
    assert sending.start_due() == []
    call_command("confirm_clock")
    assert "by this clock again" in capsys.readouterr().out
    assert sending.start_due() == [scheduled.pk]
