"""What every stage needs: turns taken by rivals, medians, and a console of its own to measure."""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MOST_ROWS = 2_000_000


def take_turns(rounds: int, rivals: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """The median of each of *rivals*, which run A B A B, so that all meet the same machine."""
    seen: dict[str, list[float]] = {name: [] for name in rivals}
    for number in range(rounds):
        for name, run in rivals.items():
            seen[name].append(run())
            print(f"  round {number + 1} {name}: {seen[name][-1]:,.0f}", file=sys.stderr)
    return {name: statistics.median(values) for name, values in seen.items()}


def peak_mib() -> float:
    """The most memory this process ever held; where Linux tells, without what its parent held."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def row(
    stage: str, ours: float, limit: float, unit: str, beside: str, bar: float | None = None
) -> dict[str, Any]:
    """One line of the table: *ours* beside the *limit* that *beside* describes."""
    return {
        "stage": stage, "ours": round(ours, 1), "limit": round(limit, 1), "unit": unit,
        "beside": beside, "ratio": round(ours / limit, 3), "bar": bar,
    }  # fmt: skip


@contextlib.contextmanager
def console() -> Iterator[None]:
    """Django set up in this process on PostgreSQL (synchronous commit on) and Redis of its own."""
    from tests.services import services

    with services(durable=True) as (postgres, redis), tempfile.TemporaryDirectory() as home:
        os.environ.update(
            DATABASE_URL=postgres.url, REDIS_URL=redis.url, SMSCONSOLE_HOME=home, DEBUG="0",
            DJANGO_SETTINGS_MODULE="smsconsole.settings", SMSCONSOLE_ALLOW_FAILPOINTS="1",
            IMPORT_MAX_ROWS=str(MOST_ROWS), IMPORT_CPU_SECONDS="600",
        )  # fmt: skip
        import django
        from django.conf import settings
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        from smsconsole import first_run

        settings.PRACTICE_HOME.mkdir(parents=True, exist_ok=True)
        first_run.prepare()
        try:
            yield
        finally:
            from django.db import connections

            connections.close_all()
