"""Mail as long as no mail server is named (``EMAIL_URL``): appended to ``logs/mail.log``."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.mail.backends import console


class EmailBackend(console.EmailBackend):
    """Django's console backend, with a file in place of the console; for its owner only."""

    def open(self) -> bool:
        settings.MAIL_LOG.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.stream = open(settings.MAIL_LOG, "a", encoding="utf-8", opener=_private)  # noqa: SIM115
        return True

    def close(self) -> None:
        self.stream.close()


def _private(path: Any, flags: int) -> int:
    return os.open(path, flags, 0o600)
