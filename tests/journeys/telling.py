"""What people do on the pages, step by step, with the words they read there."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook, load_workbook
from playwright.sync_api import Page, expect

NUMBER_COLUMN = "phone_number"
DETAIL = re.compile(r"/campaigns/[0-9a-f-]{36}/$")
REVIEW = re.compile(r"/campaigns/[0-9a-f-]{36}/review/$")


def begin(page: Page, *, name: str, sender: str, text: str, scenario: str = "Notification") -> None:
    """Create Campaign, up to the first words of the content; the cursor stays behind them."""
    page.goto("/")
    page.get_by_role("link", name="Create Campaign").first.click()
    page.get_by_role("radio", name=scenario).check()
    page.get_by_label("Task Name").fill(name)
    expect(page.locator("[data-count-for=id_name]")).to_have_text(f"{len(name)} / 30")
    page.locator("#id_sender").select_option(label=sender)
    page.get_by_role("textbox", name="Message Content").fill(text)
    page.get_by_role("textbox", name="Message Content").press("End")


def variable(page: Page, name: str) -> None:
    """Add variable, and type its name over the suggested one."""
    page.get_by_role("button", name="Add variable").click()
    page.keyboard.type(name)
    page.keyboard.press("ArrowRight")  # over the closing brace


def sample(page: Page, button: str = "Download Sample") -> bytes:
    """The sample file for what is in the form now."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    return Path(download.value.path()).read_bytes()


def filled(sample: bytes, rows: Sequence[Sequence[str]]) -> bytes:
    """The sample with *rows* in the place of its examples."""
    header = next(load_workbook(io.BytesIO(sample)).worksheets[0].iter_rows(values_only=True))
    assert header[0] == NUMBER_COLUMN
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Recipients")
    sheet.append(list(header))
    for row in rows:
        sheet.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def reveal(page: Page, reason: str) -> None:
    """Reveal numbers, with a reason; the table shows them until a time."""
    page.get_by_role("link", name="Reveal numbers").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name="Reveal numbers").click()
    expect(page.locator("#phone-rows")).to_contain_text("Numbers are shown until")


def upload(page: Page, content: bytes, name: str = "recipients.xlsx") -> None:
    """Choose a file and wait for what became of its rows."""
    page.locator("#id_file").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    page.wait_for_url("**/numbers/")
    expect(page.get_by_role("heading", name="Refused rows")).to_have_count(1, timeout=60_000)


def to_review(page: Page) -> None:
    """Review campaign, with everything counted."""
    page.get_by_role("button", name="Review campaign").click()
    page.wait_for_url(REVIEW)
    expect(page.get_by_text("Counting…")).to_have_count(0, timeout=60_000)


def submit(page: Page) -> str:
    """Submit Campaign; the address of its details."""
    page.get_by_role("button", name="Submit Campaign").click()
    page.wait_for_url(DETAIL)
    return page.url


def by_hand(page: Page, numbers: Sequence[str]) -> None:
    """Choose Manual Input and type *numbers*, one a line."""
    page.get_by_role("radio", name=re.compile("Manual Input")).check()
    page.locator("#id_manual_numbers").fill("\n".join(numbers))
    page.locator("#id_manual_numbers").press("Tab")


def on(page: Page, act: str, confirm: str) -> None:
    """Open the dialog of *act* and press its button."""
    page.get_by_role("main").get_by_role("link", name=act, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=confirm, exact=True).click()


def state(page: Page, word: str, seconds: float = 40) -> None:
    """Wait until the campaign on the page is *word*; the page itself asks for news."""
    expect(page.locator("#campaign-top h1")).to_contain_text(word, timeout=seconds * 1000)
