from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import Charge
from campaigns import giving_up, receipts, sending
from campaigns.models import (
    CampaignTally,
    DeliveryReceipt,
    HourTally,
    Message,
    MessageEvent,
    ReceiptState,
)
from campaigns.states import MESSAGE_MOVES, CampaignState, MessageState
from sms.gateways.base import Outcome, Reason, Receipt
from tests.campaigns import engine
from tests.sms.practice.carrier import PracticeCarrier, Receiver, eventually

pytestmark = pytest.mark.django_db(transaction=True)


def receipt(
    message: Message, outcome: Outcome, reason: Reason | None = None, **fields: Any
) -> Receipt:
    given = {"carrier_id": message.carrier_id or "c-1", "detail": "said so", "done_at": None}
    return Receipt(
        reference=str(message.reference), outcome=outcome, reason=reason, **(given | fields)
    )


@pytest.fixture
def sent(make_campaign: Callable[..., Any], carrier: Any) -> Any:
    """A completed campaign of one accepted message."""
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550188"])
    engine.run(engine.submit(campaign, carrier))
    assert engine.stored(campaign) == {"accepted": 1}
    return campaign


def told(campaign: Any, *said: Receipt) -> str:
    """Record and apply *said* one by one; the message's state afterwards."""
    for each in said:
        receipts.record(campaign.carrier, [each], "raw")
        receipts.apply()
    return campaign.messages.get().state


def test_receipts_of_a_whole_campaign_settle_as_the_carrier_says(
    make_campaign: Callable[..., Any], carrier: Any, process: PracticeCarrier
) -> None:
    with Receiver() as receiver:
        process.change(receipts_url=receiver.url)
        campaign = make_campaign()
        engine.fill(campaign, engine.numbers(300, 3000) + [f"+1202555018{n}" for n in range(9)])
        engine.run(engine.submit(campaign, carrier))
        eventually(lambda: process.stats()["receipts_pending"] == 0)
        engine.take_receipts(carrier, receiver)
    fates = {
        line["reference"]: line["fate"] for line in process.ledger() if line["kind"] == "accepted"
    }
    for message in campaign.messages.exclude(state="rejected"):
        fate = fates[str(message.reference)]
        if fate == "delivered":
            assert message.state == MessageState.DELIVERED
            assert message.receipt_at is not None
        elif fate in ("unreachable", "unknown_subscriber", "blocked_by_carrier"):
            assert (message.state, message.reason) == (MessageState.UNDELIVERED, fate)
    assert engine.stored(campaign) == engine.tallied(campaign)
    assert not engine.broken()


def test_a_repeated_receipt_has_one_effect(sent: Any) -> None:
    delivered = receipt(sent.messages.get(), Outcome.DELIVERED)
    assert told(sent, delivered, delivered, delivered) == MessageState.DELIVERED
    assert DeliveryReceipt.objects.get().repeats == 2
    assert not engine.broken()


def test_news_that_is_not_final_does_not_reopen_a_message(sent: Any) -> None:
    message = sent.messages.get()
    said = [receipt(message, Outcome.DELIVERED), receipt(message, Outcome.PENDING)]
    assert told(sent, *said) == MessageState.DELIVERED
    assert not engine.broken()


def test_a_failure_after_delivery_changes_nothing_and_is_kept_as_a_contradiction(
    sent: Any,
) -> None:
    message = sent.messages.get()
    said = [
        receipt(message, Outcome.DELIVERED),
        receipt(message, Outcome.UNDELIVERED, Reason.UNREACHABLE),
    ]
    assert told(sent, *said) == MessageState.DELIVERED
    assert MessageEvent.objects.get().kind == "contradiction"
    assert not engine.broken()


def test_delivery_after_a_failure_wins_and_is_written_down(sent: Any) -> None:
    message = sent.messages.get()
    said = [
        receipt(message, Outcome.UNDELIVERED, Reason.UNREACHABLE),
        receipt(message, Outcome.DELIVERED),
    ]
    assert told(sent, *said) == MessageState.DELIVERED
    assert sent.messages.get().reason == ""
    assert MessageEvent.objects.filter(was="undelivered", now="delivered").exists()
    assert not engine.broken()


def test_a_receipt_that_outruns_our_commit_waits_for_it(
    make_campaign: Callable[..., Any], carrier: Any
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550188"])
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    early = receipt(campaign.messages.get(), Outcome.DELIVERED)
    assert told(campaign, early) == MessageState.QUEUED
    assert DeliveryReceipt.objects.get().state == ReceiptState.PENDING
    engine.run(campaign)
    receipts.apply()
    assert campaign.messages.get().state == MessageState.DELIVERED
    assert not engine.broken()


def test_a_row_leased_before_is_not_sent_again_when_its_receipt_is_here(
    make_campaign: Callable[..., Any], carrier: Any, process: PracticeCarrier
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550188", "+12025550180"])
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    campaign.batches.update(attempt=1)
    known = campaign.messages.order_by("position").first()
    receipts.record(carrier, [receipt(known, Outcome.DELIVERED)], "raw")
    engine.run(campaign)
    receipts.apply()
    assert engine.stored(campaign) == {"delivered": 1, "accepted": 1}
    assert str(known.reference) not in engine.accepted_lines(process)
    assert sum(Charge.objects.values_list("segments", flat=True)) == 2
    assert not engine.broken()


def test_a_receipt_settles_and_bills_what_was_in_doubt(
    make_campaign: Callable[..., Any], carrier: Any, process: PracticeCarrier, settings: Any
) -> None:
    settings.LEASE_SECONDS = 3
    process.change(carrier_class="receipts")
    carrier.options = {**carrier.options, "class": "receipts"}
    carrier.save()
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550196"])  # accepted, but answered with an error
    engine.run(engine.submit(campaign, carrier))
    assert engine.stored(campaign) == {"in_doubt": 1}
    assert campaign.state == CampaignState.COMPLETED
    assert not Charge.objects.exists()
    assert told(campaign, receipt(campaign.messages.get(), Outcome.DELIVERED)) == "delivered"
    assert Charge.objects.get().segments == 1
    assert not engine.broken()


@pytest.mark.parametrize("state", ["cancelled", "rejected"])
def test_delivery_of_what_we_thought_never_left_wins_and_is_billed(
    state: str, make_campaign: Callable[..., Any], carrier: Any
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550185"])  # refused for its content
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    if state == "cancelled":
        campaign.refresh_from_db()
        campaign.move("stop", by=campaign.author)
        sending.cancel_rest(campaign.pk)
    else:
        engine.run(campaign)
    assert engine.stored(campaign) == {state: 1}
    assert told(campaign, receipt(campaign.messages.get(), Outcome.DELIVERED)) == "delivered"
    assert Charge.objects.get().segments == 1
    assert not engine.broken()


def test_an_unknown_reference_is_kept_and_matched_once_its_message_appears(sent: Any) -> None:
    stray = Receipt("not-one-of-ours", "c-9", Outcome.DELIVERED, None, "", None)
    receipts.record(sent.carrier, [stray], "raw")
    receipts.apply()
    assert DeliveryReceipt.objects.get().state == ReceiptState.PENDING
    DeliveryReceipt.objects.update(arrived_at=timezone.now() - timedelta(minutes=20))
    receipts.apply()
    assert DeliveryReceipt.objects.get().state == ReceiptState.ORPHAN
    DeliveryReceipt.objects.update(reference=str(sent.messages.get().reference))
    assert receipts.rematch_orphans() == 1
    receipts.apply()
    assert sent.messages.get().state == MessageState.DELIVERED


def test_another_carriers_receipt_is_never_applied(sent: Any, other_workspace: Any) -> None:
    foreign = type(sent.carrier).objects.create(
        workspace=other_workspace, name="Other", gateway="loopback", options={}
    )
    receipts.record(foreign, [receipt(sent.messages.get(), Outcome.DELIVERED)], "raw")
    receipts.apply()
    assert sent.messages.get().state == MessageState.ACCEPTED
    assert DeliveryReceipt.objects.get().state == ReceiptState.ORPHAN


def test_a_time_in_the_future_or_the_distant_past_is_replaced_by_ours(sent: Any) -> None:
    odd = datetime(1970, 1, 1, tzinfo=UTC)
    told(sent, receipt(sent.messages.get(), Outcome.DELIVERED, done_at=odd))
    assert abs(sent.messages.get().receipt_at - timezone.now()) < timedelta(minutes=1)
    assert DeliveryReceipt.objects.get().done_at == odd


def test_a_message_without_a_receipt_for_too_long_says_so_and_a_late_one_upgrades_it(
    sent: Any,
) -> None:
    long_ago = timezone.now() - timedelta(days=10)
    Message.objects.update(accepted_at=long_ago)
    hour = long_ago.replace(minute=0, second=0, microsecond=0)
    HourTally.objects.update(hour=hour)
    type(sent).objects.update(started_at=long_ago)
    assert giving_up.give_up_waiting() == 1
    assert sent.messages.get().state == MessageState.NO_RECEIPT
    assert CampaignTally.objects.get(state="no_receipt").messages == 1
    assert told(sent, receipt(sent.messages.get(), Outcome.DELIVERED)) == "delivered"
    assert not engine.broken()


class TestEndpoint:
    def test_receipts_are_stored_before_they_are_acknowledged(
        self, sent: Any, process: PracticeCarrier
    ) -> None:
        with Receiver() as receiver:
            process.change(receipts_url=receiver.url)
            process.submit("11111111-1111-1111-1111-111111111111", "+12025550180")
            post = eventually(lambda: receiver.posts)[0]
        path = f"/receipts/{sent.carrier.receipts_token}/"
        headers = {k: v for k, v in post.headers.items() if k.startswith("x-practice")}
        answer = Client(headers=headers).post(path, post.body, content_type="application/json")
        assert answer.status_code == 200
        assert DeliveryReceipt.objects.count() == 1
        forged = Client().post(path, post.body, content_type="application/json")
        assert forged.status_code == 403
        assert DeliveryReceipt.objects.count() == 1

    def test_an_unknown_path_is_not_found_and_a_huge_body_is_refused_unread(
        self, sent: Any
    ) -> None:
        client = Client()
        assert client.post("/receipts/nobody/", b"[]", "application/json").status_code == 404
        path = f"/receipts/{sent.carrier.receipts_token}/"
        assert client.post(path, b"x" * 300_000, "application/json").status_code == 413


@pytest.mark.parametrize("target", sorted(MESSAGE_MOVES))
@pytest.mark.parametrize("was", sorted(MESSAGE_MOVES))
def test_no_message_leaves_delivered_and_none_comes_back_to_waiting(
    was: MessageState, target: MessageState
) -> None:
    allowed = target in MESSAGE_MOVES[was]
    if was == MessageState.DELIVERED or target == was:
        assert not allowed
    if target == MessageState.QUEUED:
        assert allowed == (was == MessageState.IN_DOUBT)
