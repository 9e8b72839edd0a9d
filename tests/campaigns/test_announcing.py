"""What people are told of a campaign: with figures, and not more often than it helps."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts import notices
from accounts.models import Notice
from billing import thresholds
from billing.models import Period
from campaigns import clock, drafting
from campaigns.announcing import announce, announce_doubt, announce_question
from campaigns.importing import check
from campaigns.models import Batch, ImportState, MessageEvent, RecipientImport
from campaigns.states import CampaignState, Hold, MessageState
from tests.campaigns.building import Made, make_sent_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture
def doubtful(make_campaign: Any, practice: Any) -> Any:
    """A completed campaign with two messages in doubt, a quarter of an hour ago."""
    made = [Made("in_doubt"), Made("in_doubt"), Made("delivered")]
    campaign = make_sent_campaign(make_campaign(), made, carrier=practice)
    doubt(campaign, timedelta(minutes=15))
    return campaign


def doubt(campaign: Any, ago: timedelta) -> None:
    MessageEvent.objects.bulk_create(
        MessageEvent(
            message=row, kind="in_doubt", was="queued", now="in_doubt", at=clock.now() - ago
        )
        for row in campaign.messages.filter(state=MessageState.IN_DOUBT)
    )


def test_a_suspension_names_the_threshold_and_how_many_wait(
    make_campaign: Any, practice: Any, admin: Any, operator: Any
) -> None:
    made = [Made("queued")] * 3
    campaign = make_sent_campaign(
        make_campaign(), made, carrier=practice, state=CampaignState.SUSPENDED
    )
    Batch.objects.create(
        campaign=campaign,
        carrier=practice,
        lo=0,
        hi=2,
        country="US",
        left=3,
        segments=3,
        hold=Hold.THRESHOLD,
    )
    thresholds.set_limit(campaign.workspace, Period.DAY, 0, 80, admin)
    announce(campaign, "suspended")
    told = Notice.objects.filter(kind="campaign.suspended")
    assert {row.user for row in told} == {admin, operator}
    assert {row.body for row in told} == {
        "The daily threshold of 0 segments is reached: 3 messages wait. "
        "An admin can raise the threshold and resume, or stop the campaign."
    }


def test_messages_that_stay_in_doubt_are_told_once_a_day(
    doubtful: Any, admin: Any, operator: Any, stranger: Any
) -> None:
    announce_doubt(doubtful)
    announce_doubt(doubtful)
    told = Notice.objects.filter(kind="campaign.attention")
    assert {row.user for row in told} == {admin, operator}
    assert told.count() == 2
    assert told[0].title.endswith("has 2 messages in doubt")
    assert "ask the carrier" in told[0].body
    assert told[0].path == f"/campaigns/{doubtful.key}/doubts/"


@pytest.mark.parametrize("ago", [timedelta(minutes=1), timedelta(hours=25)])
def test_a_doubt_of_a_moment_ago_or_of_long_ago_is_no_news(doubtful: Any, ago: timedelta) -> None:
    MessageEvent.objects.update(at=clock.now() - ago)
    announce_doubt(doubtful)
    assert not Notice.objects.exists()


def test_a_refused_file_is_told_to_its_author_alone(
    make_campaign: Any, operator: Any, admin: Any, tmp_path: Path, settings: Any
) -> None:
    settings.UPLOADS = tmp_path
    (tmp_path / "stored").write_bytes(b"MZ\x00\x00 not a sheet")
    campaign = make_campaign()
    source = RecipientImport.objects.create(
        workspace=campaign.workspace, created_by=operator, original_name="list.xlsx",
        stored_name="stored", size=16, state=ImportState.CHECKING,
    )  # fmt: skip
    type(campaign).objects.filter(pk=campaign.pk).update(recipients=source)
    check.check(source.pk)
    source.refresh_from_db()
    assert source.state == ImportState.FAILED
    told = Notice.objects.get()
    assert (told.user, told.kind) == (operator, "campaign.attention")
    assert told.path == f"/campaigns/{campaign.key}/edit/"
    assert "list.xlsx" not in told.title + told.body


@pytest.mark.parametrize(
    ("reason", "todo"),
    [
        ("carrier_refused", "Look with the carrier at the account"),
        ("late_start", "whether the text still holds true"),
    ],
)
def test_a_pause_that_nobody_asked_for_says_what_to_do(
    make_campaign: Any, admin: Any, reason: str, todo: str
) -> None:
    announce(make_campaign(state="paused", pause_reason=reason), "paused")
    body = Notice.objects.get(user=admin).body
    assert todo in body
    assert "resume the campaign" in body


def test_a_question_of_a_file_is_told_once_and_is_done_with_its_answer(
    make_campaign: Any, operator: Any, admin: Any, tmp_path: Path, settings: Any
) -> None:
    settings.UPLOADS = tmp_path
    text = b"customer,name\n+12025550123,Ann\n"
    (tmp_path / "stored").write_bytes(text)
    campaign = make_campaign()
    source = RecipientImport.objects.create(
        workspace=campaign.workspace, created_by=operator, original_name="list.csv",
        stored_name="stored", size=len(text), state=ImportState.CHECKING,
    )  # fmt: skip
    type(campaign).objects.filter(pk=campaign.pk).update(recipients=source)
    campaign.refresh_from_db()
    check.check(source.pk)
    told = Notice.objects.get()
    assert (told.user, told.kind, told.read_at) == (operator, "campaign.question", None)
    assert told.path == f"/campaigns/{campaign.key}/numbers/"
    assert list(notices.unsent_mails()) == [told]
    source.refresh_from_db()
    announce_question(source)
    assert Notice.objects.count() == 1
    campaign.refresh_from_db()
    assert drafting.answer(campaign, {"number_column": "customer"}, operator)
    assert not notices.unsent_mails().exists()
    told.refresh_from_db()
    assert told.read_at is not None
