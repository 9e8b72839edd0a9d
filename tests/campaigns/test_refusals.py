"""Refused rows: their numbers stay hidden, however they are broken and whatever is sought."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent
from campaigns.models import ImportProblem
from tests.campaigns.building import make_sent_campaign, revealed

pytestmark = pytest.mark.usefixtures("contexts")

CELLS = {
    2: ("phone_number", "0491 570 156", "not_valid"),
    3: ("phone_number", "0491abc570 1 call 57", "letters"),
    4: ("phone_number", "⁰⁴⁹¹  ⁵⁷⁰   ¹⁵⁸", "not_a_number"),
    5: ("", "+12025550123", "duplicate"),
    6: ("", "Ann | 0491 x 570 159 | noon", "cell_count"),
    7: ("phone_number", "12345", "too_short"),
    8: ("name", "Zoë, order 17 of 20 on 3 May 2026", "value_too_long"),
    9: ("phone_number", "1234567", "not_valid"),
}


@pytest.fixture
def campaign(make_campaign: Any, practice: Any) -> Any:
    campaign = make_sent_campaign(make_campaign(), carrier=practice)
    source = campaign.recipients
    source.variables = ["name"]
    source.finished_at = timezone.now()
    source.save()
    for row, (column, raw, code) in CELLS.items():
        ImportProblem.objects.create(
            source=source, row=row, column=column, raw=raw, code=code,
            sentence="The number is not valid. Read as +12025550199.",
        )  # fmt: skip
    return campaign


@pytest.fixture
def client(signed_in: Any, operator: Any) -> Any:
    return signed_in(operator)


def ask(client: Any, campaign: Any, sought: str) -> Any:
    return client.post(reverse("campaigns:numbers", args=[campaign.key]), {"q": sought})


def rows(client: Any, campaign: Any, sought: str) -> list[int]:
    return [line.row for line in ask(client, campaign, sought).context["page"].object_list]


def test_no_cell_that_should_be_a_number_shows_it_however_it_is_broken(
    client: Any, campaign: Any
) -> None:
    html = ask(client, campaign, "").content.decode()
    table = html.partition('id="rows-form"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    assert not re.search(r"570|⁵⁷⁰|abc|555|34567", table)
    table = table.replace("\u00a0", " ")
    for shown in ("04 ••• 0156", "04 ••• 0157", "04 ••• 0158", "12345", "Read as +12 ••• 0199.",
                  "Zoë, order 17 of 20 on 3 May 2026", "Ann | 04 ••• 0159 | noon"):  # fmt: skip
        assert shown in table, shown


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("0156", [2]), ("0157", [3]), ("0123", [5]), ("0159", [6]), ("+1 202 555 0123", [5]),
        ("+12025550124", []), ("12345", [7]), ("1234", [7]), ("7", [7]), ("ann", [6]),
        ("order", [8]), ("not valid", [*CELLS]),
    ],
)  # fmt: skip
def test_what_is_shown_of_a_row_finds_it(
    client: Any, campaign: Any, sought: str, found: list[int]
) -> None:
    assert set(found) <= set(rows(client, campaign, sought))
    if found != [*CELLS]:
        assert rows(client, campaign, sought) == [row for row in CELLS if row in found]


@pytest.mark.parametrize(
    "sought",
    ["70 156", "570", "570 156", "5701", "70156", "0491", "491570156", "1 570", "c570", "x 570",
     "12025", "5550123", "+12025", "34567", "4567", "2025550199", "⁵⁷⁰", "⁰⁴⁹¹", "5\u200b7", "٥٧٠"],
)  # fmt: skip
def test_part_of_a_hidden_number_confirms_no_digit_of_it(
    client: Any, campaign: Any, sought: str
) -> None:
    answer = ask(client, campaign, sought)
    assert answer.context["page"].object_list == []
    assert "found by the whole number or exactly its last 4 digits" in answer.content.decode()


def test_who_looks_a_number_up_among_refused_rows_is_written_down_and_only_so_many(
    client: Any, campaign: Any, operator: Any, settings: Any
) -> None:
    settings.NUMBER_SEARCHES_A_MINUTE = 2
    for sought in ("0156", "0156", "570", "ann", "+12025550123"):
        ask(client, campaign, sought)
    events = AuditEvent.objects.filter(action="search.number", actor=operator)
    assert events.count() == 2
    answer = ask(client, campaign, "0157")
    assert answer.context["page"].object_list == []
    assert "You may look up 2 numbers in a minute." in answer.content.decode()
    assert events.count() == 2


def test_rows_that_are_revealed_are_shown_and_found_by_any_part(
    client: Any, campaign: Any, operator: Any
) -> None:
    revealed(campaign, operator)
    assert rows(client, campaign, "570") == [2, 3, 6]
    html = ask(client, campaign, "").content.decode()
    assert "0491abc570 1 call 57" in html
    assert not AuditEvent.objects.filter(action="search.number").exists()
