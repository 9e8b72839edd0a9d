"""Recipients that come from no file: typed numbers, and rows of an import that is ready."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import phonenumbers

from campaigns.importing.reasons import DUPLICATE, LEFT_OUT, SENTENCES, TEXT_EMPTY, TEXT_TOO_LONG
from campaigns.models import RecipientImport, is_erased
from sheets.events import Done, Event, Meta, Problem, Problems, Progress, Row, Rows
from sheets.sentences import say
from sms.numbers import BadNumber, parse_number, split_numbers
from sms.template import Template, compile
from sms.text import MAX_SEGMENTS, is_blank, measure, normalise

BATCH = 1_000
RAW_MAX = 60


def typed(text: str) -> Iterator[Event]:
    """Each entry of a typed list, its place in the list as its row."""
    rows: list[Row] = []
    problems: list[Problem] = []
    first: dict[str, int] = {}
    entries = split_numbers(text)
    for place, entry in enumerate(entries, 1):
        try:
            number = parse_number(entry)
        except BadNumber as bad:
            problems.append(Problem(place, "", entry[:RAW_MAX], bad.problem, bad.hint))
            continue
        if first.setdefault(number.e164, place) != place:
            said = say("duplicate", first=first[number.e164])
            problems.append(Problem(place, "", entry[:RAW_MAX], DUPLICATE, said))
            continue
        rows.append(Row(place, number.e164, number.country))
    yield Rows(tuple(rows))
    yield Problems(tuple(problems))
    yield _done(len(entries), len(problems))


def copied(
    origin: RecipientImport, content: str | None, country: str | None = None
) -> Iterator[Event]:
    """The rows of *origin*, without those that would make no text of *content* fit to send and
    without those of *country*.
    """
    about = origin.about
    yield Meta(
        kind=about.get("kind", ""),
        columns=tuple(about.get("columns", ())),
        number_column=about.get("number_column", ""),
        unused=tuple(about.get("unused", ())),
        total=origin.rows_read,
    )
    yield from _old_problems(origin)
    left_out = Counter[str]()
    fitting = None if content is None else compile(normalise(content))
    for rows in _batches(origin):
        refused = [
            problem
            for row in rows
            if (problem := _left_out(row, country) or _unfit(row, fitting, origin.variables))
        ]
        bad = {problem.row for problem in refused}
        left_out.update(problem.code for problem in refused)
        yield Rows(tuple(row for row in rows if row.row not in bad))
        yield Problems(tuple(refused))
        yield Progress(rows[-1].row, min(1.0, rows[-1].row / max(origin.rows_read, 1)))
    yield _done(origin.rows_read, origin.refused + sum(left_out.values()))


def _done(read: int, refused: int) -> Done:
    return Done(
        read=read, accepted=read - refused, refused=refused, duplicates=0, blank=0,
        duplicates_by="number", assumed=0, samples=(), ask_country=False, problems={},
        countries={}, notices=(), numbers_version=phonenumbers.__version__,
    )  # fmt: skip


def _old_problems(origin: RecipientImport) -> Iterator[Event]:
    fields = ("row", "column", "raw", "code", "sentence")
    found = origin.problems.order_by("row", "pk").values_list(*fields)
    batch: list[Problem] = []
    for values in found.iterator(chunk_size=BATCH):
        batch.append(Problem(*values))
        if len(batch) == BATCH:
            yield Problems(tuple(batch))
            batch = []
    yield Problems(tuple(batch))


def _batches(origin: RecipientImport) -> Iterator[list[Row]]:
    """Rows in the order of the file, by keyset: no cursor stays open while others write."""
    last = 0
    fields = ("pk", "row", "number", "country", "values")
    while found := list(
        origin.recipients.filter(pk__gt=last).order_by("pk").values_list(*fields)[:BATCH]
    ):
        last = found[-1][0]
        yield [
            Row(row, number, country, tuple(values))
            for _pk, row, number, country, values in found
            if not is_erased(number, values)
        ]


def _left_out(row: Row, country: str | None) -> Problem | None:
    if country is None or row.country != country:
        return None
    return Problem(row.row, "", row.number, LEFT_OUT, str(SENTENCES[LEFT_OUT]))


def _unfit(row: Row, template: Template | None, variables: list[str]) -> Problem | None:
    if template is None:
        return None
    values = dict(zip(variables, row.values, strict=True))
    text = normalise(template.render_list([values[name] for name in template.names]))
    if is_blank(text):
        return Problem(row.row, "", "", TEXT_EMPTY, str(SENTENCES[TEXT_EMPTY]))
    segments = measure(text).segments
    if segments <= MAX_SEGMENTS:
        return None
    said = str(SENTENCES[TEXT_TOO_LONG]) % {"count": segments, "limit": MAX_SEGMENTS}
    return Problem(row.row, "", "", TEXT_TOO_LONG, said)
