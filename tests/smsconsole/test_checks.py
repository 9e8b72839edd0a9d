"""What an installation is told before it starts."""

from __future__ import annotations

from typing import Any

import openpyxl
import pytest
from django.conf import settings as django_settings

from smsconsole import checks

SOUND: dict[str, Any] = {
    "PRODUCTION": True,
    "DEBUG": False,
    "SECRET_KEY": "k7Vq-3nZp0LwTgXy9RbHs2MdJf6QcEa1uNi5t8KvWlBzYxGh5S-9w",
    "NUMBER_KEY": "w9GxYzBlWvK8t5iNu1aEcQ6fJdM2sHb9RyXgTwL0pZn3-7qVk-S5h",
    "FAILPOINT": "",
    "ALLOWED_HOSTS": ["sms.example.com"],
    "SITE_URL": "https://sms.example.com",
    "HTTPS": True,
    "REDIS_URL": "redis://127.0.0.1/0",
    "SQLITE": False,
    "REHEARSAL": True,
}
LOOPBACK = "sms.gateways.loopback.LoopbackGateway"


@pytest.fixture
def sound(settings: Any) -> Any:
    for name, value in SOUND.items():
        setattr(settings, name, value)
    return settings


def ids() -> list[str | None]:
    return [message.id for message in checks.production(None)]


def test_a_sound_production_has_nothing_to_hear(sound: Any) -> None:
    assert ids() == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("SECRET_KEY", "", "smsconsole.E001"),
        ("SECRET_KEY", "short", "smsconsole.E001"),
        ("NUMBER_KEY", "", "smsconsole.E013"),
        ("NUMBER_KEY", "ab" * 40, "smsconsole.E013"),
        ("SECRET_KEY", "ab" * 40, "smsconsole.E001"),
        ("DEBUG", True, "smsconsole.E002"),
        ("FAILPOINT", "claim.after_commit:kill9:0.1", "smsconsole.E003"),
        ("ALLOWED_HOSTS", ["*"], "smsconsole.E004"),
        ("ALLOWED_HOSTS", [], "smsconsole.E004"),
        ("ALLOWED_HOSTS", ["127.0.0.1", "localhost"], "smsconsole.E004"),
        ("SITE_URL", "http://sms.example.com", "smsconsole.E005"),
        ("SITE_URL", "http://127.0.0.1:8000", "smsconsole.E005"),
        ("REDIS_URL", "", "smsconsole.E006"),
        ("SQLITE", True, "smsconsole.W007"),
        ("REHEARSAL", False, "smsconsole.E008"),
    ],
)
def test_production_names_each_unsafe_setting(
    sound: Any, name: str, value: Any, expected: str
) -> None:
    setattr(sound, name, value)
    assert ids() == [expected]


def test_a_real_gateway_needs_no_rehearsal(sound: Any) -> None:
    sound.REHEARSAL = False
    sound.SMS_GATEWAYS = {"loopback": LOOPBACK, "carrier": LOOPBACK}
    assert ids() == []


def test_one_machine_may_run_with_every_default(settings: Any) -> None:
    settings.PRODUCTION = False
    settings.REDIS_URL = ""
    assert ids() == []


@pytest.mark.parametrize("path", ["no.such.module.Gateway", "sms.text.measure", "os.PathLike"])
def test_a_gateway_that_is_none_is_named(settings: Any, path: str) -> None:
    settings.SMS_GATEWAYS = {"broken": path}
    assert [found.id for found in checks.settings_make_sense(None)] == ["smsconsole.E009"]


def test_an_unknown_threshold_policy_is_named(settings: Any) -> None:
    settings.THRESHOLD_POLICY = "strict"
    assert [found.id for found in checks.settings_make_sense(None)] == ["smsconsole.E010"]


def test_workbooks_are_never_read_without_defusedxml(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.files_are_read_safely(None) == []
    monkeypatch.setattr(openpyxl, "DEFUSEDXML", False)
    assert [found.id for found in checks.files_are_read_safely(None)] == ["smsconsole.E011"]


@pytest.mark.postgres
@pytest.mark.skipif(not django_settings.REDIS_URL, reason="asks a real Redis: tests/run.py has one")
def test_a_redis_that_evicts_is_named(settings: Any) -> None:
    import redis

    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert checks.redis_keeps_what_it_is_given(None, databases=["default"]) == []
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            found = checks.redis_keeps_what_it_is_given(None, databases=["default"])
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    assert [message.id for message in found] == ["smsconsole.W012"]


def test_a_redis_that_is_away_stops_no_command(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert checks.redis_keeps_what_it_is_given(None, databases=["default"]) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LOG_FORMAT", "xml", "smsconsole.E014"),
        ("TIME_ZONE", "Europe/Berlin", "smsconsole.E015"),
        ("CELERY_TIMEZONE", "Europe/Berlin", "smsconsole.E015"),
        ("USE_TZ", False, "smsconsole.E015"),
        ("CELERY_BROKER_TRANSPORT_OPTIONS", {"visibility_timeout": 3600}, "smsconsole.E016"),
        ("CELERY_BROKER_TRANSPORT_OPTIONS", {"visibility_timeout": 30}, "smsconsole.E016"),
    ],
)
def test_what_no_installation_can_work_with_is_named(
    settings: Any, name: str, value: Any, expected: str
) -> None:
    assert list(checks.settings_make_sense(None)) == []
    setattr(settings, name, value)
    assert [found.id for found in checks.settings_make_sense(None)] == [expected]


def owner_warnings() -> list[str | None]:
    return [m.id for m in checks.the_audit_log_is_out_of_reach(None, databases=["default"])]


@pytest.mark.postgres
def test_production_under_the_owners_role_is_warned(sound: Any, db: None) -> None:
    assert owner_warnings() == ["smsconsole.W017"]


def test_one_machine_is_not_warned_of_its_one_role(settings: Any, db: None) -> None:
    settings.PRODUCTION = False
    assert owner_warnings() == []
