"""Two tabs, two workspaces: the older tab stands still, says why, and leads back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from campaigns.models import Campaign
from senders.models import OptOut
from tests.journeys.test_people import look

pytestmark = pytest.mark.journey


def move(page: Page, name: str) -> None:
    """In another tab of the same browser."""
    tab = page.context.new_page()
    tab.goto("/")
    tab.get_by_role("button", name="Account menu").click()
    tab.get_by_role("button", name=f"Change to {name}").click()
    expect(tab.get_by_text(f"You work in {name} now.")).to_be_visible()
    tab.close()


def test_a_tab_of_another_workspace_acts_in_neither_until_its_person_is_back(
    open_page: Callable[..., Page], admin: User, workspace: Workspace, make_campaign: Any
) -> None:
    other = Workspace.objects.create(name="Nordlink")
    Membership.objects.create(user=admin, workspace=other, role=Role.ADMIN)
    draft = make_campaign(author=admin)
    page = open_page(admin)
    page.faults.excuse("409")  # type: ignore[attr-defined]
    page.goto(f"/campaigns/{draft.key}/edit/")
    note = page.locator("#moved")
    expect(note).to_be_hidden()
    move(page, "Nordlink")
    page.get_by_label("Task name").fill("Spring offers")
    expect(note).to_contain_text("This page belongs to Parcelway; you have since moved")
    look(page, "moved-note")
    with page.expect_response(lambda answer: answer.url.endswith("/edit/") and answer.ok):
        page.get_by_role("button", name="Go back to Parcelway").click()
    expect(note).to_be_hidden()
    expect(page.get_by_label("Task name")).to_have_value("Spring offers")
    assert Campaign.objects.get(pk=draft.pk).name == "Spring offers"

    page.goto("/optouts/add/")
    page.locator("main textarea").first.fill("+12025550123")
    page.locator("main [name=reason]").fill("asked by mail")
    move(page, "Nordlink")
    page.locator("main form button[type=submit]").last.click()
    expect(page.get_by_role("heading", name="This page belongs to Parcelway")).to_be_visible()
    assert not OptOut.objects.filter(workspace__in=[workspace, other]).exists()
    look(page, "moved-page")
    page.get_by_role("button", name="Go back to Parcelway and send it").click()
    expect(page.get_by_text("You work in Parcelway now.")).to_be_visible()
    assert OptOut.objects.filter(workspace=workspace).exists()
