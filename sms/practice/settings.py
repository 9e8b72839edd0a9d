"""How the practice carrier behaves: given at its start, changed while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sms.practice.faults import check_chances

CLASSES = ("idempotent", "queryable", "receipts", "blind")


@dataclass(slots=True)
class Settings:
    """``rate`` is segments a second, 0 for no limit; ``receipt_delay`` is a range in seconds."""

    carrier_class: str = "idempotent"
    rate: float = 1000.0
    latency_ms: float = 20.0
    receipts_url: str = ""
    seed: int = 1
    receipt_delay: tuple[float, float] = (1.0, 6.0)
    faults: dict[str, float] = field(default_factory=dict)

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Take over *wanted* as a whole, or raise ValueError and keep everything as it was."""
        unknown = set(wanted) - set(_CHECKS)
        if unknown:
            raise ValueError(f"there is no setting {', '.join(sorted(unknown))}")
        checked = {_FIELDS.get(name, name): _CHECKS[name](wanted[name]) for name in wanted}
        for name, value in checked.items():
            setattr(self, name, value)

    def shown(self) -> dict[str, Any]:
        """The settings as ``POST /faults`` answers them."""
        shown = asdict(self)
        shown["class"] = shown.pop("carrier_class")
        return shown


def _carrier_class(value: object) -> str:
    if value not in CLASSES:
        raise ValueError(f"class must be one of {', '.join(CLASSES)}")
    return str(value)


def _amount(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ValueError("rate, latency_ms and receipt_delay must be numbers from 0 up")
    return float(value)


def _delay(value: object) -> tuple[float, float]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("receipt_delay must be two numbers of seconds")
    low, high = _amount(value[0]), _amount(value[1])
    if low > high:
        raise ValueError("receipt_delay must name the shorter time first")
    return low, high


def _url(value: object) -> str:
    if not isinstance(value, str) or (value and not value.startswith(("http://", "https://"))):
        raise ValueError("receipts_url must be an http or https address, or empty")
    return value


def _seed(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("seed must be a whole number")
    return value


_FIELDS = {"class": "carrier_class"}
_CHECKS: dict[str, Callable[[object], Any]] = {
    "class": _carrier_class,
    "rate": _amount,
    "latency_ms": _amount,
    "receipts_url": _url,
    "receipt_delay": _delay,
    "seed": _seed,
    "faults": check_chances,
}
