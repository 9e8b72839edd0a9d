"""Every invariant must be able to turn red: each row breaks one thing behind the product's back."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from billing import thresholds
from billing.models import Period
from sms.gateways.base import Outcome
from tests.campaigns import engine
from tests.campaigns.test_receipts import receipt

pytestmark = pytest.mark.django_db(transaction=True)

BREAKS = {
    "I1 conservation": [
        "UPDATE campaigns_campaign SET total = total + 1",
        "UPDATE campaigns_message SET position = position + 10",
    ],
    "I2 progress": [
        "UPDATE campaigns_batch SET state = 'ready'",
        'UPDATE campaigns_batch SET "left" = 1',
        "UPDATE campaigns_message SET state = 'queued', billed_segments = 0, charge_id = NULL",
    ],
    "I3 single submit": [
        "UPDATE campaigns_message SET carrier_id = 'same'",
        'INSERT INTO campaigns_attempt (batch_id, number, claimed_at, begun_to, "left", ended) '
        "SELECT batch_id, number + 1, claimed_at, begun_to, 0, '' FROM campaigns_attempt",
    ],
    "I4 charges": [
        "UPDATE billing_charge SET segments = segments + 1",
        "UPDATE billing_charge SET amount = amount + 1",
        "UPDATE campaigns_message SET billed_segments = 0",
        "UPDATE billing_charge SET country = 'XX'",
    ],
    "I5 tallies": [
        "UPDATE campaigns_campaigntally SET messages = messages + 1",
        "UPDATE campaigns_campaigntally SET amount = amount + 1",
        "UPDATE campaigns_hourtally SET messages = messages + 1",
    ],
    "I6 thresholds": ["UPDATE billing_thresholdwindow SET used = used - 1"],
    "I7 receipts": ["UPDATE campaigns_deliveryreceipt SET message_id = NULL"],
    "I8 no regress": ["UPDATE campaigns_message SET state = 'accepted'"],
    "I9 authority": [
        "UPDATE campaigns_attempt SET claimed_at = '2020-01-01 00:00:00+00:00'",
        "UPDATE accounts_auditevent SET action = 'campaign.pause' WHERE action = 'campaign.start'",
    ],
    "I10 frozen content": [
        "UPDATE campaigns_campaign SET scenario = 'marketing'",
        "UPDATE campaigns_campaign SET prices = '{}'",
        "UPDATE campaigns_message SET text = 'something else'",
        "UPDATE campaigns_message SET number = '+12025550199'",
        "UPDATE campaigns_message SET segments = segments + 1",
    ],
    "I11 audit": [
        "DELETE FROM accounts_auditevent WHERE action = 'campaign.finish'",
        "UPDATE campaigns_campaign SET state = 'paused'",
    ],
    "I12 failed charges": [
        "DELETE FROM billing_failedcharge",
        "UPDATE billing_failedcharge SET segments = segments + 1",
        "UPDATE billing_failedcharge SET messages = messages - 1",
    ],
}
ROWS = [(name, sql) for name, statements in BREAKS.items() for sql in statements]


@pytest.fixture
def settled(make_campaign: Callable[..., Any], carrier: Any, admin: User) -> Any:
    """A completed campaign with a threshold, a charge, a delivery and a failure."""
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550188", "+12025550180"])
    thresholds.set_limit(campaign.workspace, Period.DAY, 100, 80, admin)
    engine.run(engine.submit(campaign, carrier))
    told_all(campaign, *campaign.messages.order_by("position"))
    assert not engine.broken()
    return campaign


def told_all(campaign: Any, delivered: Any, failed: Any) -> None:
    from campaigns import receipts

    said = [receipt(delivered, Outcome.DELIVERED), receipt(failed, Outcome.UNDELIVERED)]
    receipts.record(campaign.carrier, said, "raw")
    receipts.apply()


@contextmanager
def behind_its_back() -> Iterator[Any]:
    """A cursor that no trigger hinders."""
    server = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if server:
            cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor
        finally:
            if server:
                cursor.execute("SET session_replication_role = DEFAULT")


@pytest.mark.parametrize(("name", "sql"), ROWS)
def test_a_broken_row_turns_its_invariant_red(name: str, sql: str, settled: Any) -> None:
    with behind_its_back() as cursor:
        cursor.execute(sql)
        assert cursor.rowcount > 0, "the statement broke nothing"
    assert name in engine.broken()


def test_every_invariant_is_broken_once_here(settled: Any) -> None:
    from campaigns import verifying

    assert set(verifying.findings()) == set(BREAKS)


def test_the_command_prints_one_object_and_fails_when_something_differs(settled: Any) -> None:
    out = io.StringIO()
    call_command("verify_ledger", "--json", stdout=out)
    assert json.loads(out.getvalue())["differences"] == 0
    with connection.cursor() as cursor:
        cursor.execute("UPDATE campaigns_campaigntally SET messages = messages + 1")
    with pytest.raises(SystemExit) as exit_info:
        call_command("verify_ledger", stdout=io.StringIO())
    assert exit_info.value.code == 1
