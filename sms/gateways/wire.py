"""What every gateway over HTTP needs alike: one careful call, and careful reading.

This is no gateway. It keeps the rule about certainty in one place: an error before the first
byte of a request is ``Unavailable``, any later one is ``InDoubt``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from yarl import URL

from sms.gateways.base import BadCallback, Callback, InDoubt, Unavailable

ANSWER_CAP = 64 * 1024
CALLBACK_CAP = 64 * 1024
LONGEST_DETAIL = 200

# Raised before the first byte of a request is written: certainly not sent.
NOT_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)
_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Answer:
    """A carrier's answer, whole: one that was cut short or too long is never an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def fields(self) -> dict[str, Any]:
        """The JSON object in the body; empty when there is none."""
        try:
            fields = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return fields if isinstance(fields, dict) else {}


async def call(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> Answer:
    """One request, never repeated and never redirected. Raises ``Unavailable`` or ``InDoubt``.

    The time limits are those of the session.
    """
    try:
        async with session.request(
            method, url, headers=headers, data=body, allow_redirects=False
        ) as response:
            raw = bytearray()
            async for piece in response.content.iter_any():
                raw += piece
                if len(raw) > ANSWER_CAP:
                    response.close()
                    raise InDoubt("the answer is too long")
            return Answer(response.status, response.headers, bytes(raw))
    except NOT_SENT as error:
        raise Unavailable(type(error).__name__) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise InDoubt(type(error).__name__) from error


def web_address(text: str) -> str:
    """An http or https address without its last slash; ValueError for anything else."""
    address = text.strip().rstrip("/")
    url = URL(address)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("the address must begin with http:// or https://")
    return address


def header_word(text: str) -> str:
    """A secret as it may stand in a header; ValueError when it could break out of one."""
    word = text.strip()
    if not word.isascii() or not word.isprintable():
        raise ValueError("a token holds printable ASCII characters only")
    return word


def retry_after(headers: Mapping[str, str]) -> float:
    """Retry-After in seconds (RFC 9110 10.2.3); one second when it is missing or no number."""
    text = headers.get("Retry-After", "")
    return float(text) if re.fullmatch(r"[0-9]{1,4}", text) and int(text) else 1.0


def check_json_callback(callback: Callback) -> None:
    """Refuse what cannot be a posted JSON document of sane size, before anything reads it."""
    if callback.method != "POST":
        raise BadCallback(405, "receipts are posted")
    content_type = callback.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/json":
        raise BadCallback(415, "receipts are JSON")
    if len(callback.body) > CALLBACK_CAP:
        raise BadCallback(413, "too long")


def read_json_array(body: bytes, most: int) -> list[Any]:
    """The array in *body*; ``BadCallback`` for anything else, and for keys that come twice."""
    try:
        entries = json.loads(body, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        raise BadCallback(400, "not JSON") from None
    if not isinstance(entries, list):
        raise BadCallback(400, "not an array")
    if len(entries) > most:
        raise BadCallback(413, "too many receipts")
    return entries


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two readers may take different ones of two equal keys, so neither is believed.
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key comes twice")
    return fields


def word(value: object) -> str:
    """An id or reference that is safe to store and to show; empty when it is none."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def plain(value: object) -> str | None:
    """A carrier's own word, verbatim; None when it is no short printable text."""
    if not isinstance(value, str) or len(value) > LONGEST_DETAIL or not value.isprintable():
        return None
    return value


def billed_segments(value: object) -> int | None:
    """A count of segments that can be true (a concatenation header counts to 255)."""
    return value if type(value) is int and 1 <= value <= 255 else None


def moment(value: object) -> datetime | None:
    """An ISO 8601 time with its offset, in UTC. A time without offset says nothing certain."""
    try:
        claimed = datetime.fromisoformat(value) if isinstance(value, str) else None
        return claimed.astimezone(UTC) if claimed and claimed.tzinfo else None
    except (ValueError, OverflowError):
        return None
