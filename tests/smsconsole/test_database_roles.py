"""The roles of the database: the console works under its own, which cannot touch the audit log."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.test import Client

from accounts import audit, sealing
from accounts.models import AuditEvent, User
from campaigns import submitting
from smsconsole import database_roles

APP, REPORTS = "console_app_of_tests", "console_reports_of_tests"
URLS = {
    "APP_DATABASE_URL": f"postgres://{APP}:opensesame@127.0.0.1/x",
    "REPORTS_DATABASE_URL": f"postgres://{REPORTS}:opensesame@127.0.0.1/x",
}


def known_tables() -> set[str]:
    tables = {model._meta.db_table for model in apps.get_models()}
    return tables | set(database_roles.READ_ONLY)


def test_every_table_of_reports_is_there() -> None:
    assert set(database_roles.REPORTS) <= known_tables()
    assert set(database_roles.APPEND_ONLY) <= known_tables()


def test_sqlite_has_no_roles(settings: Any, db: None) -> None:
    settings.ROLE_URLS = dict.fromkeys(URLS, "")
    with pytest.raises(CommandError, match=r"no roles|Set APP_DATABASE_URL"):
        call_command("database_roles")


@pytest.fixture
def roles(db: None, settings: Any) -> None:
    settings.ROLE_URLS = URLS
    for _ in range(2):  # it runs after every migrate
        out = io.StringIO()
        call_command("database_roles", stdout=out)
    assert f"APP_DATABASE_URL: the role {APP}" in out.getvalue()
    assert "opensesame" not in out.getvalue()


@contextmanager
def acting_as(role: str) -> Iterator[None]:
    """Within, the test's own connection has no more rights than *role*."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION AUTHORIZATION {role}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET SESSION AUTHORIZATION")


@pytest.mark.postgres
@pytest.mark.parametrize("table", database_roles.APPEND_ONLY)
@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE",
        "ALTER TABLE {} ADD COLUMN x integer", "DROP TABLE {} CASCADE",
        "ALTER TABLE {} DISABLE TRIGGER ALL", "ALTER TABLE {} DISABLE TRIGGER {}_append_only",
        "SELECT * FROM {} FOR UPDATE",
    ],
)  # fmt: skip
def test_the_application_cannot_change_the_audit_log(
    roles: None, admin: User, deed: str, table: str
) -> None:
    audit.record("user.profile", admin, admin)
    sealing.seal()
    key = "number" if table.endswith("seal") else "id"
    names = [table, *([table] if "_append_only" in deed else [key, key])]
    with acting_as(APP):
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), \
                transaction.atomic(), connection.cursor() as cursor:  # fmt: skip
            cursor.execute(deed.format(*names))
        assert sealing.verify().broken == ""


@pytest.mark.postgres
@pytest.mark.parametrize(
    "deed",
    [
        "SET session_replication_role = replica", "CREATE TABLE mine (x integer)",
        "DELETE FROM django_migrations", "CREATE OR REPLACE FUNCTION audit_refuses_change() "
        "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
    ],
)  # fmt: skip
def test_nor_get_around_that(roles: None, deed: str) -> None:
    with acting_as(APP), pytest.raises(DatabaseError, match=r"permission denied|must be owner"), \
            transaction.atomic(), connection.cursor() as cursor:  # fmt: skip
        cursor.execute(deed)


@pytest.mark.postgres
def test_the_console_works_under_the_applications_role(
    roles: None, signed_in: Callable[[User], Client], operator: User, make_campaign: Any
) -> None:
    with acting_as(APP):
        client = signed_in(operator)
        campaign = make_campaign()
        seen = submitting.review(campaign).token
        answer = client.post(f"/campaigns/{campaign.key}/submit/", {"seen": seen}, follow=True)
        assert answer.status_code == 200
        created = client.get("/campaigns/new/", follow=True)
        assert created.status_code == 200
        audit.record("campaign.test", campaign, operator)
        assert sealing.seal() > 0
        assert sealing.verify().broken == ""
        assert not database_roles.may_change_audit()
        call_command("migrate", check_unapplied=True, stdout=io.StringIO())
    assert database_roles.may_change_audit()
    assert AuditEvent.objects.exists()


@pytest.mark.postgres
def test_whoever_reads_reports_sees_no_number_and_no_text(roles: None, admin: User) -> None:
    with acting_as(REPORTS), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM billing_charge")
        for table in sorted(known_tables() - set(database_roles.REPORTS)):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                cursor.execute(f"SELECT * FROM {table}")
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            cursor.execute("UPDATE billing_charge SET segments = 0")


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgres://127.0.0.1/x", "names no user"),
        ("postgres://app@127.0.0.1/x", "names no user"),
        ("postgres://{owner}:x@127.0.0.1/x", "owner's own"),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(settings: Any, db: None, url: str, why: str) -> None:
    owner = connection.settings_dict["USER"]
    settings.ROLE_URLS = {"APP_DATABASE_URL": url.format(owner=owner)}
    with pytest.raises(CommandError, match=why):
        call_command("database_roles")


def test_reports_hold_no_column_of_numbers_or_texts() -> None:
    from django.apps import apps

    columns = {
        f"{model._meta.db_table}.{field.column}"
        for model in apps.get_models()
        if model._meta.db_table in database_roles.REPORTS
        for field in model._meta.fields
    }
    assert not [name for name in columns if re.search(r"\.(content|text|values|recipient)$", name)]
