"""The sample file: made for the present content, it uploads again without an error."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from openpyxl import Workbook

from sheets.files import CSV, XLSX
from sheets.writing import TEXT_FORMAT, text_cell

NUMBER_COLUMN = "phone_number"
# reserved for fiction by the numbering plans of the US and Australia
EXAMPLE_NUMBERS = ("+12025550123", "+61491570006")
COLUMN_WIDTH = 22


def _(sentence: str) -> str:
    """Mark a sentence for the translators; `sample` is given the translation."""
    return sentence


SHEET = _("Recipients")
INSTRUCTIONS_SHEET = _("Instructions")
INSTRUCTIONS = (
    _("How to fill in this file"),
    _("Write one recipient in each row of the first sheet, below the header row."),
    _("Write each number with + and the country code, for example +12025550123."),
    _("Keep the column phone_number formatted as text, or the spreadsheet changes the digits."),
    _("Keep the header row as it is: each variable of the content has a column of its name."),
    _("Fill in every variable. A value has at most 200 characters."),
    _("Replace the two example rows. Other columns are ignored and not stored."),
)
EXAMPLE = _("Example")


def sample(names: Sequence[str], kind: str, *, translate: Callable[[str], str] = str) -> bytes:
    """A file of *kind* ("xlsx" or "csv") with a column for the number and one for each name."""
    variables = [name for name in dict.fromkeys(names) if name != NUMBER_COLUMN]
    rows = [[NUMBER_COLUMN, *variables]]
    for count, number in enumerate(EXAMPLE_NUMBERS, 1):
        rows.append([number, *(f"{translate(EXAMPLE)} {count}" for _name in variables)])
    if kind == CSV:
        return _csv(rows)
    if kind == XLSX:
        return _xlsx(rows, translate)
    raise ValueError("a sample is xlsx or csv")


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig")  # without the mark Excel guesses the encoding


def _xlsx(rows: list[list[str]], translate: Callable[[str], str]) -> bytes:
    book = Workbook(write_only=True)
    recipients = book.create_sheet(translate(SHEET)[:31])
    for index in range(len(rows[0])):
        column = recipients.column_dimensions[chr(65 + index)] if index < 26 else None
        if column is not None:
            column.width = COLUMN_WIDTH
            column.number_format = TEXT_FORMAT
    for number, row in enumerate(rows):
        recipients.append([text_cell(recipients, text, bold=number == 0) for text in row])
    instructions = book.create_sheet(translate(INSTRUCTIONS_SHEET)[:31])
    instructions.column_dimensions["A"].width = 100
    for number, line in enumerate(INSTRUCTIONS):
        instructions.append([text_cell(instructions, translate(line), bold=number == 0)])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
