from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sms.practice.carrier import PracticeCarrier, Receiver


@pytest.fixture
def carrier(tmp_path: Path) -> Iterator[PracticeCarrier]:
    with PracticeCarrier(tmp_path) as carrier:
        yield carrier


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def standing_carrier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PracticeCarrier]:
    """One for all tests that leave it as they found it."""
    with PracticeCarrier(tmp_path_factory.mktemp("standing")) as carrier:
        yield carrier
