"""Make a new draft from an old campaign: a copy of it, or a resend to those it failed."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from campaigns import bulk, drafting, families, repeats
from campaigns.failures import RETRYABLE
from campaigns.families import Reached
from campaigns.importing.reasons import OPTED_OUT, REACHED
from campaigns.lookup import because
from campaigns.models import (
    Campaign,
    CampaignTally,
    ImportProblem,
    ImportState,
    Message,
    Recipient,
    RecipientImport,
)
from campaigns.models.campaign import NAME_MAX, Origin, Source
from campaigns.states import Bucket, Scenario, bucket
from campaigns.statistics import reason_of
from senders.models import OptOut
from sheets.spoken import LABEL_FEWEST, without_numbers

CHUNK = 2_000
SETTINGS = ("workspace", "scenario", "name", "sender", "content", "cost_centre", "time_zone")
COLUMNS = ("source", "row", "number", "country", "values")
PROBLEM_COLUMNS = ("source", "row", "column", "raw", "code", "sentence")
Row = tuple[int, str, str, list[str]]


class NoLongerKept(Exception):
    """Its text, values or numbers were deleted when their time was over."""


class NothingToResend(Exception):
    """No message failed for these reasons, or nobody is left: the numbers have opted out since,
    or another resend has reached them.
    """


def duplicate(campaign: Campaign, by: User, key: uuid.UUID, *, recipients: bool) -> Campaign:
    """A draft with the content and settings of *campaign*, and its recipients where wanted.

    The checked list is shared, unless somebody on it was erased: then the others are copied.
    What somebody else typed becomes a list, so that it stays masked for whom it was masked.
    *key* becomes the draft's: asked twice, there is one draft. Raises NoLongerKept when the
    text, or numbers that are wanted, were deleted.
    """

    def make() -> Campaign:
        source = campaign.recipients.lock() if campaign.recipients else None
        fields: dict[str, Any] = {"source": campaign.source}
        is_wanted = recipients and source is not None and source.is_ready
        is_theirs = source is not None and source.is_manual and campaign.author_id != by.pk
        if source is not None and is_wanted and is_theirs:
            about = {"is_manual": False, "original_name": f"Numbers of {campaign.label}"}
            fields = {"source": Source.IMPORT, "recipients": _known(source, by, **about)}
        elif source is not None and is_wanted:
            fields["recipients"] = _without_erased(source, by)
        parent = _locked(campaign)
        if parent.texts_purged_at or (recipients and parent.numbers_purged_at):
            raise NoLongerKept
        if is_wanted and parent.author_id == by.pk:  # typed once, they stay where a file came
            fields["manual_numbers"] = parent.manual_numbers
        return _draft(parent, by, key, Origin.COPY, fields, recipients=recipients)

    return _once(key, by, make)


def resend(campaign: Campaign, by: User, key: uuid.UUID, reasons: Collection[str]) -> Campaign:
    """A draft to the numbers of *campaign* that failed for retryable *reasons*, linked to it.

    Whoever opted out since is left out, and whom another resend has reached or may still reach.
    Raises NothingToResend when nobody is left,
    NoLongerKept when numbers or texts were deleted, of it or of another resend.
    """
    chosen = frozenset(reasons) & RETRYABLE

    def make() -> Campaign:
        if campaign.texts_purged_at or campaign.numbers_purged_at:
            raise NoLongerKept
        if families.is_forgotten(campaign):
            raise NoLongerKept
        if campaign.recipients is not None:
            campaign.recipients.lock()
        source = _failed_recipients(campaign, by, chosen)
        fields = {"source": Source.IMPORT, "recipients": source}
        said = {"reasons": sorted(chosen), "numbers": source.accepted}
        return _draft(_locked(campaign), by, key, Origin.RESEND, fields, **said)

    return _once(key, by, make)


def _once(key: uuid.UUID, by: User, make: Callable[[], Campaign]) -> Campaign:
    mine = Campaign.objects.filter(key=key, author=by)
    if found := mine.first():
        return found
    try:
        with transaction.atomic():
            return make()
    except IntegrityError:
        if found := mine.first():
            return found
        raise Http404 from None  # the key is somebody else's, which is nobody's business


def _locked(campaign: Campaign) -> Campaign:
    """*campaign* as it is now, its row held: words in it may be erased meanwhile."""
    return Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)


def _draft(
    parent: Campaign, by: User, key: uuid.UUID, origin: str, fields: dict[str, Any], **said: Any
) -> Campaign:
    kept = {name: getattr(parent, name) for name in SETTINGS}
    # words from before numbers were refused in them go without: the copy can be sent as it is
    kept["name"] = _named(without_numbers(parent.name, LABEL_FEWEST), origin)
    kept["cost_centre"] = without_numbers(parent.cost_centre, LABEL_FEWEST)
    draft = Campaign.objects.create(
        key=key, author=by, origin=origin, parent=parent, **kept, **fields
    )
    audit.record("campaign.create", draft, by, origin=str(origin), of=parent.label, **said)
    audit.record(f"campaign.{origin}", parent, by, to=draft.label, **said)
    return draft


def _named(name: str, origin: str) -> str:
    """The parent's name with what the draft is, cut to what a task name may hold."""
    if not name:
        return ""
    mark = _(" (resend)") if origin == Origin.RESEND else _(" (copy)")
    return name.removesuffix(mark)[: NAME_MAX - len(mark)].rstrip() + mark


def _without_erased(source: RecipientImport, by: User) -> RecipientImport:
    """*source* itself, or a ready list of those on it who were not erased."""
    return _known(source, by) if source.recipients.erased().exists() else source


def _known(source: RecipientImport, by: User, **about: Any) -> RecipientImport:
    """A ready list of those on *source* who were not erased; *about* it what differs."""
    told = ("workspace", "is_manual", "original_name", "variables", "default_country", "options",
            "state")  # fmt: skip
    kept = {name: getattr(source, name) for name in told} | about
    copy = RecipientImport.objects.create(created_by=by, finished_at=timezone.now(), **kept)
    names = ("row", "number", "country", "values")
    rows = source.recipients.known().order_by("pk").values_list("pk", *names)
    countries: Counter[str] = Counter()
    digest = hashlib.sha256()
    last = 0
    while chunk := list(rows.filter(pk__gt=last)[:CHUNK]):
        last = chunk[-1][0]
        bulk.insert(Recipient, COLUMNS, [(copy.pk, *row[1:]) for row in chunk])
        digest.update(json.dumps([row[1:] for row in chunk], ensure_ascii=False).encode())
        countries.update(row[3] for row in chunk)
    copy.accepted = copy.rows_total = copy.rows_read = countries.total()
    copy.countries = dict(countries.most_common())
    copy.digest = digest.hexdigest()
    copy.save()
    return copy


def _failed_recipients(campaign: Campaign, by: User, reasons: frozenset[str]) -> RecipientImport:
    """A ready list of those who failed, with their values; written in the caller's transaction."""
    source = RecipientImport.objects.create(
        workspace=campaign.workspace, created_by=by, is_manual=False,
        original_name=f"Resend of {campaign.label}", variables=_variables(campaign),
        options=_options(campaign, reasons), state=ImportState.READY, finished_at=timezone.now(),
    )  # fmt: skip
    found = families.reached(campaign, _failed_messages(campaign, reasons).values("number"))
    _fill(source, campaign, _failed(campaign, reasons), found)
    return source


@transaction.atomic
def leave_out_reached(draft: Campaign, by: User) -> None:
    """The list of a resend without those whom another of its family has reached since; its
    refused rows stay, and the question about them. Another list that was taken meanwhile stays.

    Raises NothingToResend when nobody would be left, WrongState when it is no draft any more.
    """
    if draft.recipients is None or not families.shared(draft):
        return
    old = draft.recipients.lock()
    if _locked(draft).recipients_id != old.pk:
        return
    source = RecipientImport.objects.create(
        workspace=draft.workspace, created_by=by, is_manual=False, given_by=old.given_by,
        original_name=old.original_name or f"Numbers of {draft.label}", variables=old.variables,
        options=old.options, default_country=old.default_country, tally=old.tally,
        refused=old.refused, confirmed_by=old.confirmed_by, confirmed_at=old.confirmed_at,
        state=ImportState.READY, finished_at=timezone.now(),
    )  # fmt: skip
    for chunk in _chunks(old.problems.all(), "pk", "pk", *PROBLEM_COLUMNS[1:]):
        bulk.insert(ImportProblem, PROBLEM_COLUMNS, [(source.pk, *row) for row in chunk])
    rows = old.recipients.known()
    _fill(source, draft, _listed(rows), families.reached(draft, rows.values("number")))
    taken = {"recipients": source, "source": Source.IMPORT, "manual_numbers": ""}
    drafting.save(draft, taken, by)
    audit.record("campaign.leave_out", draft, by, valid=old.accepted)


def _fill(
    source: RecipientImport, campaign: Campaign, chunks: Iterable[list[Row]], found: Reached
) -> None:
    """Write *chunks* without who opted out and whom *found* says are reached, and count them."""
    countries: Counter[str] = Counter()
    out: Counter[str] = Counter(source.tally)
    digest = hashlib.sha256()
    for chunk in chunks:
        gone = _opted_out(campaign, [row[1] for row in chunk])
        asked = [row for row in chunk if row[1] not in gone]
        kept = [row for row in asked if not families.is_reached(found, row[1], row[3])]
        bulk.insert(Recipient, COLUMNS, [(source.pk, *row) for row in kept])
        digest.update(json.dumps(kept, ensure_ascii=False).encode())
        countries.update(row[2] for row in kept)
        out.update({OPTED_OUT: len(chunk) - len(asked), REACHED: len(asked) - len(kept)})
    source.accepted = countries.total()
    if not source.accepted:
        raise NothingToResend
    source.rows_total = source.rows_read = source.accepted + out.total()
    source.countries = dict(countries.most_common())
    source.digest = digest.hexdigest()
    source.tally = dict(+out)
    source.about = repeats.counted(source)
    source.save()


def _opted_out(campaign: Campaign, numbers: list[str]) -> set[str]:
    """Codes that a person asked for reach them even after they opted out of the rest."""
    if campaign.scenario == Scenario.OTP:
        return set()
    return OptOut.objects.among(campaign.workspace_id, numbers)


def _failed_messages(campaign: Campaign, reasons: Collection[str]) -> QuerySet[Message]:
    if not reasons:
        return Message.objects.none()
    rows = Message.objects.filter(reduce(or_, map(because, sorted(reasons))), campaign=campaign)
    return rows.exclude(number="").exclude(text="")  # erased


def _failed(campaign: Campaign, reasons: frozenset[str]) -> Iterator[list[Row]]:
    """Row, number, country and values of those who failed, in chunks by position."""
    names = ("position", "recipient__row", "number", "country", "recipient__values")
    return _chunks(_failed_messages(campaign, reasons), "position", *names)


def _listed(rows: QuerySet[Recipient]) -> Iterator[list[Row]]:
    return _chunks(rows, "pk", "pk", "row", "number", "country", "values")


def _chunks(rows: QuerySet, key: str, *names: str) -> Iterator[list[Row]]:
    """The columns after the first of *names*, in order of the first, which is *key*."""
    last = -1
    while chunk := list(
        rows.filter(**{f"{key}__gt": last}).order_by(key).values_list(*names)[:CHUNK]
    ):
        last = chunk[-1][0]
        yield [row[1:] for row in chunk]


def _variables(campaign: Campaign) -> list[str]:
    return [] if campaign.recipients is None else list(campaign.recipients.variables)


def _options(campaign: Campaign, reasons: frozenset[str]) -> dict[str, Any]:
    """What was sent through the practice carrier may never leave through a real one."""
    options: dict[str, Any] = {
        "resend_of": campaign.label,
        "reasons": sorted(reasons),
        "keeps_opted_out": campaign.scenario == Scenario.OTP,
    }
    came_from = {} if campaign.recipients is None else campaign.recipients.options
    is_practice = campaign.carrier is not None and campaign.carrier.is_practice
    if is_practice or came_from.get("practice_only"):
        options["practice_only"] = True
    return options


@dataclass(frozen=True, slots=True)
class Resending:
    """What a resend for some reasons would hold, and how many it leaves out."""

    numbers: int
    segments: int
    cost: int | None  # micro-units at the prices of the first time; None where none was known
    reached: int


def resending(campaign: Campaign, reasons: Collection[str]) -> Resending:
    """A resend for *reasons*, counted before anybody makes it."""
    rows = CampaignTally.objects.filter(campaign=campaign)
    failed = [
        row
        for row in rows
        if bucket(row.state) == Bucket.FAILED and reason_of(row.state, row.reason) in reasons
    ]
    segments = Counter[str]()
    for row in failed:
        segments[row.country] += row.segments
    out = _reached_segments(campaign, reasons)
    for country, size in out:
        segments[country] -= size
    known = [n * campaign.prices[c] for c, n in segments.items() if c in campaign.prices]
    numbers = sum(row.messages for row in failed) - len(out)
    return Resending(numbers, segments.total(), sum(known) if known else None, len(out))


def _reached_segments(campaign: Campaign, reasons: Collection[str]) -> list[tuple[str, int]]:
    """Country and segments of each failed message that another of the family has reached."""
    rows = _failed_messages(campaign, reasons)
    found = families.reached(campaign, rows.values("number"))
    if not found:
        return []
    names = ("country", "segments", "number", "recipient__values")
    every = rows.values_list(*names).iterator(CHUNK)
    return [row[:2] for row in every if families.is_reached(found, *row[2:])]
