"""Sender IDs: what a recipient sees as the origin of a message."""

from __future__ import annotations

import re
from typing import Literal

ALPHA_MAX = 11  # TP-OA holds 11 septet-packed characters, 3GPP TS 23.040
NUMERIC_MAX = 15  # E.164

SenderKind = Literal["alphanumeric", "numeric"]

MESSAGES = {
    "empty": "Enter a sender ID.",
    "characters": "Use the letters A to Z and digits only: no spaces, signs or accents.",
    "too_long_alphanumeric": "A sender ID with a letter in it has at most 11 characters.",
    "too_long_numeric": "A sender ID of digits has at most 15 digits.",
    "plus": "Write the number without the +: country code and number, digits only.",
    "leading_zeros": "Write the number without the leading 00: country code and number.",
}

GENERIC = frozenset(
    {
        "ADMIN", "ALERT", "ALERTS", "AUTH", "BANK", "CODE", "CONFIRM", "DEMO", "HELP", "INFO",
        "INFOSMS", "MESSAGE", "MSG", "NEWS", "NOTICE", "NOTIFY", "OTP", "PROMO", "SECURITY",
        "SENDER", "SERVICE", "SMS", "SMSINFO", "SUPPORT", "SYSTEM", "TEST", "TESTING", "TEXT",
        "VERIFY", "WARNING",
    }
)  # fmt: skip

_LEGAL = re.compile(r"[A-Za-z0-9]+")
_DIGITS = re.compile(r"[0-9]+")


class BadSenderID(ValueError):
    """A refused sender ID: *reason* is a key of MESSAGES, *message* what to do."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.message = MESSAGES[reason]
        super().__init__(self.message)


def check_sender_id(value: str) -> SenderKind:
    """The kind of a legal sender ID; it is never changed, only accepted or refused.

    ASCII only and the whole string: `\\w`, `isalnum` and a `$` anchor let other scripts and
    a trailing line break through, which carriers refuse or show as something else.
    """
    if not value:
        raise BadSenderID("empty")
    if _DIGITS.fullmatch(value.removeprefix("+")) and value.startswith("+"):
        raise BadSenderID("plus")
    if not _LEGAL.fullmatch(value):
        raise BadSenderID("characters")
    if not _DIGITS.fullmatch(value):
        if len(value) > ALPHA_MAX:
            raise BadSenderID("too_long_alphanumeric")
        return "alphanumeric"
    if len(value) > NUMERIC_MAX:
        raise BadSenderID("too_long_numeric")
    if value.startswith("00"):
        raise BadSenderID("leading_zeros")
    return "numeric"


def is_generic(value: str) -> bool:
    """Whether the name says nothing about who sends; several countries refuse such names."""
    return value.upper() in GENERIC
