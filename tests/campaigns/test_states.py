"""Every move from every state, generated from the table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from campaigns.models import Campaign, WrongState
from campaigns.states import CAMPAIGN_MOVES, CampaignState, MessageState, bucket

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("state", list(CampaignState))
@pytest.mark.parametrize("action", list(CAMPAIGN_MOVES))
def test_a_move_changes_the_state_or_changes_nothing(
    action: str, state: CampaignState, make_campaign: Callable[..., Any]
) -> None:
    campaign = make_campaign(state=state, send_at=timezone.now() + timedelta(hours=1))
    origins, target = CAMPAIGN_MOVES[action]
    if state in origins:
        campaign.move(action, by=campaign.author)
        assert Campaign.objects.get().state == target
        assert AuditEvent.objects.get().action == f"campaign.{action}"
    else:
        with pytest.raises(WrongState):
            campaign.move(action, by=campaign.author)
        assert Campaign.objects.get().state == state
        assert not AuditEvent.objects.exists()


def test_of_two_stale_twins_one_wins(make_campaign: Callable[..., Any]) -> None:
    campaign = make_campaign(state=CampaignState.SENDING)
    twin = Campaign.objects.get(pk=campaign.pk)
    campaign.move("pause", by=campaign.author)
    with pytest.raises(WrongState):
        twin.move("pause", by=campaign.author)


@pytest.mark.parametrize("action", ["cancel", "edit"])
@pytest.mark.parametrize(("seconds", "allowed"), [(302, True), (299, False), (-10, False)])
def test_a_scheduled_campaign_is_taken_back_until_five_minutes_before(
    action: str, seconds: int, allowed: bool, make_campaign: Callable[..., Any]
) -> None:
    """SC10 and SC11; the database's clock decides."""
    send_at = timezone.now() + timedelta(seconds=seconds)
    campaign = make_campaign(state=CampaignState.SCHEDULED, send_at=send_at)
    if allowed:
        campaign.move(action, by=campaign.author)
    else:
        with pytest.raises(WrongState):
            campaign.move(action, by=campaign.author)


@pytest.mark.parametrize(
    ("ahead", "allowed"),
    [
        pytest.param(timedelta(minutes=5), True, id="SC10-exactly-five-minutes"),
        pytest.param(timedelta(minutes=5) - timedelta(milliseconds=1), False, id="SC10-4:59.999"),
        pytest.param(timedelta(0), False, id="SC10-at-the-start"),
        pytest.param(-timedelta(minutes=1), False, id="SC10-after-the-start"),
        pytest.param(timedelta(minutes=4, seconds=59), False, id="SC11-edit-inside-the-line"),
    ],
)
def test_the_line_is_exact_to_the_millisecond(
    ahead: timedelta, allowed: bool, make_campaign: Callable[..., Any]
) -> None:
    """The very query that cancel and edit are guarded by, asked about a chosen instant."""
    send_at = datetime(2027, 1, 15, 12, tzinfo=UTC)
    make_campaign(state=CampaignState.SCHEDULED, send_at=send_at)
    assert Campaign.objects.cancellable(at=send_at - ahead).exists() is allowed


def test_a_draft_can_be_cancelled_whatever_its_time_says(
    make_campaign: Callable[..., Any],
) -> None:
    campaign = make_campaign(send_at=timezone.now())
    campaign.move("cancel", by=campaign.author)
    assert campaign.ended_at is not None


@pytest.mark.parametrize("state", list(MessageState))
def test_every_message_is_in_one_of_three_buckets(state: MessageState) -> None:
    with_receipts, without = bucket(state), bucket(state, gives_receipts=False)
    assert {with_receipts, without} <= {"sent", "failed", "other"}
    assert (with_receipts != without) == (state == MessageState.ACCEPTED)
