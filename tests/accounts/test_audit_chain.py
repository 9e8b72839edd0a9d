"""The chain over the audit log: sealed once, and broken by every change."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from accounts import audit, sealing
from accounts.models import AuditEvent, AuditSeal, User, Workspace


@pytest.fixture
def events(workspace: Workspace, admin: User) -> list[AuditEvent]:
    deed = {"old": 10_000, "new": 50_000, "reason": "Spring sale – größer"}
    made = [audit.record("threshold.set", workspace, admin, **deed) for _ in range(5)]
    assert sealing.seal() == 5
    return made


@pytest.fixture
def behind_the_triggers() -> Iterator[Callable[..., None]]:
    """Write to the tables as only the owner of a database can, or who holds its file."""
    is_server = connection.vendor == "postgresql"

    def write(statement: str, *values: Any) -> None:
        with connection.cursor() as cursor:
            if is_server:
                cursor.execute("SET session_replication_role = replica")
            else:
                cursor.execute("PRAGMA defer_foreign_keys = ON")
            cursor.execute(statement, values)
            if is_server:
                cursor.execute("SET session_replication_role = DEFAULT")

    yield write
    # What the test broke is not for Django's own look at the keys.
    write("DELETE FROM accounts_auditseal")


def test_an_event_is_sealed_once(events: list[AuditEvent]) -> None:
    assert sealing.seal() == 0
    assert list(AuditSeal.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5]
    found = sealing.verify()
    assert (found.broken, found.sealed, found.unsealed) == ("", 5, 0)


def test_the_chain_holds_over_many_batches(
    events: list[AuditEvent], monkeypatch: pytest.MonkeyPatch, admin: User, workspace: Workspace
) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    for _ in range(4):
        audit.record("workspace.edit", workspace, admin)
    assert sealing.verify().unsealed == 4
    assert sealing.seal() == 4
    assert sealing.verify().sealed == 9


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("action", "threshold.clear"),
        ("label", "another"),
        ("actor_id", None),
        ("workspace_id", None),
        ("data", '{"old": 10000, "new": 50001}'),
        ("request_id", "x"),
        ("object_id", "0"),
    ],
)
def test_a_changed_event_breaks_it(
    events: list[AuditEvent], behind_the_triggers: Callable[..., None], column: str, value: Any
) -> None:
    behind_the_triggers(f"UPDATE accounts_auditevent SET {column} = %s WHERE id = %s",
                        value, events[2].pk)  # fmt: skip
    found = sealing.verify()
    assert found.broken == f"link 3: event {events[2].pk} is not what was sealed"
    assert found.sealed == 2


def test_a_moved_time_breaks_it(
    events: list[AuditEvent], behind_the_triggers: Callable[..., None]
) -> None:
    before = events[0].at - timedelta(microseconds=1)
    behind_the_triggers("UPDATE accounts_auditevent SET at = %s WHERE id = %s",
                        before.replace(tzinfo=None) if connection.vendor == "sqlite" else before,
                        events[0].pk)  # fmt: skip
    assert sealing.verify().broken.startswith("link 1: ")


def test_a_removed_event_is_named(
    events: list[AuditEvent], behind_the_triggers: Callable[..., None]
) -> None:
    behind_the_triggers("DELETE FROM accounts_auditevent WHERE id = %s", events[3].pk)
    assert sealing.verify().broken == f"link 4: event {events[3].pk} is missing"


def test_the_last_event_is_missed_too(
    events: list[AuditEvent], behind_the_triggers: Callable[..., None]
) -> None:
    behind_the_triggers("DELETE FROM accounts_auditevent WHERE id = %s", events[4].pk)
    assert sealing.verify().broken == f"link 5: event {events[4].pk} is missing"


def test_a_removed_seal_breaks_it(
    events: list[AuditEvent], behind_the_triggers: Callable[..., None]
) -> None:
    behind_the_triggers("DELETE FROM accounts_auditseal WHERE number = 2")
    found = sealing.verify()
    assert (found.broken, found.unsealed) == ("link 2 is missing", 1)


def test_a_chain_cut_short_is_seen_by_a_link_noted_elsewhere(
    events: list[AuditEvent], behind_the_triggers: Callable[..., None]
) -> None:
    noted = sealing.verify()
    behind_the_triggers("DELETE FROM accounts_auditseal WHERE number > 3")
    behind_the_triggers("DELETE FROM accounts_auditevent WHERE id >= %s", events[3].pk)
    assert sealing.verify().broken == ""
    found = sealing.verify((noted.sealed, noted.digest))
    assert found.broken == "link 5 was expected and is not there"


def test_a_chain_written_anew_is_seen_by_a_link_noted_elsewhere(events: list[AuditEvent]) -> None:
    found = sealing.verify((3, "0" * 64))
    assert found.broken == "link 3 is not the one that was expected"


def test_the_command_says_what_it_found(
    events: list[AuditEvent], behind_the_triggers: Callable[..., None]
) -> None:
    out = io.StringIO()
    call_command("verify_audit", stdout=out)
    assert "holds: 5 events" in out.getvalue()
    link = out.getvalue().splitlines()[1].rpartition(" ")[2]
    call_command("verify_audit", expect=link, stdout=io.StringIO())
    behind_the_triggers("DELETE FROM accounts_auditevent WHERE id = %s", events[0].pk)
    told = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit", json=True, stdout=told)
    assert ended.value.code == 1
    assert json.loads(told.getvalue())["broken"].startswith("link 1: event")


@pytest.mark.postgres
@pytest.mark.parametrize("table", ["accounts_auditevent", "accounts_auditseal"])
@pytest.mark.parametrize("deed", ["UPDATE {} SET event_id = event_id", "DELETE FROM {}"])
def test_postgresql_refuses_even_its_owner(events: list[AuditEvent], table: str, deed: str) -> None:
    if table == "accounts_auditevent":
        deed = deed.replace("event_id = event_id", "label = label")
    with (
        pytest.raises(Exception, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(deed.format(table))
    assert sealing.verify().broken == ""


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_sealers_at_once_each_event_gets_one_seal(
    workspace: Workspace, admin: User
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for _ in range(40):
        audit.record("workspace.edit", workspace, admin)

    def one(_: int) -> int:
        try:
            return sealing.seal()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    sealing.seal()
    found = sealing.verify()
    assert (found.broken, found.sealed, found.unsealed) == ("", 40, 0)
