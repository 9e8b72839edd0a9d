"""Rates from a sheet: read, compared with those of now, and kept all together or not at all."""

from __future__ import annotations

import re
import unicodedata
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User, Workspace
from billing import thresholds
from billing.forms import COUNTRIES, FARTHEST
from billing.models import Rate
from billing.prices import LARGE, BadPrice, parse_price
from sheets import parent
from sheets.events import Event, Meta, Problems, Request, Rows
from sheets.files import XLSX
from sheets.limits import MIB, Limits
from sheets.sentences import SENTENCES, BadFile
from sms.countries import country_name

COLUMNS = (
    ("country", "country_code", "iso", "iso_code", "destination"),
    ("price", "price_per_segment", "rate", "unit_price"),
    ("valid_from", "from", "effective_from", "effective_date"),
    ("currency",),
)
OPTIONAL = ("valid_from", "currency")
LIMITS = Limits(file_bytes=2 * MIB, rows=1_000, cpu_seconds=20, wall_seconds=30)
QUESTIONS = frozenset({"accept_kind", "encoding"})  # a preview shows how the file was read
ALSO = {
    "USA": "US", "United States of America": "US", "UK": "GB", "Great Britain": "GB",
    "England": "GB", "Czech Republic": "CZ", "Turkey": "TR", "Ivory Coast": "CI", "UAE": "AE",
    "Viet Nam": "VN", "Russian Federation": "RU", "Republic of Korea": "KR", "Macedonia": "MK",
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One row that can be read: a price for a country from a day on."""

    row: int
    country: str
    price: int
    valid_from: date


@dataclass(frozen=True, slots=True)
class Refused:
    """One row that cannot, as it stands, and why."""

    row: int
    raw: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Line:
    """What an entry does: *old* is the price on that day so far, None where it is unknown."""

    entry: Entry
    old: int | None

    @property
    def kind(self) -> str:
        """new, changed or unchanged."""
        if self.old is None:
            return "new"
        return "unchanged" if self.old == self.entry.price else "changed"

    @property
    def difference(self) -> float | None:
        """By how many percent of the old price; None from 0 or from nothing."""
        return 100 * (self.entry.price - self.old) / self.old if self.old else None

    @property
    def is_large(self) -> bool:
        return self.entry.price > LARGE


@dataclass(frozen=True, slots=True)
class Plan:
    """What keeping a sheet would do to the rates as they are."""

    lines: list[Line]
    currency: str

    def of(self, kind: str) -> list[Line]:
        return [line for line in self.lines if line.kind == kind]

    @property
    def written(self) -> list[Line]:
        return [line for line in self.lines if line.kind != "unchanged"]

    @property
    def large(self) -> list[Line]:
        return [line for line in self.written if line.is_large]

    @property
    def free(self) -> list[Line]:
        return [line for line in self.written if line.entry.price == 0]

    @property
    def digest(self) -> str:
        """Another one as soon as another rate or another currency makes this plan stale."""
        said = [(x.entry.country, x.entry.valid_from, x.old, x.entry.price) for x in self.lines]
        return sha256(repr((self.currency, said)).encode()).hexdigest()


class Stale(Exception):
    """The rates changed since the plan was looked at; nothing was kept."""


@dataclass(slots=True)
class Sheet:
    """What a file says."""

    entries: list[Entry] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def read(path: Path, name: str, currency: str, valid_from: date, today: date) -> Sheet:
    """The rates of a file; rows without a day of their own count from *valid_from*.

    Raises BadFile when the file as a whole cannot be used.
    """
    found = Sheet()
    seen: dict[tuple[str, date], int] = {}
    for row, values, is_cell in _rows(path, name, found.refused):
        try:
            entry = _entry(row, values, currency, valid_from, today, is_cell)
            first = seen.setdefault((entry.country, entry.valid_from), row)
            if first != row:
                text = _("The same country and day as in row %(row)s, which is kept.")
                raise ValueError(text % {"row": first})
        except ValueError as bad:
            sentence = bad.sentence if isinstance(bad, BadPrice) else str(bad)
            found.refused.append(Refused(row, " | ".join(filter(None, values))[:80], sentence))
        else:
            found.entries.append(entry)
    found.refused.sort(key=lambda refused: refused.row)
    return found


def _rows(
    path: Path, name: str, refused: list[Refused]
) -> Iterator[tuple[int, tuple[str, ...], bool]]:
    """Row, values, and whether these are cells of a workbook, which keeps numbers as numbers."""
    request = Request(original_name=name, columns=COLUMNS, optional=OPTIONAL)
    in_workbook = False
    for event in _events(path, request):
        if isinstance(event, Meta):
            in_workbook = event.kind == XLSX
        elif isinstance(event, Rows):
            yield from ((row.row, row.values, in_workbook) for row in event.rows)
        elif isinstance(event, Problems):
            refused.extend(
                Refused(one.row, one.raw, _(SENTENCES[one.code]) % one.facts)
                for one in event.problems
            )


def _events(path: Path, request: Request) -> list[Event]:
    """Everything the file says, its questions answered by the likeliest answer."""
    try:
        return list(parent.read(path, request, LIMITS))
    except BadFile as bad:
        if bad.answer not in QUESTIONS or getattr(request, bad.answer):
            raise
        likely = "cp1252" if "cp1252" in bad.choices else bad.choices[0]
        answers: dict[str, Any] = {bad.answer: likely}
        return _events(path, replace(request, **answers))


def _entry(
    row: int, values: tuple[str, ...], currency: str, valid_from: date, today: date, is_cell: bool
) -> Entry:
    country, price, day, written_in = values
    if written_in and written_in.upper() != currency:
        text = _("The price is in %(written)s; this workspace counts in %(currency)s.")
        raise ValueError(text % {"written": written_in[:10], "currency": currency})
    return Entry(
        row, parse_country(country), parse_price(price, currency, is_cell=is_cell),
        _day(day, today) if day else valid_from,
    )  # fmt: skip


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text[:10]) if len(text) in (10, 19) else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError(_("The day cannot be read. Write it as 2026-11-27."))
    if abs(day - today) > FARTHEST:
        raise ValueError(_("This day is more than 5 years away. Check the year."))
    return day


def parse_country(text: str) -> str:
    """The code of a country given by its two letters or its English name; else ValueError."""
    if not text:
        raise ValueError(_("The country is missing. Write it or delete the row."))
    code = text.upper()
    code = code if code in _codes() else _names().get(_plain(text), "")
    if code == "CN":
        raise ValueError(_("Mainland China is not covered."))
    if not code:
        raise ValueError(_("No country has this name. Write its two-letter code, for example MY."))
    return code


@cache
def _codes() -> frozenset[str]:
    return frozenset({*COUNTRIES, "CN"})


@cache
def _names() -> dict[str, str]:
    names = {_plain(country_name(code)): code for code in _codes()}
    return names | {_plain(name): code for name, code in ALSO.items()}


def _plain(name: str) -> str:
    """A name without accents, case, signs and articles."""
    letters = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    bare = "".join(c for c in letters if not unicodedata.combining(c))
    return " ".join(word for word in re.findall(r"[a-z]+", bare) if word != "the")


def plan(workspace: Workspace, entries: Iterable[Entry]) -> Plan:
    """Each entry beside the price of its day; an earlier entry of the sheet counts already."""
    known: dict[str, list[tuple[date, int, int]]] = defaultdict(list)
    rates = Rate.objects.filter(workspace=workspace, currency=workspace.currency)
    for at, country, day, price in rates.order_by("valid_from", "pk").values_list(
        "pk", "country", "valid_from", "price"
    ):
        known[country].append((day, at, price))
    newest = max((at for rows in known.values() for _day, at, _price in rows), default=0)
    lines = []
    for entry in sorted(entries, key=lambda one: (one.country, one.valid_from, one.row)):
        rows = known[entry.country]
        before = [price for day, _at, price in rows if day <= entry.valid_from]
        line = Line(entry, before[-1] if before else None)
        lines.append(line)
        if line.kind != "unchanged":
            insort(rows, (entry.valid_from, newest + entry.row, entry.price))
    return Plan(lines, workspace.currency)


@transaction.atomic
def keep(workspace_id: int, entries: Iterable[Entry], digest: str, by: User, refused: int) -> Plan:
    """Append every rate that differs, in one transaction; Stale if *digest* is another plan's."""
    workspace = thresholds.lock(workspace_id)
    found = plan(workspace, entries)
    if found.digest != digest:
        raise Stale
    Rate.objects.bulk_create(
        Rate(
            workspace=workspace, country=line.entry.country, price=line.entry.price,
            currency=workspace.currency, valid_from=line.entry.valid_from,
            entered_by=by,
        )
        for line in found.written
    )  # fmt: skip
    told = {"new": "added", "changed": "replaced", "unchanged": "same"}
    counts = {word: len(found.of(kind)) for kind, word in told.items()}
    audit.record("rate.import", workspace, by, refused=refused, **counts)
    return found
