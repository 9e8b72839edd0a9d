"""Who gets in where: every URL, every method, every role, as the code's own table says."""

from __future__ import annotations

from accounts.roles import Role, allows, can
from tests.house.test_urls import URLS
from tests.security.addresses import CAMPAIGN, NONE, PRIVATE, kind_of, methods_of

# Views that ask for a second permission once they know the object.
SECOND = {
    "campaigns:duplicate": "campaigns.read_text",
    "campaigns:resend": "campaigns.read_numbers",
}
COLUMNS = ("own", "other's", "admin", "finance", "viewer", "nobody", "stranger")
ROLE_OF = {"own": Role.OPERATOR, "other's": Role.OPERATOR, "stranger": Role.ADMIN}
IN, SIGN_IN, OPEN_TO_ALL = "in", "sign-in", "open"
REFUSED, MISSING, NO_METHOD = "403", "404", "405"

HEAD = f"""\
# Who gets in where: made from the code by the permission matrix's test, which compares it and
# then asks as everybody. "own" and "other's" are an operator before an object of their own and
# of a colleague; "stranger" is an admin of another workspace, before an object of this one.
# After a change: REWRITE=1 .venv/bin/python -m pytest tests/house/test_permission_matrix.py
#
# {"URL":<32}{"method":<8}{"permission":<28}{"".join(f"{name:<10}" for name in COLUMNS).rstrip()}
"""


def expected(name: str, method: str, who: str) -> str:
    """What *who* is answered at the URL *name*."""
    if method not in methods_of(name):
        return NO_METHOD
    if URLS[name].callback.permission is None:  # type: ignore[attr-defined]
        return OPEN_TO_ALL
    if who == "nobody":
        return SIGN_IN
    permission = URLS[name].callback.permission  # type: ignore[attr-defined]
    role = ROLE_OF.get(who) or Role(who)
    if not can(role, permission):
        return REFUSED
    return _before_the_object(name, role, who)


def _before_the_object(name: str, role: Role, who: str) -> str:
    kind = kind_of(name)
    if kind == NONE:
        return IN
    if who == "stranger" or (kind == PRIVATE and who != "own"):
        return MISSING
    if kind != CAMPAIGN:
        return IN
    asked = {URLS[name].callback.permission, SECOND.get(name)} - {None}  # type: ignore[attr-defined]
    return IN if all(allows(role, each, own=who == "own") for each in asked) else REFUSED


def table() -> str:
    """The whole matrix as text, one line for each method of each URL."""
    lines = []
    for name in sorted(URLS):
        permission = URLS[name].callback.permission or "-"  # type: ignore[attr-defined]
        for method in ("GET", "POST"):
            cells = "".join(f"{expected(name, method, who):<10}" for who in COLUMNS)
            lines.append(f"  {name:<32}{method:<8}{permission:<28}{cells.rstrip()}\n")
    return HEAD + "".join(lines)
