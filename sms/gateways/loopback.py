"""The gateway to the practice carrier: first run, demo, tests and rehearsal.

Wire: ``sms/practice/server.py`` and ``receipts.py`` document what the carrier speaks; nothing
is shared with it in code, so it is asked and heard exactly like a stranger.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from sms.gateways import wire
from sms.gateways.base import (
    Accepted,
    Acknowledgement,
    BadCallback,
    Callback,
    CarrierClass,
    InDoubt,
    Option,
    Outbound,
    Outcome,
    Reason,
    Receipt,
    Refused,
    Throttled,
    Unavailable,
)

if TYPE_CHECKING:
    import aiohttp

MOST_RECEIPTS = 500
CLOCK_TOLERANCE_SECONDS = 300

# (status, word) -> (reason, whether every message of the account meets it)
REFUSALS = {
    (400, "bad_request"): (Reason.GATEWAY_REJECTED, False),
    (401, "unauthorised"): (Reason.GATEWAY_AUTH, True),
    (402, "no_balance"): (Reason.INSUFFICIENT_BALANCE, True),
    (422, "bad_number"): (Reason.INVALID_NUMBER, False),
    (422, "content"): (Reason.CONTENT_REJECTED, False),
    (422, "not_supported_country"): (Reason.UNSUPPORTED_COUNTRY, False),
    (422, "sender"): (Reason.SENDER_REJECTED, False),
    (422, "too_long"): (Reason.CONTENT_TOO_LONG, False),
}
OUTCOMES = {
    "buffered": Outcome.PENDING,
    "delivered": Outcome.DELIVERED,
    "undelivered": Outcome.UNDELIVERED,
    "expired": Outcome.EXPIRED,
}
REASONS = {
    "unreachable": Reason.UNREACHABLE,
    "unknown_subscriber": Reason.UNKNOWN_SUBSCRIBER,
    "blocked_by_carrier": Reason.BLOCKED_BY_CARRIER,
    "expired": Reason.EXPIRED,
    "deleted": Reason.DELETED,
}


class LoopbackGateway:
    """The practice carrier as a carrier account; its class is an option, to rehearse any.

    Raises ValueError when an option cannot work.
    """

    name: ClassVar[str] = "loopback"
    gives_receipts: ClassVar[bool] = True
    options: ClassVar[Sequence[Option]] = (
        Option("url", "Address"),
        Option("token", "Token", secret=True),
        Option("previous_token", "Previous token", required=False, secret=True),
        Option("class", "Carrier class", required=False, default="idempotent"),
    )

    def __init__(self, settings: Mapping[str, str]) -> None:
        self.carrier_class = CarrierClass(settings.get("class") or "idempotent")
        self._url = wire.web_address(settings.get("url", ""))
        token = wire.header_word(settings.get("token", ""))
        if not token:
            raise ValueError("a token is needed")
        # While a token is being replaced, receipts signed with the old one still count.
        tokens = (token, wire.header_word(settings.get("previous_token", "")))
        self._secrets = [secret.encode() for secret in tokens if secret]
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
        }

    async def submit(self, session: aiohttp.ClientSession, message: Outbound) -> Accepted | Refused:
        fields = {
            "reference": message.reference,
            "to": message.number,
            "from": message.sender,
            "text": message.text,
            "scenario": message.scenario,
            "validity": message.validity_seconds,
        }
        headers = {**self._headers, "Idempotency-Key": message.reference}
        body = json.dumps(fields).encode()
        answer = await wire.call(session, "POST", f"{self._url}/messages", headers, body)
        return _verdict(answer)

    async def query(self, session: aiohttp.ClientSession, reference: str) -> Accepted | None:
        url = f"{self._url}/messages/{quote(reference, safe='')}"
        try:
            answer = await wire.call(session, "GET", url, self._headers)
        except InDoubt as error:  # a question may be asked again, so doubt costs nothing here
            raise Unavailable(str(error)) from error
        fields = answer.fields()
        found = _accepted(fields) if answer.status == 200 else None
        if found is None and (answer.status, fields.get("error")) != (404, "not_found"):
            raise Unavailable(f"no certain answer, status {answer.status}")
        return found

    def parse_receipts(self, callback: Callback) -> list[Receipt]:
        wire.check_json_callback(callback)
        self._check_signature(callback)
        entries = wire.read_json_array(callback.body, MOST_RECEIPTS)
        return [receipt for receipt in map(_receipt, entries) if receipt]

    def acknowledge(self) -> Acknowledgement:
        return Acknowledgement()

    def _check_signature(self, callback: Callback) -> None:
        """HMAC-SHA256 over the time, a dot and the raw body; the time at most 300 s away."""
        timestamp = callback.headers.get("x-practice-timestamp", "")
        given = callback.headers.get("x-practice-signature", "").encode(errors="replace")
        signed = timestamp.encode(errors="replace") + b"." + callback.body
        # Every secret is tried, so that the time taken does not tell which one fits.
        matches = [
            hmac.compare_digest(hmac.new(secret, signed, sha256).hexdigest().encode(), given)
            for secret in self._secrets
        ]
        if not any(matches):
            raise BadCallback(403, "wrong signature")
        is_time = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
        if not is_time or abs(time.time() - int(timestamp)) > CLOCK_TOLERANCE_SECONDS:
            raise BadCallback(403, "not of this time")


def _verdict(answer: wire.Answer) -> Accepted | Refused:
    """The white list: what is not on it leaves the message in doubt."""
    fields = answer.fields()
    accepted = _accepted(fields) if answer.status == 202 else None
    if accepted:
        return accepted
    code = fields.get("error")
    if (answer.status, code) == (429, "throttled"):
        raise Throttled(wire.retry_after(answer.headers))
    refusal = REFUSALS.get((answer.status, code)) if isinstance(code, str) else None
    if not refusal:
        raise InDoubt(f"no certain answer, status {answer.status}")
    reason, account_wide = refusal
    return Refused(reason, str(code), account_wide)


def _accepted(fields: dict[str, Any]) -> Accepted | None:
    carrier_id = wire.word(fields.get("id"))
    if not carrier_id:
        return None
    return Accepted(carrier_id, wire.billed_segments(fields.get("segments")))


def _receipt(entry: object) -> Receipt | None:
    """One entry translated, or None when it names no message or says nothing."""
    if not isinstance(entry, dict):
        return None
    carrier_id, status = wire.word(entry.get("id")), wire.plain(entry.get("status"))
    code = wire.plain(entry.get("code") or "")
    reference = wire.word(entry.get("reference"))
    if not carrier_id or not status or code is None:
        return None
    if entry.get("reference") is not None and not reference:
        return None
    outcome = OUTCOMES.get(status, Outcome.PENDING)
    failed = outcome in (Outcome.UNDELIVERED, Outcome.EXPIRED)
    return Receipt(
        reference=reference,
        carrier_id=carrier_id,
        outcome=outcome,
        reason=REASONS.get(code, Reason.UNKNOWN) if failed else None,
        detail=f"{status}: {code}" if code else status,
        done_at=wire.moment(entry.get("at")),
        segments=wire.billed_segments(entry.get("segments")),
    )
