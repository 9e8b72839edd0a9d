"""H9 in a browser: what people and carriers wrote runs nothing and is refused nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from accounts.models import User
from tests.journeys.pages import World
from tests.journeys.test_every_page import base, db, practice, world  # noqa: F401 - fixtures
from tests.security.test_inert import seed

pytestmark = pytest.mark.journey


def test_a_script_in_every_text_opens_no_dialog(
    world: World, admin: User, open_page: Callable[..., Page]  # noqa: F811
) -> None:  # fmt: skip
    seed("<script>alert(1)</script>")
    said: list[Any] = []
    page = open_page(admin)
    page.on("dialog", lambda dialog: said.append(dialog) or dialog.dismiss())
    shown = {"overview", "search", "campaigns-list", "campaigns-detail-completed", "senders-list"}
    shown |= {"campaigns-numbers-list", "campaigns-edit-list", "accounts-notices", "accounts-audit"}
    for case in world.cases(admin):
        if case.label in shown:
            page.goto(case.path)
            assert "<script>alert(1)" in page.inner_text("body") or case.label == "search"
    assert said == []
