"""What is said about a file and its rows: what happened, then what to do.

The table is data so that the child process can speak without Django and the page can
translate the same sentence: `gettext(SENTENCES[code]) % facts`.
"""

from __future__ import annotations

from collections.abc import Mapping

Fact = str | int
ACCEPTED = ".xlsx, .csv, .tsv"


def _(sentence: str) -> str:
    """Mark a sentence for the translators; it is translated where it is shown."""
    return sentence


SENTENCES: Mapping[str, str] = {
    # the whole file
    "empty": _("The file is empty. Choose a file with a header row and at least one number."),
    "too_large": _("The file is larger than %(limit)s MB. Split it and import it in parts."),
    "unreadable": _("The file cannot be opened. Upload it again."),
    "not_accepted": _(
        "This is %(what)s, which cannot be imported. Save the list as one of: %(accepted)s."
    ),
    "binary": _("This is not a spreadsheet or a text file. Save the list as one of: %(accepted)s."),
    "nul": _("The text contains NUL bytes, so it is damaged. Save it again as CSV UTF-8."),
    "utf16_without_bom": _(
        "The text is UTF-16 without a byte order mark. Save it as CSV UTF-8 and upload it again."
    ),
    "not_utf8": _(
        "The text is not UTF-8, first seen in line %(line)s. Save it as CSV UTF-8, or choose"
        " the encoding it was saved in."
    ),
    "password": _("The workbook is protected. Remove the password and upload it again."),
    "old_xls": _("This is an old .xls workbook. Open it and save it as .xlsx."),
    "macros": _("Macro workbooks are not accepted. Save it as .xlsx without macros."),
    "damaged": _("The file is damaged. Open it in your spreadsheet program and save it again."),
    "unsafe_xml": _(
        "The workbook contains XML declarations that are not allowed. Save it again from your"
        " spreadsheet program."
    ),
    "unsafe_names": _(
        "The workbook contains parts with unsafe names. Save it again from your spreadsheet"
        " program."
    ),
    "too_many_members": _(
        "The workbook has more than %(limit)s parts. Copy the list into a new workbook."
    ),
    "unpacks_too_large": _(
        "The workbook unpacks to more than is allowed. Copy only the list into a new workbook,"
        " or save it as CSV UTF-8."
    ),
    "renamed_csv": _("This is really a CSV file, whatever its name says. Read it so, or cancel."),
    "renamed_xlsx": _(
        "This is really an Excel workbook, whatever its name says. Read it so, or cancel."
    ),
    "no_sheet": _(
        "The workbook has no visible sheet that can be read. Put the list on the first sheet and"
        " save it as .xlsx."
    ),
    "no_such_sheet": _("There is no sheet named %(sheet)s. Choose one of: %(sheets)s."),
    "no_recipients": _("No recipients found. Add at least one row below the header row."),
    "too_many_rows": _(
        "The file has more than %(limit)s rows; reading stopped after %(count)s. Split it and"
        " import it in parts."
    ),
    "no_rows": _("The sheet has no row below its header row. Add at least one."),
    "no_table_column": _("There is no column named %(name)s. Name it in the header row."),
    "same_column_twice": _(
        "Two columns say the same: %(first)s and %(second)s. Remove or rename one of them."
    ),
    "too_many_columns": _(
        "The list reaches column %(column)s, more than %(limit)s columns. Keep only the phone"
        " number and the variables."
    ),
    "unclosed_quote": _(
        "A quotation mark opened in line %(line)s is never closed. Close it or double it, then"
        " upload the file again."
    ),
    "duplicate_headers": _(
        "Two columns have the same name: %(first)s (column %(first_column)s) and %(second)s"
        " (column %(second_column)s). Rename one of them."
    ),
    "empty_header": _("Column %(column)s has no name. Name it in the header row or delete it."),
    "long_header": _(
        "The name of column %(column)s is longer than %(limit)s characters. Shorten it."
    ),
    "placeholder_header": _(
        "The name of column %(column)s contains ${ }. Write only the variable's name."
    ),
    "no_number_column": _(
        "No column is named phone_number. Say which column holds the numbers, or rename it."
    ),
    "several_number_columns": _(
        "Several columns may hold the numbers: %(columns)s. Say which one to use."
    ),
    "no_such_column": _("There is no column named %(column)s. Choose one of: %(columns)s."),
    "no_header": _(
        "The first row looks like a phone number, not like a header. Say whether the file has a"
        " header row, or add one."
    ),
    "missing_columns": _(
        "The content uses variables that have no column: %(names)s. Add these columns; names are"
        " matched exactly."
    ),
    "digits_lost_everywhere": _(
        "Numbers that the spreadsheet destroyed: %(count)s, written like 8.61E+12. Format the"
        " column as text, enter the numbers again and upload the file."
    ),
    "trailing_zeros": _(
        "Numbers that end in 000000: %(count)s. Their last digits were probably lost. Compare"
        " the file with its source, format the column as text and upload it again."
    ),
    "took_too_long": _(
        "Reading the file took too long and was stopped. Split it, or save it as CSV UTF-8."
    ),
    "parser_died": _(
        "The file could not be read within its limits. Copy only the list into a new workbook,"
        " or save it as CSV UTF-8."
    ),
    # one row
    "unreadable_cell": _("A cell contains a line break or a control character. Type it again."),
    "cell_count": _("Cells in the row: %(count)s, in the header: %(expected)s. Correct the row."),
    "bad_quoting": _("A quotation mark stands in the wrong place. Correct the row."),
    "cell_too_long": _("The cell is longer than %(limit)s characters. Shorten it."),
    "not_utf8_row": _("The row contains bytes that are not UTF-8. Correct the row."),
    "number_missing": _("The phone number is missing. Add it or delete the row."),
    "value_missing": _("The value of %(name)s is missing. Fill it in or delete the row."),
    "value_too_long": _(
        "The value of %(name)s has %(count)s characters, at most %(limit)s are allowed. Shorten it."
    ),
    "control_character": _(
        "The value of %(name)s contains a control character (%(character)s). Remove it."
    ),
    "lone_surrogate": _("The value of %(name)s contains half of a character. Type it again."),
    "formula": _(
        "The cell holds a formula without a stored result. Open the file, let it calculate and"
        " save it, or paste values."
    ),
    "error_cell": _("The cell holds a spreadsheet error. Correct the formula or type the value."),
    "merged": _("The cell is part of the merged cells %(range)s. Unmerge them and fill each row."),
    "date": _("The phone number is formatted as a date. Format the column as text."),
    "boolean": _("The phone number is TRUE or FALSE. Type the number as text."),
    "currency": _("The phone number is formatted as money. Format the column as text."),
    "percent": _("The phone number is formatted as a percentage. Format the column as text."),
    "duplicate": _("The same as row %(first)s, which is kept."),
    # notices: the file is read, and this was seen
    "repeated": _(
        "Rows that give a number again with other values: %(count)s. Each is a message of its own."
    ),
    "blank_rows": _("Blank rows skipped: %(count)s."),
    "stopped_at_blank_rows": _(
        "Reading stopped at row %(row)s after %(limit)s blank rows. Rows below it were not read."
    ),
    "hidden_rows": _("Hidden rows that are included: %(count)s."),
    "hidden_rows_skipped": _("Hidden rows that were left out: %(count)s."),
    "hidden_columns": _("Hidden columns: %(columns)s."),
    "hidden_sheets": _("Hidden sheets that were not read: %(sheets)s."),
    "several_sheets": _("The workbook has several sheets; %(sheet)s is used."),
    "formulas": _("Cells whose stored formula result was used: %(count)s."),
    "dates_as_iso": _("Dates in variables are written as year-month-day: %(count)s."),
    "invisible_in_numbers": _("Phone numbers cleaned of invisible characters: %(count)s."),
    "invisible_in_values": _("Values that contain invisible characters: %(count)s."),
    "read_as_international": _(
        "Numbers without + that were read as country code and number: %(count)s."
    ),
    "read_as_national": _("Numbers without + that were read with the chosen country: %(count)s."),
}


def say(code: str, **facts: Fact) -> str:
    """The English sentence of *code* with its facts filled in."""
    return SENTENCES[code] % facts if facts else SENTENCES[code].replace("%%", "%")


class BadFile(Exception):
    """The file as a whole is refused, or a question about it must be answered first.

    *answer* names the field of `Request` that answers it, *choices* what it may hold; both
    are empty when there is nothing to answer and another file is needed.
    """

    def __init__(
        self,
        code: str,
        *,
        answer: str = "",
        choices: tuple[str, ...] = (),
        previews: tuple[str, ...] = (),
        **facts: Fact,
    ) -> None:
        self.code = code
        self.facts = facts
        self.answer = answer
        self.choices = choices
        self.previews = previews
        self.sentence = say(code, **facts)
        super().__init__(self.sentence)
