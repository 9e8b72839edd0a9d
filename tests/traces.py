"""What a whole test run leaves in logs, task arguments and addresses holds no number and no text.

With SMSCONSOLE_TRACES naming a folder (tests/run.py does) every test process writes down there
what is logged, what is handed to Celery, and which addresses are asked for; the logs of the
consoles that journeys and kills run are copied beside. At the end of a pass `leaks` reads it all.
"""

from __future__ import annotations

import ast
import logging
import os
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
FOLDER = os.environ.get("SMSCONSOLE_TRACES", "")
OURS = ("accounts", "billing", "campaigns", "carriers", "senders", "sheets", "sms", "smsconsole")
SHORTEST_TEXT = 12
VARIABLE = re.compile(r"\$\{[^}]*\}")
# A number as a person or a program writes it, and what is none.
NO_NUMBER = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9A-Fa-f]{16,}|0x[0-9a-f]+"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.,+Z]*|[0-9]+\.[0-9]+(?:\.[0-9]+)*(?::[0-9]+)?"
)
FICTION = re.compile(
    r"(?<![0-9])(?:\+?1[ .\-]?)?\(?[2-9][0-9]{2}\)?[ .\-]?555[ .\-]?01[0-9]{2}(?![0-9])"
    r"|(?<![0-9])(?:\+?61[ .\-]?|0)491[ .\-]?57[0-9][ .\-]?[0-9]{3}(?![0-9])"
)
E164 = re.compile(r"(?:\+|%2B)[1-9][0-9]{7,14}(?![0-9])")

# What a test types into an address by itself, to see that the console takes no notice.
EXCUSED = {"address /search/?q=%2B61491570006"}


def begin() -> None:
    """Write down what this test process says to logs, queue and web server."""
    if not FOLDER:
        return
    from celery import signals
    from django.core.signals import request_started

    name = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    folder = Path(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(folder / f"{name}-{os.getpid()}.log", encoding="utf-8")
    handler.setFormatter(_Formatter())
    logging.getLogger().addHandler(handler)
    for logger in OURS:
        logging.getLogger(logger).setLevel(logging.DEBUG)
    trace = logging.getLogger("traces")

    def published(sender: str = "", body: Any = None, **about: Any) -> None:
        trace.info("task %s %r", sender, body)

    def asked(sender: Any = None, environ: Any = None, **about: Any) -> None:
        where = environ or {}
        trace.info("address %s?%s", where.get("PATH_INFO"), where.get("QUERY_STRING"))

    signals.before_task_publish.connect(published, weak=False)
    request_started.connect(asked, weak=False)


def asked_for(url: str) -> None:
    """An address that a browser asked a console for, which runs as a process of its own."""
    if FOLDER and not url.startswith("data:"):
        logging.getLogger("traces").info("address %s", urlsplit(url)._replace(netloc="").geturl())


class _Formatter(logging.Formatter):
    """Our own words as they are: they must hold no number before any masking. Others masked."""

    def format(self, record: logging.LogRecord) -> str:
        from smsconsole.logs import Line

        ours = record.name.split(".")[0] in (*OURS, "traces")
        return super().format(record) if ours else Line().format(record)


def keep(home: Path, name: str = "console") -> None:
    """Copy the logs of a console that ran as processes."""
    if not FOLDER:
        return
    for path in [home.parent / "console.log", *(home / "logs").glob("*.log*")]:
        if path.is_file() and path.name != "mail.log":
            with (Path(FOLDER) / f"{name}-{path.name}").open("ab") as kept, path.open("rb") as log:
                shutil.copyfileobj(log, kept)


@cache
def seeded_texts() -> tuple[str, ...]:
    """What tests give campaigns as content, without the variables, read from the tests."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            found.update(part.strip() for text in _contents(node) for part in VARIABLE.split(text))
    return tuple(sorted(text for text in found if len(text) >= SHORTEST_TEXT and " " in text))


def _contents(node: ast.AST) -> Iterator[str]:
    pairs: list[tuple[Any, ast.expr]] = []
    if isinstance(node, ast.Call):
        pairs = [(word.arg, word.value) for word in node.keywords]
    elif isinstance(node, ast.Dict):
        pairs = [(getattr(key, "value", None), value)
                 for key, value in zip(node.keys, node.values, strict=True)]  # fmt: skip
    for name, value in pairs:
        if name == "content" and isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value


def leaks(folder: Path) -> list[str]:
    """Each place in the traces that holds a number or a text, as file:line and what was found."""
    found = []
    for path in sorted(folder.glob("*.log*")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                found += [
                    f"{path.name}:{number} {what}: {line.strip()[:200]}" for what in _in(line)
                ]
    return found


def _in(line: str) -> Iterator[str]:
    if line.strip() in EXCUSED:
        return
    rest = NO_NUMBER.sub(" ", line)
    yield from (f"number {match[0]!r}" for match in E164.finditer(rest))
    yield from (f"number {match[0]!r}" for match in FICTION.finditer(E164.sub(" ", rest)))
    yield from (f"text {text!r}" for text in seeded_texts() if text in line)
