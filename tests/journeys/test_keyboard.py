"""Without a mouse, and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.models import Campaign
from campaigns.states import CampaignState
from tests.chaos.console import until
from tests.journeys import telling

pytestmark = pytest.mark.journey
Open = Callable[..., Page]
ROWS = b"phone_number,name\n+12025550123,Ann\n+12025550124,Bo\nnothing,Cy\n"


def to(page: Page, selector: str, most: int = 60) -> None:
    """Press Tab until the focus is on *selector*."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab never reaches {selector}")


def focused(page: Page) -> str:
    return str(page.evaluate("() => document.activeElement.id || document.activeElement.href"))


def test_a_campaign_is_made_and_submitted_by_keyboard_alone(
    open_page: Open, operator: Any, make_sender: Any, practice: Any
) -> None:
    make_sender()
    page = open_page(operator)
    page.goto("/")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert focused(page) == "main"
    page.goto("/")
    to(page, "a.rail-cta")
    page.keyboard.press("Enter")
    page.wait_for_url("**/campaigns/new/")
    to(page, "input[name=scenario]")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    to(page, "#id_name")
    page.keyboard.type("By keyboard")
    to(page, "#id_sender")
    page.keyboard.type("PARCELWAY")
    to(page, "#id_content")
    page.keyboard.type("Your parcel arrives today.")
    to(page, "input[name=source]")
    page.keyboard.press("ArrowDown")
    to(page, "#id_manual_numbers")
    page.keyboard.type("+12025550180")
    to(page, "button[value=review]")
    page.keyboard.press("Enter")
    page.wait_for_url(telling.REVIEW)
    to(page, ".submit-bar button")
    page.keyboard.press("Enter")
    page.wait_for_url(telling.DETAIL)
    telling.state(page, "Completed")
    campaign = Campaign.objects.get(workspace=practice.workspace)
    assert (campaign.name, campaign.scenario, campaign.total) == ("By keyboard", "otp", 1)


def test_the_slash_finds_the_search_and_escape_leaves_a_dialog_where_it_began(
    open_page: Open, operator: Any, make_campaign: Any
) -> None:
    campaign = make_campaign()
    page = open_page(operator)
    page.goto(f"/campaigns/{campaign.key}/")
    page.keyboard.press("/")
    assert focused(page) == "q-all"
    page.keyboard.type("/")
    expect(page.locator("#q-all")).to_have_value("/")
    page.goto(f"/campaigns/{campaign.key}/")
    discard = page.get_by_role("link", name="Discard draft")
    discard.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert page.evaluate("() => document.activeElement.closest('dialog') !== null")
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate("() => !document.querySelector('.page :focus')")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(discard).to_be_focused()
    page.goto("/campaigns/")
    more = page.get_by_role("button", name=f"More actions for {campaign.name}")
    more.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="View Details")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="View Details")).to_be_hidden()
    expect(more).to_be_focused()


def test_without_javascript_a_campaign_is_made_submitted_and_cancelled(
    open_page: Open, operator: Any, make_sender: Any, practice: Any
) -> None:
    make_sender()
    page = open_page(operator, java_script_enabled=False)
    page.goto("/campaigns/new/")
    page.get_by_role("radio", name="Notification").check()
    page.get_by_label("Task Name").fill("Plain")
    page.locator("#id_sender").select_option(label="PARCELWAY")
    page.get_by_role("textbox", name="Message Content").fill("Hi ${name}")
    file = {"name": "rows.csv", "mimeType": "text/csv", "buffer": ROWS}
    page.locator("#id_file").set_input_files(file)
    page.get_by_role("button", name="Import Mobile Phone Numbers").click()
    source = Campaign.objects.get(workspace=practice.workspace).recipients
    until(lambda: not type(source).objects.filter(pk=source.pk, state="checking").exists(), "late")
    page.goto(page.url)
    page.get_by_role("button", name="Send to the 2 valid ones").first.click()
    page.get_by_role("switch").check()
    page.locator("#id_date").fill(f"{timezone.now() + timedelta(days=3):%Y-%m-%d}")
    page.locator("#id_time").fill("09:30")
    page.get_by_role("button", name="Review campaign").click()
    expect(page).to_have_url(telling.REVIEW)
    page.get_by_role("button", name="Submit Campaign").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Scheduled")
    page.get_by_role("link", name="Cancel campaign").click()
    expect(page).to_have_url(re.compile("/cancel/$"))
    page.get_by_role("button", name="Cancel campaign").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cancelled")
    assert Campaign.objects.get(workspace=practice.workspace).state == CampaignState.CANCELLED


def test_a_time_zone_is_found_by_typing_and_without_a_script_the_list_is_a_plain_one(
    open_page: Open, operator: Any
) -> None:
    page = open_page(operator)
    page.goto("/profile/")
    box = page.get_by_role("combobox", name="Time zone")
    to(page, "#id_time_zone_find")
    page.keyboard.type("kuala")
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    found = page.get_by_role("option", selected=True).filter(has_text="Kuala Lumpur")
    expect(box).to_have_attribute("aria-activedescendant", str(found.get_attribute("id")))
    page.keyboard.press("Enter")
    expect(box).to_have_value(re.compile(r"Asia/Kuala Lumpur \(UTC\+08:00\)"))
    page.keyboard.type("no such place")
    expect(page.get_by_role("status").filter(has_text="No time zone is found")).to_be_visible()
    page.keyboard.press("Escape")
    expect(box).to_have_value(re.compile("Kuala Lumpur"))
    page.get_by_role("button", name="Keep profile").click()
    expect(page.locator("#toasts")).to_contain_text("Profile kept")
    operator.refresh_from_db()
    assert operator.time_zone == "Asia/Kuala_Lumpur"
    plain = open_page(operator, java_script_enabled=False)
    plain.goto("/profile/")
    plain.get_by_label("Time zone").select_option("Europe/Berlin")
    plain.get_by_role("button", name="Keep profile").click()
    operator.refresh_from_db()
    assert operator.time_zone == "Europe/Berlin"


def test_a_time_zone_is_found_by_its_country_and_by_its_offset(
    open_page: Open, operator: Any
) -> None:
    page = open_page(operator)
    page.goto("/profile/")
    box = page.get_by_role("combobox", name="Time zone")
    found = page.get_by_role("listbox", name="Time zone").get_by_role("option")
    for typed, zone, other in (
        ("malaysia", "Asia/Kuala Lumpur", "Asia/Singapore"),
        ("United Kingdom", "Europe/London", "Europe/Dublin"),
        ("aland", "Europe/Mariehamn", "Europe/Stockholm"),
        ("+8", "Asia/Kuala Lumpur", "Asia/Tokyo"),
        ("+08", "Asia/Kuala Lumpur", "Asia/Tokyo"),
        ("UTC+8", "Asia/Kuala Lumpur", "Asia/Tokyo"),
        ("utc +8:00", "Asia/Kuala Lumpur", "Asia/Tokyo"),
        ("GMT+05:30", "Asia/Kolkata", "Asia/Kathmandu"),
        ("+0530", "Asia/Kolkata", "Asia/Karachi"),
        ("-3", "America/Sao Paulo", "America/New York"),
        ("brazil −3", "America/Sao Paulo", "America/Manaus"),
    ):  # fmt: skip
        box.fill(typed)
        expect(found.filter(has_text=f"{zone} ("), typed).to_have_count(1)
        expect(found.filter(has_text=f"{other} ("), typed).to_have_count(0)
    box.fill("india")
    expect(found.first).to_have_text(re.compile("^Asia/Kolkata .* · India$"))
    box.fill("UTC")
    expect(found.first).to_have_text("UTC")
    page.goto("/optouts/import/")
    page.get_by_role("combobox", name="Numbers without a country code").fill("+60")
    expect(page.get_by_role("option").first).to_have_text("Malaysia (+60)")


def test_the_start_of_a_campaign_is_set_in_a_zone_that_was_typed(
    open_page: Open, operator: Any, make_campaign: Any
) -> None:
    page = open_page(operator)
    campaign = make_campaign()
    page.goto(f"/campaigns/{campaign.key}/edit/")
    page.get_by_role("switch").check()
    page.locator("#id_date").fill(f"{timezone.now() + timedelta(days=2):%Y-%m-%d}")
    page.locator("#id_time").fill("12:00")
    page.get_by_role("combobox", name="Time zone").fill("tokyo")
    page.keyboard.press("Tab")
    expect(page.locator("#when-hint")).to_contain_text("12:00 Asia/Tokyo")
