"""Finance enters prices and reads sums, never texts and numbers; a viewer changes nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from billing.models import Charge, FailedCharge
from campaigns.models import Campaign, CampaignTally
from sms.display import grouped
from tests.chaos.judge import carrier_ledger
from tests.journeys import telling
from tests.journeys.browsing import looks
from tests.sms.practice.carrier import eventually

pytestmark = pytest.mark.journey
Open = Callable[..., Page]
LONG = "Your parcel arrives today between 9 and 12. " * 4  # 2 segments
RATES = "country;price\nUnited States;0,007901\nAU;1.5\nNowhere;1\n"
CHANGES = (
    "Pause", "Resume", "Cancel", "Edit", "Duplicate", "Resend to failed", "Reveal numbers",
)  # fmt: skip


def test_a_rate_makes_the_cost_known_and_finance_sees_masked_numbers(
    open_page: Open, finance: Any, operator: Any, make_campaign: Any
) -> None:
    campaign = make_campaign(["+12025550180", "+12025550181"])
    page, writer = open_page(finance), open_page(operator)
    writer.goto(f"/campaigns/{campaign.key}/review/")
    expect(writer.locator(".submit-bar")).to_contain_text("No price")
    page.goto("/billing/rates/")
    page.get_by_role("link", name="Enter a rate").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Country").select_option("US")
    dialog.get_by_label("Price per segment").fill("0.0079")
    dialog.get_by_role("button", name="Keep rate").click()
    expect(page.get_by_role("row", name="United States")).to_contain_text("0.0079")
    writer.reload()
    expect(writer.locator(".submit-bar")).to_contain_text("0.02")
    telling.submit(writer)
    telling.state(writer, "Completed")
    page.goto(f"/campaigns/{campaign.key}/")
    main = page.get_by_role("main")
    expect(main).to_contain_text("Your role sees masked numbers")
    expect(main).not_to_contain_text("2025550180")
    expect(main).not_to_contain_text(grouped("+12025550180"))
    expect(main).not_to_contain_text(campaign.content)
    expect(main.locator("#phone-rows")).to_contain_text("•••")
    expect(main).to_contain_text("0.02")


def test_a_finance_day_ends_with_a_statement_that_equals_the_carriers_count(
    open_page: Open, finance: Any, operator: Any, make_campaign: Any, tmp_path: Path
) -> None:
    numbers = [f"+1{area}555018{n}" for area in ("202", "312") for n in range(4)]
    campaign = make_campaign(numbers, content=LONG, cost_centre="Retail")
    page, writer = open_page(finance), open_page(operator)
    import_rates(page)
    writer.goto(f"/campaigns/{campaign.key}/review/")
    telling.submit(writer)
    telling.state(writer, "Completed")
    waits = CampaignTally.objects.filter(campaign=campaign, state="accepted", messages__gt=0)
    eventually(lambda: not waits.exists(), within=40)
    page.get_by_role("link", name="Finance", exact=True).click()
    main = page.get_by_role("main")
    expect(main).to_contain_text("so far, in UTC")
    assert looks(page, "finance-month") == []
    main.get_by_role("link", name="United States").click()
    expect(main.get_by_role("navigation", name="Breadcrumb")).to_contain_text("United States")
    assert looks(page, "finance-narrowed") == []
    equal_to_the_ledger(page, campaign, tmp_path / "practice")
    main.get_by_role("link", name=campaign.name).click()
    page.wait_for_url(telling.DETAIL)
    expect(main).to_contain_text("Reason for Failure")
    for secret in (LONG.strip(), "2025550181", grouped("+12025550181")):
        expect(main).not_to_contain_text(secret)


def import_rates(page: Page) -> None:
    """A sheet with a price that is asked about and a row that is refused."""
    page.goto("/billing/rates/")
    page.get_by_role("link", name="Import rates").click()
    page.get_by_label("Sheet").set_input_files(
        {"name": "carrier.csv", "mimeType": "text/csv", "buffer": RATES.encode()}
    )
    page.get_by_role("button", name="Show what changes").click()
    expect(page.get_by_role("main")).to_contain_text("2 new, 0 changed, 0 unchanged, 1 refused")
    assert looks(page, "finance-preview") == []
    page.get_by_label("1 price is above 1").check()
    page.get_by_role("button", name="Keep 2 rates").click()
    expect(page.get_by_role("row", name="United States")).to_contain_text("0.007901")


def equal_to_the_ledger(page: Page, campaign: Campaign, carrier: Path) -> None:
    """The file, the page, our charges and the carrier's own count say the same."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Statement, XLSX").click()
    book = load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    rows = [row for row in book.active.iter_rows(values_only=True) if row[0]]
    head, total = next(row for row in rows if row[0] == "campaign"), rows[-1]
    said = dict(zip(head, total, strict=True))
    charges = Charge.objects.filter(campaign_key=campaign.key)
    sums = charges.aggregate(segments=Sum("segments"), amount=Sum("amount"))
    failed = FailedCharge.objects.filter(charge__in=charges).aggregate(n=Sum("segments"))["n"]
    _times, taken = carrier_ledger(carrier)
    assert said["billable_messages"] == sums["segments"] == sum(taken.values()) == 16
    assert said["cost"] == sums["amount"] / 1_000_000 == 16 * 7_901 / 1_000_000
    assert said["failed_but_billed"] == failed == 12
    strip = page.locator(".kpis")
    expect(strip).to_contain_text("$0.13")
    expect(strip).to_contain_text("75.0% of billable messages")


def test_a_viewer_reads_and_is_offered_no_change(
    open_page: Open, viewer: Any, operator: Any, make_campaign: Any
) -> None:
    writer, page = open_page(operator), open_page(viewer)
    campaign = make_campaign(["+12025550180", "+12025550181"])
    writer.goto(f"/campaigns/{campaign.key}/review/")
    telling.submit(writer)
    telling.state(writer, "Completed")
    page.goto("/campaigns/")
    expect(page.get_by_role("link", name="Create Campaign")).to_have_count(0)
    page.get_by_role("link", name=campaign.name, exact=True).click()
    for act in CHANGES:
        expect(page.get_by_role("main").get_by_role("link", name=act, exact=True)).to_have_count(0)
        expect(page.get_by_role("button", name=act, exact=True)).to_have_count(0)
    page.faults.excuse("status of 403")
    page.goto("/campaigns/new/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("not for your role")
    assert Campaign.objects.filter(workspace=campaign.workspace).count() == 1
    page.goto("/billing/rates/")
    for act in ("Import rates", "Enter a rate"):
        expect(page.get_by_role("link", name=act)).to_have_count(0)
    for address in ("/billing/rates/import/", "/billing/rates/add/"):
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_contain_text("not for your role")
    page.goto("/billing/statement/")
    expect(page.get_by_role("button", name="Statement, XLSX")).to_be_visible()
