"""A carrier account whose options cannot work stops its own campaigns and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Workspace
from campaigns import clock, sending
from campaigns.models import Batch, Campaign
from campaigns.sending import claiming
from campaigns.states import BatchState, CampaignState
from carriers.models import Carrier
from tests.campaigns import engine

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other(workspace: Workspace, carrier: Any) -> Any:
    """A second account at the same carrier."""
    return Carrier.objects.create(
        workspace=workspace, name="Other", gateway="loopback", options=carrier.options
    )


@pytest.fixture
def started(make_campaign: Callable[..., Any]) -> Callable[..., Campaign]:
    def make(account: Any) -> Campaign:
        campaign = make_campaign()
        engine.fill(campaign, ["+12025550180"])
        engine.submit(campaign, account)
        sending.start_due()
        sending.expand(campaign.pk)
        return campaign

    return make


def test_its_campaign_is_paused_and_the_others_are_sent(
    started: Callable[..., Campaign], carrier: Any, other: Any
) -> None:
    wrong, right = started(other), started(carrier)
    Carrier.objects.filter(pk=other.pk).update(options={**other.options, "url": "nowhere"})
    engine.run(right)
    assert engine.stored(right) == {"accepted": 1}
    wrong.refresh_from_db()
    assert (wrong.state, wrong.pause_reason) == (CampaignState.PAUSED, "carrier_refused")
    assert engine.stored(wrong) == {"queued": 1}
    assert not engine.broken()


def test_what_it_had_leased_waits_and_the_others_are_recovered(
    started: Callable[..., Campaign], carrier: Any, other: Any
) -> None:
    wrong, right = started(other), started(carrier)
    for _each in range(2):
        assert claiming.claim()
    long_ago = clock.now() - timedelta(minutes=2)
    Batch.objects.update(lease_until=long_ago)
    Carrier.objects.filter(pk=other.pk).update(options={**other.options, "url": "nowhere"})
    assert sending.recover() == 1
    assert right.batches.get().state == BatchState.READY
    assert wrong.batches.get().state == BatchState.LEASED
    Carrier.objects.filter(pk=other.pk).update(options=other.options)
    assert sending.recover() == 1
