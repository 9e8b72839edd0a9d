"""Finds look-ups in views and forms that could reach another workspace's rows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

RIM = re.compile(r"(^|/)(\w*_)?(views|forms|questions|webhooks)(/\w+)?\.py$")
WRITES = {"create", "bulk_create", "none"}
LOOK_UPS = {"get_object_or_404", "get_list_or_404", "aget_object_or_404"}
BACK_DOORS = {"_default_manager", "_base_manager", "raw", "extra", "cursor"}
# Keywords that tie rows to something a scoped queryset gave before.
TIES = {"workspace", "user", "campaign", "sender", "source", "parent", "membership", "message"}
Found = tuple[int, str]


def is_rim(name: str) -> bool:
    """Does the file read requests? There nobody but ``for_user`` decides what is reached."""
    return RIM.search(name) is not None


def unscoped(tree: ast.AST) -> list[Found]:
    """(line, source) of each look-up that is not tied to a workspace or to an object in hand."""
    inner = {id(node.func.value) for node in ast.walk(tree) if _is_link(node)}  # type: ignore[attr-defined]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in BACK_DOORS:
            found.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.Call) and id(node) not in inner:
            found += _of_call(node)
    return sorted(set(found))


def _is_link(node: ast.AST) -> bool:
    """A call of a method on the answer of another call: a chain is judged once, whole."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)


def _of_call(node: ast.Call) -> Iterator[Found]:
    if isinstance(node.func, ast.Name) and node.func.id in LOOK_UPS and node.args:
        if _is_model(node.args[0]) or _is_manager(node.args[0]):
            yield node.lineno, ast.unparse(node)
        return
    links = list(_chain(node))
    if links and not any(_ties(name, call) for name, call in links):
        yield node.lineno, ast.unparse(node)


def _chain(node: ast.expr) -> Iterator[tuple[str, ast.Call]]:
    """The calls of ``Model.objects.a(...).b(...)``, last first; nothing for any other chain."""
    links = []
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        links.append((node.func.attr, node))
        node = node.func.value
    if _is_manager(node):
        yield from links


def _is_model(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id[:1].isupper()


def _is_manager(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "objects" and _is_model(node.value)


def _ties(name: str, call: ast.Call) -> bool:
    if name == "for_user" or name in WRITES:
        return True
    return name in ("filter", "get") and any(_is_tie(word) for word in call.keywords)


def _is_tie(word: ast.keyword) -> bool:
    """``workspace=...`` and the like, or ``pk=known.pk``; never what the request brought."""
    value = ast.unparse(word.value)
    if value == "key" or re.search(r"request\.(POST|GET|FILES|body|headers|COOKIES)", value):
        return False
    if word.arg in ("pk", "id", "object_id"):
        return re.fullmatch(r"(str\()?[a-z_]\w*\.(pk|id)\)?", value) is not None
    steps = re.sub(r"_id$", "", word.arg or "").split("__")
    return steps[-1] in TIES or (steps[-1] == "in" and steps[0] in TIES)
