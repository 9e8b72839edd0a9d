"""SR15, SR23-SR31: what every answer carries, and what a session in production is made of."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as installed
from django.db import connections
from django.test import Client
from django.urls import reverse

from accounts.models import User
from smsconsole.hurry import limit_statements
from tests.house.test_urls import OPEN, URLS
from tests.journeys.pages import World
from tests.security.addresses import methods_of, paths_of

Signed = Callable[[User], Client]
CSP = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "object-src 'none'",
    "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'",
}  # fmt: skip


def missing(answer: Any) -> list[str]:
    """Which of the headers of every answer it lacks."""
    policy = {part.strip() for part in answer.get("Content-Security-Policy", "").split(";")}
    wanted = {
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    lacks = [name for name, value in wanted.items() if answer.get(name) != value]
    loose = [word for word in ("unsafe-inline", "unsafe-eval") if word in str(policy)]
    return [*lacks, *sorted(CSP - policy), *loose]


def test_every_page_carries_its_headers_and_stays_out_of_caches(
    make_campaign: Any, practice: Any, admin: User, signed_in: Signed, settings: Any, tmp_path: Path
) -> None:
    """H8, SR23, SR24, SR30: framed by nobody, kept by nobody."""
    settings.UPLOADS = settings.EXPORTS = tmp_path
    world, client = World(make_campaign, practice, admin), signed_in(admin)
    faults = []
    for name in sorted(URLS):
        if "GET" in methods_of(name) and (found := paths_of(name, world, admin)):
            answer = client.get(found[0])
            _read = b"".join(answer.streaming_content) if answer.streaming else answer.content
            faults += [f"{name}: {fault}" for fault in missing(answer)]
            if name not in OPEN and "no-store" not in answer.get("Cache-Control", ""):
                faults.append(f"{name} may be cached")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("status", "path"),
    [(404, "/nowhere/"), (403, "/billing/rates/add/"), (405, "/signout/"), (400, "/search/")],
)
def test_an_error_page_carries_them_too(
    viewer: User, signed_in: Signed, status: int, path: str
) -> None:
    client = signed_in(viewer)
    client.raise_request_exception = False
    if status == 400:
        answer = client.get(path, headers={"host": "evil.example"})
    else:
        answer = client.get(path)
    assert answer.status_code == status
    assert missing(answer) == []


def test_a_page_that_breaks_carries_them_too(
    viewer: User, signed_in: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = signed_in(viewer)
    client.raise_request_exception = False
    monkeypatch.setattr(URLS["help_abuse"], "callback", None)
    answer = client.get(reverse("help_abuse"))
    assert answer.status_code == 500
    assert missing(answer) == []


def test_htmx_neither_evaluates_nor_asks_elsewhere(client: Client, db: None) -> None:
    """SR23."""
    page = client.get("/signin/").content.decode()
    config = json.loads(re.search(r"name=\"htmx-config\" content='([^']+)'", page)[1])  # type: ignore[index]
    assert config["allowEval"] is False
    assert config["includeIndicatorStyles"] is False
    assert config["selfRequestsOnly"] is True
    assert config["allowScriptTags"] is False


@pytest.fixture
def in_https(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """The settings as they are read with HTTPS=1."""
    for name, value in {"HTTPS": "1", "SMSCONSOLE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(Path(installed.BASE_DIR) / "smsconsole" / "settings.py"))


def test_over_https_cookies_are_bound_to_this_host(in_https: dict[str, Any]) -> None:
    """SR15: the __Host- names hold only with Secure, the path / and no domain."""
    assert in_https["SESSION_COOKIE_NAME"] == "__Host-session"
    assert in_https["CSRF_COOKIE_NAME"] == "__Host-csrf"
    for kind in ("SESSION", "CSRF"):
        assert in_https[f"{kind}_COOKIE_SECURE"] is True
        assert in_https[f"{kind}_COOKIE_HTTPONLY"] is True
        assert in_https[f"{kind}_COOKIE_SAMESITE"] in ("Lax", "Strict")
        assert f"{kind}_COOKIE_DOMAIN" not in in_https
        assert in_https.get(f"{kind}_COOKIE_PATH", "/") == "/"


def test_over_https_browsers_are_told_to_stay_there(
    in_https: dict[str, Any], settings: Any, db: None
) -> None:
    """SR24: a year at least, subdomains too; plain requests are sent on, but for the probe."""
    for name in ("SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_SSL_REDIRECT"):
        setattr(settings, name, in_https[name])
    hsts = Client().get("/signin/", secure=True)["Strict-Transport-Security"]
    assert int(re.search(r"max-age=([0-9]+)", hsts)[1]) >= 31_536_000  # type: ignore[index]
    assert "includeSubDomains" in hsts
    plain = Client().get("/signin/")
    assert (plain.status_code, plain.url) == (301, "https://testserver/signin/")
    assert Client().get("/healthz").status_code == 200


def test_signing_out_takes_along_what_the_browser_kept(signed_in: Signed, viewer: User) -> None:
    """SR30."""
    answer = signed_in(viewer).post("/signout/")
    assert "cache" in answer["Clear-Site-Data"]


def test_a_host_that_is_not_ours_is_refused(client: Client, db: None) -> None:
    """H7, SR28."""
    assert client.get("/signin/", headers={"host": "evil.example"}).status_code == 400
    forwarded = client.get("/signin/", headers={"x-forwarded-host": "evil.example"})
    assert "evil.example" not in forwarded.content.decode()


@pytest.mark.parametrize(
    ("fields", "status"), [({"q": "x" * 5_000_000}, 400), ({f"f{n}": "" for n in range(1200)}, 400)]
)
def test_a_form_of_megabytes_or_a_thousand_fields_is_refused(
    signed_in: Signed, viewer: User, fields: dict[str, str], status: int
) -> None:
    assert signed_in(viewer).post("/search/", fields).status_code == status


def test_a_page_waits_five_seconds_for_its_database() -> None:
    """SR31; a statement of a worker may take longer."""
    given: dict[str, dict[str, Any]] = {
        "default": {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {"options": "-c a=b"}},
        "other": {"ENGINE": "django.db.backends.sqlite3"},
    }
    limit_statements(given, installed.WEB_STATEMENT_SECONDS)
    assert given["default"]["OPTIONS"]["options"] == "-c a=b -c statement_timeout=5000"
    assert "OPTIONS" not in given["other"]


@pytest.mark.postgres
def test_postgresql_ends_what_takes_longer(db: None) -> None:
    """SR31."""
    web = connections.create_connection("default")
    web.settings_dict = {**web.settings_dict, "OPTIONS": {**web.settings_dict["OPTIONS"]}}
    limit_statements({"default": web.settings_dict}, 5)
    with web.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("5s",)
    web.close()
