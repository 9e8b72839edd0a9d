"""The operator's story: from the empty form to every number's receipt, and all the ways beside."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from campaigns.models import Campaign, Message
from campaigns.seeding import COUNTRIES, made_up_numbers
from campaigns.states import CampaignState
from sms.display import mask
from tests.chaos.console import until
from tests.journeys import telling
from tests.journeys.browsing import accessible, shoot
from tests.journeys.conftest import PASSWORD
from tests.journeys.site import Site

pytestmark = pytest.mark.journey
Open = Callable[..., Page]
NUMBERS = 300
FICTION = [f"+1202555{last:04}" for last in range(100, 180)]
FATES = [f"+1202555{last:04}" for last in (180, 180, 181, 182, 183, 184, 185)][1:]


def detail(campaign: Campaign) -> str:
    return f"/campaigns/{campaign.key}/"


def submitted(page: Page, campaign: Campaign) -> None:
    page.goto(f"{detail(campaign)}review/")
    telling.submit(page)


def test_from_signing_in_to_the_receipt_of_every_number(
    open_page: Open, operator: Any, make_sender: Any, practice: Any, site: Site
) -> None:
    make_sender()
    type(practice).objects.filter(pk=practice.pk).update(rate=20)
    page = open_page()
    sign_in(page, operator.email)
    telling.begin(page, name="Delivery day", sender="PARCELWAY", text="Hi ")
    telling.variable(page, "name")
    page.keyboard.type(", your parcel ")
    telling.variable(page, "code")
    expect(page.locator("span[data-segments]")).to_have_text("1 segment")
    numbers = list(made_up_numbers(NUMBERS, 11))
    rows = [[number, f"Ann {at}", f"P{at}"] for at, number in enumerate(numbers)]
    wrong = [["12345", "Cy", "P"], ["+8613800138000", "Li", "P"], rows[0], ["hello", "Di", "P"]]
    telling.upload(page, telling.filled(telling.sample(page), [*rows, *wrong]))
    import_result(page)
    chips_and_preview(page)
    telling.to_review(page)
    expect(page.get_by_text("No suspension threshold is set")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^Total"))).to_contain_text(str(NUMBERS))
    assert accessible(page) == []
    telling.submit(page)
    watched(page)
    telling.state(page, "Completed", 60)
    campaign = Campaign.objects.get(workspace=operator.membership.workspace)
    until(lambda: not campaign.messages.filter(state="queued").exists(), "something is left")
    page.reload()
    read(page, campaign)
    looked_up(page, campaign)
    exported(page, campaign)
    verified = site.verified()
    assert verified["ok"], verified


def sign_in(page: Page, email: str) -> None:
    page.goto("/campaigns/")
    expect(page).to_have_url(re.compile(r"/signin/\?next="))
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1, name="Broadcast")).to_be_visible()
    rail = page.get_by_role("navigation", name="Pages")
    expect(rail.get_by_role("link", name="Broadcast")).to_have_attribute("aria-current", "page")


def import_result(page: Page) -> None:
    table = page.locator("#rows tbody")
    expect(table.get_by_role("row")).to_have_count(4)
    expect(table).to_contain_text("mainland China")
    expect(table).to_contain_text(str(NUMBERS + 2))  # the line of the first refused row
    with page.expect_download() as download:
        page.get_by_role("button", name="Download 4 refused rows").click()
    book = load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert len(list(book.worksheets[0].iter_rows(min_row=2))) == 4
    page.get_by_role("button", name=f"Send to the {NUMBERS} valid ones").first.click()


def chips_and_preview(page: Page) -> None:
    """The columns of the file are chips now, and the phone shows a real recipient's values."""
    content = page.get_by_role("textbox", name="Message Content")
    expect(content).to_have_value("Hi ${name}, your parcel ${code}")
    content.press("End")
    page.keyboard.type(" is for ")
    page.get_by_role("button", name="name", exact=True).click()
    expect(content).to_have_value("Hi ${name}, your parcel ${code} is for ${name}")
    first = page.locator("[data-bubble]").inner_text()
    assert re.fullmatch(r"Hi Ann \d+, your parcel P\d+ is for Ann \d+", first), first
    page.get_by_role("button", name="Next recipient").click()
    expect(page.locator("[data-bubble]")).not_to_have_text(first)


def watched(page: Page) -> None:
    """The page moves by itself while the campaign is sent."""
    telling.state(page, "Sending")
    share = page.locator("#live .kpi-value")
    expect(share).to_be_visible()
    first = share.inner_text()
    expect(share).not_to_have_text(first)
    shoot(page, "operator-sending")


def read(page: Page, campaign: Campaign) -> None:
    facts = page.locator("#side dl.facts").first
    expect(facts).to_contain_text("Notification")
    billed = sum(campaign.messages.values_list("billed_segments", flat=True))
    expect(facts).to_contain_text(f"{NUMBERS}")
    expect(facts).to_contain_text(f"{billed}")
    shares = page.locator("#split b").all_inner_texts()
    assert sum(map(int, shares)) == NUMBERS
    expect(page.locator("#countries tbody tr")).to_have_count(len(COUNTRIES))
    expect(page.locator("#reasons article").first).to_contain_text("What to do")
    expect(page.locator("#phone-rows tbody tr").first).to_be_visible()
    assert accessible(page) == []
    shoot(page, "operator-detail")


def looked_up(page: Page, campaign: Campaign) -> None:
    """By last digits, by result, by reason; and over all campaigns."""
    number = campaign.messages.order_by("?").first().number
    table = page.locator("#phone-rows tbody")
    page.locator("#phone-q").fill(number[-4:])
    page.locator("#phone-q").press("Enter")
    ending = campaign.messages.ending(number[-4:]).count()
    expect(table.get_by_role("row")).to_have_count(ending)
    expect(table).to_contain_text(mask(number))
    assert number not in page.url
    page.goto(detail(campaign))
    page.get_by_role("navigation", name="Messages by result").get_by_text("Failed").click()
    page.wait_for_url("**is=failed*")
    expect(table.locator(".chip").first).not_to_contain_text("Delivered")
    reason = page.get_by_label("Reason for failure")
    word = reason.locator("option").nth(1).inner_text()
    reason.select_option(index=1)
    expect(table.get_by_role("row").first).to_contain_text(word)
    page.keyboard.press("Escape")
    page.locator("#q-all").fill(number)
    page.locator("#q-all").press("Enter")
    expect(page.get_by_role("heading", level=1, name="Search")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("Delivery day")
    expect(page.get_by_role("heading", name=mask(number))).to_be_visible()
    assert accessible(page) == []
    shoot(page, "operator-search")


def exported(page: Page, campaign: Campaign) -> None:
    page.goto(detail(campaign))
    telling.reveal(page, "The carrier asks for examples")
    page.goto(detail(campaign))
    found = {}
    for form in ("CSV", "XLSX"):
        page.get_by_role("button", name="Export", exact=True).click()
        with page.expect_download() as download:
            page.get_by_role("button", name=f"All messages, {form}").click()
        found[form] = Path(download.value.path()).read_bytes()
        page.keyboard.press("Escape")
    lines = list(csv.DictReader(io.StringIO(found["CSV"].decode("utf-8-sig"))))
    sheet = load_workbook(io.BytesIO(found["XLSX"])).worksheets[0]
    cells = list(sheet.iter_rows(min_row=2, values_only=True))
    numbers = set(campaign.messages.values_list("number", flat=True))
    assert {line["phone_number"] for line in lines} == {f"'{number}" for number in numbers}
    assert {row[0] for row in cells} == numbers


def test_a_scheduled_campaign_is_cancelled_until_five_minutes_before(
    open_page: Open, operator: Any, make_campaign: Any
) -> None:
    page = open_page(operator)
    early, late = make_campaign(name="Early"), make_campaign(name="Late")
    tomorrow = timezone.now() + timedelta(days=1)
    for campaign in (early, late):
        page.goto(f"{detail(campaign)}edit/")
        page.get_by_role("switch").check()
        page.locator("#id_date").fill(f"{tomorrow:%Y-%m-%d}")
        page.locator("#id_time").fill("12:00")
        page.locator("#id_time_zone").select_option("Asia/Tokyo")
        expect(page.locator("#when-hint")).to_contain_text("UTC")
        telling.to_review(page)
        telling.submit(page)
        telling.state(page, "Scheduled")
        expect(page.locator(".countdown")).to_contain_text(" h ")
    cancel(page, early)
    expect(page.locator("#toasts")).to_contain_text("Nothing was sent")
    telling.state(page, "Cancelled")
    page.goto("/campaigns/")
    row = page.get_by_role("row", name=re.compile("Late"))
    expect(row.get_by_role("link", name="Cancel Late", exact=True)).to_be_visible()
    row = page.get_by_role("row", name=re.compile("Early"))
    expect(row.get_by_role("link", name="Cancel Early", exact=True)).to_have_count(0)
    page.goto(detail(late))
    page.get_by_role("link", name="Cancel campaign").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    soon = timezone.now() + timedelta(minutes=4, seconds=59)
    Campaign.objects.filter(pk=late.pk).update(send_at=soon)
    page.faults.excuse("409")
    page.get_by_role("dialog").get_by_role("button", name="Cancel campaign").click()
    expect(page.get_by_role("main")).to_contain_text("5 minutes before the start")
    assert accessible(page) == []
    late.refresh_from_db()
    assert late.state == CampaignState.SCHEDULED
    assert not Message.objects.filter(campaign=early).exists()


def cancel(page: Page, campaign: Campaign) -> None:
    page.goto("/campaigns/")
    page.get_by_role("link", name=f"Cancel {campaign.name}", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel campaign").click()


def test_100_typed_numbers_are_sent_and_101_are_refused(
    open_page: Open, operator: Any, make_sender: Any, practice: Any
) -> None:
    make_sender()
    page = open_page(operator)
    numbers = list(made_up_numbers(101, 5))
    telling.begin(page, name="By hand", sender="PARCELWAY", text="Your parcel is here.")
    telling.by_hand(page, numbers)
    page.get_by_role("button", name="Review campaign").click()
    expect(page.locator("#id_manual_numbers_error")).to_contain_text("100")
    expect(page.get_by_role("link", name="Download Sample")).to_be_visible()
    expect(page.locator("#id_manual_numbers")).to_have_value("\n".join(numbers))
    expect(page.get_by_label("Task Name")).to_have_value("By hand")
    assert accessible(page) == []
    page.locator("#id_manual_numbers").fill(", ".join(numbers[:100]))
    telling.to_review(page)
    telling.submit(page)
    telling.state(page, "Completed")
    assert Message.objects.filter(campaign__workspace=practice.workspace).count() == 100


def test_a_text_with_variables_is_not_offered_typed_numbers(
    open_page: Open, operator: Any, make_sender: Any, practice: Any
) -> None:
    make_sender()
    page = open_page(operator)
    telling.begin(page, name="Both", sender="PARCELWAY", text="Hi ")
    telling.variable(page, "name")
    expect(page.get_by_role("radio", name=re.compile("Manual Input"))).to_be_disabled()
    expect(page.locator("#manual-why")).to_contain_text("only a file")


def test_the_gap_and_the_overlap_of_a_clock_change_are_asked_about(
    open_page: Open, operator: Any, make_campaign: Any
) -> None:
    page = open_page(operator)
    campaign = make_campaign()
    year = timezone.now().year + 1
    page.goto(f"{detail(campaign)}edit/")
    page.get_by_role("switch").check()
    page.locator("#id_time_zone").select_option("Europe/Berlin")
    page.locator("#id_time").fill("02:30")
    page.locator("#id_date").fill(last_sunday(year, 3))
    hint = page.locator("#when-hint")
    expect(hint).to_contain_text("this time does not exist")
    assert hint.get_by_role("button").count() == 2
    shoot(page, "operator-gap")
    page.locator("#id_date").fill(last_sunday(year, 10))
    expect(hint).to_contain_text("this time comes twice")
    expect(hint.get_by_role("radio", name=re.compile("00:30"))).to_be_visible()
    expect(hint.get_by_role("radio", name=re.compile("01:30"))).to_be_visible()
    page.locator("#id_date").fill(last_sunday(year, 3))
    expect(hint).to_contain_text("this time does not exist")
    hint.get_by_role("button", name=re.compile("03:00")).click()
    expect(page.locator("#id_time")).to_have_value("03:00")


def last_sunday(year: int, month: int) -> str:
    from calendar import monthcalendar

    return f"{year}-{month:02}-{max(week[6] for week in monthcalendar(year, month)):02}"


def test_a_double_click_submits_once(open_page: Open, operator: Any, make_campaign: Any) -> None:
    campaign = make_campaign()
    page = open_page(operator)
    page.goto(f"{detail(campaign)}review/")
    page.get_by_role("button", name="Submit Campaign").dblclick()
    page.wait_for_url(telling.DETAIL)
    telling.state(page, "Completed")
    assert Message.objects.filter(campaign=campaign).count() == 2
    expect(page.locator("#side .trail")).to_contain_text("Submitted")
    assert page.locator("#side .trail").inner_text().count("Submitted") == 1


def test_what_was_typed_survives_errors_and_leaving(
    open_page: Open, operator: Any, make_sender: Any, practice: Any
) -> None:
    make_sender()
    page = open_page(operator)
    page.goto("/campaigns/new/")
    page.get_by_label("Task Name").fill("x" * 31)
    expect(page.locator("[data-count-for=id_name]")).to_have_text("31 / 30")
    page.get_by_role("textbox", name="Message Content").fill("Half a ${text")
    page.get_by_role("button", name="Review campaign").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    for field in ("Scenario Type", "Task Name", "Sender ID", "Message Content"):
        expect(summary).to_contain_text(field)
    expect(page.get_by_label("Task Name")).to_have_value("x" * 31)
    expect(page.get_by_role("textbox", name="Message Content")).to_have_value("Half a ${text")
    assert accessible(page) == []
    shoot(page, "operator-errors")
    page.get_by_label("Task Name").fill("Kept")
    page.get_by_role("textbox", name="Message Content").fill("Kept when the page is left")
    page.get_by_role("link", name="Broadcast").first.click()
    kept = Campaign.objects.filter(workspace=practice.workspace, name="Kept")
    until(kept.exists, "the last words were lost", 10)
    page.reload()
    page.get_by_role("link", name="Kept", exact=True).click()
    content = page.get_by_role("textbox", name="Message Content")
    expect(content).to_have_value("Kept when the page is left")


def test_a_test_goes_to_ones_own_phone(open_page: Open, operator: Any, make_campaign: Any) -> None:
    page = open_page(operator)
    page.goto("/profile/")
    page.locator("[name=test_numbers]").fill("+12025550180")
    page.get_by_role("button", name="Keep profile").click()
    campaign = make_campaign()
    page.goto(f"{detail(campaign)}review/")
    page.get_by_role("link", name="Send test").click()
    page.get_by_role("dialog").get_by_role("button", name="Send test").click()
    telling.state(page, "Completed")
    expect(page.locator("#phone-rows tbody")).to_contain_text(mask("+12025550180"))
    page.goto("/campaigns/")
    expect(page.get_by_role("row", name=re.compile("Test: "))).to_have_count(0)


def test_a_copy_is_made_and_what_failed_is_sent_again(
    open_page: Open, operator: Any, make_campaign: Any
) -> None:
    page = open_page(operator)
    campaign = make_campaign(FATES)
    submitted(page, campaign)
    telling.state(page, "Completed")
    failed = page.locator("#split")
    page.wait_for_timeout(1500)  # the receipts
    page.reload()
    expect(failed).to_contain_text("Failed")
    telling.on(page, "Resend to failed", "Create resend")
    expect(page.locator("#toasts")).to_contain_text("Resend created")
    again = Campaign.objects.get(parent=campaign)
    sent_to = set(again.recipients.recipients.values_list("number", flat=True))
    assert FATES[0] not in sent_to  # it was delivered
    assert sent_to
    page.goto(detail(campaign))
    page.get_by_role("link", name="Duplicate", exact=True).click()
    page.get_by_role("dialog").get_by_role("checkbox").check()
    page.get_by_role("dialog").get_by_role("button", name="Create copy").click()
    expect(page.locator("#id_content")).to_have_value(campaign.content)
    copy = Campaign.objects.exclude(pk=again.pk).get(parent=campaign)
    assert copy.state == CampaignState.DRAFT
    assert copy.recipients.accepted == len(FATES)


def test_a_campaign_is_paused_resumed_and_stopped(
    open_page: Open, operator: Any, make_campaign: Any, practice: Any
) -> None:
    type(practice).objects.filter(pk=practice.pk).update(rate=5)
    page = open_page(operator)
    campaign = make_campaign(FICTION)
    submitted(page, campaign)
    telling.state(page, "Sending")
    telling.on(page, "Pause", "Pause campaign")
    telling.state(page, "Paused")
    assert accessible(page) == []
    shoot(page, "operator-paused")
    telling.on(page, "Resume", "Resume sending")
    telling.state(page, "Sending")
    page.get_by_role("main").get_by_role("link", name="Stop for good").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").first.fill(dialog.locator("label b").inner_text())
    dialog.get_by_role("button", name="Stop campaign").click()
    telling.state(page, "Stopped")
    left = campaign.messages.filter(state="queued")
    until(lambda: not left.exists(), "what had not left was not cancelled")
    assert campaign.messages.filter(state="cancelled").exists()


def test_a_threshold_suspends_and_an_admin_resumes(
    open_page: Open, operator: Any, admin: Any, make_campaign: Any
) -> None:
    boss, page = open_page(admin), open_page(operator)
    threshold(boss, "Set", "30")
    campaign = make_campaign(FICTION[:50])
    page.goto(f"{detail(campaign)}review/")
    page.get_by_role("button", name="Submit Campaign").click()
    expect(page.get_by_role("alert")).to_contain_text("Not submitted")
    page.get_by_role("checkbox", name=re.compile("Send until suspended")).check()
    telling.submit(page)
    telling.state(page, "Suspended")
    assert campaign.messages.exclude(state="queued").count() == 30
    expect(page.get_by_role("main").get_by_role("link", name="Resume")).to_have_count(0)
    threshold(boss, "Edit", "1000")
    boss.goto(detail(campaign))
    expect(boss.locator(".banner-stop")).to_contain_text("suspended")
    assert accessible(boss) == []
    shoot(boss, "admin-suspended")
    boss.get_by_role("main").get_by_role("link", name="Resume").click()
    boss.get_by_role("dialog").get_by_label("Reason").fill("The limit was too low")
    boss.get_by_role("dialog").get_by_role("button", name="Resume sending").click()
    telling.state(boss, "Completed")
    expect(boss.locator(".banner-stop")).to_have_count(0)
    page.goto("/notices/")
    expect(page.get_by_role("main")).to_contain_text("Delivery day")


def threshold(page: Page, act: str, limit: str) -> None:
    """Set or change the daily threshold on its page."""
    page.goto("/billing/thresholds/")
    page.get_by_role("link", name=act).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Limit in segments").fill(limit)
    dialog.get_by_role("button", name="Set threshold").click()
    expect(dialog).to_have_count(0)
