"""The statement's page and files, asked by everybody."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from accounts.models import AuditEvent, User, Workspace
from billing import thresholds
from billing.exports import COLUMNS
from tests.billing.building import KEYS, NOVEMBER, OCTOBER, charge, fail

Clients = Callable[[User], Client]
PAGE, EXPORT = "/billing/statement/", "/billing/statement/export/"
WHEN = {"month": "2026-10"}


def exported(client: Client, form: str = "csv", **given: str) -> bytes:
    answer = client.post(EXPORT, {**WHEN, "form": form, **given})
    assert answer.status_code == 200
    assert (
        f'filename="statement-{given.get("month", "2026-10")}-by-'
        in answer.headers["Content-Disposition"]
    )
    return answer.content


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.parametrize("who", ["operator", "admin", "finance", "viewer"])
def test_everybody_of_the_workspace_reads_the_statement(
    request: pytest.FixtureRequest, signed_in: Clients, workspace: Workspace, who: str
) -> None:
    person = request.getfixturevalue(who)
    charge(workspace, OCTOBER, 1_234, author=person)
    client = signed_in(person)
    assert "1,234" in client.get(PAGE, WHEN).content.decode()
    assert exported(client)


def test_nobody_is_led_to_the_sign_in_page(client: Client, db: None) -> None:
    assert client.get(PAGE).url == f"/signin/?next={PAGE}"
    assert client.post(EXPORT).status_code == 302


def test_an_export_is_asked_for_by_post(signed_in: Clients, finance: User) -> None:
    assert signed_in(finance).get(EXPORT, {"form": "csv"}).status_code == 405


def test_an_operator_sees_and_takes_away_only_their_own(
    signed_in: Clients, workspace: Workspace, operator: User, colleague: User
) -> None:
    charge(workspace, OCTOBER, 1_111, author=operator)
    charge(workspace, OCTOBER, 2_222, author=colleague, campaign="Sale")
    client = signed_in(operator)
    page = client.get(PAGE, {**WHEN, "by": "campaign"}).content.decode()
    assert "Your role sees the campaigns you made." in page
    assert "1,111" in page
    assert "2,222" not in page
    assert "Sale" not in page
    rows = table(exported(client, by="campaign"))
    assert ["Campaigns", "those of the person who asked"] in rows
    assert [row[2] for row in rows if row[:1] == ["Total"]] == ["1111"]


def test_another_workspace_sees_nothing_of_it(
    signed_in: Clients, workspace: Workspace, stranger: User
) -> None:
    charge(workspace, OCTOBER, 3_333)
    client = signed_in(stranger)
    assert "Nothing was billed in October 2026" in client.get(PAGE, WHEN).content.decode()
    assert b"3333" not in exported(client)


def test_a_month_without_charges_says_what_to_do(signed_in: Clients, finance: User) -> None:
    client = signed_in(finance)
    page = client.get(PAGE, WHEN).content.decode()
    assert "Nothing was billed in October 2026" in page
    assert EXPORT not in page
    page = client.get(PAGE, {**WHEN, "country": "MY"}).content.decode()
    assert "Show the whole statement" in page


def test_a_campaign_opens_and_another_word_narrows(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    charge(workspace, OCTOBER, 5)
    client = signed_in(finance)
    page = client.get(PAGE, {**WHEN, "by": "campaign"}).content.decode()
    assert f'href="/campaigns/{KEYS["Opening"]}/"' in page
    page = client.get(PAGE, {**WHEN, "by": "country"}).content.decode()
    assert "?month=2026-10&amp;by=campaign&amp;country=MY" in page
    page = client.get(PAGE, {**WHEN, "country": "MY", "sender": "SHOP"}).content.decode()
    assert '<span aria-current="page">SHOP</span>' in page
    assert "?month=2026-10&amp;by=sender&amp;country=MY" in page


def test_a_price_nobody_knows_is_never_0(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    charge(workspace, OCTOBER, 1_203, price=None, failed=3)
    client = signed_in(finance)
    page = client.get(PAGE, WHEN).content.decode()
    assert "1,203 billable messages have no price." in page
    assert "No price" in page
    assert "$0" not in page
    (total,) = [row for row in table(exported(client)) if row[:1] == ["Total"]]
    assert total == ["Total", "", "1203", "1203", "1203", "", "USD", "3", "3", "3", ""]


def test_this_month_is_so_far_and_a_past_one_is_not(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    charge(workspace, OCTOBER)
    charge(workspace, timezone.now().date())
    client = signed_in(finance)
    assert "so far, in UTC" in client.get(PAGE).content.decode()
    assert "so far, in UTC" not in client.get(PAGE, WHEN).content.decode()
    assert 'rel="next"' in client.get(PAGE, WHEN).content.decode()
    assert 'rel="next"' not in client.get(PAGE).content.decode()


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_past_month_is_the_same_bytes_until_the_ledger_says_more_of_it(
    signed_in: Clients, workspace: Workspace, other_workspace: Workspace, finance: User, form: str
) -> None:
    """Only a late receipt, and nothing of other months, people and workspaces, changes it."""
    october = charge(workspace, OCTOBER, failed=2)
    charge(workspace, OCTOBER, country="US", price=None)
    client = signed_in(finance)
    first = exported(client, form)
    assert exported(client, form) == first
    november = charge(workspace, NOVEMBER)
    fail(november, 4)
    fail(charge(other_workspace, OCTOBER), 1)
    assert exported(client, form) == first
    fail(october, 1)
    assert exported(client, form) != first


def test_the_export_says_from_which_rows_it_was_made(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    made = charge(workspace, OCTOBER, failed=2)
    newest = fail(made, 1)
    rows = table(exported(signed_in(finance), country="MY", by="day"))
    told = {row[0]: row[1:] for row in rows if row}
    assert told["Charges up to number"][0] == str(made.pk)
    assert told["Failed as reported up to number"][0] == str(newest.pk)
    assert "This statement was read up to this one" in told["Charges up to number"][1]
    assert "later receipts are in the file" in told["Failed as reported up to number"][1]
    assert ["Only this country", "MY"] in rows
    assert ["Month", "2026-10"] in rows


def test_the_workbook_holds_numbers_that_add_up_to_the_page(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    charge(workspace, OCTOBER, 7, price=31_111, failed=1)
    charge(workspace, OCTOBER, 3, price=7_901, country="US")
    client = signed_in(finance)
    book = load_workbook(io.BytesIO(exported(client, "xlsx")))
    rows = [list(row) for row in book.active.iter_rows(values_only=True)]
    head = next(at for at, row in enumerate(rows) if row[0] == "country")
    cost = rows[head].index("cost")
    lines, total = rows[head + 1 : -1], rows[-1]
    assert sum(row[cost] for row in lines) == pytest.approx(total[cost])
    assert total[cost] == 0.24148
    assert total[2] == 10
    assert {row[1] for row in lines} == {"Malaysia", "United States"}
    assert "$0.24" in client.get(PAGE, WHEN).content.decode()


def test_every_column_is_explained_on_the_page_and_in_a_second_sheet(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    charge(workspace, OCTOBER, 7, failed=1)
    client = signed_in(finance)
    page = client.get(PAGE, WHEN).content.decode()
    assert "What the columns mean" in page
    book = load_workbook(io.BytesIO(exported(client, "xlsx")))
    assert book.sheetnames == ["Statement", "About"]
    head, *lines = list(book["About"].iter_rows(values_only=True))
    assert head == ("Column", "On the page", "What it means")
    assert {line[0] for line in lines} == set(COLUMNS)
    for _column, name, meaning in lines:
        assert f"<dt>{name}</dt><dd>{meaning}</dd>" in page


def test_the_strip_says_what_the_second_number_counts(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    charge(workspace, OCTOBER, 914, messages=900)
    page = signed_in(finance).get(PAGE, WHEN).content.decode()
    assert "segments of 900 accepted messages" in page


def test_a_file_narrowed_to_no_cost_centre_says_so(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    charge(workspace, OCTOBER, cost_centre="")
    rows = table(exported(signed_in(finance), cost_centre="", by="day"))
    assert ["Only this cost centre", "No cost centre"] in rows


def test_cells_that_look_like_formulas_stay_text(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    """H19: a cost centre named by a person runs nothing in the reader's spreadsheet."""
    charge(workspace, OCTOBER, cost_centre='=HYPERLINK("x")')
    client = signed_in(finance)
    assert any(row[0] == "'=HYPERLINK(\"x\")" for row in table(exported(client, by="cost_centre"))
               if row)  # fmt: skip
    book = load_workbook(io.BytesIO(exported(client, "xlsx", by="cost_centre")))
    cells = [c for row in book.active.iter_rows() for c in row if str(c.value).startswith("=")]
    assert [cell.data_type for cell in cells] == ["s"]


def test_who_took_a_statement_away_is_written_down(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    charge(workspace, OCTOBER)
    exported(signed_in(finance), "xlsx", country="MY")
    event = AuditEvent.objects.get(action="statement.export")
    assert (event.actor, event.workspace) == (finance, workspace)
    assert event.data == {
        "month": "2026-10", "grouped": "campaign", "only": {"country": "MY"}, "form": "xlsx",
        "lines": 1,
    }  # fmt: skip


@pytest.mark.parametrize("form", ["", "pdf", "../x", "\0"])
def test_an_unknown_form_is_not_found(signed_in: Clients, finance: User, form: str) -> None:
    assert signed_in(finance).post(EXPORT, {**WHEN, "form": form}).status_code == 404


@pytest.mark.parametrize("by", ["password", "", "-segments", "a" * 10_000, "\0"])
def test_a_hostile_address_is_a_page(signed_in: Clients, finance: User, by: str) -> None:
    given = {"by": by, "month": by, "country": by, "day": by, "sender": by}
    assert signed_in(finance).get(PAGE, given).status_code == 200


def test_a_long_month_is_cut_on_the_page_and_whole_in_the_file(
    signed_in: Clients, workspace: Workspace, finance: User, django_assert_max_num_queries: Any
) -> None:
    from billing.models import Charge

    first = charge(workspace, OCTOBER, 1)
    fields = {f.attname: getattr(first, f.attname) for f in first._meta.fields if f.name != "id"}
    Charge.objects.bulk_create(Charge(**fields | {"sender": f"S{n}"}) for n in range(300))
    client = signed_in(finance)
    client.get(PAGE, WHEN)
    with django_assert_max_num_queries(8):
        page = client.get(PAGE, {**WHEN, "by": "sender"}).content.decode()
    assert "101 more lines are in the statement to download" in page
    assert len(table(exported(client, by="sender"))) > 301


@pytest.mark.parametrize(
    ("zone", "at", "month"),
    [
        (
            "America/New_York",
            "2026-11-01T03:59:59+00:00",
            "October 2026",
        ),  # the night clocks go back
        ("America/New_York", "2026-11-01T04:00:00+00:00", "November 2026"),
        ("America/New_York", "2026-12-01T04:59:59+00:00", "November 2026"),
        ("Europe/Berlin", "2026-10-31T23:00:00+00:00", "November 2026"),
        ("Pacific/Apia", "2026-10-31T11:00:00+00:00", "November 2026"),
        ("UTC", "2026-10-31T23:59:59+00:00", "October 2026"),
    ],
)
def test_a_month_begins_at_midnight_of_the_workspace(
    make_person: Any, signed_in: Clients, workspace: Workspace, zone: str, at: str, month: str
) -> None:
    workspace.time_zone = zone
    workspace.save()
    with time_machine.travel(datetime.fromisoformat(at), tick=False):
        client = signed_in(make_person("finance", workspace))
        made = charge(workspace, thresholds.today(workspace), 7)
        page = client.get(PAGE).content.decode()
        thresholds_page = client.get("/billing/thresholds/").content.decode()
    assert f"{month} so far, in {zone}" in page
    assert made.day.strftime("%B %Y") == month
    assert "$0.22 so far" in thresholds_page


def test_days_belong_to_the_month_they_were_written_in(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    charge(workspace, OCTOBER, 7)
    day = (OCTOBER - timedelta(days=30)).isoformat()
    page = signed_in(finance).get(PAGE, {**WHEN, "day": day}).content.decode()
    assert "Nothing was billed" in page
