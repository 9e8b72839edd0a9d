"""One draft open on two pages of a browser: nothing is overwritten in silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from campaigns.models import Campaign

pytestmark = pytest.mark.journey


def write(page: Page, words: str, said: str) -> None:
    """Type, and wait for what the autosave answers."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.locator("#id_content").fill(words)
    expect(page.locator("#saved")).to_contain_text(said)


def test_the_older_page_asks_before_it_replaces_the_newer_draft(
    open_page: Callable[..., Page], operator: Any, make_campaign: Callable[..., Campaign]
) -> None:
    campaign = make_campaign()
    older, newer = open_page(operator), open_page(operator)
    for page in (older, newer):
        page.goto(reverse("campaigns:edit", args=[campaign.key]))
    for words in ("One.", "One, two.", "Corrected."):
        write(newer, words, "Draft saved")
    write(older, "My words.", "Not saved")
    expect(older.locator("#changed")).to_contain_text("changed meanwhile by you, on another page")
    expect(older.locator("#id_content")).to_be_focused()
    campaign.refresh_from_db()
    assert campaign.content == "Corrected."
    older.get_by_role("button", name="Keep mine").click()
    expect(older.locator("#changed")).to_be_hidden()
    expect(older.locator("#id_content")).to_have_value("My words.")
    campaign.refresh_from_db()
    assert campaign.content == "My words."
    write(older, "My words again.", "Draft saved")
