"""Whatever is sent to a form or put into an address, the answer is never a 500.

``FUZZ_REQUESTS`` says how many requests each form gets: few in `make test`, where many forms share
the rows they are asked about, and 2,000 in `make fuzz`, where each is a test of its own.
It runs on PostgreSQL, which refuses what SQLite keeps: a NUL, a text longer than its column.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings

from accounts.models import User
from tests.house.test_urls import OPEN, URLS
from tests.journeys.pages import World
from tests.security.addresses import changes_something, methods_of, paths_of
from tests.security.fuzzing import Quick, Sent, Target, fields_on, fill, requests

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "10"))
LEADS: dict[str, set[str]] = {}  # target -> the cases whose pages lead to it
TARGETS = [
    (method, name)
    for name in sorted(URLS)
    for method in sorted(methods_of(name))
    if method == "GET" or changes_something(name)
]
TOGETHER = len(TARGETS) if REQUESTS > 100 else 8
GROUPS = [TARGETS[n::TOGETHER] for n in range(TOGETHER)]


@pytest.fixture
def world(
    make_campaign: Any, practice: Any, admin: User, settings: Any, tmp_path: Path
) -> World:  # fmt: skip
    for place in ("UPLOADS", "EXPORTS"):
        setattr(settings, place, tmp_path / place)
        getattr(settings, place).mkdir()
    return World(make_campaign, practice, admin)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


class Storm:
    """Sends requests as one person; nothing they change stays."""

    def __init__(self, person: User | None) -> None:
        self.client, self.sent = Quick(), 0
        if person is not None:
            self.client.force_login(person)

    def status_of(self, target: Target, sent: Sent) -> int:
        self.sent += 1
        with transaction.atomic():
            answer = self.client.generic(
                target.method, sent.path, sent.body, sent.kind, headers=sent.headers
            )
            if answer.streaming:
                b"".join(answer.streaming_content)
            transaction.set_rollback(True)
        return int(answer.status_code)

    def breaks(self, target: Target, count: int) -> None:
        """Fails with the smallest request that is answered 500."""

        @settings(
            max_examples=count, database=None, deadline=None, derandomize=True,
            phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(requests(target))
        def try_one(sent: Sent) -> None:
            status = self.status_of(target, sent)
            assert status < 500 or status == 503, f"{target.label} answered {status}"

        try_one()


def told(error: BaseException) -> str:
    """What broke, where in our code, and the smallest request that does it."""
    if isinstance(error, BaseExceptionGroup):
        return "\n".join(told(one) for one in error.exceptions)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f"{f.filename}:{f.lineno}" for f in frames if "site-packages" not in f.filename]
    return "\n".join([f"{error!r} at {ours[-1:]}", *getattr(error, "__notes__", [])])


def pages_to(target: Target, world: World, admin: User, client: Client) -> list[str]:
    """The pages with a form for *target*. Which those are is found once in a process."""
    cases = world.cases(admin)
    if not LEADS:
        for case in cases:
            for label, _fields in fields_on(client, case.path):
                LEADS.setdefault(label, set()).add(case.label)
    leads = LEADS.get(target.label, set())
    return [case.path for case in cases if case.label in leads][:6]


def called(group: list[tuple[str, str]]) -> str:
    words = [f"{method}-{name.replace(':', '-')}" for method, name in group]
    return words[0] if len(words) == 1 else f"{len(words)} from {words[0]}"


@pytest.mark.postgres
@pytest.mark.parametrize("group", GROUPS, ids=called)
def test_nothing_that_is_sent_is_answered_with_500(
    world: World, admin: User, signed_in: Callable[[User], Client], settings: Any,
    group: list[tuple[str, str]],
) -> None:  # fmt: skip
    """3.7 H10, SR31: wild text, NUL, lone surrogates, 10 KB, arrays, files, missing fields."""
    client = signed_in(admin)
    targets = [Target(name, method, paths_of(name, world, admin)) for method, name in group]
    for target in targets:
        assert target.paths, f"{target.name} has no object: add a Case to World, or to OBJECTS"
        fill(target, client, pages_to(target, world, admin, client))
    settings.DEBUG_PROPAGATE_EXCEPTIONS = True
    broken = [f"{target.label}: {said}" for target in targets if (said := broke(target, admin))]
    assert not broken, "\n".join(broken)


def broke(target: Target, admin: User) -> str:
    """What a storm of requests broke, if anything."""
    storm = Storm(None if target.name in OPEN else admin)
    try:
        storm.breaks(target, share(target))
    except Exception as error:
        return told(error)
    return ""


def share(target: Target) -> int:
    """A form gets all, a page with parameters a quarter, one without hardly any."""
    if target.method == "POST":
        return REQUESTS
    return max(REQUESTS // (4 if target.seen else 40), 2)
