from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: sockets of servers lie in it."""
    with tempfile.TemporaryDirectory(prefix="smsconsole-fleet-") as name:
        yield Path(name)
