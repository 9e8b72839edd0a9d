"""Every URL of the console with real objects behind it, taken from the journeys' world."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse

from accounts.models import Job, JobState, User
from tests.house.test_urls import URLS
from tests.journeys.pages import World

# Whose object an address is about.
CAMPAIGN = "campaign"  # has an author: others of the workspace see it, some may not touch it
SHARED = "shared"  # belongs to the workspace
PRIVATE = "private"  # belongs to one person: for everybody else it does not exist
NONE = "none"  # no object, or a word that means the same in every workspace

Args = Callable[[World, User], tuple[Any, ...]]


@dataclass(frozen=True)
class Object:
    """What stands in the address of a URL: whose it is and, for what is no page, which."""

    kind: str
    args: Args | None = None


def campaign(state: str, *more: str) -> Object:
    return Object(CAMPAIGN, lambda world, _person: (world.campaigns[state].key, *more))


def imported(about: str) -> Object:
    """An import of opt-outs with all that its upload would have kept."""

    def args(world: World, person: User) -> tuple[Any, ...]:
        owner = person if (person.pk, about) in world.imports else world.author
        job = world.imports[owner.pk, about]
        job.options |= {"answers": {}, "size": 20, "sha256": "", "reason": "", "stored": "x"}
        job.save()
        return (job.key,)

    return Object(PRIVATE, args)


def exported(world: World, person: User) -> tuple[Any, ...]:
    """A finished export of the person's, with its file."""
    (settings.EXPORTS / "done.csv").write_text("a")
    like = world.jobs[world.author.pk]
    told = {"state": JobState.DONE, "file_name": "numbers.csv", "options": like.options}
    given = {"workspace": world.workspace, "user": person, "kind": like.kind, "file": "done.csv"}
    return (Job.objects.get_or_create(**given, defaults=told)[0].key,)


def noticed(world: World, person: User) -> tuple[Any, ...]:
    """A notice of the person's; the author's for whom none was made."""
    found = person.notices.order_by("pk").first() or world.author.notices.order_by("pk")[0]
    return (found.pk,)


OBJECTS: dict[str, Object] = {
    "receipts": Object(NONE, lambda world, _person: (world.carrier.receipts_token,)),
    "accounts:link": Object(NONE, lambda _world, _person: ("x" * 43,)),
    "accounts:read_notice": Object(PRIVATE, noticed),
    "accounts:team_role": Object(SHARED),
    "accounts:team_act": Object(SHARED),
    "accounts:team_invite_again": Object(SHARED),
    "billing:threshold_edit": Object(NONE),
    "billing:threshold_remove": Object(NONE),
    "billing:rate_sample": Object(NONE, lambda _world, _person: ("csv",)),
    "billing:rate_export": Object(NONE, lambda _world, _person: ("csv",)),
    "senders:detail": Object(SHARED),
    "senders:decide": Object(SHARED),
    "senders:resubmit": Object(SHARED),
    "senders:country_add": Object(SHARED),
    "senders:country_submit": Object(SHARED),
    "senders:country_record": Object(SHARED),
    "optouts:remove": Object(SHARED),
    "optouts:import_job": Object(PRIVATE),
    "optouts:import_answer": imported("question"),
    "optouts:import_confirm": imported("preview"),
    "campaigns:detail": Object(CAMPAIGN),
    "campaigns:edit": Object(CAMPAIGN),
    "campaigns:numbers": Object(CAMPAIGN),
    "campaigns:review": Object(CAMPAIGN),
    "campaigns:switch": Object(CAMPAIGN),
    "campaigns:send_test": Object(CAMPAIGN),
    "campaigns:cancel": Object(CAMPAIGN),
    "campaigns:take_back": Object(CAMPAIGN),
    "campaigns:pause": Object(CAMPAIGN),
    "campaigns:resume": Object(CAMPAIGN),
    "campaigns:resume_suspended": Object(CAMPAIGN),
    "campaigns:stop": Object(CAMPAIGN),
    "campaigns:resolve": Object(CAMPAIGN),
    "campaigns:duplicate": Object(CAMPAIGN),
    "campaigns:resend": Object(CAMPAIGN),
    "campaigns:export": campaign("completed"),
    "campaigns:job": Object(PRIVATE),
    "campaigns:download": Object(PRIVATE, exported),
    "campaigns:side": campaign("draft"),
    "campaigns:sample": campaign("draft", "csv"),
    "campaigns:upload": campaign("draft"),
    "campaigns:refused": campaign("list", "csv"),
    "campaigns:confirm": campaign("list"),
    "campaigns:check_again": campaign("list"),
    "campaigns:leave_out": campaign("list"),
    "campaigns:answer": campaign("question"),
    "campaigns:submit": campaign("draft"),
    "campaigns:reveal": campaign("completed"),
    "campaigns:hide": campaign("completed"),
}


def kind_of(name: str) -> str:
    """Whose object the address holds. A URL with a place in it must be in OBJECTS."""
    if not URLS[name].pattern.converters:
        return NONE
    return OBJECTS[name].kind


def args_of(name: str, world: World, person: User) -> list[tuple[Any, ...]]:
    """What to put into the address of *name*: each object of the world it has a page for."""
    stated = OBJECTS.get(name)
    if stated and stated.args:
        return [stated.args(world, person)]
    if not URLS[name].pattern.converters:
        return [()]
    found = [case.args for case in world.cases(person) if case.name == name]
    return list(dict.fromkeys(found))


def paths_of(name: str, world: World, person: User | None = None) -> list[str]:
    """Its addresses; the author's own where they are of one person. None: a Case is missing."""
    return [reverse(name, args=args) for args in args_of(name, world, person or world.author)]


def view_of(name: str) -> Callable[..., Any]:
    """The view itself, below what guards it."""
    return inspect.unwrap(URLS[name].callback)  # type: ignore[arg-type]


def methods_of(name: str) -> frozenset[str]:
    """GET and POST, or the one of them that the view's ``require_...`` lets through."""
    view: Any = URLS[name].callback
    found = {"GET", "POST"}
    while view is not None:
        for variable, cell in zip(
            view.__code__.co_freevars, view.__closure__ or (), strict=True
        ):  # fmt: skip
            if variable == "request_method_list":
                found &= set(cell.cell_contents)
        view = getattr(view, "__wrapped__", None)
    return frozenset(found)


def changes_something(name: str) -> bool:
    """Does a POST do more than showing the page again?"""
    return "POST" in methods_of(name) and (
        "GET" not in methods_of(name) or "POST" in inspect.getsource(view_of(name))
        or "posted(" in inspect.getsource(view_of(name))
    )  # fmt: skip
