"""Templates: `${name}` and nothing else, found in one pass and filled in one pass.

A value is inserted literally and never read again, so a value holding `${x}` stays text.
`str.format`, `string.Template` and their like are not used on what people type: they read
dots, specifications and `$$`, which mean nothing here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sms.text import TEMPLATE_MAX

NAME_MAX = 32
_OPEN = "${"


class TemplateError(ValueError):
    """A template that means nothing: where (an index into the content) and what to do."""

    def __init__(self, position: int, message: str) -> None:
        self.position = position
        self.message = message
        super().__init__(message)


class MissingValues(ValueError):
    """Some placeholders have no value; nothing is rendered, so no raw `${name}` leaves."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        super().__init__("A value is missing for " + ", ".join(f"${{{n}}}" for n in names) + ".")


class Unknown(NamedTuple):
    """A placeholder without a column, and the column that was probably meant."""

    name: str
    suggestion: str | None


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template; *names* are its placeholders in order of first appearance."""

    names: tuple[str, ...]
    _parts: tuple[str, ...]  # text, gap, text, gap, ... text
    _gaps: tuple[int, ...]  # for each gap, which name fills it
    _in_order: bool  # every name appears exactly once

    def render(self, values: Mapping[str, str | None]) -> str:
        """The text with every value in its place; names are looked up in NFC."""
        return self.render_list([values.get(name) for name in self.names])

    def render_list(self, values: Sequence[str | None]) -> str:
        """As render, with *values* in the order of *names*; None is a missing value.

        An empty one is a value: whoever imports the list says where it is allowed.
        """
        if len(values) != len(self.names):
            raise ValueError("one value for each name is needed")
        known = [value for value in values if value is not None]
        if len(known) != len(values):
            raise MissingValues(
                [n for n, value in zip(self.names, values, strict=True) if value is None]
            )
        parts = list(self._parts)
        parts[1::2] = known if self._in_order else [known[gap] for gap in self._gaps]
        return "".join(parts)

    def unknown(self, columns: Iterable[str]) -> list[Unknown]:
        """The placeholders that no column fills.

        Case and script matter, so `${Name}` is not filled by `name`: that is only suggested.
        """
        known = {unicodedata.normalize("NFC", column) for column in columns}
        alike = {_skeleton(column.casefold()): column for column in sorted(known)}
        return [
            Unknown(name, alike.get(_skeleton(name.casefold())))
            for name in self.names
            if name not in known
        ]


def placeholders(content: str) -> list[str]:
    """The names in *content*, each once, in order of first appearance."""
    return list(compile(content).names)


def compile(content: str) -> Template:
    """The template, checked once so that rendering cannot fail but for a missing value."""
    if len(content) > TEMPLATE_MAX:
        raise TemplateError(TEMPLATE_MAX, f"A template has at most {TEMPLATE_MAX} characters.")
    texts, found = _scan(content)
    names = _distinct(found)
    parts = [""] * (len(texts) + len(found))
    parts[::2] = texts
    index = {name: place for place, name in enumerate(names)}
    gaps = tuple(index[name] for _, name in found)
    return Template(names, tuple(parts), gaps, gaps == tuple(range(len(names))))


def _scan(content: str) -> tuple[list[str], list[tuple[int, str]]]:
    """The texts between the placeholders, and each placeholder's position and name.

    Every character is looked at a bounded number of times: a run of name characters that is
    no placeholder ends the scan.
    """
    texts, found, start = [], [], 0
    while (at := content.find(_OPEN, start)) >= 0:
        end = _name_end(content, at + len(_OPEN))
        name = unicodedata.normalize("NFC", content[at + len(_OPEN) : end])
        _check_name(content, at, end, name)
        texts.append(content[start:at])
        found.append((at, name))
        start = end + 1
    return [*texts, content[start:]], found


def _name_end(content: str, start: int) -> int:
    """Where the run of name characters from *start* ends."""
    for place in range(start, len(content)):
        if not _in_name(content[place]):
            return place
    return len(content)


def _in_name(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LM" or category == "Nd" or character == "_"


def _check_name(content: str, at: int, end: int, name: str) -> None:
    """Refuse what begins like a placeholder and is none."""
    if len(name) > NAME_MAX:
        raise TemplateError(at, f"A variable name has at most {NAME_MAX} characters.")
    if content[end : end + 1] != "}":
        raise TemplateError(at, _unclosed(content[end : end + 2]))
    if not name:
        raise TemplateError(at, "A variable needs a name between the braces, like ${name}.")
    if unicodedata.category(name[0])[0] != "L" and name[0] != "_":
        raise TemplateError(at, "A variable name begins with a letter or an underscore.")


def _unclosed(after: str) -> str:
    if not after:
        return "This variable is not closed. Write it like ${name}."
    if after == _OPEN:
        return "A variable cannot stand inside another one. Close the first one before it."
    if after[0].isspace():
        return "A variable has no spaces between the braces. Write it like ${name}."
    return (
        "A variable name holds letters, digits and underscores only, "
        "without dots or formats. Write it like ${name}."
    )


# --- names that look alike --------------------------------------------------------------

# Cyrillic, Greek and Armenian letters that are drawn like Latin ones (Unicode TS 39).
_LOOKALIKES = str.maketrans(
    "асеорхуіјѕԁԛԝһӏАВСЕНІЈКМОРЅТХУԚԜ" + "ανορυιϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧ" + "օսհցյ",
    "aceopxyijsdqwhlABCEHIJKMOPSTXYQW" + "avopuicjABEZHIKMNOPTYX" + "ouhgj",
)


def _skeleton(name: str) -> str:
    return unicodedata.normalize("NFKC", name).translate(_LOOKALIKES)


def _distinct(found: list[tuple[int, str]]) -> tuple[str, ...]:
    """The names once each; two that cannot be told apart by eye are refused."""
    seen: dict[str, str] = {}
    for at, name in found:
        first = seen.setdefault(_skeleton(name), name)
        if first != name:
            raise TemplateError(
                at, "Two variables look the same but differ in a letter. Rename one of them."
            )
    return tuple(seen.values())
