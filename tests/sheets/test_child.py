"""The guarded process: what it may not do, and that its death is a sentence."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from sheets import child, parent
from sheets.events import (
    Done,
    Event,
    Meta,
    Notice,
    Problem,
    Problems,
    Progress,
    Request,
    Row,
    Rows,
    decode,
    encode,
    encode_bad,
)
from sheets.limits import MIB, Limits
from sheets.sentences import SENTENCES, BadFile
from tests.sheets.making import (
    cell,
    mobile,
    mobiles,
    package,
    read_file,
    sheet_xml,
    text_file,
    workbook,
)

REQUEST = Request(original_name="list.csv")


def long_list(folder: Path, rows: int) -> Path:
    numbers = list(mobiles(500))
    lines = (f"{numbers[row % 500]},n{row}" for row in range(rows))
    return text_file(folder, "phone_number,name\n" + "\n".join(lines))


def test_the_child_tells_what_a_reading_in_this_process_tells(tmp_path: Path) -> None:
    numbers = list(mobiles(2500))
    rows = [[number, f"n{count}"] for count, number in enumerate(numbers)]
    path = workbook(tmp_path, [["phone_number", "name", "x"], *rows, ["bad", "y"]])
    request = Request(original_name="list.xlsx", variables=("name",))
    events = list(parent.read(path, request))
    here = read_file(path, "name")
    assert events[0] == here.meta
    assert events[-1] == here.done
    assert [r for e in events if isinstance(e, Rows) for r in e.rows] == here.rows
    assert [p for e in events if isinstance(e, Problems) for p in e.problems] == here.problems
    shares = [event.share for event in events if isinstance(event, Progress)]
    assert shares == sorted(shares)
    assert len(shares) == 3


def test_a_refusal_comes_back_whole(tmp_path: Path) -> None:
    path = text_file(tmp_path, f"phone,mobile\n{mobile()},\n")
    with pytest.raises(BadFile) as asked:
        list(parent.read(path, REQUEST))
    assert asked.value.answer == "number_column"
    assert asked.value.choices == ("phone", "mobile")
    assert "phone, mobile" in asked.value.sentence


def test_running_out_of_memory_is_a_sentence(tmp_path: Path) -> None:
    """U14: the death of the parser is a normal result."""
    path = text_file(tmp_path, "phone_number\n" + "9" * 50_000_000)
    with pytest.raises(BadFile) as died:
        list(parent.read(path, REQUEST, Limits(memory_bytes=100 * MIB)))
    assert died.value.code == "parser_died"


def test_running_out_of_processor_time_is_a_sentence(tmp_path: Path) -> None:
    path = long_list(tmp_path, 150_000)
    with pytest.raises(BadFile) as died:
        list(parent.read(path, replace(REQUEST, variables=("name",)), Limits(cpu_seconds=1)))
    assert died.value.code == "took_too_long"


def test_a_wall_clock_stops_the_child(tmp_path: Path) -> None:
    path = long_list(tmp_path, 150_000)
    started = time.monotonic()
    with pytest.raises(BadFile) as died:
        list(parent.read(path, replace(REQUEST, variables=("name",)), Limits(wall_seconds=1)))
    assert died.value.code == "took_too_long"
    assert time.monotonic() - started < 10


def children() -> list[int]:
    """The import children of this process, from the kernel's own list."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent_id = status.read_text().rpartition(")")[2].split()[1]
            command = (status.parent / "cmdline").read_bytes()
            if parent_id == str(os.getpid()) and b"sheets.child" in command:
                found.append(int(status.parent.name))
    return found


@pytest.mark.chaos
def test_a_killed_child_is_a_sentence_and_leaves_no_process(tmp_path: Path) -> None:
    path = long_list(tmp_path, 50_000)
    events = parent.read(path, replace(REQUEST, variables=("name",)))
    assert isinstance(next(events), Meta)
    (pid,) = children()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(BadFile) as died:
        list(events)
    assert died.value.code == "parser_died"
    assert children() == []


def test_letting_go_of_the_events_ends_the_child(tmp_path: Path) -> None:
    events = parent.read(long_list(tmp_path, 50_000), replace(REQUEST, variables=("name",)))
    next(events)
    assert len(children()) == 1
    events.close()  # type: ignore[attr-defined]
    assert children() == []


PROBE = """
import json, os, sys, warnings
from sheets import child
from sheets.limits import Limits
def attempt(act):
    try:
        act()
    except BaseException as error:
        return type(error).__name__
    return "done"
child._limit(Limits())
sys.addaudithook(child._refuse)
import resource, socket, subprocess
print(json.dumps({
    "connect": attempt(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)),
    "process": attempt(lambda: subprocess.run(["true"])),
    "fork": attempt(os.fork),
    "write": attempt(lambda: open(sys.argv[2], "w")),
    "read": attempt(lambda: open(__import__("json").__file__).close()),
    "memory": attempt(lambda: bytearray(2 * 1024**3)),
    "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
    "environment": sorted(os.environ),
}))
"""


def test_the_child_gives_up_network_processes_files_and_memory(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        found = subprocess.run(
            [sys.executable, "-s", "-c", PROBE, port, str(tmp_path / "made")],
            capture_output=True,
            cwd=parent.BASE,
            env=parent.SCRUBBED,
            check=True,
        )
    told = json.loads(found.stdout)
    assert set(told.pop("environment")) - {"LC_CTYPE"} == set(parent.SCRUBBED)
    assert told == {
        "connect": "PermissionError",
        "process": "PermissionError",
        "fork": "PermissionError",
        "write": "PermissionError",
        "read": "done",
        "memory": "MemoryError",
        "core": 0,
    }
    assert not (tmp_path / "made").exists()


def test_the_child_inherits_no_secret_and_no_django(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for the child")
    assert "SECRET_KEY" not in parent.SCRUBBED
    code = "import sys, sheets.child as c; print('django' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-s", "-c", code],
        capture_output=True,
        cwd=parent.BASE,
        env=parent.SCRUBBED,
        check=True,
    )
    assert found.stdout.strip() == b"False"


@pytest.mark.parametrize("answer", ["garbage", "[]", "{}", '{"type": "Rows"}', "1", "null", "\xff"])
def test_an_answer_that_is_no_event_is_noticed(answer: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        decode(answer)


EVENTS = [
    Meta(
        kind="csv",
        columns=("a",),
        number_column="a",
        unused=(),
        notices=(Notice.of("formulas", count=1),),
    ),
    Rows((Row(2, mobile(), "GB", ("é\n",)), Row(3, mobile("DE"), "DE"))),
    Problems((Problem(2, "a", "\u202e<b>", "duplicate", "The same.", {"first": 1}),)),
    Progress(1000, 0.5),
    Done(1, 1, 0, 0, 0, "number", 1, (("1", "+1"),), False, {"x": 1}, {"GB": 1}, (), "9"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_survives_the_wire(event: Event) -> None:
    assert "\n" not in encode(event)
    assert decode(encode(event)) == event


def test_a_refusal_survives_the_wire() -> None:
    bad = BadFile("not_utf8", line=3, answer="encoding", choices=("a",), previews=("b",))
    with pytest.raises(BadFile) as told:
        decode(encode_bad(bad))
    assert vars(told.value) == vars(bad)


def test_the_request_the_parent_writes_is_the_one_the_child_reads() -> None:
    request = Request("a.csv", ("x",), accept=("trailing_zeros",), allow_empty=("x",))
    line = json.dumps({"path": "/x", "request": asdict(request), "limits": asdict(Limits(rows=5))})
    assert child._asked(line) == ("/x", request, Limits(rows=5))


def test_an_ordinary_workbook_needs_little_memory(tmp_path: Path) -> None:
    """The peak of the child itself, measured by the kernel, at 30,000 rows."""
    rows = "".join(
        f'<row r="{n}">{cell(f"A{n}", mobile(), kind="inlineStr")}'
        f"{cell(f'B{n}', f'name {n}', kind='inlineStr')}</row>"
        for n in range(2, 30_002)
    )
    header = cell("A1", "phone_number", kind="inlineStr") + cell("B1", "name", kind="inlineStr")
    path = package(tmp_path, sheet_xml(f'<row r="1">{header}</row>{rows}'))
    events = parent.read(path, Request(original_name="list.xlsx", variables=("name",)))
    peak = 0
    for _event in events:
        for pid in children():
            status = Path(f"/proc/{pid}/status").read_text()
            if "VmHWM:" in status:  # not of one that has just ended
                peak = max(peak, int(status.split("VmHWM:")[1].split()[0]))
    assert 0 < peak < 300 * 1024


def test_every_sentence_says_what_and_ends_plainly() -> None:
    for code, sentence in SENTENCES.items():
        assert sentence.endswith("."), code
        assert "please" not in sentence.lower()
        assert "!" not in sentence
