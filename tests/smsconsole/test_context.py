"""What every page gets for its frame."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import RequestFactory

from accounts.models import Notice, User
from accounts.roles import Role, can
from smsconsole import context


def asked_by(user: Any, theme: str = "") -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    request.membership = getattr(user, "membership", None)  # type: ignore[attr-defined]
    if theme:
        request.COOKIES["theme"] = theme
    return request


@pytest.mark.parametrize(
    ("cookie", "theme"), [("", "auto"), ("dark", "dark"), ("light", "light"), ('"><b>', "auto")]
)
def test_the_theme_is_one_of_three_whatever_the_cookie_says(cookie: str, theme: str) -> None:
    assert context.console(asked_by(AnonymousUser(), cookie)) == {"theme": theme}


def test_unread_notices_are_those_of_the_person(operator: User, admin: User) -> None:
    for user in (operator, admin):
        workspace = user.membership.workspace  # type: ignore[attr-defined]
        Notice.objects.create(user=user, workspace=workspace, kind="x", title="x", dedupe="x")
    assert context.console(asked_by(operator))["unread"] == 1


def test_without_a_suspended_campaign_there_is_no_red_banner(operator: User) -> None:
    assert not context.console(asked_by(operator))["suspended"]


@pytest.mark.parametrize("role", Role)
def test_the_rail_holds_what_the_role_may_open(role: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(context, "reverse", lambda route: f"/{route}/")
    groups = context.rail(role, "campaigns:detail")
    shown = [link for g in groups for link in (*(g.inner.links if g.inner else ()), *g.links)]
    places = [p for g in context.RAIL for p in (*(g.inner.links if g.inner else ()), *g.links)]
    assert [link.url for link in shown] == [
        f"/{place.route}/" for place in places if can(role, place.permission)
    ]
    assert [str(link.label) for link in shown if link.current] == ["Broadcast"]


def test_a_viewer_is_not_offered_to_create_a_campaign(viewer: User, operator: User) -> None:
    view = SimpleNamespace(view_name="overview")
    for user, offered in ((viewer, False), (operator, True)):
        request = asked_by(user)
        request.resolver_match = view  # type: ignore[assignment]
        link = context.console(request)["create"]
        assert link is None or offered
