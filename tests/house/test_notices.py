"""Every kind of notice that the code tells can be kept out of the mail, and no other is offered.

A kind is followed from the call of ``notify`` to where its words stand: through an f-string and
through the parameters of the functions on the way, given by name or by position.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from accounts.notices import KINDS
from senders.registering import ANSWERS
from senders.reviewing import DECISIONS
from tests.house.reading import APPS, python_files, tree_of

# What comes from outside the code: the words of an address, which its view holds against a table.
FROM_OUTSIDE = {
    ("senders/registering.py", "action"): set(ANSWERS),
    ("senders/reviewing.py", "action"): set(DECISIONS),
}
TREES = {path: tree_of(path) for path in python_files(*APPS)}
NOTIFY = "notify"


@dataclass(frozen=True)
class Call:
    path: str
    node: ast.Call
    within: ast.FunctionDef | None


def _calls() -> Iterator[Call]:
    for path, tree in TREES.items():
        inner = {}
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                inner |= {id(node): function for node in ast.walk(function)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield Call(path, node, inner.get(id(node)))


CALLS = list(_calls())


def calls_of(name: str, path: str) -> list[Call]:
    """The calls of a function of *path*: a private one is called there alone."""
    found = [c for c in CALLS if ast.unparse(c.node.func).split(".")[-1] == name]
    return [c for c in found if c.path == path] if name.startswith("_") else found


def given(call: Call, name: str, place: int) -> ast.expr:
    """The argument of the call for a parameter, however it is given."""
    named = {word.arg: word.value for word in call.node.keywords}
    return named[name] if name in named else call.node.args[place]


def words(node: ast.expr, call: Call) -> set[str]:
    """Everything an expression may be where it stands."""
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    if isinstance(node, ast.IfExp):
        return words(node.body, call) | words(node.orelse, call)
    if isinstance(node, ast.JoinedStr):
        return {
            "".join(parts) for parts in itertools.product(*(words(v, call) for v in node.values))
        }
    if isinstance(node, ast.FormattedValue):
        return words(node.value, call)
    name = ast.unparse(node)
    if (known := FROM_OUTSIDE.get((call.path, name))) is not None:
        return known
    parameters = [a.arg for a in call.within.args.args] if call.within else []
    assert name in parameters, f"{call.path}:{node.lineno}: nobody can tell what {name} may be"
    place = parameters.index(name)
    above = calls_of(call.within.name, call.path) if call.within else []
    assert above, f"{call.path}:{node.lineno}: nobody calls it, so nobody says what {name} is"
    return set().union(*(words(given(one, name, place), one) for one in above))


def told() -> set[str]:
    """Every kind of notice there is in the code."""
    return set().union(*(words(given(c, "kind", 2), c) for c in calls_of(NOTIFY, "")))


def test_every_kind_that_is_told_can_be_chosen_on_the_profile() -> None:
    assert sorted(told() - KINDS.keys()) == []


def test_every_kind_on_the_profile_is_told() -> None:
    assert sorted(KINDS.keys() - told()) == []
