from __future__ import annotations

import contextlib
import threading
import uuid
from pathlib import Path
from time import monotonic

import pytest
from kombu import Connection
from kombu.exceptions import OperationalError

from smsconsole import doorbell


@pytest.fixture
def bell() -> str:
    """A queue of its own: kombu remembers for the whole process which queues it has bound."""
    return f"bell-{uuid.uuid4().hex}"


@pytest.fixture
def connection(tmp_path: Path) -> Connection:
    doorbell.register()
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    options = {
        "data_folder_in": str(tmp_path / "queue"),
        "data_folder_out": str(tmp_path / "queue"),
        "control_folder": str(tmp_path / "control"),
        "polling_interval": 0.01,
    }
    with Connection("doorbell://localhost", transport_options=options) as connection:
        yield connection


def test_many_writers_and_readers_at_once_never_see_half_a_message(
    connection: Connection, bell: str
) -> None:
    rung, heard, until = 200, [], monotonic() + 30

    def write() -> None:
        with connection.clone() as own, own.SimpleQueue(bell) as queue:
            for number in range(rung):
                queue.put({"id": number, "padding": "x" * 2000})

    def read() -> None:
        with connection.clone() as own, own.SimpleQueue(bell, no_ack=True) as queue:
            while len(heard) < 2 * rung and monotonic() < until:
                with contextlib.suppress(queue.Empty):
                    heard.append(queue.get(timeout=0.5).payload["id"])

    threads = [threading.Thread(target=work) for work in (write, write, read, read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard) == sorted([*range(rung)] * 2)


@pytest.mark.parametrize("damage", [b"", b"{", b"not json", b"\xff"])
def test_a_bell_that_cannot_be_read_is_dropped_and_the_next_one_heard(
    connection: Connection, bell: str, tmp_path: Path, damage: bytes
) -> None:
    with connection.SimpleQueue(bell, no_ack=True) as queue:
        (tmp_path / "queue" / f"000000000000001_x.{bell}.msg").write_bytes(damage)
        queue.put({"id": 7})
        assert queue.get(timeout=2).payload == {"id": 7}
    assert not [*(tmp_path / "queue").iterdir()]


def test_what_a_killed_process_left_half_done_is_gone_at_the_next_start(
    connection: Connection, bell: str, tmp_path: Path
) -> None:
    left = ("queue/1_a.x.msg.taken", "queue/1_b.x.part", "control/x.part")
    for name in left:
        (tmp_path / name).write_text("{")
    with connection.SimpleQueue(bell, no_ack=True) as queue:
        queue.put({"id": 7})
        doorbell.prepare(tmp_path)
        assert queue.get(timeout=2).payload == {"id": 7}
    assert not [name for name in left if (tmp_path / name).exists()]


def test_a_folder_that_cannot_be_written_is_an_error_of_the_broker(
    connection: Connection, bell: str, tmp_path: Path
) -> None:
    with connection.SimpleQueue(bell) as queue:
        (tmp_path / "queue").rename(tmp_path / "gone")
        with pytest.raises((OperationalError, OSError)):
            queue.put({"id": 1})
