"""The one-command run, as processes: it starts, refuses, mends itself and leaves nothing.

What does not depend on the database is marked ``chaos`` and so runs in the SQLite pass only.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from tests.services import free_port

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0


class Console:
    """A console process on a folder of its own; what it says is read line by line."""

    def __init__(self, home: Path, database: str, *command: str) -> None:
        self.home, self.port = home, free_port()
        self.said: list[str] = []
        self.env = {
            **os.environ, "SMSCONSOLE_HOME": str(home), "PORT": str(self.port),
            "HOST": "127.0.0.1", "DATABASE_URL": database, "SMSCONSOLE_LEASE_SECONDS": "2",
        }  # fmt: skip
        self.command = [sys.executable, "manage.py", *(command or ["console"])]
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> Console:
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        return self

    def wait_for(self, text: str) -> str:
        """The first line that holds *text*."""
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if text in line:
                return line
        raise AssertionError(f"never said {text!r}: {self.said}")

    def up(self) -> Console:
        self.start().wait_for("Ctrl-C stops it")
        return self

    def end(self, number: int = signal.SIGINT) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=SECONDS)
        self.said.append(rest)
        return self.process.returncode

    def refusal(self) -> str:
        """All that a console said that did not come up."""
        assert self.end(0) == 1
        return "".join(self.said).removeprefix("Starting ...\n")

    def groups(self) -> list[int]:
        record: dict[str, Any] = json.loads((self.home / "console.groups").read_text())
        return [int(group) for group in record["groups"]]

    def get(self, path: str) -> int:
        """The status of the page's answer."""
        call = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            call.request("GET", path)
            return call.getresponse().status
        finally:
            call.close()


def alive(groups: list[int]) -> list[str]:
    """Command lines of the processes that are left in these groups."""
    listing = subprocess.run(
        ["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    found = [line.split(None, 2) for line in listing.splitlines()]
    return [args for group, state, args in found if int(group) in groups and state[0] != "Z"]


def until(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)


@pytest.fixture
def database(transactional_db: None) -> Iterator[str]:
    """A database of its own on the server of this pass; on SQLite the file in the folder."""
    if connection.vendor == "sqlite":
        yield ""
        return
    name = f"console_{uuid.uuid4().hex[:8]}"
    given = settings.DATABASES["default"]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield f"postgres://{given['USER']}@{given['HOST']}:{given['PORT']}/{name}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def console(tmp_path: Path, database: str) -> Iterator[Console]:
    made = Console(tmp_path / "home", database)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGKILL)
        until(lambda: not alive(made.groups()))


def test_it_serves_prints_a_link_that_works_once_and_stops_cleanly(console: Console) -> None:
    console.start()
    link = re.search(r"(/signin/\S+)", console.wait_for("/signin/"))
    console.wait_for("Ctrl-C stops it")
    assert link is not None
    assert console.get("/") == 302
    assert console.get(link[1]) in (200, 302)
    groups = console.groups()
    assert len(alive(groups)) >= 4
    assert console.end() == 0
    assert re.search(r"^Stopping: .+\nStopped\. .+ make run$", console.said[-1], re.MULTILINE)
    assert alive(groups) == []


@pytest.mark.chaos
def test_a_second_console_on_the_same_folder_is_refused_in_one_sentence(console: Console) -> None:
    console.up()
    second = Console(console.home, console.env["DATABASE_URL"]).start()
    assert re.fullmatch(
        r"A console already runs on \S+ \(http\S+, process \d+\)\. .+\n", second.refusal()
    )
    assert console.end() == 0


@pytest.mark.chaos
def test_nothing_outlives_a_killed_supervisor_and_the_next_run_goes_on(console: Console) -> None:
    console.up()
    first = console.groups()
    assert console.end(signal.SIGKILL) == -signal.SIGKILL
    console.up()
    assert alive(first) == []
    assert console.end() == 0


@pytest.mark.chaos
def test_what_is_left_of_a_partial_kill_is_swept_at_the_next_start(console: Console) -> None:
    console.up()
    first = console.groups()
    leaders = [group for group in first if "granian" in " ".join(alive([group]))]
    for group in leaders:
        os.kill(group, signal.SIGSTOP)  # hears nothing any more, but holds the port
    console.end(signal.SIGKILL)
    console.up()
    assert alive(first) == []
    assert console.end() == 0


@pytest.mark.chaos
def test_a_process_that_dies_is_started_again_and_that_is_said(console: Console) -> None:
    console.up()
    web = next(group for group in console.groups() if "granian" in " ".join(alive([group])))
    os.kill(web, signal.SIGKILL)
    console.wait_for("The web process ended (signal 9)")

    def answers() -> bool:
        try:
            return console.get("/healthz") == 200
        except OSError:
            return False

    until(answers)
    assert console.end() == 0


@pytest.mark.chaos
def test_a_taken_port_is_one_sentence(console: Console) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", console.port))
        other.listen()
        refusal = console.start().refusal()
    assert len(refusal.splitlines()) == 1
    assert f"Port {console.port} on 127.0.0.1 is taken" in refusal


@pytest.mark.chaos
def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    console = Console(tmp_path / "file" / "home", "").start()
    assert console.end(0) == 1
    assert re.fullmatch(r"The folder \S+ cannot be used \(.+\)\. Set .+\n", console.said[0])


@pytest.mark.chaos
def test_a_database_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    nowhere = f"postgres://console@127.0.0.1:{free_port()}/console"
    refusal = Console(tmp_path / "home", nowhere).start().refusal()
    assert len(refusal.splitlines()) == 1
    assert refusal.startswith("The database does not answer")


@pytest.mark.chaos
def test_the_demo_is_refused_where_campaigns_are(console: Console) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command; call_command('migrate', verbosity=0)\n"
        "from smsconsole.first_run import prepare; prepare()\n"
        "from accounts.models import *; from campaigns.models import Campaign\n"
        "Campaign.objects.create(workspace=Workspace.objects.get(), author=User.objects.get())\n"
    )
    env = {**console.env, "DJANGO_SETTINGS_MODULE": "smsconsole.settings"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True)
    console.command[-1] = "demo"
    assert console.start().refusal().startswith("There are campaigns here already.")
