"""The system page: what is looked at, what is wrong, and what to do about it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from accounts import audit, sealing
from accounts.models import AuditEvent, User, Workspace
from campaigns import tasks
from campaigns.models import CampaignTally, DeliveryReceipt, RecipientImport
from carriers.models import Carrier
from smsconsole import beating, system
from smsconsole.models import Heartbeat

SignedIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def not_beaten() -> Iterator[None]:
    beating._beaten.clear()
    yield
    beating._beaten.clear()


def line(workspace: Workspace, name: str) -> system.Line:
    found = [at for part in system.sections(workspace) for at in part.lines if at.name == name]
    return found[0]


def heard(kind: str, seconds: float = 1, name: str = "a") -> None:
    at = timezone.now() - timedelta(seconds=seconds)
    Heartbeat.objects.update_or_create(name=f"{kind} {name}", defaults={"kind": kind, "at": at})


@pytest.mark.parametrize("name", ["Ticker", "Workers"])
def test_a_process_that_is_silent_is_broken(workspace: Workspace, name: str) -> None:
    kind = {"Ticker": "ticker", "Workers": "worker"}[name]
    found = line(workspace, name)
    assert (found.state, found.value) == (system.BROKEN, "never heard")
    heard(kind, seconds=70)
    found = line(workspace, name)
    assert (found.state, found.value) == (system.BROKEN, "1 min ago")
    assert "art" in str(found.advice)
    heard(kind)
    assert line(workspace, name).state == system.OK


def test_workers_are_counted(workspace: Workspace) -> None:
    for name in ("a", "b", "c"):
        heard("worker", name=name)
    heard("worker", seconds=3600, name="gone")
    assert line(workspace, "Workers").value == "3 workers, heard 1 s ago"


def test_who_ticks_and_who_works_is_heard(workspace: Workspace) -> None:
    class Task:
        class request:
            hostname = "celery@here"

    beating.ticked("campaigns.tasks.dispatch")
    assert not Heartbeat.objects.exists()
    beating.ticked(tasks.look_after.name)
    beating.worked(Task)
    assert set(Heartbeat.objects.values_list("kind", flat=True)) == {"ticker", "worker"}
    assert line(workspace, "Ticker").state == line(workspace, "Workers").state == system.OK


def test_a_sign_of_life_costs_one_write_in_ten_seconds(
    db: None, django_assert_num_queries: Any
) -> None:
    beating.beat("worker", "a")
    with django_assert_num_queries(0):
        beating.beat("worker", "a")


def test_a_deaf_database_stops_no_work(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr("smsconsole.models.HeartbeatQuerySet.update_or_create", away)
    beating.beat("worker", "a")


def test_the_dead_are_forgotten_after_a_day(db: None) -> None:
    heard("worker", seconds=2 * 86_400, name="old")
    Heartbeat.objects.beat("worker", "new")
    assert [str(row) for row in Heartbeat.objects.all()] == ["worker new"]


def test_what_waits_too_long_asks_for_attention(workspace: Workspace, make_campaign: Any) -> None:
    assert line(workspace, "Oldest start that is due").value == "none"
    make_campaign(state="scheduled", send_at=timezone.now() - timedelta(seconds=200))
    found = line(workspace, "Oldest start that is due")
    assert (found.state, found.value) == (system.ATTENTION, "3 min")
    RecipientImport.objects.update(
        state="checking", created_at=timezone.now() - timedelta(hours=2)
    )  # fmt: skip
    assert line(workspace, "Oldest list being checked").state == system.ATTENTION


def test_in_doubt_and_orphans_are_counted(
    workspace: Workspace, practice: Carrier, make_campaign: Any
) -> None:
    assert line(workspace, "Messages in doubt").state == system.OK
    CampaignTally.objects.create(
        campaign=make_campaign(), country="US", state="in_doubt", messages=1_200
    )  # fmt: skip
    DeliveryReceipt.objects.create(account=practice, dedupe="x", reference="x", state="orphan")
    assert line(workspace, "Messages in doubt").value == "1,200"
    assert line(workspace, "Receipts without a message").state == system.ATTENTION


def test_a_receipt_of_ours_that_broke_is_told_apart_from_those_of_nobody(
    workspace: Workspace, practice: Carrier
) -> None:
    broke = "Receipts that could not be applied"
    assert line(workspace, broke).state == system.OK
    DeliveryReceipt.objects.create(
        account=practice, dedupe="x", reference="x", state="orphan",
        why="it could not be applied (ValueError)",
    )  # fmt: skip
    assert (line(workspace, broke).value, line(workspace, broke).state) == ("1", system.ATTENTION)
    assert line(workspace, "Receipts without a message").state == system.OK


def test_a_carrier_that_is_left_alone_is_named(workspace: Workspace, practice: Carrier) -> None:
    assert line(workspace, "Carriers in trouble").state == system.OK
    Carrier.objects.update(resting_until=timezone.now())
    found = line(workspace, "Carriers in trouble")
    assert (found.state, found.value) == (system.ATTENTION, practice.name)


def test_another_workspaces_trouble_is_not_told(
    other_workspace: Workspace, practice: Carrier, make_campaign: Any
) -> None:
    campaign = make_campaign(state="scheduled", send_at=timezone.now() - timedelta(hours=1))
    CampaignTally.objects.create(campaign=campaign, country="US", state="in_doubt", messages=1)
    DeliveryReceipt.objects.create(account=practice, dedupe="x", reference="x", state="orphan")
    now = timezone.now()
    assert {look(other_workspace, now).state for look in system.WORK} == {system.OK}


@pytest.mark.parametrize(("percent", "state"), [(4, "broken"), (9, "attention"), (10, "ok")])
def test_a_filling_disk_is_told_early(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, percent: int, state: str
) -> None:
    full = shutil.disk_usage("/")._replace(total=1000, free=percent * 10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    found = line(workspace, "Free disk")
    assert (found.state, bool(found.advice)) == (state, state != "ok")


def test_a_redis_that_is_away_is_told(workspace: Workspace, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert line(workspace, "Redis").state == system.BROKEN
    settings.REDIS_URL = ""
    assert line(workspace, "Redis").state == system.OK


def test_the_audit_log_waits_for_its_seals(workspace: Workspace, admin: User) -> None:
    event = audit.record("user.profile", admin, admin)
    assert line(workspace, "Oldest audit event not sealed").state == system.OK
    sealing.seal()
    assert line(workspace, "Oldest audit event not sealed").value == "none"
    AuditEvent(
        workspace=workspace, action="x", object_type="x", object_id="x",
        at=event.at - timedelta(minutes=10),
    ).save()  # fmt: skip
    assert line(workspace, "Oldest audit event not sealed").state == system.ATTENTION


@pytest.mark.postgres
def test_a_process_that_owns_the_audit_log_is_told(workspace: Workspace, settings: Any) -> None:
    assert line(workspace, "Audit log").state == system.OK
    settings.PRODUCTION = True
    assert line(workspace, "Audit log").state == system.ATTENTION


def test_the_version_is_the_projects(workspace: Workspace) -> None:
    assert line(workspace, "Version").value == "0.1.0"


def test_an_admin_reads_it_and_htmx_gets_the_lines(signed_in: SignedIn, admin: User) -> None:
    client = signed_in(admin)
    whole = client.get("/system/").content.decode()
    part = client.get("/system/", headers={"HX-Request": "true"}).content.decode()
    assert "<h1>System</h1>" in whole
    assert "Start a worker" in whole
    assert "<h1>" not in part
    assert "Start a worker" in part


@pytest.mark.parametrize("role", ["operator", "finance", "viewer"])
def test_it_is_for_admins(request: pytest.FixtureRequest, signed_in: SignedIn, role: str) -> None:
    assert signed_in(request.getfixturevalue(role)).get("/system/").status_code == 403


def test_nobody_signs_in_first(client: Client, db: None) -> None:
    assert client.get("/system/").status_code == 302
