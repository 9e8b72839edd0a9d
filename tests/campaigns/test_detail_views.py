from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from campaigns.failures import FAILURES
from campaigns.models import Batch, Campaign, CampaignTally, Message
from campaigns.states import BILLED, CampaignState
from tests.campaigns.building import EVERY_STATE, Made, counts, make_sent_campaign

pytestmark = pytest.mark.usefixtures("contexts")


@pytest.fixture
def sent(make_campaign, practice):
    def make(**fields):
        return make_sent_campaign(make_campaign(), carrier=practice, **fields)

    return make


def url(campaign):
    return reverse("campaigns:detail", args=[campaign.key])


def htmx(target):
    return {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": target}


def numbers_on(page):
    return [row.number for row in page.context["phones"]]


def test_view_details_shows_the_three_blocks_on_one_page(signed_in, operator, sent):
    words = signed_in(operator).get(url(sent())).content.decode()
    for block in ("Basic information", "Result", "Phone number details"):
        assert block in words
    for fact in ("Scenario Type", "Number of Numbers", "Number of Billable Messages"):
        assert fact in words
    assert words.count("<h1") == 1


def test_basic_information_is_what_the_rows_say(signed_in, operator, sent):
    campaign = sent()
    rows = Message.objects.filter(campaign=campaign)
    result = signed_in(operator).get(url(campaign)).context["result"]
    by_rows = counts(rows)
    assert (result.sent, result.failed, result.other) == (
        by_rows["sent"], by_rows["failed"], by_rows["other"],
    )  # fmt: skip
    assert result.total == rows.count() == len(EVERY_STATE)
    billed = sum(m.segments for m in rows if m.state in BILLED)
    assert result.billed == billed == sum(m.billed_segments for m in rows)
    assert result.cost == sum(m.amount or 0 for m in rows)
    assert (result.refused, result.refused_segments) == (1, 2)


def test_what_was_refused_is_said_not_to_be_billed(signed_in, operator, sent):
    words = signed_in(operator).get(url(sent())).content.decode()
    assert "1 number was refused before a carrier took it: not billed (2 segments)" in words


def test_without_any_rate_the_cost_is_no_price_and_not_zero(signed_in, finance, sent):
    words = signed_in(finance).get(url(sent(prices={}))).content.decode()
    assert "No price" in words
    assert "$0.00" not in words


def test_the_imported_rows_are_counted_and_lead_to_the_refused_ones(
    signed_in, operator, finance, sent
):
    campaign = sent()
    rows = reverse("campaigns:numbers", args=[campaign.key])
    words = signed_in(operator).get(url(campaign)).content.decode()
    for reason, said in (("invalid", "2 invalid"), ("duplicate", "2 dupl"), ("opted_out", "1 opt")):
        assert f'{rows}?reason={reason}">{said}' in words
    assert rows not in signed_in(finance).get(url(campaign)).content.decode()


@pytest.mark.parametrize(
    ("who", "may"),
    [("operator", True), ("admin", True), ("colleague", False), ("finance", False),
     ("viewer", False)],
)  # fmt: skip
def test_numbers_are_masked_for_everybody_and_the_text_is_for_the_author_and_admins(
    who, may, request, signed_in, sent
):
    campaign = sent()
    page = signed_in(request.getfixturevalue(who)).get(url(campaign))
    words = page.content.decode()
    assert "+1 20 ••• 0100" in words
    assert "+1 202-555-0100" not in words
    assert ("Your parcel arrives today." in words) == may
    assert (reverse("campaigns:reveal", args=[campaign.key]) in words) == may
    assert ("Your role sees masked numbers." in words) != may


def test_another_workspace_gets_404_whatever_it_asks(signed_in, stranger, sent):
    campaign = sent()
    client = signed_in(stranger)
    assert client.get(url(campaign)).status_code == 404
    assert client.get(url(campaign), **htmx("live")).status_code == 404
    assert client.post(url(campaign), {"q": "0100"}).status_code == 404


def test_every_failed_row_has_words_and_the_raw_code(signed_in, operator, sent):
    page = signed_in(operator).get(url(sent()), {"is": "failed"})
    rows = page.context["phones"]
    assert len(rows) == 4
    assert all(str(row.reason) for row in rows)
    assert "stat:UNDELIV err:027" in page.content.decode()
    assert str(FAILURES["unreachable"].title) in page.content.decode()


def test_the_receipt_time_is_a_time_a_dash_or_none_yet(signed_in, operator, sent):
    words = signed_in(operator).get(url(sent())).content.decode()
    cells = re.findall(r'data-th="Receipt Time">(.*?)</td>', words)
    with_time = [cell for cell in cells if "<time" in cell]
    assert len(with_time) == 6
    assert all("UTC" in cell for cell in with_time)
    assert sum("None yet" in cell for cell in cells) == 1
    assert sum("–" in cell for cell in cells) == 5


def test_reasons_say_what_happened_what_to_do_and_whether_it_was_billed(signed_in, operator, sent):
    words = signed_in(operator).get(url(sent())).content.decode()
    for code in ("unreachable", "unknown_subscriber", "expired", "sender_not_approved"):
        found = FAILURES[code]
        assert str(found.happened) in words
        assert str(found.todo) in words
        assert f"is=failed&amp;reason={code}#phones" in words
    part = words.partition('id="reasons"')[2].partition('id="countries"')[0]
    assert part.count("Not billed") == 1


def test_the_countries_sum_to_the_total_line(signed_in, operator, sent):
    context = signed_in(operator).get(url(sent())).context
    rows, result = context["reading"].countries, context["result"]
    assert {row.country for row in rows} == {"US", "AU"}
    for name in ("total", "sent", "failed", "other", "billed", "amount"):
        assert sum(getattr(row.result, name) for row in rows) == getattr(result, name)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"is": "sent"}, {"delivered"}),
        ({"is": "failed"}, {"undelivered", "expired", "rejected"}),
        ({"is": "other"}, {"queued", "accepted", "in_doubt", "no_receipt", "cancelled"}),
        ({"is": "failed", "reason": "expired"}, {"expired"}),
        ({"reason": "unreachable"}, {"undelivered"}),
        ({"country": "AU", "is": "sent"}, {"delivered"}),
    ],
)
def test_the_table_is_filtered_by_result_reason_and_country(
    query, expected, signed_in, operator, sent
):
    page = signed_in(operator).get(url(sent()), query)
    rows = page.context["phones"]
    assert {row.message.state for row in rows} == expected
    assert page.context["matching"] == len(rows)


@pytest.mark.parametrize(
    "sought",
    ["+61491570006", "+61 491 570 006", "0061491570006", "61491570006", "0006", "＋61491570006"],
)  # fmt: skip
def test_a_number_is_found_whole_or_by_its_last_digits(sought, signed_in, operator, sent):
    page = signed_in(operator).post(url(sent()), {"q": sought})
    assert numbers_on(page) == ["+61 49 ••• 0006"]


def test_a_message_is_found_by_its_reference(signed_in, operator, sent):
    campaign = sent()
    message = Message.objects.filter(campaign=campaign, state="in_doubt").get()
    page = signed_in(operator).post(url(campaign), {"q": str(message.reference)})
    assert [row.message.pk for row in page.context["phones"]] == [message.pk]


@pytest.mark.parametrize("sought", ["006", "1", "+61", "70006", "570006", "91570006", "0491570006"])
def test_part_of_a_number_is_asked_for_the_rest(sought, signed_in, operator, sent):
    page = signed_in(operator).post(url(sent()), {"q": sought})
    assert "exactly its last 4 digits." in page.content.decode()
    assert numbers_on(page) == []


@pytest.mark.parametrize("sought", ["Ann", "=1+1", "' OR 1=1 --", "\0\0\0\0", "x" * 10_000, "٤٤٤٤"])
def test_what_is_no_number_finds_nothing_and_breaks_nothing(sought, signed_in, operator, sent):
    page = signed_in(operator).post(url(sent()), {"q": sought})
    assert page.status_code == 200
    assert numbers_on(page) == []


def test_a_number_stands_in_no_address(signed_in, operator, sent):
    campaign = sent()
    client = signed_in(operator)
    page = client.get(url(campaign), {"q": "0006"})
    assert len(numbers_on(page)) == 12
    words = client.post(url(campaign), {"q": "+61491570006"}).content.decode()
    assert not re.search(r'(?:href|hx-get|action|hx-post)="[^"]*491570006', words)


def test_pages_of_the_table_go_by_position_and_back(signed_in, operator, sent):
    campaign = sent(made=[Made("delivered")] * 45)
    client = signed_in(operator)
    seen, address = [], ""
    while address is not None:
        page = client.get(url(campaign) + address)
        seen += [row.message.position for row in page.context["phones"]]
        address = page.context["older_url"] or None
    assert seen == list(range(45))
    back = client.get(url(campaign) + page.context["newer_url"])
    assert [row.message.position for row in back.context["phones"]] == seen[20:40]


def test_a_search_goes_on_to_its_next_page_by_post(signed_in, operator, sent):
    made = [Made("delivered", number="+12025550123")] * 25
    campaign = sent(made=made)
    client = signed_in(operator)
    first = client.post(url(campaign), {"q": "0123"})
    assert len(numbers_on(first)) == 20
    given = {"q": "0123", "after": first.context["older"]}
    second = client.post(url(campaign), given)
    assert [row.message.position for row in second.context["phones"]] == list(range(20, 25))


def test_the_page_takes_few_queries_however_many_messages_there_are(signed_in, operator, sent):
    client = signed_in(operator)
    small, large = sent(), sent(made=[*EVERY_STATE] * 20)
    client.get(url(small))
    with CaptureQueriesContext(connection) as few:
        client.get(url(small))
    with CaptureQueriesContext(connection) as many:
        client.get(url(large))
    assert len(few) == len(many) <= 14
    assert not any("COUNT(" in q["sql"] and "message" in q["sql"] for q in many.captured_queries)


def test_live_parts_come_alone_and_end_with_the_campaign(signed_in, operator, sent):
    campaign = sent(state=CampaignState.SENDING, ended_at=None)
    client = signed_in(operator)
    whole = client.get(url(campaign)).content.decode()
    assert 'hx-trigger="every 2s"' in whole
    assert whole.count('hx-trigger="every') == 2  # all the rest comes with the first
    for target in ("live", "chart"):
        part = client.get(url(campaign), **htmx(target)).content.decode()
        assert f'id="{target}"' in part
        assert "<html" not in part
        assert 'hx-trigger="every' in part
    Campaign.objects.filter(pk=campaign.pk).update(
        state="completed", ended_at=timezone.now() - timedelta(hours=1)
    )
    for target in ("live", "chart"):
        part = client.get(url(campaign), **htmx(target)).content.decode()
        assert 'hx-trigger="every' not in part


def test_everything_that_counts_comes_in_one_answer(
    signed_in, operator, sent, django_assert_max_num_queries
):
    campaign = sent(state=CampaignState.SENDING, ended_at=None)
    client = signed_in(operator)
    asked = {"is": "failed", "country": "US", "q": "0199"}
    client.post(url(campaign), asked)  # that a number was looked up is written down once
    with django_assert_max_num_queries(15):
        part = client.post(url(campaign), asked, **htmx("live"))
    text = part.content.decode()
    for place in ("campaign-top", "split", "side", "reasons", "countries", "phone-rows"):
        assert re.search(rf'id="{place}"[^>]* hx-swap-oob="morph"', text), place
        assert text.count(f'id="{place}"') == 1
    assert dict(part.context["again"]) == asked
    assert 'hx-include="#phone-again"' in text


def test_receipts_are_waited_for_a_while_after_the_end(signed_in, operator, sent):
    campaign = sent(ended_at=timezone.now() - timedelta(minutes=1))
    assert 'hx-trigger="every 5s"' in signed_in(operator).get(url(campaign)).content.decode()


def test_held_messages_are_told_apart_from_those_that_wait(signed_in, operator, sent, practice):
    campaign = sent(made=[Made("queued")] * 5, state=CampaignState.SUSPENDED, ended_at=None)
    Batch.objects.create(
        campaign=campaign, carrier=practice, country="US", lo=0, hi=2, left=3, segments=3,
        hold="threshold",
    )  # fmt: skip
    result = signed_in(operator).get(url(campaign)).context["result"]
    assert (result.part("held"), result.part("waiting"), result.left) == (3, 2, 5)


def test_the_trail_says_who_did_what(signed_in, viewer, operator, sent):
    campaign = sent()
    audit.record("campaign.pause", campaign, operator, reason="Wrong slot")
    audit.record("campaign.start_late", campaign, None, reason="late_start")
    audit.record("campaign.something_new", campaign, None)
    words = signed_in(viewer).get(url(campaign)).content.decode()
    trail = words.partition('class="trail"')[2]
    assert "Paused" in trail
    assert "“Wrong slot”" in trail
    assert operator.name in trail
    assert "the start was missed by more than an hour" in trail
    assert "The console" in trail
    assert "Something new" in trail


def test_scheduled_time_is_shown_in_its_zone_with_utc(signed_in, operator, sent):
    campaign = sent(is_scheduled=True, state=CampaignState.SCHEDULED)
    words = signed_in(operator).get(url(campaign)).content.decode()
    facts = words.partition("Scheduled time")[2].partition("</dd>")[0]
    assert "17:00 Asia/Kuala_Lumpur" in facts
    assert "09:00 UTC" in facts


@pytest.mark.parametrize("state", list(CampaignState))
def test_the_page_opens_in_every_state_for_every_role(
    state, signed_in, operator, finance, viewer, sent
):
    campaign = sent(state=state, send_at=timezone.now() + timedelta(minutes=30))
    for who in (operator, finance, viewer):
        assert signed_in(who).get(url(campaign)).status_code == 200


def test_a_draft_with_nothing_in_it_opens_too(signed_in, admin, workspace, operator):
    campaign = Campaign.objects.create(workspace=workspace, author=operator)
    assert signed_in(admin).get(url(campaign)).status_code == 200


def test_words_from_outside_are_inert(signed_in, operator, sent):
    campaign = sent(
        made=[Made("undelivered", "unknown", detail="<script>alert(1)</script>")],
        name="<img src=x onerror=1>", content="<b>${name}</b>",
    )  # fmt: skip
    words = signed_in(operator).get(url(campaign)).content.decode()
    assert "<script>alert" not in words
    assert "<img src=x" not in words
    assert "&lt;b&gt;<mark>${name}</mark>&lt;/b&gt;" in words
    assert CampaignTally.objects.filter(campaign=campaign).exists()


def test_the_table_asks_again_for_the_rows_it_shows_and_brings_the_summary(
    signed_in, operator, sent
):
    campaign = sent(state=CampaignState.SENDING, ended_at=None)
    client = signed_in(operator)
    asked = {"is": "failed", "country": "US", "q": "0199"}
    part = client.post(url(campaign), asked, **htmx("phone-rows"))
    again = dict(part.context["again"])
    assert again == asked
    text = part.content.decode()
    assert 'id="phone-again"' in text
    assert 'id="split" hx-swap-oob="morph"' in text


def test_a_campaign_cancelled_before_it_started_has_no_messages(signed_in, operator, make_campaign):
    campaign = make_campaign(state=CampaignState.CANCELLED, total=5)
    page = signed_in(operator).get(url(campaign))
    assert page.context["result"].total == 0
    assert "Cancelled before it started: no message was made." in page.content.decode()
    assert "No message matches" not in page.content.decode()
