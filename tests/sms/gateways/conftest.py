from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.sms.gateways.contract import Party, Row, rows


@pytest.fixture(scope="session")
def _parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Party]]:
    class Running(dict[str, Party]):
        def __missing__(self, name: str) -> Party:
            home = tmp_path_factory.mktemp(name)
            self[name] = running.enter_context(rows()[name].start(home))
            return self[name]

    with ExitStack() as running:
        yield Running()


@pytest.fixture
def row(row_name: str) -> Row:
    return rows()[row_name]


@pytest.fixture
def party(row_name: str, _parties: dict[str, Party]) -> Iterator[Party]:
    """The counter-party of the row under test, started once and calm again after each test."""
    party = _parties[row_name]
    yield party
    party.calm()
