"""The chain over the audit log: who changes, removes or slips in an event breaks it.

An event is sealed within a minute of its deed. Each pass logs the number and digest it came to;
kept outside the database, one such line shows that no later link was cut off
(``verify_audit --expect``).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC

from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, AuditSeal

log = logging.getLogger(__name__)
BATCH = 1000
START = "0" * 64


def seal() -> int:
    """Seal what is not sealed yet; how many events. Of two at once one seals, the other nothing."""
    sealed = 0
    while True:
        try:
            with transaction.atomic():
                last = _seal_some()
        except IntegrityError:
            return sealed
        if last is None:
            return sealed
        sealed += last[0]
        log.info("audit sealed: number %s digest %s", *last[1:])


def unsealed() -> int:
    """How many events wait for their seal."""
    return AuditEvent.objects.filter(seal=None).count()


def _seal_some() -> tuple[int, int, str] | None:
    events = list(AuditEvent.objects.filter(seal=None).order_by("pk")[:BATCH])
    if not events:
        return None
    number, digest = AuditSeal.objects.order_by("-number").values_list(
        "number", "digest"
    ).first() or (0, START)
    seals = []
    for event in events:
        number, digest = number + 1, link(digest, event)
        seals.append(AuditSeal(number=number, event=event, digest=digest))
    AuditSeal.objects.bulk_create(seals)
    return len(seals), number, digest


def link(before: str, event: AuditEvent) -> str:
    """The digest of *event* after the digest *before*."""
    return hashlib.sha256(before.encode() + _canonical(event)).hexdigest()


def _canonical(event: AuditEvent) -> bytes:
    """Every column of the event in one spelling."""
    columns = {
        "id": event.pk,
        "workspace": event.workspace_id,
        "actor": event.actor_id,
        "action": event.action,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "label": event.label,
        "data": event.data,
        "request_id": event.request_id,
        "at": event.at.astimezone(UTC).isoformat(),
    }
    return json.dumps(columns, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the whole chain found; ``broken`` is empty when it holds."""

    sealed: int
    digest: str
    unsealed: int
    broken: str = ""


def verify(expected: tuple[int, str] | None = None) -> Verdict:
    """Walk the chain from its first link, a thousand at a time, to the first that is broken.

    *expected* is a number and digest noted elsewhere: the chain must still hold them.
    """
    number, digest = 0, START
    for found in _links():
        number += 1
        if found.number != number:
            return _broken(number - 1, digest, _gap(number))
        if link(digest, found.event) != found.digest:
            changed = f"link {number}: event {found.event_id} is not what was sealed"
            return _broken(number - 1, digest, changed)
        digest = found.digest
        if expected and expected[0] == number and expected[1] != digest:
            return _broken(number, digest, f"link {number} is not the one that was expected")
    last = AuditSeal.objects.order_by("-number").values_list("number", flat=True).first() or 0
    if last > number:
        return _broken(number, digest, _gap(number + 1))
    if expected and expected[0] > number:
        return _broken(number, digest, f"link {expected[0]} was expected and is not there")
    return Verdict(number, digest, unsealed())


def _links() -> Iterator[AuditSeal]:
    """The seals with their events in order; one whose event is gone is passed over."""
    after = 0
    while rows := list(
        AuditSeal.objects.filter(number__gt=after)
        .select_related("event")
        .order_by("number")[:BATCH]
    ):
        yield from rows
        after = rows[-1].number


def _gap(number: int) -> str:
    left = AuditSeal.objects.filter(number=number).values_list("event_id", flat=True).first()
    if left is None:
        return f"link {number} is missing"
    return f"link {number}: event {left} is missing"


def _broken(number: int, digest: str, why: str) -> Verdict:
    return Verdict(number, digest, unsealed(), why)
