"""A cancelled campaign stays silent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing.models import Charge
from campaigns import sending, ticking
from campaigns.states import CampaignState
from tests.campaigns import engine
from tests.sms.practice.carrier import PracticeCarrier

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_cancelled_campaign_sends_nothing_however_often_it_is_rung_for(
    make_campaign: Callable[..., Any], carrier: Any, process: PracticeCarrier
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, engine.numbers(20, 100))
    engine.submit(campaign, carrier, send_at=timezone.now() + timedelta(minutes=10))
    campaign.move("cancel", by=campaign.author, ended_at=timezone.now())

    for _ in range(3):
        ticking.tick()
        sending.expand(campaign.pk)
        sending.cancel_rest(campaign.pk)
        sending.dispatch(5.0)

    campaign.refresh_from_db()
    assert campaign.state == CampaignState.CANCELLED
    assert engine.accepted_lines(process) == {}
    assert not campaign.messages.exclude(billed_segments=0).exists()
    assert not Charge.objects.exists()
    assert not engine.broken()
