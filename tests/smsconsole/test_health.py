"""Alive, and ready to work."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from campaigns.models import CampaignTally


def test_a_living_process_answers_without_a_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_a_ready_process_says_how_it_is(client: Client, db: None) -> None:
    answer = client.get("/readyz")
    said = answer.json()
    assert (answer.status_code, said["ok"], said["database"]) == (200, True, True)
    assert said["oldest_due_seconds"] == 0
    assert 0 <= said["disk_free_percent"] <= 100


def test_a_start_nobody_made_is_seen_and_is_no_reason_to_stop(
    client: Client, make_campaign
) -> None:
    make_campaign(state="scheduled", send_at=timezone.now() - timedelta(seconds=200))
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert 200 <= answer.json()["oldest_due_seconds"] < 260


def test_without_a_database_it_is_not_ready(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise DatabaseError("secret host name")

    with monkeypatch.context() as patched:
        patched.setattr(connection, "ensure_connection", away)
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] is False
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize(("percent", "status"), [(4, 503), (5, 200)])
def test_a_full_disk_is_not_ready(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch, percent: int, status: int
) -> None:
    full = shutil.disk_usage("/")._replace(total=1000, free=percent * 10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: full)
    assert client.get("/readyz").status_code == status


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_only_read(client: Client, db: None, path: str) -> None:
    assert client.post(path).status_code == 405


def test_what_is_in_doubt_is_counted(client: Client, make_campaign) -> None:
    CampaignTally.objects.create(
        campaign=make_campaign(), country="US", state="in_doubt", messages=3
    )  # fmt: skip
    assert client.get("/readyz").json()["in_doubt"] == 3
