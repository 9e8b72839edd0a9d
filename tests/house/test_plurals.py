"""A count and its noun: "1 number", "2 numbers", never "1 numbers"."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.house.reading import APPS, ROOT, python_files

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
NOUN = (
    r"(?:\w+ ){0,2}?(?:rows|numbers|messages|segments|campaigns|files|days|times|tests|minutes"
    r"|hours|countries|duplicates|recipients|people|characters|columns|cells)\b"
)
BLOCK = re.compile(r"\{% blocktranslate\b([^%]*)%\}(.*?)\{% endblocktranslate %\}", re.DOTALL)
SHOWN = re.compile(r"\{\{ (\w+) \}\} " + NOUN)
WRITTEN = re.compile(r"%\((\w+)\)[sd] " + NOUN)
# Never 1: what the product, a rule or a setting fixes, and the names of things.
FIXED = {
    "most", "manual_max", "a_day", "limit_value", "limit", "show_value", "which", "share", "name",
    "who", "value", "what", "minutes", "hours", "sender", "old", "new",
}  # fmt: skip


def _bare(path: Path) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for options, text in BLOCK.findall(path.read_text("utf-8"))
        if "count " not in options
        for found in SHOWN.finditer(text)
        if found[1] not in FIXED
    ]


def test_a_template_counts_in_both_forms() -> None:
    assert [line for path in TEMPLATES for line in _bare(path)] == []


def _one_form(tree: ast.AST) -> list[str]:
    """Texts of ``_()``: a count in them has one form only."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    named = (call for call in calls if isinstance(call.func, ast.Name))
    texts = [c.args[0] for c in named if c.func.id in ("_", "_lazy") and c.args]  # type: ignore[attr-defined]
    return [t.value for t in texts if isinstance(t, ast.Constant) and isinstance(t.value, str)]


def test_a_sentence_of_the_code_counts_in_both_forms() -> None:
    bare = [
        f"{name}: {found[0]}"
        for name in python_files(*APPS)
        for text in _one_form(ast.parse((ROOT / name).read_text("utf-8")))
        for found in WRITTEN.finditer(text)
        if found[1] not in FIXED and "at most" not in text  # more than a limit is more than one
    ]
    assert bare == []
