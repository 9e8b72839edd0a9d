"""A text as a reader sees its digits, so that a number in it can be found.

Digits of every script and shape (full width, raised, circled) become plain ones, any blank becomes
one space, and what shows nothing goes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_UNSEEN = frozenset({"Cf", "Cc", "Mn", "Me"})  # formats, controls, marks on another character
_FILLERS = frozenset("\u115f\u1160\u2800")  # a letter or a sign by category, a blank to the eye
_PLAIN = re.compile(r"(?:[!-~]| (?! ))*")


@dataclass(frozen=True, slots=True)
class Folded:
    """The folded *text*; ``origins`` tells where in the *original* each character stood."""

    text: str
    original: str
    origins: range | list[int]

    def replaced(self, pattern: re.Pattern[str], by: Callable[[re.Match[str]], str | None]) -> str:
        """The original with each match that *by* has words for replaced, all else as it was."""
        pieces, last = [], 0
        for found in pattern.finditer(self.text):
            words = by(found)
            if words is not None:
                pieces += [self.original[last : self.origins[found.start()]], words]
                last = self.origins[found.end() - 1] + 1
        return "".join([*pieces, self.original[last:]])


def fold(text: str) -> Folded:
    """*text* folded; its length and the time it takes grow with that of *text* only."""
    if _PLAIN.fullmatch(text):
        return Folded(text, text, range(len(text)))
    characters: list[str] = []
    origins: list[int] = []
    for at, character in _characters(text):
        if character != " " or characters[-1:] != [" "]:
            characters.append(character)
            origins.append(at)
    return Folded("".join(characters), text, origins)


def _characters(text: str) -> Iterator[tuple[int, str]]:
    for at, original in enumerate(text):
        for character in unicodedata.normalize("NFKC", original):
            if character.isspace():
                yield at, " "
            elif unicodedata.category(character) not in _UNSEEN and character not in _FILLERS:
                yield at, str(unicodedata.digit(character, character))
