"""Somebody asks for no more messages, and later for messages again."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import telling
from tests.journeys.browsing import accessible

pytestmark = pytest.mark.journey
Open = Callable[..., Page]
GONE, LISTED, REACHED = "+12025550161", "+12025550162", "+12025550163"
FILE = f"phone_number,since\n{GONE},May\n{LISTED},June\n12345,July\n"


def test_opted_out_numbers_are_left_out_until_an_admin_takes_one_off(
    open_page: Open, operator: Any, admin: Any, make_sender: Any, practice: Any
) -> None:
    make_sender()
    page = open_page(operator)
    page.goto("/")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Opt-outs").click()
    expect(page.get_by_role("main")).to_contain_text("No number here")
    typed(page)
    brought(page)
    assert sent_to(page, "First offer") == 1
    boss = open_page(admin)
    boss.goto("/optouts/")
    boss.get_by_placeholder("Whole number or its last 4 digits").fill(LISTED)
    boss.get_by_role("button", name="Search", exact=True).click()
    expect(boss.get_by_role("row")).to_have_count(2)
    boss.get_by_role("link", name="Remove", exact=False).click()
    dialog = boss.get_by_role("dialog")
    expect(dialog).to_contain_text("Later campaigns can write to this number again")
    dialog.get_by_label("Reason").fill("Asked for offers again")
    dialog.get_by_role("button", name="Remove from the list").click()
    expect(boss.get_by_role("main")).to_contain_text("Typed")
    expect(boss.get_by_role("row")).to_have_count(2)
    assert sent_to(page, "Second offer") == 2


def typed(page: Page) -> None:
    page.get_by_role("link", name="Add numbers").first.click()
    page.get_by_label("Mobile numbers").fill(f"{GONE}\nnobody")
    page.get_by_label("Reason").fill("Replied STOP")
    page.get_by_role("button", name="Add numbers").click()
    expect(page.get_by_role("main")).to_contain_text("1 entry was not added")
    expect(page.get_by_label("Mobile numbers")).to_have_value("nobody")
    assert accessible(page) == []
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("main")).to_contain_text("+1 20 ••• 0161")


def brought(page: Page) -> None:
    page.get_by_role("link", name="Import a file").click()
    file = {"name": "old system.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
    page.locator("#id_file").set_input_files(file)  # type: ignore[arg-type]
    page.get_by_label("Reason").fill("List of the old system")
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_role("main")).to_contain_text(
        "Preview: nothing is added yet", timeout=30_000
    )
    expect(page.get_by_role("main")).to_contain_text("Rows that are not added")
    assert accessible(page) == []
    page.get_by_role("button", name="Add 1 number").click()
    expect(page.get_by_role("main")).to_contain_text("1 number was added", timeout=30_000)
    page.get_by_role("link", name="Back to the list").click()
    expect(page.get_by_role("main")).to_contain_text("old system.csv")


def sent_to(page: Page, name: str) -> int:
    """Send to the three numbers; how many of them a message leaves for."""
    telling.begin(page, name=name, sender="PARCELWAY", text="Ten percent off.")
    telling.by_hand(page, [GONE, LISTED, REACHED])
    telling.to_review(page)
    say_yes = page.get_by_role("button", name=re.compile("^Send to the"))
    say_yes.click()
    expect(say_yes).to_have_count(0)
    telling.submit(page)
    telling.state(page, "Completed", 60)
    return page.locator("#phone-rows tbody tr").count()
