"""End to end: from the first claim to the last message settled and charged.

Beside it, against the same carrier and with as many open calls, a client that writes nothing down,
and a task per message as it is usually built (benchmarks/one_task_each.py).
``python -m benchmarks.sending --rows 20000 --latency 20`` prints one JSON list.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

from benchmarks.measuring import ROOT, console, row, take_turns

WINDOW = 32
NO_LIMIT = 1_000_000
TEXT = "Hi Person 1, your parcel P000001 arrives today."
DISPATCH = "import django; django.setup(); from campaigns import sending; sending.dispatch(600)"


@contextlib.contextmanager
def carrier(latency_ms: float) -> Iterator[int]:
    """The port of a carrier in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.carrier", str(latency_ms)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


class Bench:
    """A console that sends to one carrier at *port*."""

    def __init__(self, rows: int, port: int) -> None:
        from carriers.models import Carrier

        self.rows, self.seed = rows, 0
        self.carrier = Carrier.objects.get()
        self.carrier.rate, self.carrier.window = NO_LIMIT, WINDOW
        self.carrier.options = {
            **self.carrier.options, "url": f"http://127.0.0.1:{port}", "token": "benchmark",
        }  # fmt: skip
        self.carrier.save()

    def raw(self) -> float:
        """Messages a second of a client that only calls: no database, nothing remembered."""
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return self.rows / runner.run(self._call_only())

    async def _call_only(self) -> float:
        import aiohttp

        from sms.gateways.base import Outbound

        gateway, left = self.carrier.open(), iter(range(self.rows))
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:

            async def call_on() -> None:
                for _number in left:
                    message = Outbound(
                        reference=str(uuid.uuid4()), number="+12025550180", sender="PRACTICE",
                        text=TEXT, scenario="notification", segments=1, validity_seconds=3600,
                    )  # fmt: skip
                    await gateway.submit(session, message)

            began = time.perf_counter()
            await asyncio.gather(*(call_on() for _ in range(WINDOW)))
            return time.perf_counter() - began

    def expanded(self, rows: int = 0) -> Any:
        """A campaign whose messages wait, written this moment: statistics are as they are then."""
        from campaigns import sending
        from campaigns.seeding import seed_campaign

        self.seed += 1
        campaign = seed_campaign(rows or self.rows, self.seed, self.carrier)
        sending.start_due()
        sending.expand(campaign.pk)
        return campaign

    def ours(self, processes: int = 1) -> float:
        """Messages a second of the dispatcher, by *processes* that share the window."""
        self.carrier.window = WINDOW // processes
        self.carrier.save(update_fields=["window"])
        campaign = self.expanded()
        command = [sys.executable, "-c", DISPATCH]
        running = [subprocess.Popen(command, cwd=ROOT) for _ in range(processes)]
        assert [one.wait() for one in running] == [0] * processes
        return self.rows / _seconds(campaign)

    def one_task_each(self) -> float:
        """Messages a second of a Celery task for every message."""
        campaign = self.expanded(self.rows // 10)
        command = [sys.executable, "-m", "celery", "-A", "benchmarks.one_task_each", "worker",
                   "--pool", "prefork", "--concurrency", str(WINDOW), "-Q", "each",
                   "--loglevel", "ERROR", "--prefetch-multiplier", "16",
                   "--without-gossip", "--without-mingle", "--without-heartbeat"]  # fmt: skip
        from benchmarks.one_task_each import queue, state

        worker = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            return queue(campaign.pk, campaign.total, lambda: state(campaign.pk))
        finally:
            worker.terminate()
            worker.wait()


def _seconds(campaign: Any) -> float:
    """From the first claim to the last settlement, by the clock of the database."""
    from django.db.models import Max, Min

    from campaigns.models import Attempt, Message

    left = Message.objects.filter(campaign=campaign, state="queued").count()
    assert not left, f"{left} messages were not sent"
    times = Attempt.objects.filter(batch__campaign=campaign)
    found = times.aggregate(first=Min("claimed_at"), last=Max("ended_at"))
    return (found["last"] - found["first"]).total_seconds()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--latency", type=float, default=20.0, help="of the carrier, in ms")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--tasks", action="store_true", help="a task per message as well")
    chosen = options.parse_args()
    with carrier(chosen.latency) as port, console():
        bench = Bench(chosen.rows, port)
        rivals = {"raw": bench.raw, "one": bench.ours, "two": lambda: bench.ours(2)}
        if chosen.tasks:
            rivals["tasks"] = bench.one_task_each
        found = take_turns(chosen.rounds, rivals)
    at = f"sending, carrier at {chosen.latency:g} ms"
    bar = 0.9 if chosen.latency else 0.6
    beside = f"a client that only calls, {WINDOW} open calls"
    table = [
        row(f"{at}, one process", found["one"], found["raw"], "messages/s", beside, bar),
        row(f"{at}, two processes", found["two"], found["raw"], "messages/s", beside, bar),
    ]
    if chosen.tasks:
        best = max(found["one"], found["two"])
        beside = f"a task per message, {WINDOW} processes with connections of their own"
        table.append(row(at, best, found["tasks"], "messages/s", beside))
    print(json.dumps(table))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    main()
