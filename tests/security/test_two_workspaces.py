"""Two workspaces with the same people, numbers, names and campaigns: neither sees the other."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

from accounts.models import AuditEvent, Membership, User, Workspace
from accounts.roles import Role
from campaigns import receipts
from campaigns.models import DeliveryReceipt, Message
from carriers.models import Carrier
from senders.models import SenderID
from tests.conftest import make_draft
from tests.house.test_urls import OPEN, URLS
from tests.journeys.pages import World
from tests.security.addresses import methods_of, paths_of
from tests.security.fuzzing import Quick

pytestmark = pytest.mark.postgres  # where it matters; on SQLite it would find the same
MARK = "ZQXJ"  # in every text of the other workspace
OURS = ("accounts", "billing", "campaigns", "carriers", "senders")
# Words that the code reads: a mark in them would make other rows of them, not marked ones.
KEPT = {
    "state", "number", "country", "currency", "time_zone", "gateway", "path", "dedupe", "kind",
    "object_type", "object_id", "action", "encoding", "hold", "digest", "stored_name", "email",
    "password", "token_hash", "source", "pause_reason", "outcome", "scenario", "session_key",
    "session_data", "receipts_token", "language", "date_language", "code", "origin", "role",
    "manual_numbers", "number_hash", "period", "bucket", "variable", "error_code", "file",
    "session_id",
}  # fmt: skip
# Not the same a second time: tokens and fresh keys of forms, ids of requests.
CHANGING = re.compile(rb"[A-Za-z0-9]{64}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
OF_THE_MACHINE = {"system", "healthz", "readyz"}  # one console for all workspaces


@pytest.fixture
def both(
    make_campaign: Any, practice: Any, admin: User, make_person: Any, other_workspace: Workspace,
    settings: Any, tmp_path: Any,
) -> tuple[World, Callable[[], World]]:  # fmt: skip
    """Our world, and what makes the same once more for the other workspace, marked."""
    settings.UPLOADS = settings.EXPORTS = tmp_path
    mine = World(make_campaign, practice, admin)

    def make_other() -> World:
        before = {model: set(model.objects.values_list("pk", flat=True)) for model in ours()}
        people = {role: make_person(role, other_workspace) for role in Role.values}
        chief = people[Role.ADMIN]
        given = {"workspace": other_workspace, "requested_by": chief, "company": "Parcelway"}
        sender = SenderID.objects.create(value="PARCELWAY", state="approved", **given)
        carrier = Carrier.objects.create(
            workspace=other_workspace, name=practice.name, gateway="loopback",
            options=practice.options,
        )  # fmt: skip
        make = partial(make_draft, other_workspace, people[Role.OPERATOR], sender)
        other = World(lambda numbers=None, **more: make(numbers, **more), carrier, chief)
        for model, known in before.items():
            if model is not AuditEvent:  # PostgreSQL lets nobody change those
                mark(model, known)
        Workspace.objects.filter(pk=other_workspace.pk).update(name=f"Nordlink {MARK}")
        User.objects.filter(memberships__workspace=other_workspace).update(name=f"Sam {MARK}")
        return other

    return mine, make_other


def ours() -> Iterator[type[models.Model]]:
    for label in OURS:
        yield from apps.get_app_config(label).get_models()


def texts(model: type[models.Model]) -> list[models.Field]:
    """The columns that hold words of people or carriers."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not field.choices and not field.primary_key and field.name not in KEPT
    ]  # fmt: skip


def mark(model: type[models.Model], known: set[Any]) -> None:
    """Write the mark into every text of the rows that are not *known*."""
    fields = texts(model)
    for row in model.objects.exclude(pk__in=known) if fields else ():
        changed = {f.name: marked(f, getattr(row, f.name)) for f in fields if getattr(row, f.name)}
        if changed:
            model.objects.filter(pk=row.pk).update(**changed)


def marked(field: models.Field, text: str) -> str:
    return f"{MARK} {text}"[: field.max_length or 9999]


Asked = tuple[str, str, dict[str, str], dict[str, str]]


def everything(world: World, person: User) -> Iterator[Asked]:
    """Every page, its live parts, every search and every file that a person may ask for."""
    for case in world.cases(person):
        yield "GET", case.path, {}, {}
    for name in sorted(URLS.keys() - OPEN - OF_THE_MACHINE):
        for path in paths_of(name, world, person)[:1]:
            if "GET" in methods_of(name):
                yield "GET", path, {}, {"HX-Request": "true"}
            if "export" in name or "refused" in name or name.endswith(("totals", "download")):
                yield "POST", path, {"form": "csv", "reason": "asked"}, {}
    yield from searches(world)


def searches(world: World) -> Iterator[Asked]:
    """By the same number, sender, name and id, wherever one can search."""
    for word in ("+12025550123", "0123", "PARCELWAY", "Delivery", "C-1"):
        for name in ("search", "optouts:list"):
            yield "POST", paths_of(name, world)[0], {"q": word}, {}
        yield "GET", f"{paths_of('campaigns:list', world)[0]}?q={word[-9:].strip('+')}", {}, {}
    detail = paths_of("campaigns:detail", world)[-1]
    for part in ("live", "side", "chart", "phone-rows"):
        yield "GET", detail, {}, {"HX-Request": "true", "HX-Target": part}
    yield "POST", detail, {"q": "0123"}, {}


def seen(world: World, person: User, every: int = 1) -> dict[str, bytes]:
    """Request -> the whole answer, its headers included; nothing that it changes stays."""
    client, found = Quick(), {}
    client.force_login(person)
    for method, path, body, headers in list(everything(world, person))[::every]:
        with transaction.atomic():
            ask = client.get if method == "GET" else client.post
            answer = ask(path, body, headers=headers)
            content = b"".join(answer.streaming_content) if answer.streaming else answer.content
            said = [f"{k}: {v}".encode() for k, v in answer.items() if k != "X-Request-ID"]
            transaction.set_rollback(True)
        found[f"{method} {path} {body} {headers}"] = b"\n".join([*said, content])
    return found


def secrets_of(other: World) -> list[bytes]:
    """The mark, and every key and token of the other workspace."""
    found = [MARK]
    for model in ours():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.UUIDField) and hasattr(model, "workspace"):
                rows = model.objects.filter(workspace=other.workspace)
                found += map(str, rows.values_list(field.name, flat=True))
    found += Membership.objects.filter(workspace=other.workspace).values_list(
        "user__email", flat=True
    )
    return [word.encode() for word in [*found, other.carrier.receipts_token] if word]


@pytest.mark.parametrize("role", Role.values)
def test_nothing_a_person_can_ask_for_shows_the_other_workspace(
    both: Any, request: pytest.FixtureRequest, role: str
) -> None:
    mine, make_other = both
    person = mine.author if role == Role.OPERATOR else request.getfixturevalue(role)
    hidden = re.compile(b"|".join(map(re.escape, secrets_of(make_other()))))
    found = [
        f"{asked}: {hit.group().decode()}"
        for asked, answer in seen(mine, person).items()
        if (hit := hidden.search(answer))
    ]
    assert not found, "\n".join(found)


def test_the_mark_would_be_seen(both: Any) -> None:
    """A walk of some steps through the other workspace itself finds it nearly everywhere."""
    _mine, make_other = both
    other = make_other()
    answers = seen(other, other.author, every=4)
    marked = [asked for asked, answer in answers.items() if MARK.encode() in answer]
    assert len(marked) > len(answers) // 2


def test_every_answer_is_the_same_with_and_without_the_other_workspace(
    both: Any, admin: User
) -> None:
    """Counts, sums, charts and suggestions too."""
    mine, make_other = both
    with time_machine.travel(timezone.now(), tick=False):
        alone = seen(mine, admin)
        admin.sessions.all().delete()  # or the second walk is one more place of a person
        make_other()
        beside = seen(mine, admin)
    different = [
        asked
        for asked, answer in beside.items()
        if CHANGING.sub(b"", answer) != CHANGING.sub(b"", alone[asked])
        # Of the whole machine; and a session has a name and a beginning of its own.
        and not asked.startswith(("GET /system", "GET /sessions"))
    ]
    assert not different, "\n".join(different)


def test_a_receipt_of_the_other_workspaces_carrier_changes_nothing_here(
    both: Any, client: Any, practice: Any
) -> None:
    """SR43, R4: a reference belongs to the account it was sent through."""
    mine, make_other = both
    other = make_other()
    sent = Message.objects.filter(campaign=mine.campaigns["sending"], state="accepted").first()
    rows = Message.objects.order_by("pk").values_list("pk", "state", "receipt_at")
    before = list(rows)
    entry = {"reference": str(sent.reference), "id": "1", "status": "delivered"}
    assert post_signed(client, other.carrier, practice.options["token"], [entry]) == 200
    receipts.apply()
    assert DeliveryReceipt.objects.get().account == other.carrier
    assert list(rows.all()) == before


def post_signed(client: Any, carrier: Carrier, secret: str, entries: list[Any]) -> int:
    """What the practice carrier posts."""
    body, at = json.dumps(entries).encode(), str(int(time.time()))
    signed = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"X-Practice-Timestamp": at, "X-Practice-Signature": signed}
    path = f"/receipts/{carrier.receipts_token}/"
    answer = client.post(path, body, content_type="application/json", headers=headers)
    return int(answer.status_code)
