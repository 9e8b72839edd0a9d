from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sms.practice.carrier import PracticeCarrier


@pytest.fixture
def process(tmp_path: Path) -> Iterator[PracticeCarrier]:
    """A practice carrier as a process of its own."""
    with PracticeCarrier(tmp_path / "practice") as process:
        yield process


@pytest.fixture
def carrier(process: PracticeCarrier, practice: Any, settings: Any, tmp_path: Path) -> Any:
    """The workspace's account at that process."""
    settings.HOME = tmp_path
    practice.options = process.settings
    practice.rate = 100_000
    practice.save()
    return practice
