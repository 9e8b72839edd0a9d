from __future__ import annotations

import re

import pytest

from campaigns.lookup import TooShort, read_digits
from campaigns.models import Message
from senders.models import OptOut
from tests.campaigns.building import make_sent_campaign

SEARCH = "/search/"


@pytest.fixture
def sent(make_campaign, practice):
    def make(**fields):
        return make_sent_campaign(make_campaign(), carrier=practice, **fields)

    return make


def ask(client, sought):
    return client.post(SEARCH, {"q": sought})


@pytest.mark.parametrize("sought", ["+61491570006", "0491 570 006", "70006", "0006"])
def test_a_number_is_found_in_every_campaign_with_when_and_result(
    sought, signed_in, operator, sent
):
    first, second = sent(name="First"), sent(name="Second")
    page = ask(signed_in(operator), sought)
    rows = page.context["found"].phones
    assert {row.message.campaign_id for row in rows} == {first.pk, second.pk}
    words = page.content.decode()
    assert "First" in words
    assert "Second" in words
    assert "Delivered" in words
    assert "None of these numbers has opted out." in words


def test_whether_a_number_opted_out_is_said_even_if_it_got_nothing(
    signed_in, operator, workspace, sent
):
    sent()
    OptOut.objects.create(workspace=workspace, number="+61491570110", source="STOP by SMS")
    page = ask(signed_in(operator), "+61 491 570 110")
    words = page.content.decode()
    assert "Opted out" in words
    assert "STOP by SMS" in words
    assert "Nothing found" not in words


def test_the_opt_out_of_a_number_found_by_its_end_is_told(signed_in, operator, workspace, sent):
    sent()
    OptOut.objects.create(workspace=workspace, number="+61491570006", source="file")
    found = ask(signed_in(operator), "0006").context["found"]
    assert [gone.number for gone in found.opt_outs] == ["+61491570006"]


def test_a_test_send_is_part_of_what_a_number_got(signed_in, operator, sent):
    sent(origin="test")
    assert len(ask(signed_in(operator), "+61491570006").context["found"].phones) == 1


def test_a_message_is_found_by_its_reference_and_a_campaign_by_name_or_id(signed_in, viewer, sent):
    campaign = sent(name="Delivery day")
    message = Message.objects.filter(campaign=campaign).first()
    client = signed_in(viewer)
    found = ask(client, str(message.reference)).context["found"]
    assert [row.message.pk for row in found.phones] == [message.pk]
    for words in ("delivery", campaign.label):
        found = ask(client, words).context["found"]
        assert [row.campaign.pk for row in found.campaigns] == [campaign.pk]


@pytest.mark.parametrize(
    ("who", "clear"),
    [("operator", True), ("admin", True), ("colleague", False), ("finance", False),
     ("viewer", False)],
)  # fmt: skip
def test_numbers_are_masked_for_who_may_not_read_them(
    who, clear, request, signed_in, workspace, sent
):
    sent()
    OptOut.objects.create(workspace=workspace, number="+61491570006", source="file")
    found = ask(signed_in(request.getfixturevalue(who)), "0006").context["found"]
    shown = {row.number for row in found.phones} | {gone.number for gone in found.opt_outs}
    assert ("+61491570006" in shown) == clear
    assert any("•••" in number for number in shown) != clear


def test_another_workspace_finds_nothing(signed_in, stranger, workspace, sent):
    sent(name="Delivery day")
    OptOut.objects.create(workspace=workspace, number="+61491570006", source="file")
    for words in ("+61491570006", "0006", "Delivery"):
        assert ask(signed_in(stranger), words).context["found"].is_empty


@pytest.mark.parametrize(
    "sought", ["%", "' OR 1=1 --", "\0", "x" * 5_000, "<script>", "+", "(((", "🙂", "٤٤٤٤"]
)
def test_wild_words_find_nothing_and_break_nothing(sought, signed_in, operator, sent):
    sent()
    page = ask(signed_in(operator), sought)
    assert page.status_code == 200
    assert "<script>" not in page.content.decode().partition("<main")[2]


def test_fewer_than_four_digits_are_too_few(signed_in, operator, sent):
    sent()
    assert "Type at least 4 digits" in ask(signed_in(operator), "123").content.decode()


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


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        ("+61 491 570 006", ("61491570006", True)),
        ("0061-491-570-006", ("61491570006", True)),
        ("(0491) 570.006", ("491570006", False)),
        ("0006", ("0006", False)),
        ("0012", ("0012", False)),
        ("Ann", ("", False)),
        ("", ("", False)),
    ],
)
def test_digits_are_read_as_people_write_them(sought, expected):
    assert read_digits(sought) == expected


def test_three_digits_are_refused():
    with pytest.raises(TooShort):
        read_digits("123")
