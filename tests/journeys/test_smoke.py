"""One story on SQLite: the first sign-in, a campaign of 10,000 numbers, its result."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from campaigns.seeding import COUNTRIES, made_up_numbers
from tests.chaos.console import Console, until
from tests.journeys import telling
from tests.journeys.browsing import accessible, shoot

pytestmark = [pytest.mark.journey, pytest.mark.smoke]
NUMBERS = 10_000
SECONDS = 60
WRONG = ["12345", "+8613800138000", "hello", ""]
FIRST_WORDS = "a long enough sentence"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    folder = tmp_path_factory.mktemp("fresh")
    env = {"STATIC_ROOT": str(folder / "static"), "SMSCONSOLE_ALLOW_FAILPOINTS": "0"}
    with Console(folder / "home", **env) as console:
        yield console


@pytest.fixture
def base(fresh: Console) -> str:
    return f"http://127.0.0.1:{fresh.env['PORT']}"


def test_a_campaign_of_10_000_numbers_from_the_printed_link_to_its_result(
    fresh: Console, base: str, open_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = open_page()
    first_sign_in(page, fresh, base)
    approved_sender(page, "PARCELWAY")
    telling.begin(page, name="Delivery day", sender="PARCELWAY", text="Your parcel ")
    telling.variable(page, "code")
    page.keyboard.type(" comes today, ")
    telling.variable(page, "name")
    rows = [[n, f"P{i:05}", f"Person {i}"] for i, n in enumerate(made_up_numbers(NUMBERS, 3), 1)]
    rows += [[wrong, "P0", "Nobody"] for wrong in WRONG] + [rows[0]]
    telling.upload(page, telling.filled(telling.sample(page), rows))
    refused_rows(page)
    page.get_by_role("button", name="Send to the 10,000 valid ones").first.click()
    telling.to_review(page)
    expect(page.get_by_role("row", name=re.compile("Total"))).to_contain_text("10,000")
    shoot(page, "smoke-review")
    page.get_by_role("button", name="Submit Campaign").click()
    submitted = time.monotonic()
    page.wait_for_url(re.compile(r"/campaigns/[0-9a-f-]{36}/$"))
    handed = "SELECT COUNT(*) FROM campaigns_message WHERE state IN ('queued', 'in_doubt')"
    until(lambda: fresh.state() == "completed", "it was not all sent in time", SECONDS)
    assert time.monotonic() - submitted <= SECONDS
    assert fresh.query(handed) == [(0,)]
    result(page)
    assert fresh.verified() == {**fresh.verified(), "ok": True, "differences": 0}


def first_sign_in(page: Page, console: Console, base: str) -> None:
    log = console.home.parent / "console.log"
    until(lambda: f"{base}/signin/" in log.read_text(), "no sign-in link was printed")
    link = re.search(rf"{base}/signin/\S+", log.read_text())
    assert link
    page.goto(link[0])
    page.get_by_role("button", name="Sign in as").click()
    expect(page.get_by_role("button", name="Set password")).to_be_visible()
    for field in page.locator("main input[type=password]").all():
        field.fill(FIRST_WORDS)
    page.get_by_role("button", name="Set password").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("No suspension threshold")).not_to_have_count(0)
    shoot(page, "smoke-first-run")


def approved_sender(page: Page, value: str) -> None:
    page.get_by_role("link", name="Sender IDs").first.click()
    page.get_by_role("link", name="Register a sender ID").first.click()
    page.get_by_label("Sender ID", exact=True).fill(value)
    page.get_by_label("Legal company name").fill("Parcelway Ltd")
    page.locator("[name=note]").fill("Order and delivery news. Sample: your parcel arrives today.")
    page.get_by_role("button", name="Send for review").click()
    page.get_by_role("link", name="Approve").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Approved")


def refused_rows(page: Page) -> None:
    expect(page.get_by_text("10,005 rows read")).to_be_visible()
    assert accessible(page) == []
    shoot(page, "smoke-import")
    with page.expect_download() as download:
        page.get_by_role("button", name=re.compile(r"Download \d refused rows")).click()
    book = load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    lines = [row[0] for row in book.worksheets[0].iter_rows(min_row=2, values_only=True)]
    assert len(lines) == 5


def result(page: Page) -> None:
    expect(page.locator("#campaign-top")).to_contain_text("Completed", timeout=20_000)
    page.reload()
    split = page.locator("#split")
    shares = split.locator("b").all_inner_texts()
    assert sum(int(share.replace(",", "")) for share in shares) == NUMBERS
    expect(page.locator("#countries tbody tr")).to_have_count(len(COUNTRIES))
    assert page.locator("#reasons article").count() >= 4
    shoot(page, "smoke-detail")
    assert accessible(page) == []
