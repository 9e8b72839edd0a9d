"""Every requirement names tests that exist; docs/requirements.md is the list."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache

import pytest

from tests.house.reading import ROOT, tree_of

PAGE = (ROOT / "docs/requirements.md").read_text("utf-8")
EXPECTED = [f"S{n}" for n in range(1, 37)] + [f"D{n}" for n in range(1, 7)]
ROW = re.compile(r"^\| ([SD]\d+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
PROOF = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROWS = {number: (words, proofs) for number, words, proofs in ROW.findall(PAGE)}


@cache
def names_in(name: str) -> frozenset[str]:
    if not (ROOT / name).is_file():
        return frozenset()
    nodes = ast.walk(tree_of(name))
    return frozenset(n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_requirement_is_there_once_and_in_order() -> None:
    assert [number for number, _words, _proofs in ROW.findall(PAGE)] == EXPECTED


@pytest.mark.parametrize("number", EXPECTED)
def test_a_requirement_names_tests_that_exist(number: str) -> None:
    words, proofs = ROWS[number]
    named = PROOF.findall(proofs)
    assert len(words) > 20
    assert named, f"{number} names no test"
    missing = [f"{path}::{test}" for path, test in named if test not in names_in(path)]
    assert missing == []


def test_the_apps_are_there_and_their_imports_point_one_way() -> None:
    """lint-imports holds the code to these layers; here they are held to be the right ones."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = next(c["layers"] for c in contracts["contracts"] if c["type"] == "layers")
    apps = [name for layer in layers for name in re.split(r"\s*\|\s*", layer)]
    assert layers[0] == "smsconsole"
    assert layers[1] == "campaigns"
    assert {"senders", "billing", "carriers", "accounts", "sheets", "sms"} == set(apps[2:])
    assert all((ROOT / app / "__init__.py").is_file() for app in apps)
