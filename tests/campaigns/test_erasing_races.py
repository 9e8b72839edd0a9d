"""A person is forgotten while somebody decides about the messages in doubt to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from campaigns import clock, erasing, resolving, sending
from campaigns.models import Batch, Campaign, Message
from campaigns.resolving import Decision
from campaigns.sending import claiming
from tests.campaigns import engine
from tests.campaigns.test_races import meanwhile

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def doubted(
    make_campaign: Callable[..., Any], carrier: Any, settings: Any, tmp_path: Any, admin: User
) -> Campaign:
    """A campaign with one message, in doubt, whose number is to be erased."""
    settings.HOME = settings.UPLOADS = settings.EXPORTS = tmp_path
    carrier.options = {**carrier.options, "class": "receipts"}
    carrier.save()
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180"])
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    [(lease, rows)] = claiming.claim()
    assert claiming.begin(lease, rows[0].position)
    Batch.objects.update(lease_until=clock.now() - timedelta(minutes=2))
    sending.recover()
    assert engine.stored(campaign) == {"in_doubt": 1}
    erasing.ask(campaign.workspace, "+12025550180", "request of 3 May", admin)
    return campaign


def test_an_erasure_that_waits_for_a_campaign_holds_no_message_that_a_decision_needs(
    doubted: Campaign,
) -> None:
    taken = "SELECT 1 FROM campaigns_campaign WHERE id = %s FOR NO KEY UPDATE"
    with meanwhile(partial(erasing.run, doubted.workspace_id), taken, doubted.pk) as erased:
        assert not erased.done()
        with transaction.atomic():
            assert list(Message.objects.select_for_update(nowait=True))
    assert erased.result()


def test_what_is_queued_again_while_its_recipient_is_emptied_is_forgotten_too(
    doubted: Campaign, admin: User
) -> None:
    taken = "SELECT 1 FROM campaigns_recipientimport WHERE id = %s FOR UPDATE"
    erase = partial(erasing.run, doubted.workspace_id)
    with meanwhile(erase, taken, doubted.recipients_id) as erased:
        assert not erased.done()
        told = resolving.doubts(doubted)
        job = resolving.decide(
            doubted, Decision.QUEUE, admin, "they found none", seen=told.seen, asked=1
        )
        resolving.run(job.pk)
    erased.result()
    erase()
    message = doubted.messages.get()
    assert (message.number, message.text, message.state) == ("", "", "rejected")
    assert not engine.broken()
