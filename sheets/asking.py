"""What a file asks before it can be read, in words for the page that asks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sms.display import hide_numbers

Words = str | Promise

LEGENDS: dict[str, Words] = {
    "number_column": _("Which column holds the phone numbers?"),
    "has_header": _("Does the file have a header row?"),
    "accept_kind": _("How to read it"),
    "encoding": _("In which encoding is this line right?"),
    "sheet": _("Which sheet?"),
    "accept": _("Go on?"),
}
LABELS: dict[tuple[str, str], Words] = {
    ("has_header", "yes"): _("Yes, the first row is a header"),
    ("has_header", "no"): _("No, the first row holds a number"),
    ("accept_kind", "csv"): _("Read it as a CSV file"),
    ("accept_kind", "xlsx"): _("Read it as an Excel workbook"),
    ("accept", "trailing_zeros"): _(
        "I compared the numbers with their source. Use them as they are."
    ),
    ("encoding", "utf-8"): _("UTF-8"),
    ("encoding", "utf-16"): _("UTF-16"),
    ("encoding", "gb18030"): _("Chinese (GB18030)"),
    ("encoding", "cp1252"): _("Western European (Windows-1252)"),
    ("encoding", "shift_jis"): _("Japanese (Shift-JIS)"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer; *preview* is how the file reads with it."""

    value: str
    label: Words
    preview: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    legend: Words
    choices: tuple[Choice, ...]


def ask(stored: Mapping[str, Any] | None, *, is_open: bool = False) -> Question | None:
    """The question as it was kept with an import; None if there is none.

    A column may be headed by a number, and a preview holds some: both are masked unless they
    are open.
    """
    if not stored:
        return None
    name, previews = stored["answer"], [*stored.get("previews", ())]
    previews += [""] * len(stored["choices"])
    shown = str if is_open else hide_numbers
    choices = tuple(
        Choice(shown(value), LABELS.get((name, value), shown(value)), shown(preview))
        for value, preview in zip(stored["choices"], previews, strict=False)
    )
    return Question(LEGENDS.get(name, LEGENDS["accept"]), choices)


def chosen(stored: Mapping[str, Any] | None, given: str) -> dict[str, Any]:
    """The field of `Request` that *given* answers; only a choice that was offered counts."""
    if not stored:
        return {}
    meant = [choice for choice in stored["choices"] if given in (choice, hide_numbers(choice))]
    if len(meant) != 1:
        return {}
    name, value = stored["answer"], meant[0]
    kept: dict[str, Any] = {"accept": [value], "has_header": value == "yes"}
    return {name: kept.get(name, value)}
