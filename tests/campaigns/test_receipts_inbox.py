"""The inbox when carriers say odd things, and when the database is away."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing.models import ThresholdWindow
from campaigns import receipts, sending
from campaigns.models import DeliveryReceipt, Message, MessageEvent, ReceiptState
from campaigns.states import MessageState
from sms.gateways.base import Outcome, Reason, Receipt
from tests.campaigns import engine
from tests.chaos.flood import Address, Said
from tests.services import free_port

pytestmark = pytest.mark.django_db(transaction=True)
NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)


def said(message: Message, outcome: Outcome, **fields: Any) -> Receipt:
    given = {"carrier_id": f"c-{message.pk}", "reason": None, "detail": "", "done_at": None}
    return Receipt(reference=str(message.reference), outcome=outcome, **(given | fields))


def tell(campaign: Any, *told: Receipt) -> None:
    receipts.record(campaign.carrier, told, "raw")
    receipts.apply()


@pytest.fixture
def expanded(make_campaign: Callable[..., Any], carrier: Any) -> Callable[[int], Any]:
    """A campaign whose messages are written and not yet handed over."""

    def make(count: int) -> Any:
        campaign = make_campaign()
        engine.fill(campaign, engine.numbers(count, 3000))
        engine.submit(campaign, carrier)
        sending.start_due()
        sending.expand(campaign.pk)
        return campaign

    return make


@pytest.fixture
def sent(make_campaign: Callable[..., Any], carrier: Any) -> Any:
    """A completed campaign of three accepted messages."""
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180", "+12125550180", "+13035550180"])
    engine.run(engine.submit(campaign, carrier))
    assert engine.stored(campaign) == {"accepted": 3}
    return campaign


def test_a_receipt_that_cannot_be_applied_is_set_apart_and_the_others_are_applied(
    sent: Any,
) -> None:
    first, broken, last = sent.messages.order_by("pk")
    Message.objects.filter(pk=broken.pk).update(state="unheard-of")
    tell(sent, *(said(message, Outcome.DELIVERED) for message in (first, broken, last)))
    apart = DeliveryReceipt.objects.exclude(state=ReceiptState.APPLIED).get()
    assert (apart.reference, apart.state) == (str(broken.reference), ReceiptState.ORPHAN)
    assert apart.why == "it could not be applied (ValueError)"
    Message.objects.filter(pk=broken.pk).update(state=MessageState.ACCEPTED)
    assert receipts.rematch_orphans() == 1
    receipts.apply()
    assert engine.stored(sent) == {"delivered": 3}
    assert not engine.broken()


def test_what_no_column_can_hold_does_not_refuse_a_receipt(sent: Any) -> None:
    odd, plain, _other = sent.messages.order_by("pk")
    tell(
        sent,
        said(odd, Outcome.DELIVERED, detail="a\0b", carrier_id="\0", segments=70_000),
        said(plain, Outcome.DELIVERED, segments=-1),
    )
    receipts.record(sent.carrier, [said(plain, Outcome.PENDING)], "\0")
    assert engine.stored(sent) == {"delivered": 2, "accepted": 1}
    assert DeliveryReceipt.objects.count() == 3


def test_a_reference_counts_however_a_carrier_writes_it(sent: Any) -> None:
    first, second, _third = sent.messages.order_by("pk")
    loud = replace(said(first, Outcome.DELIVERED), reference=str(first.reference).upper())
    short = replace(said(second, Outcome.DELIVERED), reference=second.reference.hex)
    tell(sent, loud, short)
    assert engine.stored(sent) == {"delivered": 2, "accepted": 1}
    references = set(DeliveryReceipt.objects.values_list("reference", flat=True))
    assert references == {str(first.reference), str(second.reference)}  # as re-sending looks it up


def test_one_request_that_says_the_same_twice_is_one_receipt(sent: Any) -> None:
    once = said(sent.messages.order_by("pk")[0], Outcome.DELIVERED)
    tell(sent, once, once)
    assert DeliveryReceipt.objects.get().state == ReceiptState.APPLIED
    tell(sent, once)
    assert DeliveryReceipt.objects.get().repeats == 1


def test_a_contradiction_is_written_down_once_however_often_it_is_said(sent: Any) -> None:
    message = sent.messages.order_by("pk")[0]
    failed = [
        said(
            message,
            Outcome.UNDELIVERED,
            reason=Reason.UNREACHABLE,
            done_at=NINE + timedelta(minutes=n),
        )
        for n in range(4)
    ]
    tell(sent, said(message, Outcome.DELIVERED), *failed[:2])
    tell(sent, *failed)
    events = list(MessageEvent.objects.values_list("kind", "was", "now"))
    assert events == [("contradiction", "delivered", "undelivered")]
    assert engine.stored(sent) == {"delivered": 1, "accepted": 2}
    assert not engine.broken()


def test_delivery_after_a_failure_is_a_contradiction_written_down_once(sent: Any) -> None:
    message = sent.messages.order_by("pk")[0]
    tell(sent, said(message, Outcome.UNDELIVERED, reason=Reason.UNREACHABLE))
    tell(sent, said(message, Outcome.DELIVERED))
    tell(sent, said(message, Outcome.DELIVERED, done_at=NINE))
    event = MessageEvent.objects.get()
    assert (event.kind, event.was, event.now) == ("contradiction", "undelivered", "delivered")
    assert not engine.broken()


def test_another_carriers_orphan_is_not_tried_again_and_again(
    sent: Any, other_workspace: Any
) -> None:
    foreign = type(sent.carrier).objects.create(
        workspace=other_workspace, name="Other", gateway="loopback", options={}
    )
    receipts.record(foreign, [said(sent.messages.first(), Outcome.DELIVERED)], "raw")
    receipts.apply()
    assert receipts.rematch_orphans() == 0
    assert DeliveryReceipt.objects.get().state == ReceiptState.ORPHAN


def test_an_unknown_reference_is_not_matched_again_after_three_days(sent: Any) -> None:
    stray = Receipt(str(sent.key), "c-9", Outcome.DELIVERED, None, "", None)
    receipts.record(sent.carrier, [stray], "raw")
    DeliveryReceipt.objects.update(arrived_at=timezone.now() - timedelta(hours=73))
    receipts.apply()
    DeliveryReceipt.objects.update(reference=str(sent.messages.first().reference))
    assert receipts.rematch_orphans() == 0
    assert DeliveryReceipt.objects.get().state == ReceiptState.ORPHAN


def _asked_for_batches(work: Callable[[], Any]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        work()
    return sum('"campaigns_batch"' in query["sql"] for query in asked.captured_queries)


def test_receipts_that_are_early_ask_for_their_batches_together(
    expanded: Callable[[int], Any],
) -> None:
    campaign = expanded(30)
    early = [said(message, Outcome.DELIVERED) for message in campaign.messages.all()]
    receipts.record(campaign.carrier, early, "raw")
    assert _asked_for_batches(receipts.apply) <= 2
    assert engine.stored(campaign) == {"queued": 30}
    engine.run(campaign)
    receipts.apply()
    assert engine.stored(campaign) == {"delivered": 30}
    assert not engine.broken()


def test_what_was_given_back_to_a_threshold_is_counted_again_all_at_once(
    make_campaign: Callable[..., Any], carrier: Any, workspace: Any
) -> None:
    workspace.thresholds.create(period="day", limit=100)
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550185"] * 30)  # refused for its content
    engine.run(engine.submit(campaign, carrier))
    assert engine.stored(campaign) == {"rejected": 30}
    assert ThresholdWindow.objects.get().used == 0
    gone = [said(message, Outcome.DELIVERED) for message in campaign.messages.all()]
    receipts.record(campaign.carrier, gone, "raw")
    assert _asked_for_batches(receipts.apply) <= 2
    assert engine.stored(campaign) == {"delivered": 30}
    assert ThresholdWindow.objects.get().used == 30
    assert not engine.broken()


class TestEndpoint:
    @pytest.fixture
    def post(self, sent: Any) -> Callable[[bytes, dict[str, str]], Any]:
        path = f"/receipts/{sent.carrier.receipts_token}/"

        def post(body: bytes, headers: dict[str, str]) -> Any:
            kept = {name: value for name, value in headers.items() if name != "Content-Type"}
            return Client(headers=kept).post(path, body, content_type="application/json")

        return post

    @pytest.fixture
    def signed(self, sent: Any) -> Callable[..., Any]:
        return Address("", sent.carrier.options["token"]).signed

    @pytest.fixture
    def unreachable(self) -> Iterator[None]:
        """The database is at another port: nobody listens there."""
        known = connection.settings_dict["PORT"]
        connection.close()
        connection.settings_dict["PORT"] = free_port()
        yield
        connection.settings_dict["PORT"] = known
        connection.close()

    def test_one_bad_entry_does_not_keep_the_others_of_its_batch_out(
        self, sent: Any, post: Any, signed: Any
    ) -> None:
        good = [Said.fresh(str(message.reference)) for message in sent.messages.all()]
        body, headers = signed([good[0], Said("<b>", "no good id\n"), *good[1:]])
        assert json.loads(body)[1]["reference"] == "<b>"
        assert post(body, headers).status_code == 200
        receipts.apply()
        assert engine.stored(sent) == {"delivered": 3}

    @pytest.mark.postgres
    def test_while_the_database_is_away_carriers_are_asked_to_come_again(
        self, sent: Any, post: Any, signed: Any, unreachable: None
    ) -> None:
        body, headers = signed([Said.fresh("11111111-1111-1111-1111-111111111111")])
        answer = post(body, headers)
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")

    def test_a_carrier_whose_key_changed_is_heard_at_its_second_try(
        self, sent: Any, post: Any
    ) -> None:
        told = [Said.fresh(str(sent.messages.first().reference))]
        old, new = Address("", sent.carrier.options["token"]), Address("", "another-token")
        assert post(*old.signed(told)).status_code == 200
        sent.carrier.options["token"] = new.token
        sent.carrier.save()
        assert 200 in (post(*new.signed(told)).status_code, post(*new.signed(told)).status_code)
        assert post(*old.signed(told)).status_code == 403
