"""What must never be committed, and what must be."""

from __future__ import annotations

import re

import phonenumbers
import pytest

from tests.house.reading import ROOT, kept_files

TEXTS = {".py", ".md", ".html", ".js", ".css", ".toml", ".txt", ".json", ".yml", ".cfg", ""}
OPEN_MARKS = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X{3})\b")
MACHINE = re.compile(r"(?<![\w.$~}])/(?:home|root|Users|work)/\w")
HOSTS = re.compile(r"https?://(?:[\w-]+\.)*(?:pypi\.org|pythonhosted\.org|npmjs\.(?:org|com))")
PRIVATE = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\b(?:AKIA|ghp_|xox[bp]-)\w{10,}")
INTERNATIONAL = re.compile(r"\+[1-9]\d{9,14}\b")
# Kept for fiction: NANP 555-01xx, and Australia's list.
FICTION = re.compile(
    r"\+1\d{3}55501\d{2}|\+614915700\d{2}|\+61491570(?:156|157|158|159|313|737|110)"
)


def texts() -> list[tuple[str, str]]:
    found = []
    for name in kept_files():
        path = ROOT / name
        if path.suffix in TEXTS and path.stat().st_size < 2_000_000:
            found.append((name, path.read_text("utf-8", "replace")))
    return found


@pytest.mark.parametrize(
    "pattern", [OPEN_MARKS, MACHINE, HOSTS, PRIVATE], ids=["open ends", "paths", "hosts", "keys"]
)
def test_nothing_committed_holds(pattern: re.Pattern[str]) -> None:
    found = [f"{name}: {hit.group()}" for name, text in texts() for hit in pattern.finditer(text)]
    assert found == []


def is_somebodys(number: str) -> bool:
    if FICTION.fullmatch(number) or number.startswith("+86"):  # mainland China is never sent to
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False


def test_committed_phone_numbers_belong_to_nobody() -> None:
    """Valid ones are those kept for fiction; others are made when a test runs."""
    found = {
        f"{name}: {number}"
        for name, text in texts()
        for number in INTERNATIONAL.findall(text)
        if is_somebodys(number)
    }
    assert found == set()


@pytest.mark.parametrize("prefix", ["build/", "data/", "static/vendor/", "node_modules/", ".venv"])
def test_what_is_made_is_not_committed(prefix: str) -> None:
    assert [name for name in kept_files() if name.startswith(prefix)] == []


@pytest.mark.parametrize("name", ["run", "build", "dev"])
def test_every_pin_has_a_hash_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    pins = [block for block in re.split(r"\n(?=\S)", text) if "==" in block.split("\n")[0]]
    assert pins
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []
    assert "://" not in text


@pytest.mark.parametrize(
    "name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"]
)
def test_the_documents_of_a_project_are_there(name: str) -> None:
    assert (ROOT / name).stat().st_size > 300


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{name}: {target}"
        for name, text in texts()
        if name.endswith(".md")
        for target in re.findall(r"\]\(([^)#:]+)\)", text)
        if not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert broken == []
