"""Reading one submitted message; a message that cannot be read is refused with a word."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

LONGEST_TEXT = 10_000  # characters; far above any text a console would send

_REFERENCE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


@dataclass(frozen=True, slots=True)
class Message:
    reference: str
    number: str
    text: str


class Unreadable(Exception):
    """A documented, certain no: ``status`` and the word that goes with it."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status
        self.error = error


def is_reference(text: object) -> bool:
    """References go into ledger lines and addresses as they are, so the alphabet is small."""
    return isinstance(text, str) and _REFERENCE.fullmatch(text) is not None


def read_message(raw: bytes, key: str) -> Message:
    """The message in *raw*; raises Unreadable. *key* is the Idempotency-Key header."""
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError):
        raise Unreadable(400, "bad_request") from None
    if not isinstance(fields, dict):
        raise Unreadable(400, "bad_request")
    reference, number = fields.get("reference"), fields.get("to")
    text, sender = fields.get("text"), fields.get("from")
    if not isinstance(reference, str) or not is_reference(reference) or key != reference:
        raise Unreadable(400, "bad_request")
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        raise Unreadable(422, "bad_number")
    if not isinstance(sender, str) or not 1 <= len(sender) <= 20:
        raise Unreadable(422, "sender")
    if not isinstance(text, str) or not text:
        raise Unreadable(422, "content")
    if len(text) > LONGEST_TEXT:
        raise Unreadable(422, "too_long")
    return Message(reference, number, text)
