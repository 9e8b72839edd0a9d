"""Whole days: what an admin and a viewer do one after the other, each page in three looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import AuditEvent
from senders.models import SenderState
from tests.journeys.browsing import looks

pytestmark = pytest.mark.journey
Open = Callable[..., Page]


def answered(page: Page, act: str, button: str, **fields: str) -> None:
    """Open the dialog of *act*, fill its fields by their labels and press *button*."""
    page.get_by_role("link", name=act, exact=True).first.click()
    dialog = page.get_by_role("dialog")
    for label, words in fields.items():
        dialog.get_by_label(label.replace("_", " ")).fill(words)
    dialog.get_by_role("button", name=button).click()
    expect(dialog).to_have_count(0)


def test_an_admins_day(
    open_page: Open, admin: Any, operator: Any, make_sender: Any, make_sent: Any
) -> None:
    """A sender is approved, a rate entered, a threshold set; failures are read, a number is
    revealed, and a person who left is out at the next click.
    """
    campaign = make_sent()
    make_sender("PWNEWS", SenderState.PENDING, requested_by=operator)
    page, other = open_page(admin), open_page(operator)
    main = page.get_by_role("main")
    page.goto("/senders/")
    page.get_by_role("link", name="PWNEWS", exact=True).click()
    answered(page, "Approve", "Approve")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Approved")
    assert looks(page, "day-sender") == []
    page.get_by_role("link", name="Rates", exact=True).click()
    page.get_by_role("link", name="Enter a rate").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Country").select_option("AU")
    dialog.get_by_label("Price per segment").fill("0.0415")
    dialog.get_by_role("button", name="Keep rate").click()
    expect(page.get_by_role("row", name="Australia")).to_contain_text("0.0415")
    assert looks(page, "day-rates") == []
    page.get_by_role("link", name="Suspension thresholds").click()
    page.get_by_role("link", name="Set", exact=False).first.click()
    page.get_by_role("dialog").get_by_label("Limit in segments").fill("50000")
    page.get_by_role("dialog").get_by_role("button", name="Set threshold").click()
    expect(main).to_contain_text("50,000")
    assert looks(page, "day-thresholds") == []
    page.goto(f"/campaigns/{campaign.key}/?is=failed")
    expect(main.locator("#phone-rows")).to_contain_text("Number not in use")
    assert looks(page, "day-failures") == []
    answered(page, "Reveal numbers", "Reveal numbers", Reason="A customer asks why")
    expect(main.locator("#phone-rows tbody")).to_contain_text("+61 491 570 156")
    assert looks(page, "day-revealed") == []
    other.goto("/campaigns/")
    page.get_by_role("link", name="Team", exact=True).click()
    assert looks(page, "day-team") == []
    row = page.get_by_role("row", name=operator.name)
    row.get_by_role("button", name="Actions for").click()
    page.get_by_role("link", name="Deactivate", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(row).to_contain_text("Deactivated")
    other.get_by_role("link", name="Sender IDs", exact=True).click()
    expect(other.get_by_role("heading", level=1)).to_contain_text("Sign in")
    page.get_by_role("link", name="Audit log").click()
    for words in ("approved the sender ID PWNEWS", "revealed the numbers", "deactivated"):
        expect(main).to_contain_text(words)
    assert looks(page, "day-audit") == []
    done = AuditEvent.objects.filter(workspace=campaign.workspace, actor=admin)
    assert {"sender.approve", "rate.enter", "campaign.reveal"} <= set(
        done.values_list("action", flat=True)
    )


def test_a_viewers_day(open_page: Open, viewer: Any, make_sent: Any) -> None:
    """A viewer reads totals, reasons, costs and the audit log, without a number or a text."""
    campaign = make_sent()
    page = open_page(viewer)
    seen = []
    for place in ("Overview", "Broadcast", "Sender IDs", "Opt-outs", "Suspension thresholds",
                  "Finance", "Rates", "Audit log"):  # fmt: skip
        page.goto("/")
        page.get_by_role("navigation").get_by_role("link", name=place, exact=True).first.click()
        assert looks(page, f"viewer-{place.lower().replace(' ', '-')}") == []
        seen.append(page.content())
    page.goto(f"/campaigns/{campaign.key}/?is=failed")
    expect(page.get_by_role("main")).to_contain_text("Number not in use")
    assert looks(page, "viewer-campaign") == []
    seen.append(page.content())
    for secret in ("491570156", campaign.content):
        assert not [html for html in seen if secret in html.replace(" ", "") or secret in html]
