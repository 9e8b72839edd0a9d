"""Every event of the audit log has its sentence, and no sentence stands for nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from accounts.audit_words import DEEDS
from accounts.refusals import WORDS
from campaigns import trail
from campaigns.states import CAMPAIGN_MOVES
from senders.models import MOVES, REGISTRATION_MOVES
from tests.house.reading import APPS, python_files, tree_of

# What an f-string may become.
MADE = {
    "campaign.{}": {f"campaign.{name}" for name in (*CAMPAIGN_MOVES, "copy", "resend")},
    "sender.{}": {f"sender.{name}" for name in MOVES},
    "registration.{}": {f"registration.{name}" for name in REGISTRATION_MOVES},
}
BY_TABLE = set(WORDS.values())


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
            yield node


def action(node: ast.expr) -> set[str]:
    """The names an action may have; a name that is no literal must be in a table above."""
    if isinstance(node, ast.Constant):
        return {str(node.value)}
    if isinstance(node, ast.JoinedStr):
        parts = ("{}" if isinstance(p, ast.FormattedValue) else str(p.value) for p in node.values)
        return MADE["".join(parts)]
    return BY_TABLE


RECORDED = {
    name for path in python_files(*APPS) for call in calls(tree_of(path))
    for name in action(call.args[0])
}  # fmt: skip


def test_every_recorded_action_has_its_sentence() -> None:
    assert sorted(RECORDED - DEEDS.keys()) == []


def test_every_sentence_is_of_an_action_that_is_recorded() -> None:
    assert sorted(DEEDS.keys() - RECORDED) == []


def test_the_trail_of_a_campaign_has_words_for_all_that_is_done_to_one() -> None:
    of_campaigns = {name for name in RECORDED if name.startswith(("campaign.", "import."))}
    assert sorted(of_campaigns ^ trail.WORDS.keys()) == []
