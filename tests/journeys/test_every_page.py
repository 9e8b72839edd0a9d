"""Every page, for every role, in light, dark and on a phone: seen by a browser and by axe."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import Page, expect

from accounts.models import SignInLink, User
from accounts.roles import Role, allows
from tests.journeys.browsing import accessible, looks, shoot
from tests.journeys.pages import Case, World

pytestmark = pytest.mark.journey
Open = Callable[..., Page]

PARTS = 3  # of a long walk, for as many processes as there are
# Named URLs that are no pages: acts, files, parts of pages, and what machines ask for.
NO_PAGES = {
    "set_theme", "healthz", "readyz", "receipts", "accounts:signout", "accounts:read_notices",
    "accounts:read_notice", "campaigns:export_list", "campaigns:export", "campaigns:download",
    "campaigns:side", "campaigns:sample", "campaigns:upload", "campaigns:refused",
    "campaigns:confirm", "campaigns:check_again", "campaigns:leave_out", "campaigns:answer",
    "campaigns:submit", "campaigns:hide", "billing:statement_export", "billing:rate_keep",
    "billing:rate_sample", "billing:rate_export", "billing:threshold_choose",
    "optouts:import_answer", "optouts:import_confirm", "accounts:audit_export",
    "accounts:switch", "accounts:end_sessions",
}  # fmt: skip
OPEN_PAGES = {"accounts:signin", "accounts:reset", "accounts:link"}
# Pages that look different for those who may do less.
BY_ROLE = re.compile(
    "overview|campaigns:(list|detail)|billing:(thresholds|rates|statement)$|senders:(list|detail)"
    "|optouts:list|search|accounts:audit"
)


@pytest.fixture
def db(transactional_db: None) -> None:
    """Rows that the server of this process sees; nothing works on them."""


@pytest.fixture
def base(live_server: Any) -> str:
    return str(live_server.url)


@pytest.fixture
def practice(workspace: Any) -> Any:
    from carriers.models import Carrier

    return Carrier.objects.create(workspace=workspace, name="Practice carrier", gateway="loopback")


@pytest.fixture
def world(make_campaign: Any, practice: Any, admin: User) -> World:
    return World(make_campaign, practice, admin)


def names(resolver: URLResolver, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from names(entry, f"{space}{entry.namespace}:" if entry.namespace else space)
        else:
            yield f"{space}{entry.name}", entry


VIEWS = {name: entry.callback for name, entry in names(get_resolver())}


def may(person: User, case: Case) -> bool:
    """What the role table says of this page and this object."""
    own = case.author_id in (None, person.pk)
    permission = VIEWS[case.name].permission
    return permission is None or allows(person.membership.role, permission, own=own)


def test_no_page_is_forgotten(world: World, operator: User) -> None:
    seen = {case.name for case in world.cases(operator)}
    assert VIEWS.keys() - seen - NO_PAGES - OPEN_PAGES == set()


@pytest.mark.parametrize("part", range(PARTS))
def test_everything_an_admin_can_open_is_sound(
    world: World, admin: User, open_page: Open, part: int
) -> None:
    page = open_page(admin)
    page.faults.excuse("status of 409")
    cases = world.cases(admin)[part::PARTS]
    faults = [fault for case in cases for fault in looked_at(page, case)]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FINANCE, Role.VIEWER])
def test_what_a_role_sees_of_it_is_sound(
    world: World, role: str, request: pytest.FixtureRequest, open_page: Open
) -> None:
    person = request.getfixturevalue(role)
    page = open_page(person)
    faults = []
    for case in world.cases(person):
        if BY_ROLE.match(case.name) and may(person, case):
            page.goto(case.path)
            faults += [f"{case.label} {fault}" for fault in accessible(page)]
            shoot(page, f"{role}-{case.label}")
    assert not faults, "\n".join(faults)


def test_a_statement_on_a_phone_has_its_totals_and_no_part_that_scrolls(
    world: World, finance: User, open_page: Open
) -> None:
    page = open_page(finance)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(reverse("billing:statement"))
    main = page.get_by_role("main")
    expect(main.get_by_text("Total", exact=True)).to_be_visible()
    expect(main.locator("tfoot")).to_contain_text("3,702")
    wide = """() => [...document.querySelectorAll("main :not(.visually-hidden)")]
        .filter(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "auto")
        .map(e => e.className)"""
    assert page.evaluate(wide) == []


def test_the_pages_before_signing_in_and_beside_the_way_are_sound(
    operator: User, workspace: Any, open_page: Open
) -> None:
    nobody, page = open_page(), open_page(operator)
    for one in (nobody, page):
        one.faults.excuse(r"status of (403|404|410)")
    link = reverse("accounts:link", args=[SignInLink.make(operator)])
    old = reverse("accounts:link", args=["x" * 43])
    faults = looked_at(nobody, Case("accounts:signin"))
    faults += looked_at(nobody, Case("accounts:reset"))
    faults += seen(nobody, link, "link") + seen(nobody, old, "link-old")
    faults += seen(page, "/nowhere/", "404") + seen(page, "/billing/rates/add/", "403")
    faults += seen(page, "/", "first-run") + seen(page, "/campaigns/", "first-list")
    assert not faults, "\n".join(faults)


def looked_at(page: Page, case: Case) -> list[str]:
    return seen(page, case.path, case.label)


def seen(page: Page, path: str, label: str) -> list[str]:
    page.goto(path)
    return looks(page, label)
