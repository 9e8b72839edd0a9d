"""Who sees what a campaign cost: an operator that of their own, every other role that of all."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from accounts.models import Job, JobState, User, Workspace
from billing import thresholds
from campaigns import exports, reading
from campaigns.models import Campaign
from tests.billing.building import charge
from tests.campaigns.building import Made, make_sent_campaign

Clients = Callable[[User], Client]
NUMBERS = ("+12025550100", "+61491570006")
PRICE, COST = "7.77", "13.21"  # 7.77 to the US and 5.44 to Australia
WHY = "Your role sees the cost of the campaigns you made."
HTMX = {"hx-request": "true"}


@pytest.fixture
def sent(make_campaign: Any, practice: Any, colleague: User) -> Campaign:
    """A colleague's campaign that is sending: one message to the US, one to Australia."""
    made = [Made("delivered", number=NUMBERS[0]), Made("accepted", "", "AU", NUMBERS[1])]
    return make_sent_campaign(
        make_campaign(author=colleague, name="Opening"), made, carrier=practice, state="sending",
        ended_at=None, started_at=timezone.now(), prices={"US": 7_770_000, "AU": 5_440_000},
    )  # fmt: skip


@pytest.fixture(params=["colleague", "admin", "finance", "viewer"])
def reader(request: pytest.FixtureRequest) -> User:
    """Somebody who sees what it cost: who made it, or a role that sees all."""
    found: User = request.getfixturevalue(request.param)
    return found


def pages(campaign: Campaign) -> dict[str, tuple[str, dict[str, str], str]]:
    """Every page and part that tells of its cost: address, headers, and what is said there."""
    details = f"/campaigns/{campaign.key}/"
    return {
        "list": ("/campaigns/", {}, COST),
        "rows": ("/campaigns/", HTMX | {"hx-target": "campaign-rows"}, COST),
        "row": (f"/campaigns/?row={campaign.key}", HTMX, COST),
        "overview": ("/", {}, COST),
        "sending": ("/?part=sending", HTMX, COST),
        "details": (details, {}, COST),
        "price": (details, {}, PRICE),
        "side": (details, HTMX | {"hx-target": "side"}, COST),
        "live": (details, HTMX | {"hx-target": "live"}, ""),
        "phones": (details, HTMX | {"hx-target": "phone-rows"}, PRICE),
    }


@pytest.mark.parametrize("name", pages(Campaign(key="0")))
def test_an_operator_sees_no_cost_of_a_colleagues_campaign(
    signed_in: Clients, sent: Campaign, operator: User, colleague: User, name: str
) -> None:
    path, headers, said = pages(sent)[name]
    assert said in signed_in(colleague).get(path, headers=headers).content.decode()
    page = signed_in(operator).get(path, headers=headers).content.decode()
    assert ("– under" in page) == (name in ("list", "rows", "overview", "sending"))
    for amount in (COST, PRICE, "5.44", "13210000", "7770000", "No price"):
        assert amount not in page
    if said:
        assert WHY in page


def test_who_made_it_and_every_other_role_see_it(
    signed_in: Clients, sent: Campaign, reader: User
) -> None:
    client = signed_in(reader)
    for path, headers, said in pages(sent).values():
        page = client.get(path, headers=headers).content.decode()
        assert said in page
        assert WHY not in page


def test_an_estimate_is_a_cost_too(signed_in: Clients, sent: Campaign, operator: User) -> None:
    Campaign.objects.filter(pk=sent.pk).update(
        state="scheduled", started_at=None, send_at=timezone.now() + timedelta(days=1),
        estimate={"billable": 2, "cost": 13_210_000},
    )  # fmt: skip
    for path in ("/campaigns/", f"/campaigns/{sent.key}/"):
        assert COST in signed_in(sent.author).get(path).content.decode()
        page = signed_in(operator).get(path).content.decode()
        assert COST not in page
        assert "No price" not in page
        assert WHY in page


@pytest.mark.parametrize("sought", NUMBERS)
def test_a_search_tells_no_price_of_a_colleagues_message(
    signed_in: Clients, sent: Campaign, operator: User, sought: str
) -> None:
    price = PRICE if sought == NUMBERS[0] else "5.44"
    assert price in signed_in(sent.author).post("/search/", {"q": sought}).content.decode()
    page = signed_in(operator).post("/search/", {"q": sought}).content.decode()
    assert "Opening" in page
    assert price not in page


def rows(content: bytes, form: str = "csv") -> list[dict[str, Any]]:
    if form == "csv":
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    sheet = load_workbook(io.BytesIO(content)).active
    head, *lines = [list(row) for row in sheet.iter_rows(values_only=True)]
    return [dict(zip(head, line, strict=True)) for line in lines]


def test_the_exported_list_leaves_a_colleagues_cost_out(
    signed_in: Clients, sent: Campaign, operator: User, finance: User
) -> None:
    def exported(person: User) -> dict[str, Any]:
        answer = signed_in(person).get("/campaigns/totals.csv")
        (row,) = rows(b"".join(answer))
        return row

    row = exported(operator)
    assert (row["cost"], row["currency"], row["number_of_billable_messages"]) == ("", "", "2")
    assert exported(finance)["cost"] == "13.210000"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_exported_messages_of_a_colleague_have_no_price(
    signed_in: Clients, sent: Campaign, operator: User, form: str
) -> None:
    def exported(person: User) -> list[dict[str, Any]]:
        answer = signed_in(person).post(f"/campaigns/{sent.key}/export/", {"form": form})
        return rows(b"".join(answer), form)

    assert [row["cost"] or None for row in exported(operator)] == [None, None]
    assert [row["price_per_segment"] or None for row in exported(operator)] == [None, None]
    assert [row["cost"] for row in exported(sent.author)] == ["7.770000", "5.440000"]


def test_a_large_file_made_in_the_background_has_none_either(
    signed_in: Clients, sent: Campaign, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "INLINE_ROWS", 1)
    client = signed_in(operator)
    client.post(f"/campaigns/{sent.key}/export/", {"form": "xlsx"})
    job = Job.objects.get()
    exports.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.DONE
    found = rows(b"".join(client.get(f"/campaigns/exports/{job.key}/download/")), "xlsx")
    assert [row["cost"] for row in found] == [None, None]


def test_the_sums_of_an_operator_are_those_of_their_own_campaigns(
    signed_in: Clients, workspace: Workspace, operator: User, colleague: User, viewer: User,
    make_campaign: Any,
) -> None:  # fmt: skip
    """What all of them used of a threshold stays: it is what the person has room in."""
    make_campaign()
    today = thresholds.today(workspace)
    charge(workspace, today, 1_000, price=2_000, author=operator)
    charge(workspace, today, 5_000, price=2_000, author=colleague)
    for path in ("/", "/?part=kpis", "/billing/thresholds/"):
        headers = HTMX if "part" in path else {}
        page = signed_in(operator).get(path, headers=headers).content.decode()
        assert "$2.00" in page
        assert "$12.00" not in page
        assert "your campaigns" in page.lower()
        everything = signed_in(viewer).get(path, headers=headers).content.decode()
        assert "$12.00" in everything
        assert "your campaigns" not in everything.lower()
    assert "6,000" in signed_in(operator).get("/billing/thresholds/").content.decode()


def test_what_is_reserved_is_counted_over_all_campaigns(
    signed_in: Clients, workspace: Workspace, admin: User, operator: User, colleague: User
) -> None:
    """The ledger of everybody is taken off what is used, also where money of all is not shown."""
    charge(workspace, thresholds.today(workspace), 500, author=colleague)
    thresholds.set_limit(workspace, "day", 1_000, 80, admin)
    page = signed_in(operator).get("/billing/thresholds/").content.decode()
    assert "500 of 1,000 segments used" in page
    assert "reserved, not billed yet" not in page


def test_without_cost_no_figure_of_money_is_left(sent: Campaign) -> None:
    hidden = reading.read(sent).without_cost()
    assert (hidden.result.amount, hidden.result.unpriced, hidden.result.cost) == (0, 0, None)
    assert {row.result.cost for row in hidden.countries} == {None}
    assert {row.price for row in hidden.countries} == {None}
    assert hidden.result.billed == 2
