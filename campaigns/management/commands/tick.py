"""The ticker: starts what is due, recovers what is stuck, rings for the rest."""

from __future__ import annotations

import logging
import os
import signal
import time
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, close_old_connections
from kombu.exceptions import OperationalError

from campaigns import tasks, ticking

logger = logging.getLogger(__name__)
RING_SECONDS = 5.0
SWEEP_SECONDS = 60.0
EXPAND_SECONDS = 15.0  # a second expansion beside a living one only wastes its work


class Command(BaseCommand):
    help = "One pass over everything that is due or stuck; with --loop, one every second."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on until told to stop")

    def handle(self, **options: Any) -> None:
        if not options["loop"]:
            tasks.ring_for(ticking.tick())
            ticking.sweep()
            return
        Loop().run()


class Loop:
    """Ticks every second; rings at once for new work, and every 5 s for what still waits."""

    def __init__(self) -> None:
        self.parent = os.getppid()
        self.ending = False
        self.rung: dict[str, float] = {}
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self.end)

    def end(self, signum: int, frame: FrameType | None) -> None:
        self.ending = True

    def run(self) -> None:
        while not self.ending and os.getppid() == self.parent:
            try:
                self.once()
            except Error:
                logger.exception("The database did not answer this tick")
                close_old_connections()
            except OperationalError as error:  # what is due has begun; who sends it hears later
                logger.warning("The broker did not take a ring: %s", error)
            time.sleep(1.0)

    def once(self) -> None:
        bells = ticking.tick()
        now = time.monotonic()
        due = ticking.Bells(
            expand=[pk for pk in bells.expand if self.is_due(f"expand {pk}", now, EXPAND_SECONDS)],
            dispatch=bells.dispatch if self._dispatch_due(bells.dispatch, now) else [],
            receipts=bells.receipts and self.is_due("receipts", now, 1.0),
        )
        tasks.ring_for(due)
        if self.is_due("rest", now):
            tasks.look_after.delay()
        if self.is_due("sweep", now, SWEEP_SECONDS):
            tasks.sweep.delay()

    def _dispatch_due(self, waiting: list[int], now: float) -> bool:
        """Ring when another campaign came to have work, else every few seconds."""
        if not waiting:
            return False
        return self.is_due("dispatch " + ",".join(map(str, sorted(waiting))), now)

    def is_due(self, what: str, now: float, every: float = RING_SECONDS) -> bool:
        if now - self.rung.get(what, -every) < every:
            return False
        self.rung[what] = now
        return True
