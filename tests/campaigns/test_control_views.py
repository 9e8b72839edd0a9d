from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import dateformat, timezone

from accounts.models import AuditEvent, Notice
from billing.models import Threshold
from campaigns import tasks
from campaigns.models import Batch, Campaign
from campaigns.states import CAMPAIGN_MOVES, CampaignState
from tests.campaigns.building import Made, make_sent_campaign
from tests.windows import make_window

PAGES = {
    "cancel": ("cancel", "campaigns.cancel"),
    "edit": ("take_back", "campaigns.edit"),
    "pause": ("pause", "campaigns.pause"),
    "resume": ("resume", "campaigns.resume"),
    "resume_suspended": ("resume_suspended", "campaigns.resume_suspended"),
    "stop": ("stop", "campaigns.stop"),
}
GIVEN = {"reason": "Wrong time slot in the text", "typed": "5", "asked": "5"}


@pytest.fixture
def in_state(make_campaign, practice):
    def make(state, **fields):
        given = {"started_at": None, "ended_at": None} if state in ("draft", "scheduled") else {}
        given |= {"send_at": timezone.now() + timedelta(hours=1), "is_scheduled": True, **fields}
        made = [Made("queued")] * 5
        return make_sent_campaign(make_campaign(), made, carrier=practice, state=state, **given)

    return make


@pytest.fixture
def rung(monkeypatch, django_capture_on_commit_callbacks):
    """Ids that the sender was told about once the act was committed."""
    ids = []
    monkeypatch.setattr(tasks.ring, "delay", ids.append)
    return ids


def url(action, campaign):
    return reverse(f"campaigns:{PAGES[action][0]}", args=[campaign.key])


def state_of(campaign):
    return Campaign.objects.get(pk=campaign.pk).state


@pytest.mark.parametrize("action", PAGES)
@pytest.mark.parametrize("state", list(CampaignState))
def test_every_act_in_every_state_moves_or_says_why_not(action, state, signed_in, admin, in_state):
    campaign = in_state(state)
    client = signed_in(admin)
    origins, target = CAMPAIGN_MOVES[action]
    asked = client.get(url(action, campaign), follow=True)
    assert asked.status_code == 200
    assert state_of(campaign) == state
    answer = client.post(url(action, campaign), GIVEN)
    if state in origins:
        assert answer.status_code == 302
        assert state_of(campaign) == target
        assert AuditEvent.objects.filter(action=f"campaign.{action}", actor=admin).count() == 1
    else:
        assert answer.status_code == (302 if state == target else 409)
        assert state_of(campaign) == state
        assert not AuditEvent.objects.filter(action=f"campaign.{action}").exists()


@pytest.mark.parametrize("action", PAGES)
def test_acts_are_for_their_roles_and_for_their_own(action, request, signed_in, in_state, client):
    campaign = in_state(min(CAMPAIGN_MOVES[action][0] - {"draft"}))
    permission = PAGES[action][1]
    for name in ("operator", "colleague", "admin", "finance", "viewer", "stranger"):
        who = request.getfixturevalue(name)
        may = who.membership.can(permission, campaign.author_id)
        expected = 404 if name == "stranger" and may_at_all(who, permission) else 403
        if may and name != "stranger":
            expected = 200
        assert signed_in(who).get(url(action, campaign)).status_code == expected, name
    assert client.post(url(action, campaign)).status_code == 302
    assert campaign.state == state_of(campaign)


def may_at_all(who, permission):
    return who.membership.can(permission)


@pytest.mark.parametrize("action", ["cancel", "edit"])
@pytest.mark.parametrize(
    ("ahead", "allowed"),
    [
        (timedelta(hours=1), True),
        (timedelta(minutes=5, seconds=20), True),
        (timedelta(minutes=4, seconds=59), False),
        (timedelta(seconds=1), False),
    ],
)
def test_a_scheduled_campaign_is_cancelled_or_edited_until_five_minutes_before(
    action, ahead, allowed, signed_in, operator, in_state
):
    campaign = in_state(CampaignState.SCHEDULED, send_at=timezone.now() + ahead)
    client = signed_in(operator)
    asked = client.get(url(action, campaign))
    answer = client.post(url(action, campaign))
    assert (answer.status_code == 302) == allowed
    assert (state_of(campaign) == CAMPAIGN_MOVES[action][1]) == allowed
    assert allowed or answer.status_code == 409
    for page in () if allowed else (asked, answer):
        words = page.content.decode()
        assert f"{in_zone(campaign.cancel_until)} Asia/Kuala_Lumpur" in words
        assert "5 minutes before the start" in words


def in_zone(at):
    """As the campaign's own zone writes it."""
    return dateformat.format(at.astimezone(ZoneInfo("Asia/Kuala_Lumpur")), "D j M Y, H:i")


def test_the_question_of_cancelling_says_until_when_in_the_campaigns_zone(
    signed_in, operator, in_state
):
    campaign = in_state(CampaignState.SCHEDULED, send_at=timezone.now() + timedelta(days=2))
    words = signed_in(operator).get(url("cancel", campaign)).content.decode()
    assert f"{in_zone(campaign.send_at)} Asia/Kuala_Lumpur" in words
    assert f"{in_zone(campaign.cancel_until)[-5:]} Asia/Kuala_Lumpur" in words
    assert f'title="{dateformat.format(campaign.send_at, "D j M Y, H:i:s")} UTC"' in words


def test_after_the_start_cancelling_is_refused_and_stopping_is_offered(
    signed_in, operator, in_state
):
    campaign = in_state(CampaignState.SENDING)
    answer = signed_in(operator).post(url("cancel", campaign))
    words = answer.content.decode()
    assert answer.status_code == 409
    assert "Sending has already begun" in words
    assert url("stop", campaign) in words


def test_cancelling_twice_leads_to_the_same_page(signed_in, operator, in_state):
    campaign = in_state(CampaignState.SCHEDULED)
    client = signed_in(operator)
    first = client.post(url("cancel", campaign), {"reason": "Shift plan changed"})
    second = client.post(url("cancel", campaign))
    assert first.url == second.url == reverse("campaigns:detail", args=[campaign.key])
    event = AuditEvent.objects.get(action="campaign.cancel")
    assert event.data["reason"] == "Shift plan changed"
    assert Campaign.objects.get(pk=campaign.pk).ended_at is not None


def test_taken_back_it_is_a_draft_to_edit(signed_in, operator, in_state):
    campaign = in_state(CampaignState.SCHEDULED)
    answer = signed_in(operator).post(url("edit", campaign))
    assert answer.url == reverse("campaigns:edit", args=[campaign.key])
    assert state_of(campaign) == "draft"


def test_pausing_keeps_who_and_why(signed_in, admin, operator, in_state):
    campaign = in_state(CampaignState.SENDING)
    signed_in(admin).post(url("pause", campaign), {"reason": "Wrong slot"})
    campaign.refresh_from_db()
    assert (campaign.state, campaign.pause_reason) == ("paused", "person")
    assert Notice.objects.filter(user=operator, kind="campaign.paused").exists()


def test_an_authors_own_pause_is_no_news_to_them(signed_in, operator, in_state):
    signed_in(operator).post(url("pause", in_state(CampaignState.SENDING)))
    assert not Notice.objects.filter(user=operator).exists()


def test_resuming_clears_the_reason_and_rings_once_committed(
    signed_in, operator, in_state, rung, django_capture_on_commit_callbacks
):
    campaign = in_state(CampaignState.PAUSED, pause_reason="late_start", started_at=None)
    words = signed_in(operator).get(url("resume", campaign)).content.decode()
    assert "It was due at" in words
    with django_capture_on_commit_callbacks(execute=True):
        signed_in(operator).post(url("resume", campaign))
    campaign.refresh_from_db()
    assert (campaign.state, campaign.pause_reason) == ("sending", "")
    assert campaign.started_at is not None
    assert rung == [campaign.pk]


def test_a_lost_bell_does_not_undo_the_act(
    signed_in, operator, in_state, monkeypatch, django_capture_on_commit_callbacks
):
    def broken(_pk):
        raise OSError("no broker")

    monkeypatch.setattr(tasks.ring, "delay", broken)
    campaign = in_state(CampaignState.PAUSED)
    with django_capture_on_commit_callbacks(execute=False):
        answer = signed_in(operator).post(url("resume", campaign))
    assert answer.status_code == 302
    assert state_of(campaign) == "sending"


@pytest.mark.parametrize("reason", ["", "short", " " * 30])
def test_resuming_what_a_threshold_suspended_needs_a_reason(reason, signed_in, admin, in_state):
    campaign = in_state(CampaignState.SUSPENDED)
    page = signed_in(admin).post(url("resume_suspended", campaign), {"reason": reason})
    assert page.status_code == 200
    assert "field-error" in page.content.decode()
    assert state_of(campaign) == "suspended"


def test_resuming_lets_the_held_batches_go_and_tells_the_room(
    signed_in, admin, in_state, practice, rung, django_capture_on_commit_callbacks
):
    campaign = in_state(CampaignState.SUSPENDED)
    Batch.objects.create(
        campaign=campaign, carrier=practice, country="US", lo=0, hi=4, left=5, segments=7,
        hold="threshold",
    )  # fmt: skip
    threshold = Threshold.objects.create(workspace=campaign.workspace, period="day", limit=100)
    make_window(threshold, limit=100, ceiling=100, used=97)
    client = signed_in(admin)
    words = client.get(url("resume_suspended", campaign)).content.decode()
    assert "5 messages wait; 7 segments need room." in words
    assert "It sends 3 segments and is suspended again." in words
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url("resume_suspended", campaign), GIVEN)
    assert state_of(campaign) == "sending"
    assert not Batch.objects.exclude(hold="").exists()
    assert rung == [campaign.pk]
    event = AuditEvent.objects.get(action="campaign.resume_suspended")
    assert event.data["reason"] == GIVEN["reason"]


@pytest.mark.parametrize("typed", ["", "4", "five", "-5", "5.5", "1e1", "5" * 18])
def test_stopping_needs_the_count_of_those_who_get_nothing(typed, signed_in, operator, in_state):
    campaign = in_state(CampaignState.SENDING)
    page = signed_in(operator).post(url("stop", campaign), {"typed": typed, "asked": "5"})
    assert page.status_code == 200
    assert "field-error" in page.content.decode()
    assert state_of(campaign) == "sending"


def test_stopping_shows_the_count_and_rings(
    signed_in, finance, in_state, rung, django_capture_on_commit_callbacks
):
    campaign = in_state(CampaignState.SENDING)
    client = signed_in(finance)
    words = client.get(url("stop", campaign)).content.decode()
    assert "5 numbers get nothing." in words
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url("stop", campaign), {"typed": " 5 ", "asked": "5"})
    assert state_of(campaign) == "stopped"
    assert rung == [campaign.pk]
    assert AuditEvent.objects.get(action="campaign.stop").data["left"] == 5


def test_a_question_changes_nothing_by_being_asked(signed_in, admin, in_state):
    campaign = in_state(CampaignState.SENDING)
    before = Campaign.objects.filter(pk=campaign.pk).values().get()
    signed_in(admin).get(url("pause", campaign) + "?reason=x&state=paused")
    assert Campaign.objects.filter(pk=campaign.pk).values().get() == before
    assert not AuditEvent.objects.exists()


def test_fields_that_were_not_asked_for_are_ignored(signed_in, operator, in_state):
    campaign = in_state(CampaignState.SENDING)
    more = {"state": "draft", "author": "1", "pause_reason": "late_start", "price": "0"}
    signed_in(operator).post(url("pause", campaign), more)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.pause_reason) == ("paused", "person")
