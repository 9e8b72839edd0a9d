"""What each role of the PostgreSQL database may do (docs/operating.md, "Roles of the database").

The owner migrates. The application's role works with the rows, cannot change a table, and of the
audit log can only read and add. The role for reports reads money, counts and the audit log, no
number and no text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import connection
from psycopg import sql

APPEND_ONLY = ("accounts_auditevent", "accounts_auditseal")
READ_ONLY = ("django_migrations",)
REPORTS = (
    "accounts_workspace", "accounts_auditevent", "accounts_auditseal", "billing_rate",
    "billing_threshold", "billing_thresholdwindow", "billing_charge", "billing_failedcharge",
    "campaigns_campaigntally",
)  # fmt: skip


def role(name: str, password: str) -> Iterator[sql.Composable]:
    """Make the role, or set its password if it is there; it may do nothing yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
        verb = "ALTER" if cursor.fetchone() else "CREATE"
    yield sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
        sql.SQL(verb), sql.Identifier(name), sql.Literal(password)
    )
    yield _for(name, "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}")
    yield _for(name, "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}")
    yield sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    yield _for(name, "GRANT USAGE ON SCHEMA public TO {}")


def application(name: str) -> Iterator[sql.Composable]:
    """The rights of web, worker and beat."""
    yield _for(name, "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}")
    yield _for(name, "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}")
    yield _on(APPEND_ONLY, "REVOKE UPDATE, DELETE ON {tables} FROM {role}", name)
    yield _on(READ_ONLY, "REVOKE INSERT, UPDATE, DELETE ON {tables} FROM {role}", name)


def reports(name: str) -> Iterator[sql.Composable]:
    """The rights of whoever reads figures."""
    yield _on(REPORTS, "GRANT SELECT ON {tables} TO {role}", name)


def may_change_audit() -> bool:
    """Could the role of this process change an audit event if no trigger refused it?"""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_or(has_table_privilege(t, 'UPDATE, DELETE, TRUNCATE')) "
            "FROM unnest(%s::text[]) t",
            [list(APPEND_ONLY)],
        )
        return bool(cursor.fetchone()[0])


def _for(name: str, statement: str) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(name))


def _on(tables: Iterable[str], statement: str, name: str) -> sql.Composed:
    named = sql.SQL(", ").join(map(sql.Identifier, tables))
    return sql.SQL(statement).format(tables=named, role=sql.Identifier(name))
