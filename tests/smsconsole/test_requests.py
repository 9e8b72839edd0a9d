"""The id of a request, and what a page of error says. Row H25."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import Client
from django.urls import include, path

from accounts.access import public
from accounts.models import AuditEvent, User
from smsconsole import logs, urls

Look = Callable[[], list[str]]
SECRET = "the number is +12025550123 and the text is Your parcel"


@public
def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError(SECRET)


@public
def elsewhere(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("javascript:alert(1)")


urlpatterns = [
    path("broken/", broken), path("elsewhere/", elsewhere), path("", include(urls)),
]  # fmt: skip
handler500 = urls.handler500


def test_every_answer_carries_an_id_of_its_own(client: Client) -> None:
    ids = [client.get("/healthz")["X-Request-ID"] for _ in range(2)]
    assert all(re.fullmatch("[0-9a-f]{32}", name) for name in ids)
    assert ids[0] != ids[1]


def test_a_strangers_id_is_not_taken(client: Client) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": "abcdef123456"})
    assert answer["X-Request-ID"] != "abcdef123456"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("abcdef123456", True), ("0bb7ba1c-9d3f-4b1e-8a53-3f0d8a2f0c11", True), ("short", False),
        ("12025550123", False), ("a" * 37, False), ("abcdef12\n3456", False), ("<script>x", False),
    ],
)  # fmt: skip
def test_the_id_of_a_proxy_is_taken_if_it_looks_like_one(
    client: Client, settings: Any, given: str, taken: bool
) -> None:
    settings.BEHIND_PROXY = True
    name = client.get("/healthz", headers={"X-Request-ID": given})["X-Request-ID"]
    assert (name == given.replace("-", "")) is taken
    assert re.fullmatch("[0-9A-Za-z]{8,32}", name)


def test_a_deed_carries_the_id_of_its_request(client: Client, admin: User) -> None:
    credentials = {"email": admin.email, "password": "correct horse battery"}
    answer = client.post("/signin/", credentials)
    event = AuditEvent.objects.get(action="user.sign_in")
    assert event.request_id == answer["X-Request-ID"]
    assert event.workspace_id == admin.membership.workspace_id


def test_an_error_page_says_a_reference_and_no_more(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """H25: with DEBUG off no stack and no word of the error, only what finds it in the log."""
    settings.ROOT_URLCONF = __name__
    settings.DEBUG = False
    with caplog.at_level(logging.ERROR, "django.request"):
        answer = Client(raise_request_exception=False).get("/broken/")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert answer["X-Request-ID"] in page
    for word in ("Traceback", "ValueError", "2025550123", "parcel", "test_requests", "broken"):
        assert word not in page
    assert any(record.exc_info for record in caplog.records)


@pytest.fixture
def written() -> Iterator[Look]:
    """What the console's own handler wrote since the last look, in lines."""
    kept = io.StringIO()
    handlers = [h for h in logging.root.handlers if type(h.formatter) is logs.Line]
    before = [handler.setStream(kept) for handler in handlers]

    def look() -> list[str]:
        lines = kept.getvalue().splitlines()
        kept.truncate(kept.seek(0))
        return lines

    yield look
    for handler, stream in zip(handlers, before, strict=True):
        handler.setStream(stream)


@pytest.mark.parametrize(
    ("where", "host", "kind"),
    [
        ("/", "evil.example", "DisallowedHost"), ("/", "no host\x1b[31m", "DisallowedHost"),
        ("/elsewhere/", "testserver", "DisallowedRedirect"),
    ],
)  # fmt: skip
def test_a_request_that_is_refused_is_a_plain_400_and_one_line_of_log(
    client: Client,
    settings: Any,
    written: Look,
    where: str,
    host: str,
    kind: str,
) -> None:
    """As the console's own handler writes it: a warning, and no traceback of anything."""
    settings.ROOT_URLCONF = __name__
    settings.DEBUG = False
    answer = client.get(where, headers={"host": host})
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "The request could not be read" in page
    assert kind not in page
    lines = [line for line in written() if " traces " not in line]
    assert len(lines) == 1
    assert f" WARNING django.security.{kind} [{answer['X-Request-ID']}]" in lines[0]


def test_too_many_fields_are_refused_as_quietly(
    signed_in: Callable[[User], Client], admin: User, written: Look
) -> None:
    client, many = signed_in(admin), {f"f{n}": "1" for n in range(1001)}
    written()
    assert client.post("/workspace/", many).status_code == 400
    lines = [line for line in written() if " traces " not in line]
    assert len(lines) == 1
    assert " WARNING django.security.TooManyFieldsSent" in lines[0]


@pytest.mark.parametrize(("where", "status"), [("/nowhere/", 404), ("/billing/rates/add/", 403)])
def test_a_refusal_shows_its_reference(
    signed_in: Callable[[User], Client], viewer: User, where: str, status: int
) -> None:
    answer = signed_in(viewer).get(where)
    assert answer.status_code == status
    assert answer["X-Request-ID"] in answer.content.decode()
