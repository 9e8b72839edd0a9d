"""The admin's story: what operators ask for is decided, and spending is bounded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import AuditEvent
from campaigns import revealing
from tests.journeys.browsing import accessible, shoot

pytestmark = pytest.mark.journey
Open = Callable[..., Page]


def test_a_sender_is_refused_with_a_reason_and_approved_when_mended(
    open_page: Open, operator: Any, admin: Any, practice: Any
) -> None:
    page, boss = open_page(operator), open_page(admin)
    page.goto("/campaigns/new/")
    expect(page.get_by_role("main")).to_contain_text("No sender ID is approved yet")
    page.get_by_role("link", name="Register a Sender ID").click()
    page.get_by_label("Sender ID", exact=True).fill("PARCEL-WAY")
    page.get_by_label("Legal company name").fill("Parcelway Ltd")
    page.locator("[name=note]").fill("Order news. Sample: your parcel arrives today.")
    page.get_by_role("button", name="Send for review").click()
    expect(page.locator("#id_value_error")).to_be_visible()
    page.get_by_label("Sender ID", exact=True).fill("PARCELWAY")
    page.get_by_role("button", name="Send for review").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("PARCELWAY")
    expect(page.get_by_role("link", name="Approve")).to_have_count(0)
    boss.goto("/notices/")
    expect(boss.get_by_role("main")).to_contain_text("PARCELWAY")
    boss.goto(page.url)
    decide(boss, "Reject", "Reject sender ID", "Add the website first.")
    page.reload()
    expect(page.get_by_role("main")).to_contain_text("Add the website first.")
    page.get_by_role("link", name="Send for review again").click()
    page.get_by_label("Website").fill("https://parcelway.example")
    page.get_by_role("button", name="Send for review").click()
    boss.reload()
    assert accessible(boss) == []
    boss.get_by_role("link", name="Approve").click()
    boss.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(boss.get_by_role("heading", level=1)).to_contain_text("Approved")
    page.goto("/campaigns/new/")
    expect(page.locator("#id_sender option", has_text="PARCELWAY")).to_have_count(1)


def test_countries_are_registered_and_the_form_shows_where_the_name_works(
    open_page: Open, operator: Any, admin: Any, practice: Any
) -> None:
    page, boss = open_page(operator), open_page(admin)
    page.goto("/senders/register/")
    page.get_by_label("Sender ID", exact=True).fill("PARCELWAY")
    page.get_by_label("Legal company name").fill("Parcelway Ltd")
    page.locator("[name=note]").fill("Order news. Sample: your parcel arrives today.")
    page.get_by_label("Australia").check()
    page.get_by_label("United States").check()
    page.get_by_role("button", name="Send for review").click()
    expect(page.get_by_role("main")).to_contain_text("Submitted")
    boss.goto(page.url)
    boss.get_by_role("link", name="Approve", exact=True).click()
    boss.get_by_role("dialog").get_by_role("button", name="Approve").click()
    boss.get_by_role("link", name="Approved Australia").click()
    dialog = boss.get_by_role("dialog")
    dialog.get_by_label("reference at the registry", exact=False).fill("AU-2026-17")
    dialog.get_by_role("button", name="Record the approval").click()
    expect(dialog).to_have_count(0)
    expect(boss.get_by_role("main")).to_contain_text("AU-2026-17")
    expect(boss.get_by_role("main")).to_contain_text("Submitted → Approved")
    assert accessible(boss) == []
    page.goto("/campaigns/new/")
    page.get_by_text("Manual Input (Variables Unsupported)").click()
    page.locator("[name=manual_numbers]").fill("+61491570006, +12025550123")
    page.locator("#id_sender").select_option(label="PARCELWAY")
    shown = page.locator("#validity li")
    expect(shown).to_have_count(2)
    expect(shown.filter(has_text="United States")).to_have_attribute("data-ok", "2")
    expect(shown.filter(has_text="Australia")).to_have_attribute("data-ok", "1")
    expect(page.locator("#side")).to_contain_text("United States, 1 number")
    assert accessible(page) == []


def decide(page: Page, act: str, button: str, reason: str) -> None:
    page.get_by_role("link", name=act, exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_have_count(0)


def test_a_number_is_revealed_for_a_reason_and_masked_again(
    open_page: Open, admin: Any, operator: Any, make_sent: Any
) -> None:
    campaign = make_sent()
    page = open_page(admin)
    page.goto(f"/campaigns/{campaign.key}/?is=failed")
    rows = page.locator("#phone-rows tbody")
    expect(rows).to_contain_text("+61 49 ••• 0156")
    expect(rows).to_contain_text("Number not in use")
    assert "491570156" not in page.content().replace(" ", "")
    page.get_by_role("link", name="Reveal numbers").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Call of +61 491 570 156")
    dialog.get_by_role("button", name="Reveal numbers").click()
    expect(page.locator("#id_reason_error")).to_contain_text("without the number")
    page.get_by_label("Reason").fill("The customer of order 4711 complains")
    page.get_by_role("button", name="Reveal numbers").click()
    expect(page.locator("#phone-rows")).to_contain_text("Numbers are shown until")
    expect(rows).to_contain_text("+61 491 570 156")
    expect(rows.get_by_role("row")).to_have_count(4)  # the failed ones still
    assert accessible(page) == []
    shoot(page, "admin-revealed")
    other = open_page(operator)
    other.goto(f"/campaigns/{campaign.key}/")
    expect(other.locator("#phone-rows tbody")).not_to_contain_text("+61 491 570 156")
    page.get_by_role("button", name="Hide now").click()
    expect(page.get_by_role("link", name="Reveal numbers")).to_be_visible()
    expect(rows).not_to_contain_text("+61 491 570 156")
    trail = page.locator("#side .trail")
    expect(trail).to_contain_text("Numbers revealed for 15 minutes")
    expect(trail).to_contain_text("“The customer of order 4711 complains”")
    expect(trail).to_contain_text("Numbers masked again")
    written = AuditEvent.objects.filter(
        workspace=campaign.workspace, action__in=("campaign.reveal", "campaign.hide")
    )
    assert list(written.order_by("pk").values_list("action", "actor")) == [
        ("campaign.reveal", admin.pk), ("campaign.hide", admin.pk)
    ]  # fmt: skip


def test_a_page_left_open_masks_its_numbers_by_itself(
    open_page: Open, operator: Any, make_sent: Any
) -> None:
    campaign = make_sent()
    now = timezone.now()
    revealing.reveal(campaign, operator, "A moment", now - revealing.LASTS + timedelta(seconds=8))
    page = open_page(operator)
    page.goto(f"/campaigns/{campaign.key}/")
    rows = page.locator("#phone-rows tbody")
    expect(rows).to_contain_text("+61 491 570 006")
    page.locator("#phone-q").fill("000")  # words that would hold a poll back
    expect(rows).to_contain_text("+61 49 ••• 0006")
    expect(rows).not_to_contain_text("+61 491 570 006")
    expect(page.get_by_role("link", name="Reveal numbers")).to_be_visible()


def test_the_warning_goes_away_with_the_first_threshold(
    open_page: Open, admin: Any, practice: Any
) -> None:
    page = open_page(admin)
    page.goto("/")
    expect(page.get_by_text("No suspension threshold is set")).to_be_visible()
    page.get_by_role("link", name="How this abuse works and what helps").click()
    expect(page).to_have_url("/help/abuse/")
    page.goto("/billing/thresholds/")
    page.get_by_role("link", name="Set", exact=False).first.click()
    page.get_by_role("dialog").get_by_label("Limit in segments").fill("many")
    page.get_by_role("dialog").get_by_role("button", name="Set threshold").click()
    expect(page.locator("#id_limit_error")).to_be_visible()
    page.get_by_label("Limit in segments").fill("50000")
    page.get_by_role("button", name="Set threshold").click()
    expect(page.get_by_role("main")).to_contain_text("50,000")
    expect(page.get_by_role("main")).to_contain_text("none → 50,000")
    page.goto("/")
    expect(page.get_by_text("No suspension threshold is set")).to_have_count(0)
