"""SR18, SR20, SR27, SR39, SR40: what code at the rim may not do, found in its tree."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.house.reading import APPS, python_files, tree_of
from tests.house.scoping import is_rim, unscoped

RIM = [name for name in python_files(*APPS) if is_rim(name)]
# Look-ups that belong to no workspace, each with what stands in its place.
FREE = {
    ("campaigns/webhooks.py", "Carrier.objects.filter(receipts_token"): "a random token",
    ("accounts/forms.py", "User.objects.filter(email"): "an address is one person's everywhere",
    ("accounts/views.py", "User.objects.filter(email"): "an address is one person's everywhere",
}
# Sentences of our own, picked from a table.
OURS = {("senders/validity.py", "words.format")}
READ_INPUT = ("sms/", "sheets/", "campaigns/importing/", "campaigns/lookup.py")


def is_free(name: str, source: str) -> bool:
    return any(name == file and source.startswith(start) for file, start in FREE)


def test_views_and_forms_reach_rows_only_through_their_workspace() -> None:
    found = [
        f"{name}:{line}: {source}"
        for name in RIM
        for line, source in unscoped(tree_of(name))
        if not is_free(name, source)
    ]
    assert len(RIM) > 15
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "planted",
    [
        "get_object_or_404(Campaign, key=key)",
        "get_object_or_404(Campaign.objects, key=key)",
        "get_object_or_404(Campaign.objects.select_related('sender'), key=key)",
        "Campaign.objects.get(pk=pk)",
        "Campaign.objects.filter(pk=request.POST['pk']).first()",
        "Campaign.objects.filter(key=key).update(state='draft')",
        "Campaign.objects.all()",
        "Campaign.objects.order_by('-pk')[:50]",
        "Campaign.objects.filter(workspace=request.POST['workspace'])",
        "Campaign.objects.exclude(workspace=workspace)",
        "SenderID.objects.filter(value=form.cleaned_data['value']).exists()",
        "Campaign._default_manager.get(pk=1)",
        "Campaign.objects.raw('SELECT 1')",
        "forms.ModelChoiceField(queryset=SenderID.objects.all())",
    ],
)
def test_the_lint_finds_a_planted_look_up(planted: str) -> None:
    assert unscoped(ast.parse(f"def view(request, key):\n    x = {planted}\n"))


@pytest.mark.parametrize(
    "sound",
    [
        "get_object_or_404(Campaign.objects.for_user(request.user), key=key)",
        "Campaign.objects.for_user(request.user).filter(key=key).first()",
        "Campaign.objects.select_related('sender').for_user(request.user)",
        "Job.objects.create(workspace=workspace, user=request.user)",
        "CampaignTally.objects.filter(campaign=campaign)",
        "SenderID.objects.filter(workspace_id=campaign.workspace_id).usable()",
        "Registration.objects.get(pk=registration.pk)",
    ],
)
def test_the_lint_lets_a_scoped_look_up_pass(sound: str) -> None:
    assert unscoped(ast.parse(f"def view(request, key):\n    x = {sound}\n")) == []


# --- other things that code does not do with what people typed ---------------------------------


def calls(name: str) -> list[tuple[str, ast.Call]]:
    """Every call with the name of what is called."""
    return [
        (ast.unparse(node.func).rsplit(".", 1)[-1], node)
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Call)
    ]


def test_no_form_takes_every_field_of_its_model() -> None:
    """SR20, H5: what a form does not name cannot be posted into a row."""
    broad = [
        f"{name}:{node.lineno}"
        for name in python_files(*APPS)
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) in ("fields", "exclude")
        and (ast.unparse(node.value) == "'__all__'" or ast.unparse(node.targets[0]) == "exclude")
    ]
    assert not broad, "\n".join(broad)


def test_the_token_of_a_form_is_left_out_only_where_a_carrier_calls() -> None:
    """SR25. An upload checks it itself, after the file's own way to the disk is set."""
    exempt: dict[str, set[str]] = {}
    for name in python_files(*APPS):
        functions = [n for n in ast.walk(tree_of(name)) if isinstance(n, ast.FunctionDef)]
        protected = {n.name for n in functions if has_mark(n, "csrf_protect")}
        for function in functions:
            if has_mark(function, "csrf_exempt") and not called_in(function) & protected:
                exempt.setdefault(name, set()).add(function.name)
    assert exempt == {"campaigns/webhooks.py": {"receive"}}


def has_mark(function: ast.FunctionDef, mark: str) -> bool:
    return mark in [ast.unparse(each) for each in function.decorator_list]


def called_in(function: ast.FunctionDef) -> set[str]:
    nodes = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    return {ast.unparse(node.func) for node in nodes}


def test_nothing_that_was_typed_is_run_or_used_as_a_template() -> None:
    """SR39: no eval, no format() on a text that is not written there, no template made of it."""
    found = [
        f"{name}:{node.lineno}: {ast.unparse(node)[:80]}"
        for name in python_files(*APPS)
        for called, node in calls(name)
        if _runs_text(called, node, imported(name)) and (name, ast.unparse(node.func)) not in OURS
    ]
    assert not found, "\n".join(found)


@cache
def imported(name: str) -> set[str]:
    nodes = ast.walk(tree_of(name))
    brought = (node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))
    return {alias.asname or alias.name for node in brought for alias in node.names}


def _runs_text(called: str, node: ast.Call, modules: set[str]) -> bool:
    if called in ("eval", "exec", "from_string", "format_map"):
        return True
    on = node.func.value if isinstance(node.func, ast.Attribute) else None
    return called == "format" and isinstance(on, ast.Name) and on.id not in modules


def patterns(name: str) -> list[tuple[int, str, str]]:
    """(line, function, pattern) of each use of ``re`` with its pattern written there."""
    return [
        (node.lineno, called, node.args[0].value)
        for called, node in calls(name)
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "re"
        and node.args and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]  # fmt: skip


def test_patterns_on_input_name_their_digits_and_end_where_the_text_ends() -> None:
    """SR40, SI3: ``\\d`` takes every script's digits, ``match`` with ``$`` a line end."""
    reads = [name for name in python_files(*APPS) if is_rim(name) or name.startswith(READ_INPUT)]
    loose = [
        f"{name}:{line}: {pattern}"
        for name in reads
        for line, called, pattern in patterns(name)
        if re.search(r"\\[dwDW]", pattern) or (called == "match" and pattern.endswith("$"))
    ]
    assert not loose, "\n".join(loose)


def test_no_pattern_can_be_made_to_think_for_ever() -> None:
    """SR40: no repetition of a repetition, which is what a text of 30 characters stalls."""
    nested = re.compile(r"\((?:\?:)?[^()]*(?<!\\)[+*][^()]*\)[+*]")
    found = [
        f"{name}:{line}: {pattern}"
        for name in python_files(*APPS)
        for line, _called, pattern in patterns(name)
        if nested.search(pattern)
    ]
    assert not found, "\n".join(found)
