"""What was billed and failed after all: signed rows beside the charges, which stand."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from billing.models import Charge, FailedCharge
from campaigns import receipts
from campaigns.models import CampaignTally
from campaigns.sending import wire
from sms.gateways.base import Outcome, Reason
from tests.campaigns import engine
from tests.campaigns.test_receipts import receipt

pytestmark = pytest.mark.django_db(transaction=True)
FAILURES = (Outcome.UNDELIVERED, Outcome.EXPIRED)


@pytest.fixture
def sent(make_campaign: Callable[..., Any], carrier: Any, monkeypatch: Any) -> Any:
    """A completed campaign of three accepted messages under one charge, however busy the machine
    is that sends them.
    """
    monkeypatch.setattr(wire, "SETTLE_SECONDS", 1.0)
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550188", "+12025550180", "+12125550180"])
    engine.run(engine.submit(campaign, carrier))
    assert engine.stored(campaign) == {"accepted": 3}
    return campaign


def tell(campaign: Any, outcome: Outcome, *messages: Any) -> None:
    """One post of receipts that says *outcome* of each of *messages*."""
    reason = None if outcome == Outcome.DELIVERED else Reason.UNREACHABLE
    receipts.record(campaign.carrier, [receipt(m, outcome, reason) for m in messages], "raw")
    receipts.apply()


def rows() -> list[tuple[int, int]]:
    return list(FailedCharge.objects.order_by("pk").values_list("messages", "segments"))


@pytest.mark.parametrize("outcome", FAILURES)
def test_messages_that_fail_after_acceptance_are_one_row_a_charge_and_chunk(
    sent: Any, outcome: Outcome
) -> None:
    first, second, third = sent.messages.order_by("position")
    tell(sent, outcome, first, second)
    assert rows() == [(2, 2)]
    tell(sent, Outcome.DELIVERED, third)
    assert rows() == [(2, 2)]
    assert FailedCharge.objects.get().charge == Charge.objects.get()
    assert Charge.objects.get().segments == 3
    assert not engine.broken()


def test_a_repeated_receipt_counts_once(sent: Any) -> None:
    message = sent.messages.first()
    for _time in range(3):
        tell(sent, Outcome.UNDELIVERED, message)
    tell(sent, Outcome.EXPIRED, message)
    assert rows() == [(1, 1)]
    assert not engine.broken()


def test_a_later_delivery_takes_the_failure_back(sent: Any) -> None:
    message = sent.messages.first()
    tell(sent, Outcome.UNDELIVERED, message)
    tell(sent, Outcome.DELIVERED, message)
    assert rows() == [(1, 1), (-1, -1)]
    assert not engine.broken()


def test_failure_and_delivery_in_one_post_leave_no_row(sent: Any) -> None:
    message = sent.messages.first()
    said = [receipt(message, Outcome.UNDELIVERED), receipt(message, Outcome.DELIVERED)]
    receipts.record(sent.carrier, said, "raw")
    receipts.apply()
    assert rows() == []
    assert not engine.broken()


def test_a_failure_after_no_receipt_counts_too(sent: Any) -> None:
    sent.messages.update(state="no_receipt", reason="no_receipt")
    CampaignTally.objects.filter(campaign=sent, state="accepted").update(
        state="no_receipt", reason="no_receipt"
    )
    tell(sent, Outcome.UNDELIVERED, sent.messages.first())
    assert rows() == [(1, 1)]
    assert not engine.broken()


@pytest.mark.parametrize("outcome", FAILURES)
def test_what_was_in_doubt_is_charged_and_failed_at_once(
    make_campaign: Callable[..., Any], carrier: Any, process: Any, settings: Any, outcome: Outcome
) -> None:
    settings.LEASE_SECONDS = 3
    process.change(carrier_class="receipts")
    carrier.options = {**carrier.options, "class": "receipts"}
    carrier.save()
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550196"])  # accepted, but answered with an error
    engine.run(engine.submit(campaign, carrier))
    assert engine.stored(campaign) == {"in_doubt": 1}
    tell(campaign, outcome, campaign.messages.get())
    assert rows() == [(1, 1)]
    assert Charge.objects.get() == FailedCharge.objects.get().charge
    assert not engine.broken()


def test_the_charge_keeps_whose_campaign_it_was(sent: Any) -> None:
    assert Charge.objects.get().author == sent.author


def test_failures_and_authors_of_before_are_counted_by_the_migration(sent: Any) -> None:
    migration = importlib.import_module("campaigns.migrations.0005_charges_know_more")
    tell(sent, Outcome.UNDELIVERED, *sent.messages.order_by("position")[:2])
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_failedcharge")
        cursor.execute("UPDATE billing_charge SET author_id = NULL")
    assert "I12 failed charges" in engine.broken()
    for _time in range(2):
        migration.copy_authors(apps, None)
        migration.count_failed(apps, None)
    assert rows() == [(2, 2)]
    assert Charge.objects.get().author == sent.author
    assert not engine.broken()
