"""Settings are read in one file, and each is told to whoever operates the console."""

from __future__ import annotations

import ast
import re

from tests.house.reading import APPS, ROOT, python_files, tree_of

READ = re.compile(r"""\benv(?:\.\w+)?\(\s*"([A-Z_]+)\"""")
ROW = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)
# They hand the environment on, or say where the settings are; they read nothing from it.
HANDS_ON = {
    "smsconsole/settings.py": "reads it",
    "smsconsole/embedded.py": "gives it to the processes it starts",
    "smsconsole/celery.py": "names the settings module",
    "smsconsole/wsgi.py": "names the settings module",
    "smsconsole/asgi.py": "names the settings module",
}


def test_every_variable_is_in_the_operating_page_and_the_reverse() -> None:
    read = set(READ.findall((ROOT / "smsconsole/settings.py").read_text("utf-8")))
    told = set(ROW.findall((ROOT / "docs/operating.md").read_text("utf-8")))
    assert read - told == set(), "not in docs/operating.md"
    assert told - read == set(), "not read by settings.py"


def test_nothing_else_reads_the_environment() -> None:
    readers = {name for name in python_files(*APPS) if reads_environment(tree_of(name))}
    assert readers <= set(HANDS_ON)


def reads_environment(tree: ast.AST) -> bool:
    names = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return bool(names & {"os.environ", "os.getenv", "os.environb"})


def test_each_variable_is_read_once() -> None:
    found = READ.findall((ROOT / "smsconsole/settings.py").read_text("utf-8"))
    assert sorted(found) == sorted(set(found))
