from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.reporting import tell_failure, told_since

BEGAN = time.time()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path: sockets of servers lie in it."""
    with tempfile.TemporaryDirectory(prefix="smsconsole-fleet-") as name:
        yield Path(name)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A failure is told at once, and why: the rest may take an hour."""
    if report.failed and "/chaos/" in report.nodeid and "PYTEST_XDIST_WORKER" not in os.environ:
        tell_failure(report.nodeid, str(report.longrepr))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line a run: did it pass, and what the judge found that it should not."""
    told = told_since(BEGAN)
    if told:
        terminalreporter.section("chaos")
    for line in told:
        terminalreporter.write_line(line)
