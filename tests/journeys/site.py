"""A whole console for the journeys, on the database of the present pass, and a way to its rows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings
from django.db import connection

from tests.chaos.console import Console


class Site(Console):
    """Web, worker, ticker and practice carrier as processes; ``rows()`` opens its database."""

    def __init__(self, folder: Path, worker: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # Without collected files WhiteNoise serves those of the checkout: nothing is stale.
        env = {"STATIC_ROOT": str(folder / "static"), "SECRET_KEY": settings.SECRET_KEY}
        self.name = str(folder / "home" / "console.sqlite3")
        self.is_server = not settings.SQLITE
        if self.is_server:
            self.name = f"journeys_{os.getpid()}"
            self.server = settings.DATABASES["default"]
            env |= {"DATABASE_URL": self._url(), "REDIS_URL": _numbered(settings.REDIS_URL, worker)}
        super().__init__(folder / "home", **env)
        self.url = f"http://127.0.0.1:{self.env['PORT']}"

    def start(self) -> None:
        self._on_server(f'CREATE DATABASE "{self.name}"')
        super().start()

    def __exit__(self, *_: object) -> None:
        self.kill_everything()
        self._on_server(f'DROP DATABASE "{self.name}" WITH (FORCE)')

    @contextmanager
    def rows(self) -> Iterator[None]:
        """Within, the models of this process read and write the console's own database."""
        connection.close()
        before = connection.settings_dict["NAME"]
        connection.settings_dict["NAME"] = self.name
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = before

    def printed(self) -> str:
        """What the console said where it was started."""
        return (self.home.parent / "console.log").read_text()

    def _url(self, name: str = "") -> str:
        at = self.server
        password = f":{at['PASSWORD']}" if at["PASSWORD"] else ""
        return f"postgres://{at['USER']}{password}@{at['HOST']}:{at['PORT']}/{name or self.name}"

    def _on_server(self, statement: str) -> None:
        if self.is_server:
            with psycopg.connect(self._url("postgres"), autocommit=True) as server:
                server.execute(statement)


def _numbered(url: str, worker: int) -> str:
    """A Redis database of its own for each test process: doorbells are for one console."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{worker + 1}"))
