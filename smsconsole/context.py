"""What every page shows around its content: the rail, the theme, the bell, the red banner."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Count, Exists, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from accounts.models import Membership, Notice, Workspace
from accounts.roles import can
from campaigns import reading
from campaigns.models import Campaign
from campaigns.states import CampaignState
from carriers.models import Carrier
from sheets import disk

THEMES = ("auto", "light", "dark")

Label = str | Promise


@dataclass(frozen=True)
class Place:
    """A page in the rail. It is marked as the current one below each of *covers* too."""

    route: str
    icon: str
    label: Label
    permission: str
    covers: tuple[str, ...] = ()

    def holds(self, view_name: str) -> bool:
        return view_name == self.route or view_name.startswith(self.covers)


@dataclass(frozen=True)
class Link:
    """A place as one person sees it."""

    url: str
    icon: str
    label: Label
    current: bool


@dataclass(frozen=True)
class Group:
    """Links under a heading; a group may hold a smaller group before its own links."""

    label: Label
    links: tuple[Any, ...]
    inner: Group | None = None


RAIL = (
    Group("", (Place("overview", "layout-dashboard", _("Overview"), "overview.view"),)),
    Group(
        _("International SMS"),
        (
            Place("senders:list", "id-badge-2", _("Sender IDs"), "senders.view", ("senders:",)),
            Place("optouts:list", "user-off", _("Opt-outs"), "optouts.view", ("optouts:",)),
        ),
        Group(
            _("Message Delivery"),
            (
                Place(
                    "campaigns:list",
                    "speakerphone",
                    _("Broadcast"),
                    "campaigns.view",
                    ("campaigns:",),
                ),
            ),
        ),
    ),
    Group(
        _("Control"),
        (
            Place(
                "billing:thresholds",
                "gauge",
                _("Suspension thresholds"),
                "thresholds.view",
                ("billing:threshold",),
            ),
            Place(
                "billing:statement",
                "report-money",
                _("Finance"),
                "statements.view",
                ("billing:statement",),
            ),
            Place("billing:rates", "receipt", _("Rates"), "rates.view", ("billing:rate",)),
        ),
    ),
    Group(
        _("Settings"),
        (
            Place("accounts:team", "users", _("Team"), "team.manage", ("accounts:team",)),
            Place(
                "workspace",
                "building",
                _("Workspace"),
                "workspace.edit",
                ("erase",),
            ),
            Place("accounts:audit", "history", _("Audit log"), "audit.view", ("accounts:audit",)),
            Place("system", "heartbeat", _("System"), "system.view", ("system",)),
        ),
    ),
)
CREATE = Place("campaigns:create", "plus", _("Create Campaign"), "campaigns.create")


def _link(place: Place, role: str, view_name: str) -> Iterator[Link]:
    """The link of a place the role may open and this installation serves, or none."""
    if not can(role, place.permission):
        return
    try:
        url = reverse(place.route)
    except NoReverseMatch:
        return
    yield Link(url, place.icon, place.label, place.holds(view_name))


def _links(group: Group, role: str, view_name: str) -> Group:
    links = tuple(link for place in group.links for link in _link(place, role, view_name))
    inner = _links(group.inner, role, view_name) if group.inner else None
    return Group(group.label, links, inner)


def rail(role: str, view_name: str) -> tuple[Group, ...]:
    """The rail for *role*: what it may not open is not there, nor a heading over nothing."""
    groups = (_links(group, role, view_name) for group in RAIL)
    return tuple(g for g in groups if g.links or (g.inner and g.inner.links))


def _glance(user: Any, membership: Membership) -> Callable[[], Mapping[str, Any]]:
    """Unread notices, workspaces, invitations, kinds of carriers in use: one query for all."""
    mine = Notice.objects.for_user(user).filter(user=user, read_at=None)
    unread = mine.order_by().values("user").annotate(n=Count("pk")).values("n")
    memberships = Membership.objects.active().filter(user=user).order_by()
    places = memberships.values("user").annotate(n=Count("pk")).values("n")
    offered = Membership.objects.offered(user).order_by()
    invited = offered.values("user").annotate(n=Count("pk")).values("n")
    used = Carrier.objects.filter(workspace=membership.workspace_id, is_on=True)
    rows = Workspace.objects.filter(pk=membership.workspace_id).annotate(
        unread=Coalesce(Subquery(unread), 0),
        places=Coalesce(Subquery(places), 0),
        invited=Coalesce(Subquery(invited), 0),
        practice=Exists(used.practice()),
        real=Exists(used.exclude(pk__in=Carrier.objects.practice())),
    )
    return cache(lambda: rows.values("unread", "places", "invited", "practice", "real").get())


def _other_workspaces(
    user: Any, membership: Membership, glance: Callable[[], Mapping[str, Any]]
) -> Callable[[], list[Membership]]:
    """Where else the person could work; no query for people of one workspace."""
    rows = Membership.objects.active().filter(user=user).exclude(pk=membership.pk)
    rows = rows.select_related("workspace").order_by("workspace__name", "pk")
    return lambda: list(rows) if glance()["places"] > 1 else []


def _suspended(user: Any) -> Callable[[], list[Campaign]]:
    rows = Campaign.objects.for_user(user).filter(state=CampaignState.SUSPENDED)
    rows = rows.select_related("workspace").only("pk", "name", "workspace__time_zone")
    return lambda: list(rows.order_by("-pk")[:20])


def console(request: HttpRequest) -> dict[str, Any]:
    """Names for base.html. Nothing here asks the database before a template shows it."""
    theme = request.COOKIES.get("theme", "auto")
    names: dict[str, Any] = {"theme": theme if theme in THEMES else "auto"}
    membership = getattr(request, "membership", None)
    if membership is None:
        return names
    view_name = request.resolver_match.view_name if request.resolver_match else ""
    glance = _glance(request.user, membership)
    suspended = SimpleLazyObject(_suspended(request.user))
    return names | {
        "membership": membership,
        "rail": rail(membership.role, view_name),
        "create": next(_link(CREATE, membership.role, view_name), None),
        "workspaces": SimpleLazyObject(_other_workspaces(request.user, membership, glance)),
        "invited": SimpleLazyObject(lambda: glance()["invited"]),
        "unread": SimpleLazyObject(lambda: glance()["unread"]),
        "suspended": suspended,
        "disk_is_full": SimpleLazyObject(lambda: disk.room().is_least),
        "why_suspended": SimpleLazyObject(lambda: reading.suspension(list(suspended))),
        "may_resume_sending": can(membership.role, "sending.resume"),
        "reaches_no_phone": SimpleLazyObject(
            lambda: bool(glance()["practice"] and not glance()["real"])
        ),
    }
