"""Whose audit events a person sees, as the filters leave them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.db.models import Q, QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date

from accounts import audit_values, audit_words, dates
from accounts.audit_words import DEEDS, Kind
from accounts.models import AuditEvent, Membership, User
from sheets.writing import Cell

CONSOLE = "console"
# Where the page of an object is: by its key, or one page for all.
PAGES = {
    "campaigns.campaign": ("campaigns:detail", True),
    "senders.senderid": ("senders:detail", True),
    "billing.threshold": ("billing:thresholds", False),
    "billing.rate": ("billing:rates", False),
}
COLUMNS = (
    "time_utc", "person", "action", "what_happened", "object_type", "object", "before", "after",
    "reason", "details", "request",
)  # fmt: skip


def visible(user: User, membership: Membership) -> QuerySet[AuditEvent]:
    """Everybody's events, those about money, or one's own: trust is by role, section by section."""
    rows = AuditEvent.objects.for_user(user)
    if membership.can("audit.view_all"):
        return rows
    if membership.can("audit.view_money"):
        return rows.filter(action__in=[name for name, deed in DEEDS.items() if deed.money])
    return rows.filter(actor=user)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The filters of the page; words that mean nothing are dropped."""

    person: str = ""
    kind: str = ""
    thing: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Chosen:
        person, kind, thing = (given.get(name, "") for name in ("person", "kind", "thing"))
        return cls(
            person=person if person == CONSOLE or _is_id(person) else "",
            kind=kind if kind in Kind.values else "",
            thing=thing if _is_thing(thing) else "",
            since=_day(given.get("since", "")),
            until=_day(given.get("until", "")),
        )

    def words(self) -> dict[str, str]:
        """The filters as an address or a form carries them."""
        return {name: str(word) for name in self.__slots__ if (word := getattr(self, name))}

    def query(self, **changes: Any) -> str:
        return urlencode(self.words() | changes)

    def rows(self, events: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        """The events that pass, the latest first."""
        if self.person:
            is_console = self.person == CONSOLE
            events = events.filter(actor=None if is_console else int(self.person))
        if self.kind:
            events = events.filter(_of_kind(self.kind))
        if self.thing:
            object_type, _colon, object_id = self.thing.partition(":")
            events = events.filter(object_type=object_type, object_id=object_id)
        if self.since:
            events = events.filter(at__gte=_midnight(self.since))
        if self.until:
            events = events.filter(at__lt=_midnight(self.until + timedelta(days=1)))
        return events.select_related("actor").order_by("-pk")


def _of_kind(kind: str) -> Q:
    return Q(action__in=[name for name, deed in DEEDS.items() if deed.kind == kind])


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _is_thing(text: str) -> bool:
    """``app.model:id`` of a model there is."""
    name, _colon, key = text.partition(":")
    return _is_id(key) and name in {model._meta.label_lower for model in apps.get_models()}


def _day(text: str) -> date | None:
    try:
        found = parse_date(text[:10])
    except ValueError:
        return None
    return found if found and 2000 <= found.year < 2200 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.get_current_timezone())


@dataclass(frozen=True, slots=True)
class Line:
    """One event as the page shows it."""

    event: AuditEvent
    sentence: str
    reason: str
    details: list[tuple[str, str]]
    label: str
    url: str
    thing: str


def lines(events: list[AuditEvent], user: User) -> list[Line]:
    """The events with their sentences and, where it is there, the page of what they are about."""
    urls = _urls(events, user)
    return [_line(event, urls) for event in events]


def _line(event: AuditEvent, urls: Mapping[tuple[str, str], str]) -> Line:
    reason = event.data.get("reason")
    rest = [pair for pair in audit_words.details(event) if pair[0] != audit_values.NAMES["reason"]]
    return Line(
        event=event,
        sentence=audit_words.sentence(event),
        reason=audit_words.value_of(event, "reason") if reason else "",
        details=rest,
        label=audit_words.label(event),
        url=urls.get((event.object_type, event.object_id), ""),
        thing=f"{event.object_type}:{event.object_id}",
    )


def _urls(events: Iterable[AuditEvent], user: User) -> dict[tuple[str, str], str]:
    found = {}
    wanted = {(e.object_type, e.object_id) for e in events if e.object_type in PAGES}
    for name, (route, by_key) in PAGES.items():
        ids = [object_id for kind, object_id in wanted if kind == name]
        if by_key and ids:
            rows = apps.get_model(name).objects.for_user(user).filter(pk__in=ids)
            keys = {str(pk): [key] for pk, key in rows.values_list("pk", "key")}
        else:
            keys = {object_id: [] for object_id in ids}
        for object_id, args in keys.items():
            found[name, object_id] = _reverse(route, args)
    return found


def _reverse(route: str, args: list[Any]) -> str:
    try:
        return reverse(route, args=args)
    except NoReverseMatch:
        return ""


def people(events: QuerySet[AuditEvent]) -> QuerySet[User]:
    """Who did any of *events*, by name."""
    return User.objects.filter(pk__in=events.order_by().values("actor")).order_by("name", "pk")


def export_rows(events: Iterable[AuditEvent]) -> Iterator[tuple[Cell, ...]]:
    """The events as rows of ``COLUMNS``."""
    for event in events:
        with timezone.override(UTC), dates.written(dates.FIGURES):
            said = dict(audit_words.details(event))
        known = [
            str(said.pop(str(audit_values.NAMES[name]), "")) for name in ("old", "new", "reason")
        ]
        rest = "; ".join(f"{name}: {value}" for name, value in said.items())
        yield (
            event.at.astimezone(UTC).isoformat(timespec="seconds"), audit_words.who(event),
            event.action, audit_words.sentence(event), event.object_type,
            audit_words.label(event), *known, rest, event.request_id,
        )  # fmt: skip
