"""People at a browser, before a console that runs as it does for everybody."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from accounts.models import Membership, User, Workspace
from tests.campaigns.building import make_sent_campaign
from tests.journeys import browsing
from tests.journeys.browsing import Faults
from tests.journeys.site import Site
from tests.sms.practice.carrier import PracticeCarrier

PASSWORD = "correct horse battery"
HASH = PBKDF2PasswordHasher().encode(PASSWORD, "salt", 1000)
_numbers = itertools.count(1)

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = browsing.executable()
    if path is None:
        sentence = "There is no Chromium, so the browser journeys are left out (Debian: chromium)."
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(sentence)
        pytest.skip(sentence)
    with browsing.chromium(path) as browser:
        yield browser


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None) -> Iterator[Site]:
    """One console for all journeys of this process; each test has a workspace of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    with Site(tmp_path_factory.mktemp("site"), worker) as site:
        yield site


@pytest.fixture
def db(site: Site, django_db_blocker: Any) -> Iterator[None]:
    """The rows of the running console, in the place of a test's own transaction."""
    with django_db_blocker.unblock(), site.rows():
        yield


@pytest.fixture
def make_person(db: None) -> Callable[..., User]:
    """People with addresses of their own, as all workspaces share one console."""

    def make(role: str, workspace: Workspace, name: str = "") -> User:
        address = f"{role}.{os.getpid()}.{next(_numbers)}@example.com"
        user = User.objects.create(email=address, name=name or role, password=HASH)
        user.membership = Membership.objects.create(user=user, workspace=workspace, role=role)
        return user

    return make


@pytest.fixture
def practice(workspace: Workspace, site: Site, tmp_path: Path) -> Iterator[Any]:
    """The workspace's account at a practice carrier of its own, which posts receipts here."""
    from carriers.models import Carrier

    carrier = Carrier.objects.create(
        workspace=workspace, name="Practice carrier", gateway="loopback", options={}
    )
    receipts = f"{site.url}/receipts/{carrier.receipts_token}/"
    with PracticeCarrier(tmp_path / "practice", "--receipts-url", receipts) as process:
        Carrier.objects.filter(pk=carrier.pk).update(options=process.settings)
        yield carrier
        Carrier.objects.filter(pk=carrier.pk).update(is_on=False)


@pytest.fixture
def make_sent(make_campaign: Callable[..., Any], practice: Any) -> Iterator[Callable[[], Any]]:
    """A campaign with rows of every result. No engine sent them, so they go before another journey
    asks the ledger whether it is sound.
    """
    made = []

    def make() -> Any:
        made.append(make_sent_campaign(make_campaign(), carrier=practice))
        return made[-1]

    yield make
    for campaign in made:
        campaign.messages.all().delete()
        campaign.delete()


@pytest.fixture
def base(site: Site) -> str:
    """Where the pages are."""
    return site.url


@pytest.fixture
def open_page(browser: Browser, base: str) -> Iterator[Open]:
    """Open a browser for a person (or nobody); every fault of its pages fails the test."""
    opened: list[tuple[BrowserContext, Faults]] = []

    def open_one(user: User | None = None, **context: Any) -> Page:
        page = browsing.new_page(browser, base_url=base, **context)
        if user is not None:
            page.context.add_cookies([{"name": "session", "value": session(user), "url": base}])
        page.faults = Faults(page)  # type: ignore[attr-defined]
        opened.append((page.context, page.faults))  # type: ignore[attr-defined]
        return page

    yield open_one
    for context, _faults in opened:
        context.close()
    assert [fault for _context, faults in opened for fault in faults.left()] == []


def session(user: User) -> str:
    """The cookie of somebody who has signed in."""
    client = Client()
    client.force_login(user)
    return client.cookies["session"].value
