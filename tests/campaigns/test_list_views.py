from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign, CampaignTally
from campaigns.states import CampaignState
from tests.campaigns.building import SENT_AT, Made, make_sent_campaign

pytestmark = pytest.mark.usefixtures("contexts")

LIST = "/campaigns/"


@pytest.fixture
def sent(make_campaign, practice):
    def make(**fields):
        return make_sent_campaign(make_campaign(), carrier=practice, **fields)

    return make


def htmx(target="campaign-rows"):
    return {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": target}


@pytest.mark.parametrize("who", ["operator", "colleague", "admin", "finance", "viewer"])
def test_everybody_of_the_workspace_sees_the_list(who, request, signed_in, sent):
    sent(name="Delivery day")
    page = signed_in(request.getfixturevalue(who)).get(LIST)
    assert page.status_code == 200
    assert b"Delivery day" in page.content
    assert (b"Create Campaign" in page.content) == (who in ("operator", "colleague", "admin"))


def test_a_stranger_sees_an_empty_list_and_nobody_signs_in(signed_in, stranger, sent, client):
    sent(name="Delivery day")
    assert b"Delivery day" not in signed_in(stranger).get(LIST).content
    assert client.get(LIST).status_code == 302


def test_the_list_stands_at_international_sms_message_delivery_broadcast(signed_in, operator):
    words = signed_in(operator).get(LIST).content.decode().partition('id="rail-menu"')[2]
    places = [words.index(w) for w in ("International SMS", "Message Delivery", "Broadcast")]
    assert places == sorted(places)


def test_an_empty_list_says_what_a_campaign_is(signed_in, operator, viewer):
    assert b"No campaigns yet" in signed_in(operator).get(LIST).content
    assert b"No campaigns yet" in signed_in(viewer).get(LIST).content


def test_tabs_count_campaigns_and_show_one_state(signed_in, operator, sent, make_campaign):
    sent(name="Was sent")
    make_campaign(name="Is a draft")
    page = signed_in(operator).get(LIST, {"state": "draft"})
    counts = {tab["label"]: tab["count"] for tab in page.context["tabs"]}
    assert (counts["All"], counts["Draft"], counts["Completed"]) == (2, 1, 1)
    assert [row.campaign.name for row in page.context["rows"]] == ["Is a draft"]


def test_test_sends_are_not_in_the_list(signed_in, operator, sent):
    sent(name="Real one")
    sent(name="Only a test", origin="test")
    names = [row.campaign.name for row in signed_in(operator).get(LIST).context["rows"]]
    assert names == ["Real one"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "delivery"}, {"Delivery day"}),
        ({"scenario": "marketing"}, {"Black Friday"}),
        ({"sender": "PWAYCODE"}, {"Black Friday"}),
        ({"country": "AU"}, {"Delivery day"}),
        ({"period": "7"}, {"Delivery day"}),
        ({"q": "%"}, set()),
        ({"scenario": "password", "period": "-1", "state": "x' OR 1=1", "country": "<b>"}, None),
        ({"after": "-1"}, None),
        ({"before": "9" * 40, "q": ""}, None),
        ({"q": "\0"}, None),
    ],
)
def test_filters_narrow_the_list_and_unknown_words_do_nothing(
    query, expected, signed_in, operator, sent, make_sender
):
    sent(name="Delivery day")
    old = sent(
        made=[Made("delivered")], name="Black Friday", scenario="marketing",
        sender=make_sender("PWAYCODE"), created_at=timezone.now() - timedelta(days=20),
    )  # fmt: skip
    page = signed_in(operator).get(LIST, query)
    assert page.status_code == 200
    both = {"Delivery day", old.name}
    expected = both if expected is None else expected
    assert {row.campaign.name for row in page.context["rows"]} == expected


def test_a_campaign_is_found_by_its_short_id(signed_in, operator, sent):
    first, _second = sent(name="First"), sent(name="Second")
    for words in (first.label, first.label.lower(), str(first.pk)):
        rows = signed_in(operator).get(LIST, {"q": words}).context["rows"]
        assert first.pk in {row.campaign.pk for row in rows}


def test_pages_go_by_key_and_back_again(signed_in, operator, make_campaign):
    made = [make_campaign(name=f"No {n}").pk for n in range(45)]
    client = signed_in(operator)
    seen, url = [], LIST
    while url:
        page = client.get(url)
        seen += [row.campaign.pk for row in page.context["rows"]]
        last, url = page, page.context["older"] and LIST + page.context["older"]
    assert seen == sorted(made, reverse=True)
    back = client.get(LIST + last.context["newer"])
    assert [row.campaign.pk for row in back.context["rows"]] == seen[20:40]
    first = client.get(LIST + back.context["newer"])
    assert [row.campaign.pk for row in first.context["rows"]] == seen[:20]
    assert first.context["newer"] is None


def test_the_list_takes_the_same_few_queries_for_one_row_or_twenty(
    signed_in, operator, sent, make_campaign
):
    client = signed_in(operator)
    sent()
    client.get(LIST)
    with CaptureQueriesContext(connection) as one:
        client.get(LIST)
    for _n in range(19):
        sent()
    with CaptureQueriesContext(connection) as twenty:
        client.get(LIST)
    assert len(one) == len(twenty) <= 11
    assert not any("campaigns_message" in query["sql"] for query in twenty.captured_queries)


def test_a_sending_row_asks_for_itself_and_a_finished_one_does_not(signed_in, operator, sent):
    campaign = sent(state=CampaignState.SENDING, ended_at=None)
    client = signed_in(operator)
    ask = {"row": str(campaign.key)}
    row = client.get(LIST, ask, **htmx(f"row-{campaign.pk}")).content.decode()
    assert row.strip().startswith("<tr") or "<tr id=" in row
    assert 'hx-trigger="every 3s"' in row
    Campaign.objects.filter(pk=campaign.pk).update(state="completed", ended_at=SENT_AT)
    row = client.get(LIST, ask, **htmx(f"row-{campaign.pk}")).content.decode()
    assert "hx-trigger" not in row
    assert "Completed" in row


def test_a_row_of_another_workspace_is_not_found(signed_in, stranger, sent):
    campaign = sent()
    ask = {"row": str(campaign.key)}
    assert signed_in(stranger).get(LIST, ask, **htmx()).status_code == 404
    assert signed_in(stranger).get(LIST, {"row": "x"}, **htmx()).status_code == 404


def test_htmx_gets_the_rows_alone(signed_in, operator, sent):
    sent(name="Delivery day")
    part = signed_in(operator).get(LIST, **htmx()).content.decode()
    assert "Delivery day" in part
    assert "<html" not in part


@pytest.mark.parametrize("state", list(CampaignState))
def test_cancel_is_offered_for_scheduled_campaigns_only(state, signed_in, operator, sent):
    campaign = sent(state=state, send_at=timezone.now() + timedelta(hours=1))
    words = signed_in(operator).get(LIST).content.decode()
    offered = reverse("campaigns:cancel", args=[campaign.key]) in words
    assert offered == (state in (CampaignState.SCHEDULED, CampaignState.DRAFT))
    assert (f"Cancel {campaign.name}" in words) == (state == CampaignState.SCHEDULED)


def test_acts_are_offered_to_those_who_may(signed_in, operator, colleague, finance, sent):
    campaign = sent(state=CampaignState.SENDING)
    pause = reverse("campaigns:pause", args=[campaign.key])
    stop = reverse("campaigns:stop", args=[campaign.key])
    expected = {operator: (True, True), colleague: (False, False), finance: (False, True)}
    for who, (may_pause, may_stop) in expected.items():
        words = signed_in(who).get(LIST).content.decode()
        assert (pause in words, stop in words) == (may_pause, may_stop)


def test_the_totals_leave_as_csv_without_numbers_or_text(signed_in, finance, sent):
    sent(name="=cmd|' /C calc'!A1")
    answer = signed_in(finance).get(reverse("campaigns:export_list"))
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert rows[0]["task_name"].startswith("'=cmd")
    assert [rows[0][name] for name in ("sent", "failed", "other")] == ["3", "4", "5"]
    assert rows[0]["number_of_numbers"] == "12"
    billed = sum(t.billed for t in CampaignTally.objects.all())
    assert rows[0]["number_of_billable_messages"] == str(billed)
    assert rows[0]["billable_messages_without_price"] == "0"
    assert b"+1202555" not in answer.getvalue()


def test_a_long_list_leaves_whole(signed_in, finance, sent, make_campaign, monkeypatch):
    monkeypatch.setattr("campaigns.views.listing.EXPORT_STEP", 2)
    sent(name="first")
    for n in range(4):
        make_campaign(name=f"later {n}", state=CampaignState.SCHEDULED)
    answer = signed_in(finance).get(reverse("campaigns:export_list"))
    rows = list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert [row["task_name"] for row in rows] == [*(f"later {n}" for n in (3, 2, 1, 0)), "first"]
    assert rows[-1]["number_of_numbers"] == "12"


def test_what_has_no_price_is_told_beside_the_cost_of_the_rest(signed_in, finance, sent):
    campaign = sent()
    tally = CampaignTally.objects.filter(campaign=campaign, billed__gt=0, country="AU").first()
    CampaignTally.objects.filter(pk=tally.pk).update(unpriced=tally.billed, amount=0)
    client = signed_in(finance)
    beside = f"{tally.billed} without a price"
    assert beside in client.get(LIST).content.decode()
    assert beside in client.get(reverse("campaigns:detail", args=[campaign.key])).content.decode()
    answer = client.get(reverse("campaigns:export_list")).getvalue().decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(answer))
    assert row["billable_messages_without_price"] == str(tally.billed)
