"""Numbers are masked; who may reveals them, for 15 minutes, for a reason that is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from campaigns import revealing
from campaigns.models import ImportProblem, Reveal
from campaigns.states import CampaignState
from tests.campaigns.building import make_sent_campaign, revealed

WHOLE, MASKED = "+61 491 570 006", "+61 49 ••• 0006"
GAP = "\u00a0•••\u00a0"
WHY = {"reason": "A customer complains"}


@pytest.fixture
def sent(make_campaign, practice):
    def make(**fields):
        return make_sent_campaign(make_campaign(), carrier=practice, **fields)

    return make


def url(campaign, name="detail"):
    return reverse(f"campaigns:{name}", args=[campaign.key])


def page(client, campaign):
    return client.get(url(campaign)).content.decode()


def test_numbers_are_shown_after_a_reason_and_until_a_time(signed_in, operator, sent):
    campaign, client = sent(), signed_in(operator)
    assert MASKED in page(client, campaign)
    assert client.post(url(campaign, "reveal"), WHY).url == url(campaign) + "#phones"
    words = page(client, campaign)
    assert WHOLE in words
    assert MASKED not in words
    assert "Numbers are shown until" in words
    assert "Hide now" in words
    made = Reveal.objects.get()
    assert made.until - made.at == revealing.LASTS == timedelta(minutes=15)
    assert (made.user, made.reason) == (operator, WHY["reason"])


def test_asking_changes_nothing(signed_in, operator, sent):
    campaign, client = sent(), signed_in(operator)
    assert client.get(url(campaign, "reveal")).status_code == 200
    assert client.get(url(campaign, "hide")).status_code == 405
    assert not Reveal.objects.exists()


@pytest.mark.parametrize(
    "reason", ["", "    ", "why", "x" * 201, "Called from +61 491 570 006", "0491570006 complains"]
)
def test_a_reason_is_needed_and_names_no_number(reason, signed_in, operator, sent):
    campaign, client = sent(), signed_in(operator)
    answer = client.post(url(campaign, "reveal"), {"reason": reason})
    assert "id_reason_error" in answer.content.decode()
    assert not Reveal.objects.exists()


def test_a_ticket_may_be_named(signed_in, operator, sent):
    campaign = sent()
    signed_in(operator).post(url(campaign, "reveal"), {"reason": "Ticket 123456"})
    assert revealing.is_open(campaign, operator)


@pytest.mark.parametrize(
    ("who", "status"),
    [("colleague", 403), ("finance", 403), ("viewer", 403), ("stranger", 404)],
)
def test_who_may_not_is_refused_and_nothing_is_written(who, status, request, signed_in, sent):
    campaign, client = sent(), signed_in(request.getfixturevalue(who))
    assert client.get(url(campaign, "reveal")).status_code == status
    assert client.post(url(campaign, "reveal"), WHY).status_code == status
    assert client.post(url(campaign, "hide")).status_code == status
    assert not Reveal.objects.exists()
    with pytest.raises(PermissionDenied):
        revealing.reveal(campaign, request.getfixturevalue(who), "Because", timezone.now())


def test_it_is_for_one_person_and_one_campaign(signed_in, operator, admin, sent):
    first, second = revealed(sent(), admin), sent()
    assert revealing.is_open(first, admin)
    assert not revealing.is_open(first, operator)
    assert not revealing.is_open(second, admin)
    assert WHOLE not in page(signed_in(operator), first)
    assert WHOLE not in page(signed_in(admin), second)


def test_it_ends_by_itself(signed_in, operator, sent):
    campaign, client = revealed(sent(), operator), signed_in(operator)
    words = page(client, campaign)
    assert 'hx-trigger="load delay:90' in words
    Reveal.objects.update(until=timezone.now())
    words = page(client, campaign)
    assert WHOLE not in words
    assert "delay:" not in words.partition('id="phone-rows"')[2]


def test_the_page_asks_once_more_when_it_is_over_and_not_before(operator, sent):
    until = timezone.now() + timedelta(seconds=60)
    assert 60 <= revealing.seconds_left(until) <= 62
    assert revealing.seconds_left(until - timedelta(minutes=5)) == 2


def test_hiding_ends_it_at_once_and_twice_is_once(signed_in, operator, sent):
    campaign, client = revealed(revealed(sent(), operator), operator), signed_in(operator)
    assert client.post(url(campaign, "hide")).url == url(campaign) + "#phones"
    client.post(url(campaign, "hide"))
    assert not revealing.is_open(campaign, operator)
    assert WHOLE not in page(client, campaign)
    assert AuditEvent.objects.filter(action="campaign.hide").count() == 1


def test_it_ends_with_the_role(signed_in, operator, sent):
    campaign = revealed(sent(), operator)
    operator.membership.role = "viewer"
    operator.membership.save()
    assert WHOLE not in page(signed_in(operator), campaign)


def test_who_looked_and_why_stands_in_the_audit_trail(signed_in, operator, viewer, sent):
    campaign, client = sent(), signed_in(operator)
    client.post(url(campaign, "reveal"), WHY)
    client.post(url(campaign, "hide"))
    events = AuditEvent.objects.filter(object_id=str(campaign.pk)).order_by("pk")
    shown, hidden = [e for e in events if e.action in ("campaign.reveal", "campaign.hide")]
    assert shown.actor == hidden.actor == operator
    assert shown.data["reason"] == WHY["reason"]
    assert shown.data["until"] == Reveal.objects.get().at.__add__(revealing.LASTS).isoformat()
    trail = page(signed_in(viewer), campaign).partition('class="trail"')[2]
    assert "Numbers revealed for 15 minutes" in trail
    assert "“A customer complains”" in trail


def test_a_live_page_falls_back_with_its_next_poll(signed_in, operator, sent):
    campaign = revealed(sent(state=CampaignState.SENDING, ended_at=None), operator)
    client = signed_in(operator)
    ask = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "phone-rows"}
    assert WHOLE in client.post(url(campaign), {"q": "0006"}, **ask).content.decode()
    Reveal.objects.update(until=timezone.now())
    part = client.post(url(campaign), {"q": "0006"}, **ask).content.decode()
    assert MASKED in part
    assert WHOLE not in part
    assert "numbers masked, CSV" in part


def test_refused_rows_are_masked_and_revealed_with_their_campaign(signed_in, operator, sent):
    campaign, client = sent(), signed_in(operator)
    source = campaign.recipients
    source.about = {"notices": ["Seen"], "samples": [["0491570006", "+61491570006"]]}
    source.finished_at = timezone.now()
    source.save()
    ImportProblem.objects.create(
        source=source, row=4, column="phone_number", raw="0491 570 006 Ann", code="not_valid",
        sentence="Too short.",
    )  # fmt: skip
    words = client.get(url(campaign, "numbers")).content.decode()
    assert f"04{GAP}0006 Ann" in words
    assert "491570006" not in words
    assert "0491 570 006" not in words
    answer = client.post(url(campaign, "reveal") + "?to=numbers", WHY)
    assert answer.url == url(campaign, "numbers")
    words = client.get(answer.url).content.decode()
    assert "0491 570 006 Ann" in words
    assert "+61491570006" in words
    assert "Hide now" in words
    assert 'hx-trigger="load delay:90' in words
    Reveal.objects.update(until=timezone.now())
    main = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "main"}
    words = client.get(url(campaign, "numbers"), **main).content.decode()
    assert f"04{GAP}0006 Ann" in words
    assert "hx-trigger" not in words.partition('id="main"')[2]
