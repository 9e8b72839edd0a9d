"""Races on purpose, with real threads against a real PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from time import sleep
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from redis import Redis

from accounts import audit
from accounts.models import User
from billing import thresholds
from billing.models import Period, ThresholdWindow
from campaigns import copying, erasing, receipts, sending, verifying
from campaigns.models import (
    Batch,
    Campaign,
    CampaignTally,
    Erasure,
    ErasureState,
    MessageEvent,
    Recipient,
    WrongState,
)
from campaigns.sending import claiming, recovering
from campaigns.sending.sharing import Share
from campaigns.states import CampaignState
from sms.gateways.base import Outcome
from tests.campaigns import engine
from tests.campaigns.building import Made, make_sent_campaign
from tests.campaigns.test_receipts import receipt
from tests.sms.practice.carrier import PracticeCarrier

NOBODYS = 999_999_007  # a carrier no other test sends to

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def together(*work: Callable[[], Any]) -> list[Any]:
    """Run every function in a thread of its own, started at the same moment; their answers."""
    gate = threading.Barrier(len(work))
    answers: list[Any] = [None] * len(work)

    def one(index: int) -> None:
        try:
            gate.wait()
            answers[index] = work[index]()
        except WrongState as error:
            answers[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(index,)) for index in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@contextmanager
def meanwhile(work: Callable[[], Any], sql: str, *given: Any) -> Iterator[Future[Any]]:
    """Run *work* in a thread of its own against a lock that *sql* holds until the block ends; the
    block begins when *work* waits for it, or is over without.
    """

    def one() -> Any:
        try:
            return work()
        finally:
            connection.close()

    other = connections.create_connection("default")
    other.set_autocommit(False)
    with closing(other), other.cursor() as cursor, ThreadPoolExecutor(1) as pool:
        cursor.execute(sql, given)
        running = pool.submit(one)
        while not (_somebody_waits() or running.done()):
            sleep(0.01)
        try:
            yield running
        finally:
            other.commit()


def _somebody_waits() -> bool:
    """Does a statement wait for a lock?"""
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def _claimed() -> set[tuple[int, int]]:
    """Claim; the batches and the number of their attempt."""
    return {(lease.batch_id, lease.attempt) for lease, _rows in claiming.claim()}


def test_a_lease_given_back_meanwhile_ends_before_the_next_one_begins(
    make_campaign: Callable[..., Any], carrier: Any
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180"] * 500 * (claiming.BATCHES_AT_ONCE + 1))
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    held = [lease for lease, _rows in claiming.claim()]
    assert len(held) == claiming.BATCHES_AT_ONCE
    with meanwhile(_claimed, "LOCK TABLE senders_registration IN ACCESS EXCLUSIVE MODE") as claimed:
        recovering.give_back(held[0])
    assert (held[0].batch_id, 2) in claimed.result()
    assert verifying.findings()["I3 single submit"] == []


@pytest.mark.parametrize("run", range(3))
def test_four_dispatchers_and_two_campaigns_never_pass_a_threshold(
    run: int, make_campaign: Callable[..., Any], carrier: Any, admin: User,
    process: PracticeCarrier,
) -> None:  # fmt: skip
    for _ in range(2):
        campaign = make_campaign(content="a" * 400)
        engine.fill(campaign, ["+12025550180"] * 1500)
        engine.submit(campaign, carrier)
    thresholds.set_limit(campaign.workspace, Period.DAY, 4321, 80, admin)
    sending.start_due()
    for pk in Campaign.objects.values_list("pk", flat=True):
        sending.expand(pk)
    together(*[lambda: sending.dispatch(30)] * 4)
    sending.dispatch(30)
    assert sum(engine.accepted_lines(process).values()) * 3 == 4320
    assert ThresholdWindow.objects.get().used == 4320
    assert set(engine.accepted_lines(process).values()) == {1}
    assert not engine.broken()


def test_a_message_queued_again_while_its_campaign_completes_is_sent(
    make_campaign: Callable[..., Any], carrier: Any
) -> None:
    """What the look-up decides, it decides of the campaign as it is then."""
    carrier.options = {**carrier.options, "class": "queryable"}
    carrier.save()
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180"])
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    [(lease, rows)] = claiming.claim()
    assert claiming.begin(lease, rows[0].position)
    long_ago = timezone.now() - timedelta(hours=1)
    Batch.objects.update(lease_until=long_ago)
    sending.recover()
    MessageEvent.objects.update(at=long_ago)
    sending.ask()
    MessageEvent.objects.update(at=long_ago)
    completed = "UPDATE campaigns_campaign SET state = 'completed' WHERE id = %s"
    with meanwhile(sending.ask, completed, campaign.pk) as asked:
        audit.record("campaign.finish", campaign, None)
    assert asked.result() == 1
    campaign.refresh_from_db()
    assert (campaign.state, engine.stored(campaign)) == ("sending", {"queued": 1})
    assert verifying.findings()["I2 progress"] == []


def test_who_waits_for_the_workspace_holds_no_tally_that_a_settlement_needs(
    make_campaign: Callable[..., Any], carrier: Any, admin: User
) -> None:
    """Two who take the two in different order stop each other; one of them then fails."""
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180"] * 5)
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    [(lease, _rows)] = claiming.claim()
    recovering.give_back(lease)
    campaign.refresh_from_db()
    campaign.move("stop", by=admin)
    taken = "SELECT 1 FROM accounts_workspace WHERE id = %s FOR NO KEY UPDATE"
    cancel = partial(sending.cancel_rest, campaign.pk)
    with meanwhile(cancel, taken, campaign.workspace_id) as cancelled:
        assert not cancelled.done()
        with transaction.atomic():
            tallies = CampaignTally.objects.filter(campaign=campaign)
            assert list(tallies.select_for_update(nowait=True))
    cancelled.result()
    assert engine.stored(campaign) == {"cancelled": 5}


def test_an_erasure_that_waits_for_the_workspace_holds_no_tally_either(
    make_campaign: Callable[..., Any], carrier: Any, workspace: Any, admin: User, settings: Any,
    tmp_path: Any,
) -> None:  # fmt: skip
    settings.HOME = settings.UPLOADS = settings.EXPORTS = tmp_path
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180", "+12025550181"])
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    [(lease, _rows)] = claiming.claim()
    recovering.give_back(lease)
    erasing.ask(workspace, "+12025550180", "request of 3 May", admin)
    taken = "SELECT 1 FROM accounts_workspace WHERE id = %s FOR NO KEY UPDATE"
    with meanwhile(partial(erasing.run, workspace.pk), taken, workspace.pk) as erased:
        assert not erased.done()
        with transaction.atomic():
            tallies = CampaignTally.objects.filter(campaign=campaign)
            assert list(tallies.select_for_update(nowait=True))
    assert erased.result()
    assert engine.stored(campaign) == {"rejected": 1, "queued": 1}


def test_three_tickers_start_a_campaign_once(
    make_campaign: Callable[..., Any], carrier: Any
) -> None:
    campaigns = [engine.submit(make_campaign(), carrier) for _ in range(10)]
    started = together(*[sending.start_due] * 3)
    assert sorted(pk for found in started for pk in found) == sorted(c.pk for c in campaigns)


def test_cancel_and_start_have_exactly_one_winner(
    make_campaign: Callable[..., Any], carrier: Any, settings: Any
) -> None:
    settings.CANCEL_CUTOFF_SECONDS = 0
    for _ in range(25):
        at = timezone.now() + timedelta(milliseconds=30)
        campaign = engine.submit(make_campaign(), carrier, send_at=at)
        twin = Campaign.objects.get(pk=campaign.pk)

        def start() -> None:
            while Campaign.objects.filter(state=CampaignState.SCHEDULED).exists():
                sending.start_due()

        def cancel(twin: Campaign = twin, at: Any = at) -> str:
            while timezone.now() < at - timedelta(milliseconds=2):
                pass
            twin.move("cancel", by=twin.author)
            return "cancelled"

        _started, cancelled = together(start, cancel)
        campaign.refresh_from_db()
        expected = CampaignState.CANCELLED if cancelled == "cancelled" else CampaignState.SENDING
        assert campaign.state == expected
        Campaign.objects.filter(state=CampaignState.SENDING).update(state=CampaignState.STOPPED)


@pytest.mark.parametrize("act", ["copy", "resend", "typed"])
def test_a_copy_made_while_an_erasure_passes_keeps_nothing_of_the_number(
    act: str, make_campaign: Callable[..., Any], practice: Any, operator: User, settings: Any,
    tmp_path: Any,
) -> None:  # fmt: skip
    """The copy has read the number and is not committed when the pass reaches the list."""
    settings.HOME = settings.UPLOADS = settings.EXPORTS = tmp_path
    theirs, gone = "+61491570156", "+12025550181"
    made = [Made("undelivered", "unreachable", number=n, values=("Ann",)) for n in (theirs, gone)]
    draft = make_campaign([theirs, gone], scenario="otp")  # an opt-out alone keeps no code back
    sent = make_sent_campaign(draft, made, carrier=practice)
    if act == "typed":
        Campaign.objects.filter(pk=sent.pk).update(manual_numbers=theirs)
    else:
        sent.recipients.recipients.filter(number=gone).update(number="", values=[None])
    erasing.ask(sent.workspace, theirs, "request of 3 May", operator)
    thread = threading.Thread(target=_run_erasure, args=(sent.workspace_id,))
    with transaction.atomic():
        if act == "resend":
            copying.resend(sent, operator, uuid4(), ["unreachable"])
        else:
            copying.duplicate(sent, operator, uuid4(), recipients=True)
        thread.start()
        thread.join(3)  # to its end, or until it waits
    thread.join()
    assert Campaign.objects.count() == 2
    assert not Recipient.objects.filter(number=theirs).exists()
    assert not Campaign.objects.filter(manual_numbers__contains=theirs).exists()
    assert Erasure.objects.get().state == ErasureState.DONE


def _run_erasure(workspace_id: int) -> None:
    try:
        erasing.run(workspace_id)
    finally:
        connection.close()


def test_two_expansions_at_once_write_each_message_once(
    make_campaign: Callable[..., Any], carrier: Any
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, engine.numbers(3000, 3000))
    engine.submit(campaign, carrier)
    sending.start_due()
    together(*[lambda: sending.expand(campaign.pk)] * 3)
    sending.expand(campaign.pk)
    assert campaign.messages.count() == 3000
    assert not engine.broken()


def test_two_appliers_settle_each_receipt_once(
    make_campaign: Callable[..., Any], carrier: Any
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550188"] * 700)
    engine.run(engine.submit(campaign, carrier))
    said = [receipt(message, Outcome.DELIVERED) for message in campaign.messages.all()]
    receipts.record(carrier, said, "raw")
    together(*[receipts.apply] * 3)
    receipts.apply()
    assert engine.stored(campaign) == engine.tallied(campaign) == {"delivered": 700}
    assert not engine.broken()


def test_a_limit_lowered_while_sending_holds_at_once(
    make_campaign: Callable[..., Any], carrier: Any, admin: User, process: PracticeCarrier
) -> None:
    carrier.rate = 400  # slow enough that the last batches are not claimed yet
    carrier.save()
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180"] * 3000)
    thresholds.set_limit(campaign.workspace, Period.DAY, 100_000, 80, admin)
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)

    def lower() -> None:
        while not ThresholdWindow.objects.filter(used__gt=0).exists():
            pass
        thresholds.set_limit(campaign.workspace, Period.DAY, 10, 80, admin)

    together(lower, lambda: sending.dispatch(30))
    campaign.refresh_from_db()
    window = ThresholdWindow.objects.get()
    assert campaign.state == CampaignState.SUSPENDED
    assert 10 < window.used == window.ceiling < 3000
    assert sum(engine.accepted_lines(process).values()) == window.used
    assert not engine.broken()


def test_two_dispatchers_together_keep_to_the_carriers_rate(
    make_campaign: Callable[..., Any], carrier: Any, process: PracticeCarrier
) -> None:
    carrier.rate = 150
    carrier.save()
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180"] * 600)
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    together(*[lambda: sending.dispatch(20)] * 2)
    times = sorted(line["at"] for line in process.ledger() if line["kind"] == "accepted")
    assert len(times) == 600
    busiest = max(sum(start <= at < start + 1 for at in times) for start in times)
    assert busiest <= 150 * 1.2 + 1


def test_a_share_is_left_at_once_and_kept_while_redis_is_away(settings: Any) -> None:
    first, second = Share(), Share()
    assert [first.of(NOBODYS), second.of(NOBODYS), first.of(NOBODYS)] == [1, 2, 2]
    away = Share()
    away.of(NOBODYS)
    away.client = Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    assert away.of(NOBODYS) == 3
    away.client = Share().client
    away.leave()
    first.leave()
    assert second.of(NOBODYS) == 1
    second.leave()
