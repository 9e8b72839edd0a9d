"""A draft saves itself while it is typed, and overwrites nothing in silence."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, Request, Route, expect

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


def test_a_draft_is_not_saved_again_behind_the_button_that_sent_it(
    open_page: Callable[..., Page], operator: Any, make_campaign: Callable[..., Campaign]
) -> None:
    """The list of typed numbers would be made anew, and what was agreed to on the review lost."""
    campaign = make_campaign()
    page = open_page(operator)

    def late(route: Route) -> None:
        if route.request.is_navigation_request():
            time.sleep(1.5)  # longer than a save waits for the next word
        route.continue_()

    page.route("**/edit/", late)
    page.goto(reverse("campaigns:edit", args=[campaign.key]))
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    page.locator("#id_manual_numbers").fill("+12025550123\n+12025550124")
    page.get_by_role("button", name="Review campaign").click()
    page.wait_for_url("**/review/")
    posts = [request for request in asked if request.method == "POST"]
    assert [request.is_navigation_request() for request in posts] == [True]
    page.go_back()
    write(page, "Typed after the way back.", "Draft saved")
