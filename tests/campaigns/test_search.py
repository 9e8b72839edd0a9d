from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.keyed import digest
from accounts.models import AuditEvent, Throttle
from campaigns.models import Message
from senders.models import OptOut, OptOutSource
from tests.campaigns.building import Made, make_sent_campaign, revealed

pytestmark = pytest.mark.usefixtures("contexts")

SEARCH = "/search/"


@pytest.fixture
def sent(make_campaign, practice):
    def make(**fields):
        return make_sent_campaign(make_campaign(), carrier=practice, **fields)

    return make


def ask(client, sought):
    return client.post(SEARCH, {"q": sought})


def found_by(client, sought):
    return ask(client, sought).context["found"]


def rows_of(found):
    return [row for person in found.people for row in person.phones]


@pytest.mark.parametrize("sought", ["+61491570006", "61 491 570 006", "0006"])
def test_a_number_is_found_in_every_campaign_with_when_and_result(
    sought, signed_in, operator, sent
):
    first, second = sent(name="First"), sent(name="Second")
    page = ask(signed_in(operator), sought)
    (person,) = page.context["found"].people
    assert person.number == "+61 49 ••• 0006"
    assert [row.message.campaign_id for row in person.phones] == [second.pk, first.pk]
    words = page.content.decode()
    for said in ("First", "Second", "PARCELWAY", "Delivered", "Has not opted out"):
        assert said in words
    assert words.count("Sat 21 Nov 2026, 09:00:07") == 2


def test_messages_are_grouped_by_number_the_newest_number_first(signed_in, operator, sent):
    sent(made=[Made("delivered", number="+12025550123"), Made("delivered", number="+13035550123")])
    sent(made=[Made("undelivered", "unreachable", number="+12025550123")])
    people = found_by(signed_in(operator), "0123").people
    assert [len(person.phones) for person in people] == [2, 1]
    assert [person.number for person in people] == ["+1 20 ••• 0123", "+1 30 ••• 0123"]


def test_pages_of_a_search_go_by_key_and_keep_their_words_in_the_form(signed_in, operator, sent):
    sent(made=[Made("delivered", number="+12025550123")] * 45)
    client, seen, given = signed_in(operator), [], {"q": "0123"}
    while given:
        page = client.post(SEARCH, given)
        found = page.context["found"]
        seen += [row.message.position for row in rows_of(found)]
        given = found.older is not None and {"q": "0123", "after": found.older}
    assert seen == list(range(44, -1, -1))
    back = client.post(SEARCH, {"q": "0123", "before": found.newer}).context["found"]
    assert [row.message.position for row in rows_of(back)] == seen[20:40]


def test_whether_a_number_opted_out_is_said_even_if_it_got_nothing(
    signed_in, operator, workspace, sent
):
    sent()
    OptOut.objects.create(workspace=workspace, number="+61491570110", source="file")
    page = ask(signed_in(operator), "+61 491 570 110")
    words = page.content.decode()
    assert "Opted out" in words
    assert str(OptOutSource.FILE.label) in words
    assert "Nothing found" not in words


def test_the_opt_out_of_a_number_found_by_its_end_is_told(signed_in, operator, workspace, sent):
    sent()
    made = OptOut.objects.create(workspace=workspace, number="+61491570006", source="file")
    (person,) = found_by(signed_in(operator), "0006").people
    assert person.opt_out == made


def test_opt_outs_are_told_to_those_who_may_see_the_list(signed_in, finance, workspace, sent):
    sent()
    OptOut.objects.create(workspace=workspace, number="+61491570006", source="file")
    words = ask(signed_in(finance), "0006").content.decode()
    assert "opted out" not in words.partition('id="search-results"')[2].lower()


def test_a_test_send_is_part_of_what_a_number_got(signed_in, operator, sent):
    sent(origin="test")
    assert len(rows_of(found_by(signed_in(operator), "+61491570006"))) == 1


def test_a_message_is_found_by_its_reference_and_a_campaign_by_name_or_id(signed_in, viewer, sent):
    campaign = sent(name="Delivery day")
    message = Message.objects.filter(campaign=campaign).first()
    client = signed_in(viewer)
    found = found_by(client, str(message.reference))
    assert [row.message.pk for row in rows_of(found)] == [message.pk]
    for words in ("delivery", campaign.label):
        found = found_by(client, words)
        assert [row.campaign.pk for row in found.campaigns] == [campaign.pk]


@pytest.mark.parametrize("who", ["operator", "admin", "colleague", "finance", "viewer"])
def test_a_number_typed_whole_stands_in_the_form_alone(who, request, signed_in, workspace, sent):
    sent()
    OptOut.objects.create(workspace=workspace, number="+61491570006", source="file")
    words = ask(signed_in(request.getfixturevalue(who)), "+61491570006").content.decode()
    assert words.count("61491570006") == 1
    assert 'value="+61491570006"' in words
    assert "+61 491 570 006" not in words
    assert "+61 49 ••• 0006" in words


def test_a_revealed_campaign_shows_its_numbers_in_the_search_too(signed_in, operator, sent):
    revealed(sent(), operator)
    page = ask(signed_in(operator), "0006")
    assert [p.number for p in page.context["found"].people] == ["+61 491 570 006"]
    assert 'hx-trigger="load delay:90' in page.content.decode()


def test_who_looked_a_number_up_is_written_down_once_and_without_the_number(
    signed_in, operator, sent
):
    sent(made=[Made("delivered", number="+12025550123")] * 25)
    client = signed_in(operator)
    first = ask(client, "+12025550123").context["found"]
    client.post(SEARCH, {"q": "+12025550123", "after": first.older})
    ask(client, "+1 202 555 0123")
    ask(client, "delivery")
    event = AuditEvent.objects.get(action="search.number")
    assert (event.actor, event.workspace) == (operator, operator.membership.workspace)
    assert "5550123" not in str(event.data) + event.label
    assert event.data["digest"] == digest("+12025550123")
    ask(client, "0124")
    assert AuditEvent.objects.filter(action="search.number").count() == 2


def test_looking_for_a_number_in_one_campaign_is_written_down_as_the_same_search(
    signed_in, operator, viewer, sent
):
    """The table asks for the same rows again while it is live, and in pages."""
    campaign = sent(made=[Made("delivered", number="+12025550123")] * 25)
    here, client = f"/campaigns/{campaign.key}/", signed_in(operator)
    for given in ({"q": "+12025550123"}, {"q": "+1 202 555 0123", "after": "20"}):
        client.post(here, given, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="phone-rows")
    ask(client, "+12025550123")
    event = AuditEvent.objects.get(action="search.number")
    assert (event.actor, event.data) == (operator, {"digest": digest("+12025550123")})
    assert "5550123" not in event.label
    signed_in(viewer).post(here, {"q": "0123"})
    assert AuditEvent.objects.filter(action="search.number", actor=viewer).count() == 1
    for nothing in ("012", "delivery", str(campaign.key), ""):
        client.post(here, {"q": nothing})
    assert AuditEvent.objects.filter(action="search.number").count() == 2


def test_the_empty_page_says_what_can_be_looked_up(signed_in, viewer):
    words = signed_in(viewer).get(SEARCH).content.decode()
    assert "Look somebody or something up" in words


def test_a_page_of_a_search_takes_few_queries(signed_in, operator, sent):
    client = signed_in(operator)
    sent(made=[Made("delivered", number="+12025550123")] * 2)
    ask(client, "0123")
    with CaptureQueriesContext(connection) as few:
        ask(client, "0123")
    sent(made=[Made("delivered", number="+12025550123")] * 40)
    with CaptureQueriesContext(connection) as many:
        ask(client, "0123")
    assert len(many) == len(few) <= 14


def test_the_opt_outs_of_a_page_take_one_query(signed_in, operator, sent, workspace):
    """Each number by a query of its own would also fail when somebody takes one off meanwhile."""
    client = signed_in(operator)
    numbers = [f"+1{area}5550123" for area in range(301, 321)]
    sent(made=[Made("delivered", number=number) for number in numbers])
    for number in numbers:
        OptOut.objects.create(workspace=workspace, number=number, source="file")
    ask(client, "0123")
    with CaptureQueriesContext(connection) as asked:
        found = found_by(client, "0123")
    assert {person.opt_out.number for person in found.people} == set(numbers)
    assert sum("senders_optout" in query["sql"] for query in asked) == 1


def test_another_workspace_finds_nothing(signed_in, stranger, workspace, sent):
    sent(name="Delivery day")
    OptOut.objects.create(workspace=workspace, number="+61491570006", source="file")
    for words in ("+61491570006", "0006", "Delivery"):
        assert found_by(signed_in(stranger), words).is_empty


@pytest.mark.parametrize(
    "sought", ["%", "' OR 1=1 --", "\0", "x" * 5_000, "<script>", "+", "(((", "🙂", "٤٤٤٤"]
)
def test_wild_words_find_nothing_and_break_nothing(sought, signed_in, operator, sent):
    sent()
    page = ask(signed_in(operator), sought)
    assert page.status_code == 200
    assert "<script>" not in page.content.decode().partition("<main")[2]


@pytest.mark.parametrize("sought", ["006", "70006", "570006", "1570006", "491570006", "0491570006"])
def test_only_the_last_four_digits_or_all_of_them_find_a_number(sought, signed_in, operator, sent):
    """Ever longer endings would confirm the hidden digits one after another."""
    sent()
    found = found_by(signed_in(operator), sought)
    assert found.is_empty
    assert "exactly its last 4 digits" in found.problem
    assert not AuditEvent.objects.filter(action="search.number").exists()


def test_digits_that_are_part_of_a_number_still_find_a_campaign_by_its_name(
    signed_in, operator, sent
):
    campaign = sent(name="Order 570006")
    found = found_by(signed_in(operator), "570006")
    assert [row.campaign.pk for row in found.campaigns] == [campaign.pk]
    assert found.problem == ""


def test_a_person_looks_up_so_many_numbers_a_minute_wherever_they_are_sought(
    signed_in, operator, colleague, sent, settings
):
    settings.NUMBER_SEARCHES_A_MINUTE = 3
    campaign, client = sent(), signed_in(operator)
    here = f"/campaigns/{campaign.key}/"
    assert found_by(client, "0006").people
    client.post(here, {"q": "0007"})
    client.post("/optouts/", {"q": "0008"})
    refused = "You may look up 3 numbers in a minute."
    assert refused in found_by(client, "0009").problem
    assert refused in client.post(here, {"q": "+61491570110"}).content.decode()
    assert refused in client.post("/optouts/", {"q": "0010"}).content.decode()
    assert found_by(client, "0006").people  # the same search goes on
    assert found_by(client, campaign.label).campaigns
    assert AuditEvent.objects.filter(action="search.number").count() == 3
    assert found_by(signed_in(colleague), "0006").people
    Throttle.objects.update(since=timezone.now() - timedelta(minutes=1))
    assert found_by(client, "0009").problem == ""


def test_what_was_sought_stands_in_no_address(signed_in, operator, sent, client):
    sent()
    operator_client = signed_in(operator)
    words = ask(operator_client, "+61491570006").content.decode()
    assert not re.search(r'(?:href|action|hx-get|hx-post)="[^"]*91570006', words)
    top = words.partition('class="topbar-search"')[2].partition("</form>")[0]
    assert 'method="post"' in top
    page = operator_client.get(SEARCH, {"q": "+61491570006"})
    assert page.context["found"] is None
    assert client.post(SEARCH, {"q": "0006"}).status_code == 302
