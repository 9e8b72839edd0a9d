"""Opt-outs from a file: a preview first, then every number once, whatever is killed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import jobs
from accounts.models import AuditEvent, Job, JobState, User, Workspace
from campaigns import tasks
from senders import optout_files, optouts
from senders.models import OptOut
from sheets import store
from sheets.events import Rows

pytestmark = pytest.mark.django_db
Clients = Callable[[User], Client]
MIXED = (
    "phone_number,mail\n+12025550123,a@example.com\n+12345,b@example.com\n"
    "+61491570006,c@example.com\n+12025550123,d@example.com\n+12025550124,e@example.com\n"
)
REASON = "List of the old system"


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOADS = tmp_path / "uploads"
    return settings.UPLOADS


@pytest.fixture
def client(signed_in: Clients, operator: User) -> Client:
    return signed_in(operator)


def send(client: Client, content: str | bytes, name: str = "old list.csv", **more: Any) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    given = {"reason": REASON, "country": "", "file": SimpleUploadedFile(name, raw), **more}
    return client.post(reverse("optouts:import"), given)


def read(client: Client, content: str | bytes, **more: Any) -> Job:
    send(client, content, **more)
    job = Job.objects.latest("pk")
    optout_files.run(job.pk)
    job.refresh_from_db()
    return job


def shown(client: Client, job: Job, **more: Any) -> str:
    answer = client.get(reverse("optouts:import_job", args=[job.key]), **more)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def confirm(client: Client, job: Job) -> None:
    client.post(reverse("optouts:import_confirm", args=[job.key]))


def test_a_file_is_shown_before_anything_is_added(client: Client, workspace: Workspace) -> None:
    OptOut.objects.create(workspace=workspace, number="+61491570006", source="typed")
    answer = send(client, MIXED)
    job = Job.objects.get()
    assert answer.url == reverse("optouts:import_job", args=[job.key])
    assert 'hx-trigger="every 1s"' in shown(client, job)
    optout_files.run(job.pk)
    html = shown(client, job)
    for words in ("Preview: nothing is added yet", "Add 2 numbers", "old list.csv",
                  "too short", "The same as row 2"):  # fmt: skip
        assert words in html, words
    found = Job.objects.get().options["found"]
    numbers = [found[name] for name in ("read", "valid", "known", "twice", "refused")]
    assert numbers == [5, 3, 1, 1, 2]
    assert OptOut.objects.count() == 1
    assert "example.com" not in str(job.options)


def test_confirmed_numbers_are_added_once_with_where_they_came_from(
    client: Client, operator: User, uploads: Path
) -> None:
    job = read(client, MIXED)
    confirm(client, job)
    confirm(client, job)
    optout_files.run(job.pk)
    optout_files.run(job.pk)
    assert "3 numbers were added" in shown(client, job)
    row = OptOut.objects.get(number="+12025550124")
    told = (row.source, row.file_name, row.reason, row.added_by)
    assert told == ("file", "old list.csv", REASON, operator)
    assert OptOut.objects.count() == 3
    event = AuditEvent.objects.get(action="optout.import")
    assert (event.actor, event.data["valid"], event.data["reason"]) == (operator, 3, REASON)
    assert "2025550" not in str(event.data)
    assert list(uploads.iterdir()) == []


def test_a_killed_import_goes_on_where_it_stopped(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = "\n".join(f"+1202555{n:04}" for n in range(100, 150))
    job = read(client, "phone_number\n" + numbers)
    confirm(client, job)
    real, events, sizes = optouts.add_many, optout_files._events, []

    def dies(workspace_id: int, numbers: Any, **about: Any) -> int:
        sizes.append(len(numbers))
        if len(sizes) == 3:
            raise SystemExit
        return real(workspace_id, numbers, **about)

    monkeypatch.setattr(optout_files, "_events", lambda job: in_tens(events(job)))
    monkeypatch.setattr(optouts, "add_many", dies)
    with pytest.raises(SystemExit):
        optout_files.run(job.pk)
    job.refresh_from_db()
    assert (job.done, job.options["added"], OptOut.objects.count()) == (21, 20, 20)
    optout_files.run(job.pk)
    assert OptOut.objects.count() == 20, "it may live"
    taken_over(job)
    job.refresh_from_db()
    assert (job.options["added"], OptOut.objects.count(), sizes) == (50, 50, [10] * 6)


def taken_over(job: Job) -> None:
    """What the tick does some minutes after the last sign of life."""
    assert optout_files.unfinished(timezone.now() + timedelta(minutes=5)) == [job.pk]
    optout_files.run(job.pk)


def in_tens(events: Any) -> Any:
    for event in events:
        if not isinstance(event, Rows):
            yield event
            continue
        for at in range(0, len(event.rows), 10):
            yield Rows(event.rows[at : at + 10])


def test_of_two_runs_one_drops_out(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    job = read(client, MIXED)
    confirm(client, job)
    real = optout_files._events

    def overtaken(job: Job) -> Any:
        events = list(real(job))
        monkeypatch.setattr(optout_files, "_events", real)
        taken_over(job)  # the other run is quicker
        return events

    monkeypatch.setattr(optout_files, "_events", overtaken)
    optout_files.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.options["added"], OptOut.objects.count()) == ("done", 3, 3)


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"MZ\x90\x00" + b"x" * 60, "a.csv", "program"),
        ("phone_number\n", "a.csv", "No recipients"),
        ("a,a\n1,2\n", "a.csv", "header"),
    ],
)  # fmt: skip
def test_a_file_that_recipients_could_not_come_from_is_refused_here_too(
    client: Client, content: str | bytes, name: str, said: str
) -> None:
    job = read(client, content, name=name)
    html = shown(client, job)
    assert job.state == JobState.FAILED
    assert said.lower() in html.lower(), job.error
    assert "Choose another file" in html


def test_a_question_is_answered_and_the_file_read_again(client: Client) -> None:
    job = read(client, "home,work\n+12025550123,+12025550124\n")
    assert "Which column holds the phone numbers?" in shown(client, job)
    path = reverse("optouts:import_answer", args=[job.key])
    client.post(path, {"choice": "nowhere"})
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    client.post(path, {"choice": "work"})
    optout_files.run(job.pk)
    confirm(client, job)
    optout_files.run(job.pk)
    assert OptOut.objects.get().number == "+12025550124"


def test_the_chosen_country_is_read_into_numbers_without_a_code(client: Client) -> None:
    job = read(client, "phone_number\n0491 570 006\n", country="AU")
    assert job.options["found"]["valid"] == 1
    assert "Choose a country of the list" in send(client, MIXED, country="XX").content.decode()


@pytest.mark.parametrize(
    ("content", "limit", "said"), [(b"", 100, "The file is empty"), (b"x" * 200, 100, "larger")]
)
def test_a_file_that_cannot_be_taken_leaves_nothing_behind(
    client: Client, settings: Any, uploads: Path, content: bytes, limit: int, said: str
) -> None:
    settings.IMPORT_MAX_BYTES = limit
    assert said in send(client, content).content.decode()
    assert not Job.objects.exists()
    assert list(uploads.iterdir()) == []


def test_the_token_of_the_form_is_checked(operator: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator)
    assert send(strict, MIXED).status_code == 403


def test_nobody_else_sees_or_confirms_an_import(
    client: Client, signed_in: Clients, colleague: User, stranger: User, viewer: User
) -> None:
    job = read(client, MIXED)
    for who, status in ((colleague, 404), (stranger, 404), (viewer, 403)):
        for name in ("import_job", "import_confirm", "import_answer"):
            path = reverse(f"optouts:{name}", args=[job.key])
            method = "get" if name == "import_job" else "post"
            assert getattr(signed_in(who), method)(path).status_code == status
    job.refresh_from_db()
    assert job.options["step"] == "check"


def test_a_lost_bell_is_rung_again_and_old_files_go(
    client: Client, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(client, MIXED)
    job, now = Job.objects.get(), timezone.now()
    assert optout_files.unfinished(now) == []
    assert optout_files.unfinished(now + timedelta(minutes=1)) == [job.pk]
    assert jobs.claim(job.pk, optout_files.KIND)
    assert optout_files.unfinished(now + timedelta(minutes=1)) == []
    assert optout_files.unfinished(now + timedelta(minutes=5)) == [job.pk]
    Job.objects.update(created_at=now - timedelta(days=2))
    tasks.sweep()
    assert Job.objects.exists(), "it is still at work"
    optout_files.run(job.pk)
    tasks.sweep()
    assert not Job.objects.exists()
    assert list(uploads.iterdir()) == []


def test_a_file_that_is_gone_is_said_to_be(client: Client) -> None:
    job = read(client, MIXED)
    store.delete(job.options["stored"])
    confirm(client, job)
    optout_files.run(job.pk)
    assert "not kept any more" in shown(client, job)
