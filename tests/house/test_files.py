"""Budgets and habits of files that no other tool looks at."""

from __future__ import annotations

import ast

import pytest

from tests.house.reading import APPS, ROOT, kept_files, python_files, tree_of

OUR_PYTHON = [*python_files(*APPS, "tests"), "manage.py", "bootstrap.py"]
FUNCTION_LINES, VIEW_LINES, TASK_LINES = 40, 25, 12
OVER_BUDGET: dict[str, str] = {}
"""File -> why it may be longer. Empty is best."""
OLD_PYTHON = {"bootstrap.py"}  # is read by Pythons that know no future import


def budget(name: str) -> int | None:
    """Lines the file may have; None where no budget is set."""
    if name.startswith("templates/"):
        return 150
    if not name.endswith(".py") or "/migrations/" in name:
        return None
    if name.startswith("sms/gateways/") and not name.endswith("base.py"):
        return 250
    if name.startswith("tests/"):
        return 700
    return 600 if "/models" in name else 400


def test_no_file_is_over_its_budget() -> None:
    over = {}
    for name in kept_files():
        most = budget(name)
        if most is None or name in OVER_BUDGET:
            continue
        lines = len((ROOT / name).read_text("utf-8").splitlines())
        if lines > most:
            over[name] = f"{lines} lines, at most {most}"
    assert over == {}


def function_budget(name: str, function: ast.AST) -> int:
    if name.endswith("/tasks.py"):
        return TASK_LINES
    is_view = "/views" in name or name.endswith("webhooks.py")
    arguments = getattr(function, "args", None)
    first = arguments.args[0].arg if arguments and arguments.args else ""
    is_public = not getattr(function, "name", "_").startswith("_")
    return VIEW_LINES if is_view and is_public and first == "request" else FUNCTION_LINES


def test_no_function_is_over_its_budget() -> None:
    over = {}
    for name in python_files(*APPS):
        for node in ast.walk(tree_of(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                lines = node.end_lineno - node.lineno + 1
                if lines > function_budget(name, node):
                    over[f"{name}: {node.name}"] = lines
    assert over == {}


@pytest.mark.parametrize("name", sorted(set(OUR_PYTHON) - OLD_PYTHON))
def test_every_module_reads_its_annotations_late(name: str) -> None:
    code = [node for node in tree_of(name).body if not isinstance(node, ast.Expr)]
    first = code[0] if code else None
    assert first is None or (isinstance(first, ast.ImportFrom) and first.module == "__future__")


def test_the_first_script_can_be_read_by_an_old_python() -> None:
    source = (ROOT / "bootstrap.py").read_text("utf-8")
    tree = ast.parse(source, feature_version=(3, 4))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.AnnAssign)]


def test_no_folder_is_a_drawer() -> None:
    drawers = {"services", "dao", "utils", "helpers", "handlers", "managers", "common", "misc"}
    found = [
        name for name in python_files(*APPS) if drawers & set(name.removesuffix(".py").split("/"))
    ]
    assert found == []
