"""Statements and rates to take away.

A statement carries no time of its own but the numbers of the newest rows it was read from: while
the ledger says the same, the same statement is the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from accounts.models import Workspace
from billing import glossary, statements
from billing.models import MICRO
from billing.statements import Statement, Sums
from billing.tariffs import Line
from sheets import writing
from sheets.files import CSV
from sheets.writing import Cell
from sms.countries import country_name

COLUMNS = (
    "billable_messages", "messages", "billable_messages_without_price", "cost", "currency",
    "failed_but_billed", "failed_but_billed_messages", "failed_but_billed_without_price",
    "failed_but_billed_cost",
)  # fmt: skip
RATES = ("country", "country_name", "price", "currency", "valid_from")
NAMED = frozenset({"campaign", "country"})
FORMS = tuple(writing.TYPES)

Row = Sequence[Cell]


def statement(
    found: Statement, workspace: Workspace, today: date, *, own_only: bool
) -> Iterator[Row]:
    """A block that says what this is, then the columns, the lines and the totals."""
    choice = found.choice
    so_far = ("so far",) if choice.month.holds(today) else ()
    yield "Statement", workspace.name
    yield "Month", str(choice.month), *so_far
    yield "Time zone of the month", workspace.time_zone
    yield "Campaigns", "those of the person who asked" if own_only else "all"
    for name, value in choice.where:
        yield "Only this " + name.replace("_", " "), value or str(statements.word(name, value))
    yield "Charges up to number", found.charge_id, str(glossary.CHARGES_UP_TO)
    yield "Failed as reported up to number", found.failed_id, str(glossary.FAILED_UP_TO)
    yield "Unit", "A billable message is one segment that a carrier accepted."
    yield "Money", "Not rounded. Empty where no price is known."
    yield ()
    first = (choice.by, f"{choice.by}_name") if choice.by in NAMED else (choice.by,)
    yield *first, *COLUMNS
    for line in found.lines:
        yield *_named(choice.by, line), *_cells(line.sums)
    for sums in found.totals:
        yield "Total", *("" for _ in first[1:]), *_cells(sums)


def _named(by: str, line: statements.Line) -> Row:
    """What the line is: its key, and its name where the key alone says nothing to a reader."""
    if by not in NAMED:
        return (line.key,)
    return line.key, country_name(line.key) if by == "country" else line.label


def _cells(sums: Sums) -> Row:
    return (
        sums.segments, sums.messages, sums.unpriced, _money(sums.amount), sums.currency,
        sums.failed_segments, sums.failed_messages, sums.failed_unpriced,
        _money(sums.paid_for_failed),
    )  # fmt: skip


def about() -> Iterator[Row]:
    """What each column of a statement means."""
    yield "Column", "On the page", "What it means"
    for term in glossary.TERMS:
        for column in term.columns:
            yield column, str(term.name), str(term.meaning)


def rates(lines: Iterable[Line]) -> Iterator[Row]:
    """The rate of each country now and those to come, as the import reads them."""
    yield RATES
    for line in lines:
        for rate in filter(None, [line.current, *reversed(line.coming)]):
            yield (
                rate.country, country_name(rate.country), _money(rate.price), rate.currency,
                rate.valid_from.isoformat(),
            )  # fmt: skip


def _money(micros: int | None) -> Decimal | None:
    """All six places, never through a float."""
    return None if micros is None else (Decimal(micros) / MICRO).quantize(Decimal("0.000001"))


def write(rows: Iterator[Row], form: str, title: str, about: Iterable[Row] = ()) -> bytes:
    """The whole file; equal rows give equal bytes. A workbook has *about* as a second sheet."""
    head = [str(cell) for cell in next(rows)]
    if form == CSV:
        return "".join(writing.csv_lines(head, rows)).encode()
    file = io.BytesIO()
    writing.write_xlsx(file, head, rows, title, about=about, exact=True)
    return file.getvalue()
