"""Rules of templates and scripts that no other tool enforces."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static").glob("*.js"))
FRAGMENTS = [path for path in TEMPLATES if path.name.startswith("_")]
COMMENT = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)

# What the content security policy refuses, or would need 'unsafe-inline' or 'unsafe-eval' for.
FORBIDDEN = {
    "a style attribute": r"<[^>]*\sstyle\s*=",
    "an inline style sheet": r"<style\b",
    "a script without src": r"<script(?![^>]*\ssrc=)",
    "an event attribute": r"<[^>]*\son[a-z]+\s*=",
    "hx-on": r"\shx-on",
    "a js: or javascript: value": r"""["']\s*(?:js|javascript):""",
    "a trigger filter": r"""hx-trigger\s*=\s*["'][^"']*\[""",
    "a spelling of another htmx": r"\b(?:innerMorph|outerMorph|:inherited)\b",
    "Tabler's script, which is not loaded": r"\bdata-bs-(?:toggle|dismiss|target)\b",
    "a file from another host": r"""(?:src|href)\s*=\s*["'](?:https?:)?//""",
    "a filter that trusts text": r"\|\s*safe(?:seq)?\b|\{% autoescape off",
}


def words(path: Path) -> str:
    return COMMENT.sub("", path.read_text("utf-8"))


def test_there_are_templates_to_look_at() -> None:
    assert len(TEMPLATES) > 20


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_template_has(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    assert [str(p.relative_to(ROOT)) for p in TEMPLATES if pattern.search(words(p))] == []


def test_a_template_fits_on_150_lines() -> None:
    assert [str(p) for p in TEMPLATES if len(p.read_text("utf-8").splitlines()) > 150] == []


def test_a_component_is_included_with_only_what_it_needs() -> None:
    tag = re.compile(r'\{%\s*include\s+"components/[^%]*%\}')
    open_ended = [
        f"{path.relative_to(ROOT)}: {found}"
        for path in TEMPLATES
        for found in tag.findall(words(path))
        if not re.search(r"\bonly\s*%\}$", found)
    ]
    assert open_ended == []


def test_a_component_says_at_its_head_what_it_takes() -> None:
    silent = [
        path.name
        for path in (ROOT / "templates" / "components").glob("*.html")
        if "{#" not in "".join(path.read_text("utf-8").splitlines(keepends=True)[:2])
    ]
    assert silent == []


def test_a_fragment_is_no_whole_page() -> None:
    assert [p.name for p in FRAGMENTS if "{% extends" in words(p)] == []


def test_a_form_that_posts_carries_its_token() -> None:
    form = re.compile(r"<form\b[^>]*method=\"post\".*?</form>", re.DOTALL | re.IGNORECASE)
    bare = [
        str(path.relative_to(ROOT))
        for path in TEMPLATES
        for found in form.findall(words(path))
        if "{% csrf_token %}" not in found
    ]
    assert bare == []


def test_what_sends_a_file_says_its_workspace_in_the_address() -> None:
    """The field of the form comes with the body, which is read only after it is known whose."""
    sends = re.compile(r"<(?:form|button|input)\b[^>]*(?:enctype|encoding)[^>]*>")
    target = re.compile(
        r'\b(?:form)?action="[^"]*\?in_workspace=\{\{ membership\.workspace\.key \}\}"'
    )
    found = {p.relative_to(ROOT): sends.findall(words(p)) for p in TEMPLATES}
    assert sum(map(len, found.values())) >= 3
    bare = [
        f"{path}: {tag}" for path, tags in found.items() for tag in tags if not target.search(tag)
    ]
    assert bare == []


def test_a_file_is_chosen_where_something_sends_files() -> None:
    files = [p for p in TEMPLATES if 'type="file"' in words(p)]
    assert files
    assert [str(p) for p in files if "multipart/form-data" not in words(p)] == []


def test_no_script_writes_markup_or_evaluates_text() -> None:
    risky = re.compile(r"\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval)\b")
    assert [p.name for p in SCRIPTS if risky.search(p.read_text("utf-8"))] == []


def test_only_the_icons_are_marked_as_safe_markup() -> None:
    apps = ("smsconsole", "campaigns", "billing", "senders", "carriers", "accounts", "sms")
    users = {
        str(path.relative_to(ROOT))
        for app in apps
        for path in (ROOT / app).rglob("*.py")
        if re.search(r"\bmark_safe\b", path.read_text("utf-8"))
    }
    assert users == {"smsconsole/icons.py"}


def test_the_lock_of_the_assets_names_bytes_and_no_address() -> None:
    text = (ROOT / "assets" / "package-lock.json").read_text("utf-8")
    packages = json.loads(text)["packages"]
    assert "://" not in text
    assert all("integrity" in found for name, found in packages.items() if name)
