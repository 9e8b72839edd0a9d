"""A page's question to the database ends after some seconds; a worker's may take its time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def limit_statements(databases: Mapping[str, dict[str, Any]], seconds: int) -> None:
    """Let PostgreSQL end each later connection's statements after *seconds*; 0 is no limit.

    Called where web processes start, before the first connection. SQLite knows no such limit.
    """
    for given in databases.values():
        if seconds and given["ENGINE"].endswith("postgresql"):
            options = given.setdefault("OPTIONS", {})
            words = [options.get("options", ""), f"-c statement_timeout={seconds * 1000}"]
            options["options"] = " ".join(filter(None, words))
