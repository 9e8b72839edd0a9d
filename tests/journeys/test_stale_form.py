"""H1 in a browser: after signing in again in another tab, the form of the first still works."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from senders.models import SenderID
from tests.journeys.browsing import PHONE, accessible, shoot, sideways
from tests.journeys.test_every_page import base, db  # noqa: F401 - fixtures

pytestmark = pytest.mark.journey


def test_a_form_whose_token_went_old_is_sent_again_with_all_that_was_typed(
    operator: User, open_page: Callable[..., Page], db: Any  # noqa: F811
) -> None:  # fmt: skip
    page = open_page(operator)
    page.faults.excuse("status of 403")
    page.goto("/senders/register/")
    page.get_by_label("Sender ID", exact=False).first.fill("NEWSHOP")
    page.get_by_label("company", exact=False).first.fill("Parcelway & Sons")
    page.locator("textarea[name=note]").fill("Order news")
    page.context.clear_cookies(name="csrf")
    page.locator("main form button[type=submit]").last.click()
    expect(page.get_by_role("heading", name="The form could not be checked")).to_be_visible()
    assert accessible(page) == []
    shoot(page, "403-csrf-light")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert sideways(page) == ""
    shoot(page, "403-csrf-phone")
    page.get_by_role("button", name="Send it again").click()
    expect(page.get_by_role("heading", name="NEWSHOP")).to_be_visible()
    assert SenderID.objects.get(value="NEWSHOP").company == "Parcelway & Sons"
