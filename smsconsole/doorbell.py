"""The embedded run's broker: kombu's folder of files, made safe to read while it is written.

kombu writes its files in place, so a reader can find one empty, and that ends the worker or the
sender. Here a file appears whole or not at all: messages, and the table of which queue hangs on
which exchange, which one at a time may change. A message is claimed by a rename within its folder
(nothing lies in a shared temporary folder), and one that cannot be read is dropped: a doorbell may
be lost.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import uuid
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

SCHEME = "doorbell"
_BINDING = threading.Lock()


class Channel(filesystem.Channel):
    """Messages as files named ``time_id.queue.msg`` in one folder."""

    def queue_bind(self, *args: Any, **kwargs: Any) -> None:
        # kombu notes a binding for the whole process before it writes it: another thread must not
        # send to it in between, when it leads nowhere yet.
        with _BINDING:
            super().queue_bind(*args, **kwargs)

    def get_table(self, exchange: str) -> list[filesystem.exchange_queue_t]:
        try:
            rows = loads(self._exchange_file(exchange).read_text())
        except FileNotFoundError:
            return []
        return [filesystem.exchange_queue_t(*row) for row in rows]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        table = self._exchange_file(exchange)
        row = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        table.parent.mkdir(exist_ok=True)
        with table.with_suffix(".lock").open("a") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            rows = self.get_table(exchange)
            if row not in rows:
                self._write(table, [row, *rows])

    # kombu's own two signatures differ, so this cannot match both.
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(monotonic() * 1000):015d}_{uuid.uuid4()}"
        self._write(folder / f"{name}.{queue}.msg", payload)

    @staticmethod
    def _write(file: Path, content: Any) -> None:
        part = file.with_suffix(".part")
        part.write_text(dumps(content))
        part.rename(file)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = Path(self.data_folder_in)
        for name in sorted(os.listdir(folder)):
            if name.partition(".")[2] == f"{queue}.msg":
                taken = folder / f"{name}.taken"
                with contextlib.suppress(FileNotFoundError, ValueError):
                    (folder / name).rename(taken)
                    content = taken.read_bytes()
                    taken.unlink()
                    return loads(content)
        raise Empty


class Transport(filesystem.Transport):
    Channel = Channel


def prepare(home: Path) -> None:
    """Make the folders, and clear away what a killed process was writing or reading."""
    for name in ("queue", "control"):
        (home / name).mkdir(parents=True, exist_ok=True)
        for left in [*(home / name).glob("*.part"), *(home / name).glob("*.taken")]:
            left.unlink(missing_ok=True)


def register() -> None:
    """Make ``doorbell://`` a broker address."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
