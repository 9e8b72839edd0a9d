"""The core knows no framework: nothing below here may touch a database."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def no_database(request: pytest.FixtureRequest) -> None:
    """Fails a test that asks for a database; pytest-django refuses one that just uses it."""
    asked = {"db", "transactional_db", "client"} & set(request.fixturenames)
    if asked or request.node.get_closest_marker("django_db"):
        pytest.fail("tests of sms/ use no database")
