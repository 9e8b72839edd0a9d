"""How a line of log is written: masked, with the request it belongs to, and on one line.

``LOG_FORMAT=json`` (in production) writes one JSON object a line, ``line`` one that people read.
In both no field can begin a line of its own: control characters are encoded.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from accounts import reference
from smsconsole.masking import masked


def encoded(text: str) -> str:
    """Control characters, ANSI and line separators among them, as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class Refused(logging.Filter):
    """A request that Django refused (a wrong host, too many fields) is no error of the console:
    one line, a warning, without a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security.") and record.exc_info:
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = record.exc_text = None
        return True


class Line(logging.Formatter):
    """For people: time, level, logger, request, words; a traceback below, set in by a bar."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s%(request)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = encoded(masked(record.message))
        asked = reference.current.get()
        record.request = f" [{asked}]" if asked else ""
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another formatter may have kept it unmasked
        written = super().format(record)
        record.exc_text = None
        return written

    def formatException(self, ei: logging._SysExcInfoType) -> str:
        return _behind_a_bar(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:
        return _behind_a_bar(stack_info)


def _behind_a_bar(text: str) -> str:
    return "\n".join(f"  | {encoded(line)}" for line in masked(text).split("\n"))


class Json(logging.Formatter):
    """For machines: one object a line, times in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": masked(record.getMessage()),
            "process": record.process,
        }
        if asked := reference.current.get():
            said["request"] = asked
        if record.exc_info:
            said["exception"] = masked(self.formatException(record.exc_info))
        return json.dumps(said)
