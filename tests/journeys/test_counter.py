"""The counter in the browser and the one that bills agree on every text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from sms.text import GSM_BASIC, GSM_EXTENSION, measure, normalise, split
from tests.journeys.browsing import Faults, new_page

pytestmark = pytest.mark.journey
ROOT = Path(__file__).resolve().parents[2]
VECTORS = json.loads((ROOT / "tests/sms/vectors.json").read_text())["segments"]
NAMES = {"GSM-7": "GSM7", "UCS-2": "UCS2"}

gsm = st.text(st.sampled_from(GSM_BASIC + GSM_EXTENSION), max_size=400)
wide = st.text(st.sampled_from("aé€^你😀👩\u0301\r\n’ "), max_size=250)
anything = st.text(st.characters(codec="utf-8"), max_size=200)


@pytest.fixture(scope="module")
def counter(browser: Any) -> Callable[[str], dict[str, Any]]:
    """smsMeasure of compose.js, on a page of its own without a console behind it."""
    page: Page = new_page(browser)
    faults = Faults(page)
    page.add_script_tag(content=(ROOT / "static/compose.js").read_text())

    def count(text: str) -> dict[str, Any]:
        found = page.evaluate("text => window.smsMeasure(text)", text)
        assert faults.left() == []
        return dict(found)

    yield count
    page.context.close()


def expected(text: str) -> dict[str, Any]:
    text = normalise(text)
    found = measure(text)
    return {
        "encoding": NAMES[found.encoding], "units": found.units, "segments": found.segments,
        "split": split(text),
    }  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_browser_counts_as_the_vectors_say(counter: Any, vector: dict[str, Any]) -> None:
    text = "".join(part * times for part, times in vector["text"])
    if text != normalise(text):  # the browser counts what will be sent
        assert counter(text) == expected(text)
        return
    assert counter(text) == {
        "encoding": NAMES[vector["encoding"]], "units": vector["units"],
        "segments": len(vector["split"]), "split": vector["split"],
    }  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=gsm | wide | anything)
def test_the_browser_counts_any_text_as_the_server_does(counter: Any, text: str) -> None:
    assert counter(text) == expected(text)
