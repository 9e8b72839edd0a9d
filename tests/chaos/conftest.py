from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.reporting import told_since

BEGAN = time.time()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: sockets of servers lie in it."""
    with tempfile.TemporaryDirectory(prefix="smsconsole-fleet-") as name:
        yield Path(name)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line a run: did it pass, and what the judge found that it should not."""
    told = told_since(BEGAN)
    if told:
        terminalreporter.section("chaos")
    for line in told:
        terminalreporter.write_line(line)
