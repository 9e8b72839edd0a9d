"""Threshold reservations by four processes on one window, beside a bare UPDATE of one row.

``python -m benchmarks.reserving`` prints one JSON list.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.measuring import ROOT, console, row, take_turns

PROCESSES = 4


def reserve_some(count: int) -> None:
    """What a claim does to its windows, *count* times, each in a transaction of its own."""
    from django.db import transaction

    from accounts.models import Workspace
    from billing import thresholds
    from campaigns import clock
    from campaigns.sending.reserving import held_segments

    pk = Workspace.objects.earliest("pk").pk
    for _ in range(count):
        with transaction.atomic():
            workspace = thresholds.lock(pk)
            held = lambda a, b: held_segments(pk, a, b)  # noqa: E731
            found = thresholds.limits(workspace, {"US"}, clock.now(), held)
            if (found.room("US") or 0) >= 1:
                found.take("US", 1)
                thresholds.reserve(found)


def update_some(count: int) -> None:
    """The least there is: one guarded UPDATE of one row, committed."""
    from django.db import connection

    with connection.cursor() as cursor:
        for _ in range(count):
            cursor.execute(
                "UPDATE billing_thresholdwindow SET used = used + 1"
                ' WHERE used <= "limit" - 1 AND id = (SELECT MIN(id) FROM billing_thresholdwindow)'
            )


def together(name: str, count: int) -> Callable[[], float]:
    """Times a second of the function *name*, by PROCESSES at once."""

    def run() -> float:
        command = [sys.executable, "-m", "benchmarks.reserving", "--do", name]
        each = [*command, "--count", str(count)]
        running = [
            subprocess.Popen(each, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            for _ in range(PROCESSES)
        ]
        for one in running:
            assert one.stdout is not None
            one.stdout.readline()  # it is ready
        began = time.perf_counter()
        for one in running:
            one.communicate(b"go\n")
        assert [one.wait() for one in running] == [0] * PROCESSES
        return PROCESSES * count / (time.perf_counter() - began)

    return run


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--count", type=int, default=500, help="for each process")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--do", choices=["reserve", "update"])
    chosen = options.parse_args()
    if chosen.do:
        import django

        django.setup()
        print("ready", flush=True)
        sys.stdin.readline()
        {"reserve": reserve_some, "update": update_some}[chosen.do](chosen.count)
        return
    with console():
        from accounts.models import User, Workspace
        from billing import thresholds

        workspace, by = Workspace.objects.earliest("pk"), User.objects.earliest("pk")
        for period in ("day", "month"):
            thresholds.set_limit(workspace, period, 10**9, 80, by)
        reserve_some(1)
        found = take_turns(
            chosen.rounds,
            {"ours": together("reserve", chosen.count), "bare": together("update", chosen.count)},
        )
    stage = f"reserving in two windows, {PROCESSES} processes"
    table = [row(stage, found["ours"], found["bare"], "a second", "a bare UPDATE of one window")]
    print(json.dumps(table))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    main()
