"""A gateway that no module of ours knows: settings alone put it in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sms.gateways.base import (
    Accepted,
    Acknowledgement,
    Callback,
    CarrierClass,
    Option,
    Outbound,
    Receipt,
)

WIRE: list[Outbound] = []


class DummyGateway:
    """Takes everything and keeps it; its carrier never reports back."""

    name: ClassVar[str] = "dummy"
    carrier_class = CarrierClass.IDEMPOTENT
    gives_receipts: ClassVar[bool] = False
    options: ClassVar[Sequence[Option]] = (Option("account", "Account"),)

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.account = settings["account"]

    async def submit(self, session: Any, message: Outbound) -> Accepted:
        WIRE.append(message)
        return Accepted(f"{self.account}-{len(WIRE)}")

    async def query(self, session: Any, reference: str) -> Accepted | None:
        found = [place for place, sent in enumerate(WIRE, 1) if sent.reference == reference]
        return Accepted(f"{self.account}-{found[0]}") if found else None

    def parse_receipts(self, callback: Callback) -> list[Receipt]:
        return []

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement()
