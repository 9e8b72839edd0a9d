"""The id of the web request in which something happens; empty in commands and background work."""

from __future__ import annotations

from contextvars import ContextVar

current: ContextVar[str] = ContextVar("request_id", default="")
