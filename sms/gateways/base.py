"""The contract every gateway keeps.

A gateway translates between our words and one carrier's wire. It decides nothing: it never
retries, never sleeps, never touches a database. One module, one class, declared options.

The three answers to a submit call are data or errors with a fixed next step:

* ``Accepted``  - the carrier took the message and will bill it.
* ``Refused``   - a documented, certain no. Nothing was sent and nothing is billed.
* ``Throttled`` / ``Unavailable`` (raised) - certainly not sent; try the same message later.
* ``InDoubt`` (raised) - the request left and no certain answer came back. Whether it may be
  repeated depends on the carrier's class, never on the gateway.

Anything that is not documented as certain is ``InDoubt``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    import aiohttp


class CarrierClass(enum.StrEnum):
    """What a carrier offers against doubt; engine section 4 says what each implies."""

    IDEMPOTENT = "idempotent"
    QUERYABLE = "queryable"
    RECEIPTS = "receipts"
    BLIND = "blind"


class Outcome(enum.StrEnum):
    """What a receipt says, in our words. ``PENDING`` is news that is not final."""

    PENDING = "pending"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"


class Reason(enum.StrEnum):
    """Why a message failed: the normalised catalogue. Words for people live in the console."""

    INVALID_NUMBER = "invalid_number"
    NOT_MOBILE = "not_mobile"
    UNSUPPORTED_COUNTRY = "unsupported_country"
    COUNTRY_BLOCKED = "country_blocked"
    OPTED_OUT = "opted_out"
    BLOCK_LISTED = "block_listed"
    MISSING_VARIABLE = "missing_variable"
    CONTENT_TOO_LONG = "content_too_long"
    CONTENT_REJECTED = "content_rejected"
    SENDER_NOT_APPROVED = "sender_not_approved"
    SENDER_REJECTED = "sender_rejected"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    GATEWAY_AUTH = "gateway_auth"
    GATEWAY_REJECTED = "gateway_rejected"
    RISK_CONTROL = "risk_control"
    UNREACHABLE = "unreachable"
    UNKNOWN_SUBSCRIBER = "unknown_subscriber"
    BLOCKED_BY_CARRIER = "blocked_by_carrier"
    EXPIRED = "expired"
    DELETED = "deleted"
    NO_RECEIPT = "no_receipt"
    NUMBER_LIMIT = "number_limit"
    CANCELLED = "cancelled"
    INTERNAL = "internal"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message as a gateway gets it. ``number`` is E.164 with the plus sign."""

    reference: str
    number: str
    sender: str
    text: str
    scenario: str
    segments: int
    validity_seconds: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier took it. ``segments`` is the carrier's own count where it gives one."""

    carrier_id: str
    segments: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A certain no. ``account_wide`` means every further message would get the same answer."""

    reason: Reason
    detail: str
    account_wide: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """One delivery receipt, translated. ``detail`` is the carrier's own word, verbatim."""

    reference: str
    carrier_id: str
    outcome: Outcome
    reason: Reason | None
    detail: str
    done_at: datetime | None
    segments: int | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """A receipts request as the web layer received it. Header names are lower case."""

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a carrier account that the gateway needs; ``secret`` is never shown."""

    name: str
    label: str
    required: bool = True
    secret: bool = False
    default: str = ""


class GatewayError(Exception):
    """Base of the errors a gateway raises."""


class Throttled(GatewayError):
    """The carrier limits our rate: certainly not sent. ``retry_after`` is in seconds."""

    def __init__(self, retry_after: float = 1.0) -> None:
        super().__init__("throttled")
        self.retry_after = retry_after


class Unavailable(GatewayError):
    """No connection, or a documented "try later": certainly not sent."""


class InDoubt(GatewayError):
    """The request left and no certain answer came back."""


class BadCallback(GatewayError):
    """The receipts request is not one of this carrier's: answer ``status`` and store nothing."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the carrier wants to read once its receipts are stored."""

    body: bytes = b"OK"
    content_type: str = "text/plain"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Gateway(Protocol):
    """One carrier's wire. Built once per carrier account with its options."""

    name: ClassVar[str]
    carrier_class: CarrierClass
    gives_receipts: ClassVar[bool]
    options: ClassVar[Sequence[Option]]

    def __init__(self, settings: Mapping[str, str]) -> None: ...

    async def submit(self, session: aiohttp.ClientSession, message: Outbound) -> Accepted | Refused:
        """Hand over one message. Raises ``Throttled``, ``Unavailable`` or ``InDoubt``."""
        ...

    async def query(self, session: aiohttp.ClientSession, reference: str) -> Accepted | None:
        """Look up a message by our reference; None means the carrier never received it.

        Only asked of carriers whose class is idempotent or queryable. Raises ``Unavailable``
        when the carrier gave no certain answer.
        """
        ...

    def parse_receipts(self, callback: Callback) -> list[Receipt]:
        """Translate one receipts request. Raises ``BadCallback``. One bad entry is left out."""
        ...

    def acknowledge(self) -> Acknowledgement:
        """The answer to a receipts request that was stored."""
        ...
