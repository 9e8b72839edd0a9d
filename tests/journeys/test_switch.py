"""Finance stops all sending in the middle of a campaign; an admin lets it go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.chaos.judge import carrier_ledger
from tests.journeys import telling
from tests.journeys.browsing import accessible
from tests.journeys.test_every_page import seen

pytestmark = pytest.mark.journey
Open = Callable[..., Page]
WHY = "Code requests are being abused"
NUMBERS = [f"+1{area}5550{n:03}" for area in (202, 312) for n in range(100, 130)]


def test_everything_is_stopped_with_a_reason_and_goes_on_once_an_admin_sends_again(
    open_page: Open, finance: Any, admin: Any, operator: Any, make_campaign: Any, practice: Any,
    tmp_path: Path,
) -> None:  # fmt: skip
    type(practice).objects.filter(pk=practice.pk).update(rate=5)
    campaign = make_campaign(NUMBERS, name="Opening")
    writer, page, chief = open_page(operator), open_page(finance), open_page(admin)
    writer.goto(f"/campaigns/{campaign.key}/review/")
    telling.submit(writer)
    telling.state(writer, "Sending")

    assert seen(page, "/sending/stop/", "on-question") == []
    page.goto("/billing/thresholds/")
    page.get_by_role("link", name="Stop all sending").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 campaign is sending.")
    dialog.get_by_label("Reason").fill("Abused from +12025550123")
    dialog.get_by_role("button", name="Stop all sending").click()
    main = page.get_by_role("main")
    expect(main.get_by_role("alert")).to_contain_text("without the number")
    assert accessible(page) == []
    main.get_by_label("Reason").fill(WHY)
    main.get_by_role("button", name="Stop all sending").click()
    banner = page.get_by_role("region", name="All sending is stopped")
    expect(banner).to_contain_text(f"by Aisha Bello: {WHY}")
    expect(banner.get_by_role("link", name="Send again")).to_have_count(0)

    carrier = tmp_path / "practice"
    page.wait_for_timeout(2_000)
    out = len(carrier_ledger(carrier)[0])
    expect(writer.locator("#campaign-top")).to_contain_text(WHY)
    faults = [
        fault
        for path, label in (
            ("/", "off-overview"), (f"/campaigns/{campaign.key}/", "off-campaign"),
            ("/system/", "off-system"), ("/sending/resume/", "off-question"),
        )
        for fault in seen(chief, path, label)
    ]  # fmt: skip
    assert faults == []
    assert len(carrier_ledger(carrier)[0]) == out < len(NUMBERS), "nothing has left meanwhile"

    type(practice).objects.filter(pk=practice.pk).update(rate=1_000)
    chief.goto("/campaigns/")
    chief.get_by_role("link", name="Send again").click()
    chief.get_by_role("dialog").get_by_role("button", name="Send again").click()
    expect(chief.get_by_role("region", name="All sending is stopped")).to_have_count(0)
    telling.state(writer, "Completed")
    times, _segments = carrier_ledger(carrier)
    refused = campaign.messages.filter(state="rejected").count()  # as practice may have it
    assert (len(times) + refused, set(times.values())) == (len(NUMBERS), {1})
