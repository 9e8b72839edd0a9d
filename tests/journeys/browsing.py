"""A real browser that lets no fault of a page pass: errors, refused sources, lost requests."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

from tests import traces

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
AXE = Axe().axe_script
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
ALL_RULES: dict[str, Any] = {"type": "tag", "values": WCAG}
# What a theme can change: the page is the same one, in other colours.
OF_COLOUR: dict[str, Any] = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
SHOTS = Path(__file__).resolve().parents[2] / "build" / "shots"
WIDE, PHONE, NARROW = (1440, 900), (390, 844), (320, 700)
PATIENCE_MS, EXPECT_MS = 30_000, 15_000  # a busy machine is no fault of a page
SETTLE_MS = 600


def executable() -> str | None:
    """The machine's Chromium; Playwright's own download is not used."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """One browser. Its driver runs an event loop in this thread, which Django must not mind."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    try:
        with sync_playwright() as driver:
            expect.set_options(timeout=EXPECT_MS)
            browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


class Faults:
    """What went wrong on a page since it was opened; a journey ends with an empty list."""

    def __init__(self, page: Page) -> None:
        self.seen: list[str] = []
        self.excused: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.seen.append(f"error: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def excuse(self, pattern: str) -> None:
        """A fault that the journey makes on purpose."""
        self.excused.append(pattern)

    def left(self) -> list[str]:
        return [one for one in self.seen if not any(re.search(p, one) for p in self.excused)]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.seen.append(f"console: {message.text} ({message.location.get('url')})")

    def _failed(self, request: Request) -> None:
        # A page that is left, a download and a newer poll end what is under way: no fault.
        if request.failure != "net::ERR_ABORTED":
            self.seen.append(f"request: {request.failure} {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.seen.append(f"answer: {response.status} {response.url}")


def accessible(page: Page, rules: dict[str, Any] = ALL_RULES) -> list[str]:
    """What axe finds against WCAG 2.2 AA, one line each; a second look after things settled."""
    if not _violations(page, rules):
        return []
    page.wait_for_timeout(SETTLE_MS)
    return _violations(page, rules)


def _violations(page: Page, rules: dict[str, Any]) -> list[str]:
    """Axe is brought into a page once, and only what it finds wrong comes back: half the time."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE)
    run = "async (options) => (await axe.run(document, options)).violations"
    found = page.evaluate(run, {"runOnly": rules, "resultTypes": ["violations"]})
    return [f"{rule['id']}: {node['html'][:160]}" for rule in found for node in rule["nodes"]]


def looks(page: Page, label: str) -> list[str]:
    """What is wrong with an open page in light and in dark at a desk, then on a phone, then at the
    narrowest width that still counts; it is left as it was.
    """
    faults = accessible(page) + [f"cut: {table}" for table in cut_tables(page)]
    shoot(page, f"{label}-light")
    _theme(page, "dark")
    faults += [f"dark {fault}" for fault in accessible(page, OF_COLOUR)]
    shoot(page, f"{label}-dark")
    _theme(page, "light")
    for (width, height), name in ((PHONE, "phone"), (NARROW, "narrow")):
        page.set_viewport_size({"width": width, "height": height})
        if out := sideways(page):
            faults.append(f"{name} {out}")
        if name == "phone":
            faults += [f"{name} {fault}" for fault in accessible(page)]
            shoot(page, f"{label}-phone")
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    return [f"{label}: {fault}" for fault in faults]


def _theme(page: Page, name: str) -> None:
    """What the server writes into the page for who has chosen this theme."""
    page.evaluate("name => document.documentElement.setAttribute('data-bs-theme', name)", name)
    page.evaluate("() => { document.dispatchEvent(new Event('theme')); }")


def sideways(page: Page) -> str:
    """What sticks out to the right of the page, or nothing, once a chart has been redrawn."""
    if not _wider(page):
        return ""
    page.wait_for_timeout(SETTLE_MS)
    return _wider(page)


def cut_tables(page: Page) -> list[str]:
    """Tables that show only a part of themselves: their last columns are out of sight."""
    return list(page.evaluate(
        """() => Array.from(document.querySelectorAll(".table-responsive"))
          .filter((e) => e.scrollWidth > e.clientWidth + 1)
          .map((e) => `${e.getAttribute("aria-label")} ${e.scrollWidth} > ${e.clientWidth}`)"""
    ))  # fmt: skip


def _wider(page: Page) -> str:
    return str(page.evaluate(
        """() => {
          const wide = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= wide) return "";
          const out = Array.from(document.querySelectorAll("body *"))
            .filter((e) => e.getBoundingClientRect().right > wide + 1)
            .map((e) => `${e.tagName}.${e.className}#${e.id}`);
          return `${document.documentElement.scrollWidth} > ${wide}: ${out.slice(0, 6).join(" ")}`;
        }"""
    ))  # fmt: skip


def shoot(page: Page, name: str) -> None:
    """Keep a picture for a person to look at, if SHOTS=1 asks for it."""
    if os.environ.get("SHOTS") == "1":
        SHOTS.mkdir(parents=True, exist_ok=True)
        size = page.viewport_size or {}
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({**size, "height": min(max(height, size["height"]), 4000)})
        page.screenshot(path=SHOTS / f"{name}.png", animations="disabled")
        page.set_viewport_size(size)


def new_page(browser: Browser, **context: Any) -> Page:
    """A page in a context of its own, as a person at a desk has it."""
    width, height = context.pop("size", WIDE)
    opened = browser.new_context(
        viewport={"width": width, "height": height}, locale="en-GB", timezone_id="UTC",
        reduced_motion="reduce", accept_downloads=True, **context,
    )  # fmt: skip
    opened.set_default_timeout(PATIENCE_MS)
    opened.on("request", lambda request: traces.asked_for(request.url))
    return opened.new_page()
