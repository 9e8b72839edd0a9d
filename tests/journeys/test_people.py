"""People come and go: an invitation, a first sign-in, an access that ends, a second team."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from accounts import dates
from accounts.models import Membership, User
from accounts.roles import Role
from tests.journeys.browsing import (
    NARROW,
    OF_COLOUR,
    PHONE,
    WIDE,
    accessible,
    shoot,
    sideways,
)

pytestmark = pytest.mark.journey
Open = Callable[..., Page]
PASSWORD = "a field of tall sunflowers"


def look(page: Page, name: str) -> None:
    """Sound in light, in dark, on a phone and on the narrowest one; kept for a person to judge."""
    faults = accessible(page)
    shoot(page, f"{name}-light")
    set_theme = "name => document.documentElement.setAttribute('data-bs-theme', name)"
    page.evaluate(set_theme, "dark")
    faults += accessible(page, OF_COLOUR)
    shoot(page, f"{name}-dark")
    page.evaluate(set_theme, "light")
    size = page.viewport_size
    for (width, height), place in ((PHONE, "phone"), (NARROW, "narrow")):
        page.set_viewport_size({"width": width, "height": height})
        faults += [*accessible(page), *filter(None, [sideways(page)])]
        shoot(page, f"{name}-{place}")
    page.set_viewport_size(size)
    assert faults == []


def test_a_person_is_invited_works_and_is_deactivated(
    open_page: Open, admin: Any, workspace: Any
) -> None:
    """H18: the invitation works once; SR14: access ends with the next click."""
    boss, ann = open_page(admin), open_page()
    address = f"ann.{workspace.pk}@example.com"
    boss.goto("/")
    boss.get_by_role("link", name="Team", exact=True).click()
    boss.get_by_role("link", name="Invite a person").click()
    boss.get_by_role("button", name="Invite", exact=True).click()
    expect(boss.locator("#id_email_error")).to_contain_text("Write the e-mail address")
    look(boss, "people-invite")
    boss.get_by_label("E-mail address").fill(address)
    boss.get_by_label("Name").fill("Ann Lee")
    boss.get_by_label("Role").select_option(label="Operator")
    boss.get_by_role("button", name="Invite", exact=True).click()
    link = boss.locator("#invitation").inner_text()
    look(boss, "people-invited")
    boss.get_by_role("link", name="Go to the team").click()
    expect(row(boss, "Ann Lee")).to_contain_text("Invited")
    expect(boss.get_by_text("/signin/")).to_have_count(0)
    look(boss, "people-team")
    comes_in(ann, link)
    boss.reload()
    expect(row(boss, "Ann Lee")).to_contain_text("signed in at 1 place")
    asks(boss, "Ann Lee", "Deactivate")
    assert accessible(boss) == []
    shoot(boss, "people-deactivate")
    boss.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    expect(row(boss, "Ann Lee")).to_contain_text("Deactivated")
    ann.get_by_role("link", name="Overview").click()
    expect(ann).to_have_url(re.compile("/signin/"))
    ann.faults.excuse("status of 403")  # type: ignore[attr-defined]
    ann.get_by_label("E-mail address").fill(address)
    ann.get_by_label("Password", exact=True).fill(PASSWORD)
    ann.get_by_role("button", name="Sign in", exact=True).click()
    expect(ann.get_by_role("heading", level=1)).to_contain_text("access to Parcelway was ended")
    look(ann, "people-ended")
    asks(boss, "Ann Lee", "Reactivate")
    boss.get_by_role("dialog").get_by_role("button", name="Reactivate").click()
    expect(row(boss, "Ann Lee")).to_contain_text("Active")
    ann.goto("/campaigns/")
    expect(ann.get_by_role("heading", level=1)).to_contain_text("Broadcast")


def row(page: Page, name: str) -> Any:
    return page.get_by_role("row").filter(has_text=name)


def asks(page: Page, name: str, act: str) -> None:
    """Open somebody's menu and one of its questions, with the keyboard alone."""
    page.get_by_role("button", name=f"Actions for {name}").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name=act, exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text(name)


def comes_in(page: Page, link: str) -> None:
    """The first sign-in: the link, a password of one's own, and to work."""
    page.goto(link)
    page.get_by_role("button", name="Sign in as Ann Lee").click()
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password again").fill(PASSWORD)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Overview")
    page.get_by_role("link", name="Create Campaign").first.click()
    expect(page.get_by_label("Task Name")).to_be_visible()


def test_a_person_of_two_workspaces_changes_between_them_with_the_keyboard(
    open_page: Open, operator: User, stranger: User, other_workspace: Any
) -> None:
    Membership.objects.create(user=operator, workspace=other_workspace, role=Role.FINANCE)
    page = open_page(operator)
    page.goto("/campaigns/")
    for size, place in ((WIDE, "wide"), (PHONE, "phone"), (NARROW, "narrow")):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.reload()
        page.get_by_role("button", name="Account menu").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Change to Nordlink")).to_be_visible()
        assert accessible(page) == []
        assert sideways(page) == ""
        shoot(page, f"people-switch-{place}")
    page.get_by_role("button", name="Change to Nordlink").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Overview")
    expect(page.locator("body")).to_contain_text("You work in Nordlink now")
    expect(page.get_by_role("link", name="Create Campaign")).to_have_count(0)
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    page.goto("/")
    page.get_by_role("button", name="Account menu").click()
    page.get_by_role("button", name="Change to Parcelway").click()
    expect(page.get_by_role("link", name="Create Campaign").first).to_be_visible()
    other = open_page(stranger)
    other.goto("/")
    other.get_by_role("button", name="Account menu").click()
    expect(other.get_by_text("Change to")).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "written"), [("en", r"\d\d:\d\d"), ("en-us", r"\d{1,2}:\d\d [AP]M")]
)
def test_a_lost_connection_is_dated_as_the_person_has_times_written(
    open_page: Open, operator: Any, make_sent: Any, language: str, written: str
) -> None:
    """In their zone too: the browser here is British and stands at UTC."""
    operator.time_zone, operator.date_language = "Asia/Kolkata", language
    operator.save()
    make_sent()
    page = open_page(operator)
    page.faults.excuse("ERR_INTERNET_DISCONNECTED|htmx:")  # type: ignore[attr-defined]
    page.goto("/")
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_be_visible()
    said = page.locator("#offline [data-since]").inner_text()
    assert re.fullmatch(written, said)
    at = datetime.fromtimestamp(page.evaluate("Date.now()") / 1000, ZoneInfo("Asia/Kolkata"))
    with dates.written(language):
        near = {dates.write(at - timedelta(minutes=n), "time") for n in range(3)}
    assert said in near
