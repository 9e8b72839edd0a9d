"""Find messages: by filter within a campaign, by number or reference anywhere; keyset pages."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from accounts.models import User
from campaigns.models import Campaign, CampaignTally, Message, MessageQuerySet
from campaigns.states import Bucket, MessageState, bucket
from campaigns.statistics import reason_of
from senders.seeking import seek
from sms.display import hide_numbers
from sms.sought import Sought

PAGE = 20


@dataclass(frozen=True, slots=True)
class Filter:
    """What a person narrowed the phone-number table to; words outside the lists are dropped."""

    bucket: str = ""
    reason: str = ""
    country: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Filter:
        which, reason, country = (given.get(name, "") for name in ("is", "reason", "country"))
        return cls(
            which if which in set(Bucket) else "",
            reason if re.fullmatch(r"[a-z_]{1,24}", reason) else "",
            country if re.fullmatch(r"[A-Z0-9]{2,3}", country) else "",
        )

    @property
    def query(self) -> dict[str, str]:
        """The same filter as parameters of an address; it never holds a number."""
        given = {"is": self.bucket, "reason": self.reason, "country": self.country}
        return {name: value for name, value in given.items() if value}

    @property
    def address(self) -> str:
        return urlencode(self.query)

    def rows(self, campaign: Campaign, gives_receipts: bool) -> MessageQuerySet:
        rows = Message.objects.filter(campaign=campaign)
        if self.bucket:
            rows = rows.filter(state__in=_states(self.bucket, gives_receipts))
        if self.reason:
            rows = rows.filter(because(self.reason))
        return rows.filter(country=self.country) if self.country else rows

    def count(self, tallies: Iterable[CampaignTally], gives_receipts: bool) -> int:
        """How many messages it leaves, read from tallies."""
        return sum(row.messages for row in tallies if self._takes(row, gives_receipts))

    def _takes(self, row: CampaignTally, gives_receipts: bool) -> bool:
        if self.bucket and bucket(row.state, gives_receipts) != self.bucket:
            return False
        if self.country and row.country != self.country:
            return False
        if not self.reason:
            return True
        failed = bucket(row.state) == Bucket.FAILED
        return failed and reason_of(row.state, row.reason) == self.reason


def _states(which: str, gives_receipts: bool) -> list[str]:
    return [str(state) for state in MessageState if bucket(state, gives_receipts) == which]


def because(reason: str) -> Q:
    """Failed messages whose reason it is, those included whose state alone says it."""
    failed = Q(state__in=_states(Bucket.FAILED, True))
    if reason == MessageState.EXPIRED:
        return failed & (Q(reason=reason) | Q(reason="", state=MessageState.EXPIRED))
    if reason == "unknown":
        return failed & (Q(reason=reason) | Q(reason="") & ~Q(state=MessageState.EXPIRED))
    return failed & Q(reason=reason)


def find(rows: MessageQuerySet, words: str, user: User) -> tuple[MessageQuerySet, Sought | None]:
    """Those of *rows* with this number, these last digits, or this reference; what is neither
    finds nothing.

    A number that is looked up is written down. Raises NotSought, which says what to type.
    """
    if reference := _reference(words):
        return rows.filter(reference=reference), None
    sought = seek(user, words)
    if sought is None:
        return rows.none(), None
    found = rows.filter(number=sought.text) if sought.whole else rows.ending(sought.digits)
    return found, sought


def code_of(message: Message) -> str:
    """The carrier's own code, without the number should the carrier have repeated it there."""
    end = message.number[-6:]
    if end not in "".join(filter(str.isdecimal, message.detail)):
        return message.detail
    return hide_numbers(message.detail)


def _reference(sought: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(sought.strip())
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows in order, and the keys with which the neighbouring pages begin."""

    rows: list[Any]
    newer: int | None = None
    older: int | None = None


def page(rows: QuerySet, key: str, given: Mapping[str, str], size: int, *, up: bool) -> Page:
    """A page of *rows* ordered by *key*: what lies ``after`` or ``before`` a key given.

    *up* orders rising. A key that is no number is the first page; depth costs nothing.
    """
    after, before = _whole(given.get("after")), _whole(given.get("before"))
    back = before is not None
    beyond = "gt" if up != back else "lt"
    edge = before if back else after
    if edge is not None:
        rows = rows.filter(**{f"{key}__{beyond}": edge})
    rising = up != back
    found = list(rows.order_by(key if rising else f"-{key}")[: size + 1])
    more, found = len(found) > size, found[:size]
    if back:
        found.reverse()
    first = getattr(found[0], key) if found else None
    last = getattr(found[-1], key) if found else None
    newer = first if (more if back else edge is not None) else None
    older = last if (back or more) else None
    return Page(found, newer, older)


def _whole(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"[0-9]{1,18}", text) else None
