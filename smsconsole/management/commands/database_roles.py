"""Make the database roles of the application and of reports, with the rights each needs."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from smsconsole import database_roles

KINDS = {
    "APP_DATABASE_URL": database_roles.application,
    "REPORTS_DATABASE_URL": database_roles.reports,
}


class Command(BaseCommand):
    help = (
        "Run as the owner after every migrate: the roles named in APP_DATABASE_URL and "
        "REPORTS_DATABASE_URL get their rights and passwords. Runs as often as you like."
    )

    def handle(self, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("SQLite has no roles: whoever reads the file reads it all.")
        given = {name: url for name, url in settings.ROLE_URLS.items() if url}
        if not given:
            raise CommandError("Set APP_DATABASE_URL, REPORTS_DATABASE_URL or both.")
        with transaction.atomic(), connection.cursor() as cursor:
            for variable, url in given.items():
                name, password = _person(variable, url)
                for statement in [*database_roles.role(name, password), *KINDS[variable](name)]:
                    cursor.execute(statement)
                self.stdout.write(f"{variable}: the role {name} has its rights.")


def _person(variable: str, url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    name, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not name or not password:
        raise CommandError(f"{variable} names no user and password: postgres://USER:PASSWORD@...")
    if name == connection.settings_dict["USER"]:
        raise CommandError(f"{variable} names the owner's own role.")
    return name, password
