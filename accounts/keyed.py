"""A keyed hash of a number: it can be recognised again and cannot be read back."""

from __future__ import annotations

import hmac

from django.conf import settings


def digest(number: str) -> str:
    """HMAC-SHA256 (64 hex digits) of *number* in E.164 under NUMBER_KEY.

    Without the key the few billion numbers there are could all be tried.
    """
    return hmac.digest(settings.NUMBER_KEY.encode(), number.encode(), "sha256").hex()
