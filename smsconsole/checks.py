"""System checks: what would be unsafe in production, and what no installation can work with.

They run before every management command and at the start of every worker; docs/operating.md
tells what to set. The check of Redis talks to it and so runs only with ``--database``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.utils.module_loading import import_string

from smsconsole import database_roles

KEY_LENGTH = 50
KEY_VARIETY = 10
LOCAL = {"127.0.0.1", "localhost", "::1", "[::1]", ""}
CONTRACT = ("submit", "parse_receipts", "gives_receipts")
POLICIES = ("off", "warn", "require")
LOG_FORMATS = ("json", "line")
LONGEST_UNSEEN = 600


@register(Tags.security)
def production(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """With PRODUCTION=1 nothing may be left at a default that is only fit for one machine."""
    if not settings.PRODUCTION:
        return []
    return [*_secrets(), *_addresses(), *_services(), *_sending()]


def _secrets() -> Iterator[CheckMessage]:
    key = _secret_key()
    if _is_weak(key):
        yield Error(
            "SECRET_KEY is missing or weak.",
            hint=f"Set SECRET_KEY to at least {KEY_LENGTH} random characters.",
            id="smsconsole.E001",
        )
    if _is_weak(settings.NUMBER_KEY) or key == settings.NUMBER_KEY:
        yield Error(
            "NUMBER_KEY is missing, weak, or the same as SECRET_KEY.",
            hint=f"Set NUMBER_KEY to at least {KEY_LENGTH} random characters of its own.",
            id="smsconsole.E013",
        )
    if settings.DEBUG:
        yield Error("DEBUG is on in production.", hint="Unset DEBUG.", id="smsconsole.E002")
    if settings.FAILPOINT:
        yield Error(
            "A failpoint is set in production.",
            hint="Unset SMSCONSOLE_FAILPOINT: it is for tests that kill processes.",
            id="smsconsole.E003",
        )


def _is_weak(key: str) -> bool:
    return len(key) < KEY_LENGTH or len(set(key)) < KEY_VARIETY


def _secret_key() -> str:
    try:
        return str(settings.SECRET_KEY)
    except ImproperlyConfigured:  # how Django answers for an empty one
        return ""


def _addresses() -> Iterator[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS or set(settings.ALLOWED_HOSTS) <= LOCAL:
        yield Error(
            "ALLOWED_HOSTS does not name this console's host.",
            hint="Set ALLOWED_HOSTS to the names people type, as in ALLOWED_HOSTS=sms.example.com.",
            id="smsconsole.E004",
        )
    site = urlsplit(settings.SITE_URL)
    if (site.hostname or "") in LOCAL or (settings.HTTPS and site.scheme != "https"):
        yield Error(
            "SITE_URL is not the address that people use.",
            hint="Links in mails start with it: set it, as in SITE_URL=https://sms.example.com.",
            id="smsconsole.E005",
        )


def _services() -> Iterator[CheckMessage]:
    if not settings.REDIS_URL:
        yield Error(
            "Production needs Redis for its doorbell and its shared rate limit.",
            hint="Set REDIS_URL.",
            id="smsconsole.E006",
        )
    if settings.SQLITE:
        yield Warning(
            "Production runs on SQLite, which takes one worker process on one machine.",
            hint="Set DATABASE_URL to a PostgreSQL server.",
            id="smsconsole.W007",
        )


def _sending() -> Iterator[CheckMessage]:
    real = [name for name in settings.SMS_GATEWAYS if name != "loopback"]
    if not real and not settings.REHEARSAL:
        yield Error(
            "Only the practice carrier is configured: nothing would reach a phone.",
            hint="Name a real gateway in SMS_GATEWAYS, or set REHEARSAL=1 if that is meant.",
            id="smsconsole.E008",
        )


@register()
def settings_make_sense(app_configs: Any, **kwargs: Any) -> Iterator[CheckMessage]:
    """What no installation can work with, production or not."""
    for name, path in settings.SMS_GATEWAYS.items():
        if not _is_gateway(path):
            yield Error(
                f"The gateway {name} ({path}) is no gateway class that can be imported.",
                hint="SMS_GATEWAYS maps names to classes: name=package.module.Class.",
                id="smsconsole.E009",
            )
    if settings.THRESHOLD_POLICY not in POLICIES:
        yield Error(
            f"THRESHOLD_POLICY is {settings.THRESHOLD_POLICY!r}.",
            hint=f"Set it to one of {', '.join(POLICIES)}.",
            id="smsconsole.E010",
        )
    if settings.LOG_FORMAT not in LOG_FORMATS:
        yield Error(
            f"LOG_FORMAT is {settings.LOG_FORMAT!r}.",
            hint=f"Set it to one of {', '.join(LOG_FORMATS)}.",
            id="smsconsole.E014",
        )
    yield from _clocks()


def _clocks() -> Iterator[CheckMessage]:
    """Everything is kept in UTC; work that is taken again later than its lease is taken late."""
    if {settings.TIME_ZONE, settings.CELERY_TIMEZONE} != {"UTC"} or not settings.USE_TZ:
        yield Error(
            "The console and its queue do not both keep time in UTC.",
            hint="Leave TIME_ZONE and CELERY_TIMEZONE at UTC; people choose the zone they read in.",
            id="smsconsole.E015",
        )
    options: dict[str, Any] = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    given_back = options.get("visibility_timeout")
    if given_back is not None and not settings.LEASE_SECONDS < given_back <= LONGEST_UNSEEN:
        yield Error(
            f"A doorbell whose worker died rings again after {given_back} s, a batch after "
            f"{settings.LEASE_SECONDS:g} s.",
            hint=f"Keep the visibility timeout above SMSCONSOLE_LEASE_SECONDS and at most "
            f"{LONGEST_UNSEEN} s.",
            id="smsconsole.E016",
        )


def _is_gateway(path: str) -> bool:
    try:
        found = import_string(path)
    except ImportError:
        return False
    return isinstance(found, type) and all(hasattr(found, name) for name in CONTRACT)


@register()
def files_are_read_safely(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Without defusedxml a few bytes of a workbook can unfold to gigabytes."""
    from openpyxl import DEFUSEDXML

    if DEFUSEDXML:
        return []
    return [
        Error(
            "Workbooks are read without defusedxml.",
            hint="Install the pinned requirements and unset OPENPYXL_DEFUSEDXML.",
            id="smsconsole.E011",
        )
    ]


@register(Tags.database)
def redis_keeps_what_it_is_given(
    app_configs: Any, databases: Any = None, **kwargs: Any
) -> list[CheckMessage]:
    """A Redis that evicts keys when full drops doorbells; a managed one may not tell."""
    if not settings.REDIS_URL or not databases:
        return []
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=3) as client:
            policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    except redis.RedisError:
        return []
    if policy == "noeviction":
        return []
    return [
        Warning(
            f"Redis evicts keys when it is full (maxmemory-policy {policy}).",
            hint="Set maxmemory-policy noeviction.",
            id="smsconsole.W012",
        )
    ]


@register(Tags.database)
def the_audit_log_is_out_of_reach(
    app_configs: Any, databases: Any = None, **kwargs: Any
) -> list[CheckMessage]:
    """In production the processes run under a role that cannot change what people did."""
    if not settings.PRODUCTION or settings.SQLITE or not databases:
        return []
    try:
        if not database_roles.may_change_audit():
            return []
    except DatabaseError:  # before the first migrate
        return []
    return [
        Warning(
            "The database role of this process could change the audit log.",
            hint="Run manage.py database_roles and give web, worker and beat APP_DATABASE_URL.",
            id="smsconsole.W017",
        )
    ]
