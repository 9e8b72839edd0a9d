"""Recognise a number by its digest wherever it may be written, and read tables in chunks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

from accounts.keyed import digest
from campaigns.models import Erasure

CHUNK = 5_000
# Digits as people group them: +61 491 570 156, (202) 555-0123, 0491/570156.
WRITTEN = re.compile(r"[0-9](?:[ \u00a0().\-/\u2010-\u2015]{0,3}[0-9]){5,}")
_NO_DIGIT = re.compile(r"[^0-9]")


class Sought:
    """The numbers whose digests are given; *codes* are their countries' calling codes."""

    def __init__(self, workspace_id: int, digests: Iterable[str], codes: Iterable[str]) -> None:
        self.workspace_id = workspace_id
        self.digests = frozenset(digests)
        self.codes = tuple(sorted(codes))
        asked = Erasure.objects.filter(workspace=workspace_id, digest__in=self.digests)
        self.newest: datetime = asked.latest("asked_at").asked_at
        self._is_one = lru_cache(maxsize=10_000)(self._looks)

    def is_number(self, number: str) -> bool:
        """Is *number*, in E.164, one of them?"""
        return bool(number) and digest(number) in self.digests

    def holds(self, text: str) -> bool:
        """Is one of them written in *text*, in whole or as people write it at home?"""
        return any(map(self._is_one, WRITTEN.findall(text)))

    def cleaned(self, value: Any) -> Any:
        """*value* with each string that holds one of them left empty."""
        if isinstance(value, str):
            return "" if self.holds(value) else value
        if isinstance(value, list):
            return [self.cleaned(one) for one in value]
        if isinstance(value, dict):
            return {key: self.cleaned(one) for key, one in value.items()}
        return value

    def _looks(self, written: str) -> bool:
        digits = _NO_DIGIT.sub("", written)
        return any(digest(number) in self.digests for number in self._meant(digits))

    def _meant(self, digits: str) -> Iterator[str]:
        """What *digits* may stand for: whole, after 00 or 011, or without the calling code."""
        if len(digits) > 18:  # no number is that long
            return
        yield f"+{digits}"
        bare = digits.lstrip("0")
        yield f"+{bare}"
        yield f"+{bare.removeprefix('11')}"
        for code in self.codes:
            yield f"+{code}{digits}"
            yield f"+{code}{bare}"
            if bare.startswith(code):  # +44 (0)20: the trunk zero is written too
                yield f"+{code}{bare[len(code) :].lstrip('0')}"


def chunks(rows: Any, *names: str) -> Iterator[tuple[Any, ...]]:
    """Keys and columns of *rows* in order, some thousand at a time."""
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", *names)[:CHUNK]):
        last = found[-1][0]
        yield from found
