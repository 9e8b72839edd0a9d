"""The contract row of the loopback gateway: a practice carrier as a process."""

from __future__ import annotations

import hmac
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from sms.gateways.base import Callback, Outbound, Outcome, Reason
from sms.gateways.loopback import LoopbackGateway
from tests.sms.gateways.contract import Row
from tests.sms.practice.carrier import Posted, PracticeCarrier, Receiver, eventually

ENDINGS = {
    "accepted": "0180",
    "unreachable": "0181",
    "unknown_subscriber": "0182",
    "blocked_by_carrier": "0183",
    "expired": "0184",
    "content": "0185",
    "not_supported_country": "0186",
    "bad_number": "0187",
    "odd_word": "0192",
    "deleted": "0193",
    "sender": "0194",
    "error_after": "0196",
    "silence_after": "0197",
    "reset_after": "0198",
    "garbage": "0199",
}


class PracticeParty:
    def __init__(self, carrier: PracticeCarrier, receiver: Receiver) -> None:
        self.settings = carrier.settings
        self._carrier = carrier
        self._receiver = receiver

    def provoke(self, answer: str) -> Outbound:
        if answer not in ENDINGS:
            self._carrier.change(faults={answer: 1})
        number = f"+1202555{ENDINGS.get(answer, '0180')}"
        text = "Your parcel arrives today." + " Thank you." * 20
        return Outbound(str(uuid.uuid4()), number, "Parcelway", text, "notification", 2, 3600)

    def calm(self) -> None:
        self._carrier.change(faults={})

    def seen(self, reference: str) -> int:
        return len(self._carrier.ledger(reference))

    def receipts(self, reference: str) -> Callback:
        def speaks_of(post: Posted) -> bool:
            return reference.encode() in post.body

        posts = eventually(lambda: list(filter(speaks_of, self._receiver.posts)))
        return Callback("POST", posts[0].headers, {}, posts[0].body)

    def authentic(self, body: bytes) -> Callback:
        return signed(body, self.settings["token"])


def signed(body: bytes, token: str, age: int = 0) -> Callback:
    """A receipts request as the wire's description says, made without the carrier's code."""
    timestamp = str(int(time.time()) - age)
    mac = hmac.new(token.encode(), timestamp.encode() + b"." + body, sha256)
    headers = {
        "content-type": "application/json",
        "x-practice-timestamp": timestamp,
        "x-practice-signature": mac.hexdigest(),
    }
    return Callback("POST", headers, {}, body)


@contextmanager
def start(home: Path) -> Iterator[PracticeParty]:
    with (
        Receiver() as receiver,
        PracticeCarrier(home, "--rate", "0", "--receipts-url", receiver.url) as carrier,
    ):
        yield PracticeParty(carrier, receiver)


ROW = Row(
    gateway=LoopbackGateway,
    start=start,
    wrong={"token": "wrong"},
    refusals={
        "content": Reason.CONTENT_REJECTED,
        "not_supported_country": Reason.UNSUPPORTED_COUNTRY,
        "bad_number": Reason.INVALID_NUMBER,
        "sender": Reason.SENDER_REJECTED,
        "no_balance": Reason.INSUFFICIENT_BALANCE,
    },
    throttles=("throttled",),
    doubts=(
        "error_before",
        "error_after",
        "reset_before",
        "reset_after",
        "garbage",
        "idless",
        "oversized",
        "redirect",
    ),
    silences=("silence_before", "silence_after"),
    receipts={
        "accepted": (Outcome.DELIVERED, None),
        "unreachable": (Outcome.UNDELIVERED, Reason.UNREACHABLE),
        "unknown_subscriber": (Outcome.UNDELIVERED, Reason.UNKNOWN_SUBSCRIBER),
        "blocked_by_carrier": (Outcome.UNDELIVERED, Reason.BLOCKED_BY_CARRIER),
        "deleted": (Outcome.UNDELIVERED, Reason.DELETED),
        "expired": (Outcome.EXPIRED, Reason.EXPIRED),
        "odd_word": (Outcome.PENDING, None),
    },
)
