"""What a reading tells, in the order it is told: Meta, then Rows / Problems / Progress, Done.

The same frozen objects are used on both sides of the child process; `encode` and `decode`
are its wire form, one JSON line per event.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from .sentences import BadFile, Fact, say


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a file. The optional fields answer a `BadFile` that asks."""

    original_name: str
    variables: tuple[str, ...] = ()
    default_country: str | None = None
    number_column: str | None = None
    has_header: bool | None = None
    sheet: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    accept_kind: str | None = None
    accept: tuple[str, ...] = ()  # codes of warnings the person has read and accepted
    allow_empty: tuple[str, ...] = ()
    skip_hidden: bool = False
    # A plain table is asked for by its columns, each with its names in lower case with "_".
    columns: tuple[tuple[str, ...], ...] = ()
    optional: tuple[str, ...] = ()  # columns that may be missing
    quote: tuple[int, ...] = ()  # tell only these rows, as they stand


@dataclass(frozen=True, slots=True)
class Notice:
    """Something seen in the file that changes nothing but should be known."""

    code: str
    facts: dict[str, Fact] = field(default_factory=dict)
    sentence: str = ""

    @classmethod
    def of(cls, code: str, **facts: Fact) -> Notice:
        return cls(code, facts, say(code, **facts))


@dataclass(frozen=True, slots=True)
class Meta:
    """How the file is read, known before its first row."""

    kind: str
    columns: tuple[str, ...]
    number_column: str
    unused: tuple[str, ...]
    has_header: bool = True
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    delimiter: str = ""
    encoding: str = ""
    total: int | None = None
    notices: tuple[Notice, ...] = ()


class Row(NamedTuple):
    """One recipient: the line it came from, its number and its values in the asked order.

    A tuple, because a list has a million of them: it is made in a quarter of the time.
    """

    row: int
    number: str
    country: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row is refused. *raw* is cut and safe to show; *code* is stable."""

    row: int
    column: str
    raw: str
    code: str
    sentence: str
    facts: dict[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rows:
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Problems:
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Quoted:
    """Rows as they stand in the file: row number and cells, in order."""

    rows: tuple[tuple[int, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows read so far, and the share of the file that is read (0 to 1)."""

    read: int
    share: float


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a complete reading. *refused* counts rows, not problems."""

    read: int
    accepted: int
    refused: int
    duplicates: int
    blank: int
    duplicates_by: str
    assumed: int
    samples: tuple[tuple[str, str], ...]
    ask_country: bool
    problems: dict[str, int]
    countries: dict[str, int]
    notices: tuple[Notice, ...]
    numbers_version: str
    repeated: int = 0  # accepted rows whose number came before, with other values


log = logging.getLogger(__name__)

Event = Meta | Rows | Problems | Quoted | Progress | Done


def encode(event: Event) -> str:
    """One line of JSON. Rows travel as bare lists: they are most of the traffic."""
    if isinstance(event, Rows):
        return json.dumps({"type": "Rows", "rows": event.rows}, ensure_ascii=False)
    return json.dumps({"type": type(event).__name__, **asdict(event)})


def encode_bad(bad: BadFile) -> str:
    """The line that carries a refusal of the whole file."""
    return json.dumps(
        {
            "type": "BadFile",
            "code": bad.code,
            "facts": bad.facts,
            "answer": bad.answer,
            "choices": bad.choices,
            "previews": bad.previews,
            "cause": type(bad.__cause__).__name__ if bad.__cause__ else "",
        }
    )


def decode(line: str | bytes) -> Event:
    """The event of one line; raises the BadFile it carries, ValueError on anything else."""
    try:
        fields = json.loads(line)
        return _DECODERS[fields.pop("type")](fields)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not an event") from error


def _rows(fields: dict[str, Any]) -> Rows:
    return Rows(
        tuple([Row(row, number, country, tuple(values))
               for row, number, country, values in fields["rows"]])
    )  # fmt: skip


def _quoted(fields: dict[str, Any]) -> Quoted:
    return Quoted(tuple((row, tuple(cells)) for row, cells in fields["rows"]))


def _problems(fields: dict[str, Any]) -> Problems:
    return Problems(tuple(Problem(**p) for p in fields["problems"]))


def _notices(fields: dict[str, Any]) -> tuple[Notice, ...]:
    return tuple(Notice(**notice) for notice in fields["notices"])


def _meta(fields: dict[str, Any]) -> Meta:
    for name in ("columns", "unused", "sheets"):
        fields[name] = tuple(fields[name])
    return Meta(**{**fields, "notices": _notices(fields)})


def _done(fields: dict[str, Any]) -> Done:
    samples = tuple((before, after) for before, after in fields["samples"])
    return Done(**{**fields, "samples": samples, "notices": _notices(fields)})


def _bad(fields: dict[str, Any]) -> Event:
    if fields["cause"]:  # only its name: the message could quote the file
        log.info("a file is refused after %s", fields["cause"])
    raise BadFile(
        fields["code"],
        answer=fields["answer"],
        choices=tuple(fields["choices"]),
        previews=tuple(fields["previews"]),
        **fields["facts"],
    )


_DECODERS: dict[str, Callable[[dict[str, Any]], Event]] = {
    "Meta": _meta,
    "Rows": _rows,
    "Problems": _problems,
    "Quoted": _quoted,
    "Progress": lambda fields: Progress(**fields),
    "Done": _done,
    "BadFile": _bad,
}
