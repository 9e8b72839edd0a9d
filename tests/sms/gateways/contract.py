"""What a gateway shows to be asked the questions of ``test_contract.py``: its row.

A row is a module in ``rows/``, named like the gateway's module, with a ``ROW``. It says how the
gateway's counter-party is started - a real one, over a real socket - and which of its answers
mean what. Adding a gateway to the suite is adding that one file.
"""

from __future__ import annotations

import importlib
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sms.gateways.base import Callback, Gateway, Outbound, Outcome, Reason


class Party(Protocol):
    """The other side of the wire, running."""

    settings: Mapping[str, str]

    def provoke(self, answer: str) -> Outbound:
        """A new message whose next submit meets *answer*."""

    def calm(self) -> None:
        """Take back whatever ``provoke`` switched on."""

    def seen(self, reference: str) -> int:
        """How many times the message with this reference arrived or was asked for."""

    def receipts(self, reference: str) -> Callback:
        """The genuine receipts request that speaks of an accepted message."""

    def authentic(self, body: bytes) -> Callback:
        """A receipts request with this body, sent by one who knows the secret."""


@dataclass(frozen=True)
class Row:
    """``accepted`` names an answer; ``refusals``, ``throttles`` and ``doubts`` name the others.

    ``silences`` are the doubts that show only when a time limit ends them. ``wrong`` are
    settings the carrier answers with an account-wide no. ``receipts`` says which receipt the
    message of an answer ends with.
    """

    gateway: type[Gateway]
    start: Callable[[Path], AbstractContextManager[Party]]
    wrong: Mapping[str, str]
    accepted: str = "accepted"
    refusals: Mapping[str, Reason] = field(default_factory=dict)
    throttles: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    silences: tuple[str, ...] = ()
    receipts: Mapping[str, tuple[Outcome, Reason | None]] = field(default_factory=dict)


def rows() -> dict[str, Row]:
    """Every row there is, by name."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("rows/*.py"))
    return {name: importlib.import_module(f"tests.sms.gateways.rows.{name}").ROW for name in names}


def nobody() -> str:
    """An address on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
