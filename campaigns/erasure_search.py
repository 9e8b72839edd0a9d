"""Recognise a number by its digest wherever it may be written, and read tables in chunks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Max, Min

from accounts.keyed import digest
from campaigns.models import Erasure

CHUNK = 5_000
# Digits as people group them: +61 491 570 156, (202) 555-0123, 0491/570156.
WRITTEN = re.compile(r"[0-9](?:[\s().,;:_\-/\u2010-\u2015]{0,3}[0-9]){5,}")
MASK = "•••"
_GROUP = re.compile(r"[0-9]+")
SHORTEST, LONGEST = 6, 18  # digits of a number, with what is dialled before it


class Sought:
    """The numbers whose digests are given; *codes* are their countries' calling codes."""

    def __init__(self, workspace_id: int, digests: Iterable[str], codes: Iterable[str]) -> None:
        self.workspace_id = workspace_id
        self.digests = frozenset(digests)
        self.codes = tuple(sorted(codes))
        asked = Erasure.objects.filter(workspace=workspace_id, digest__in=self.digests)
        first_and_last = asked.aggregate(oldest=Min("asked_at"), newest=Max("asked_at"))
        self.oldest: datetime = first_and_last["oldest"]
        self.newest: datetime = first_and_last["newest"]
        self._places = lru_cache(maxsize=10_000)(self._look)

    def is_number(self, number: str) -> bool:
        """Is *number*, in E.164, one of them?"""
        return bool(number) and digest(number) in self.digests

    def holds(self, text: str) -> bool:
        """Is one of them written in *text*, in whole or as people write it at home?"""
        return any(map(self._places, WRITTEN.findall(text)))

    def masked(self, value: Any) -> Any:
        """*value* with each of them put out of sight, and all other words as they are."""
        return _in_strings(value, self._masked)

    def _masked(self, text: str) -> str:
        places = [(run.start() + start, run.start() + end)
                  for run in WRITTEN.finditer(text)
                  for start, end in self._places(run[0])]  # fmt: skip
        for start, end in reversed(places):
            is_open = text[:start].endswith("(") and ")" in text[start:end]
            before = text[: start - is_open].removesuffix("+")
            text = before + MASK + text[end:]
        return text

    def cleaned(self, value: Any) -> Any:
        """*value* with each string that holds one of them left empty."""
        return _in_strings(value, lambda text: "" if self.holds(text) else text)

    def _look(self, written: str) -> tuple[tuple[int, int], ...]:
        """Where in a run of digits they stand; other digits may stand before and after."""
        groups = [group.span() for group in _GROUP.finditer(written)]
        found = []
        first = 0
        while first < len(groups):
            end = self._end(written, groups[first:])
            if end:
                found.append((groups[first][0], groups[first + end - 1][1]))
            first += end or 1
        return tuple(found)

    def _end(self, written: str, groups: list[tuple[int, int]]) -> int:
        """How many of *groups*, from the first, are one of them: 0 if none are."""
        digits = ""
        for count, (start, end) in enumerate(groups, 1):
            digits += written[start:end]
            if len(digits) > LONGEST:
                break
            if len(digits) >= SHORTEST and any(
                digest(number) in self.digests for number in self._meant(digits)
            ):
                return count
        return 0

    def _meant(self, digits: str) -> Iterator[str]:
        """What *digits* may stand for: whole, after 00 or 011, or without the calling code."""
        yield f"+{digits}"
        bare = digits.lstrip("0")
        yield f"+{bare}"
        yield f"+{bare.removeprefix('11')}"
        for code in self.codes:
            yield f"+{code}{digits}"
            yield f"+{code}{bare}"
            if bare.startswith(code):  # +44 (0)20: the trunk zero is written too
                yield f"+{code}{bare[len(code) :].lstrip('0')}"


def _in_strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_in_strings(one, change) for one in value]
    if isinstance(value, dict):
        return {key: _in_strings(one, change) for key, one in value.items()}
    return value


def chunks(rows: Any, *names: str) -> Iterator[tuple[Any, ...]]:
    """Keys and columns of *rows* in order, some thousand at a time."""
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", *names)[:CHUNK]):
        last = found[-1][0]
        yield from found
