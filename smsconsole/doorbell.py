"""The embedded run's broker: kombu's folder of files, made safe to read while it is written.

kombu writes a message file in place, so a reader can find it empty, and an empty file ends the
worker. Here a file appears whole or not at all, is claimed by a rename within its folder (nothing
lies in a shared temporary folder), and one that cannot be read is dropped: a doorbell may be lost.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from pathlib import Path
from queue import Empty
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps, loads

SCHEME = "doorbell"


class Channel(filesystem.Channel):
    """Messages as files named ``time_id.queue.msg`` in one folder."""

    # kombu's own two signatures differ, so this cannot match both.
    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(monotonic() * 1000):015d}_{uuid.uuid4()}"
        part = folder / f"{name}.part"
        part.write_text(dumps(payload))
        part.rename(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        folder = Path(self.data_folder_in)
        for name in sorted(os.listdir(folder)):
            if name.partition(".")[2] == f"{queue}.msg":
                taken = folder / f"{name}.taken"
                with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                    (folder / name).rename(taken)
                    payload = loads(taken.read_text())
                    taken.unlink()
                    return payload
        raise Empty


class Transport(filesystem.Transport):
    Channel = Channel


def register() -> None:
    """Make ``doorbell://`` a broker address."""
    TRANSPORT_ALIASES[SCHEME] = f"{__name__}:Transport"
