"""Every URL is open by name in a list, or needs a permission of the role table."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.access import public, requires
from accounts.models import User
from accounts.roles import PERMISSIONS

OPEN = {
    "accounts:invitations",  # asks for signing in itself: who is invited may be in no workspace
    "accounts:link",
    "accounts:reset",
    "accounts:signin",
    "accounts:signout",
    "healthz",
    "readyz",
    "receipts",
    "set_theme",
}
# A new campaign has its key before its row, so that a second POST finds what the first made.
MAKES_ITS_OBJECT = {"campaigns:edit", "campaigns:upload"}
SAMPLES = {"uuid": uuid.UUID(int=1), "int": 1, "str": "x", "slug": "x"}


def walk(resolver: URLResolver, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from walk(entry, inner)
        else:
            yield f"{space}{entry.name}", entry


URLS = dict(walk(get_resolver()))
GUARDED = sorted(URLS.keys() - OPEN)


def path_of(name: str) -> str:
    kinds = URLS[name].pattern.converters
    given = {
        key: SAMPLES[type(kind).__name__.removesuffix("Converter").lower().replace("string", "str")]
        for key, kind in kinds.items()
    }
    return reverse(name, kwargs=given)


def test_every_url_has_a_name_of_its_own() -> None:
    patterns = list(walk(get_resolver()))
    assert len(patterns) == len(URLS)
    assert not [name for name, _pattern in patterns if name.endswith("None")]


@pytest.mark.parametrize("name", sorted(URLS))
def test_a_view_is_public_by_the_list_or_needs_a_permission(name: str) -> None:
    permission = getattr(URLS[name].callback, "permission", "none stated")
    if name in OPEN:
        assert permission is None
    else:
        assert permission in PERMISSIONS


def test_the_list_of_open_urls_holds_nothing_that_is_gone() -> None:
    assert URLS.keys() >= OPEN


@pytest.mark.parametrize("name", GUARDED)
def test_nobody_gets_no_further_than_the_sign_in_page(client: Client, name: str, db: None) -> None:
    for answer in (client.get(path_of(name)), client.post(path_of(name))):
        assert answer.status_code in (302, 405)
        if answer.status_code == 302:
            assert answer.url.startswith("/signin/?next=")


@pytest.mark.parametrize("name", [name for name in GUARDED if URLS[name].pattern.converters])
def test_an_object_of_nobody_is_not_found(
    signed_in: Callable[[User], Client], admin: User, name: str
) -> None:
    client = signed_in(admin)
    assert client.get(path_of(name)).status_code in (404, 405)
    if name not in MAKES_ITS_OBJECT:
        assert client.post(path_of(name)).status_code in (404, 405)


def test_a_permission_that_no_role_table_knows_cannot_be_asked_for() -> None:
    with pytest.raises(KeyError):
        requires("campaigns.conquer")
    assert public(lambda request: None).permission is None  # type: ignore[attr-defined]
