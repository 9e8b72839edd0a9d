"""H9: markup in whatever people or carriers wrote stands on the pages as text."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import AuditEvent, AuditSeal, User
from accounts.roles import Role
from campaigns.models import Recipient
from tests.house.test_urls import OPEN, URLS
from tests.journeys.pages import World
from tests.security.addresses import methods_of, paths_of
from tests.security.fuzzing import Quick
from tests.security.test_two_workspaces import ours, texts

# Short enough for a sender ID; it ends an attribute of either kind, a tag and an element.
PAYLOAD = "'\"><q id=zq>"


class Elements(HTMLParser):
    """Elements and attributes that came from the payload."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        if ("id", "zq") in pairs or any(name.startswith(("'", '"')) for name, _value in pairs):
            self.found.append(self.get_starttag_text() or tag)


def seed(payload: str = PAYLOAD) -> None:
    """Put *payload* into every text of every row: names, files, details, notes, reasons."""
    for model in set(ours()) - {AuditEvent, AuditSeal}:
        fields = [field for field in texts(model) if field.name != "value"]
        for row in model.objects.all() if fields else ():
            given = {
                f.name: f"{payload}{getattr(row, f.name)}"[: f.max_length or 9999] for f in fields
            }
            model.objects.filter(pk=row.pk).update(**given)
    for event in list(AuditEvent.objects.all()):  # append-only: said again with the payload
        event.pk, event._state.adding, event.label = None, True, payload[:120]
        event.data = {payload: payload, "reason": payload, "changed": [payload]}
        event.save()
    Recipient.objects.update(values=[payload, payload])


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OPERATOR, Role.FINANCE])
def test_markup_in_any_text_makes_no_element_on_any_page(
    make_campaign: Any, practice: Any, admin: User, settings: Any, tmp_path: Any, role: str,
    request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    settings.UPLOADS = settings.EXPORTS = tmp_path
    world, client = World(make_campaign, practice, admin), Quick()
    person = world.author if role == Role.OPERATOR else request.getfixturevalue(role)
    client.force_login(person)
    paths = [case.path for case in world.cases(person)]
    for name in sorted(URLS.keys() - OPEN):
        if "GET" in methods_of(name):
            paths += paths_of(name, world, person)[:1]
    seed()
    found, shown = [], 0
    for path in paths:
        answer = client.get(path)
        if "html" in answer.get("Content-Type", ""):
            page = answer.content.decode()
            shown += "&lt;q id=zq&gt;" in page
            found += [f"{path}: {text}" for text in Elements(page).found]
    assert not found, "\n".join(found)
    assert shown > 10


@pytest.mark.parametrize("name", ["search", "optouts:list", "campaigns:list", "campaigns:create"])
def test_markup_in_a_search_or_a_form_comes_back_as_text(
    signed_in: Callable[[User], Any], admin: User, name: str
) -> None:
    """H9."""
    client, path = signed_in(admin), reverse(name)
    fields = {"q": PAYLOAD, "name": PAYLOAD, "country": PAYLOAD, "state": PAYLOAD}
    for answer in (client.get(path, fields), client.post(path, fields)):
        assert Elements(answer.content.decode()).found == []
