"""Finance enters prices and reads sums, never texts and numbers; a viewer changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import Campaign
from sms.display import grouped
from tests.journeys import telling

pytestmark = pytest.mark.journey
Open = Callable[..., Page]
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
