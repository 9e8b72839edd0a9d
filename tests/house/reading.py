"""How the house's rules look at the repository: what git holds, and Python as a tree."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "billing", "campaigns", "carriers", "senders", "sheets", "sms", "smsconsole")


@cache
def kept_files() -> list[str]:
    """Every file that is committed or about to be, as a path from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):  # an unpacked archive has no git
        return sorted(str(path.relative_to(ROOT)) for path in _unpacked())
    return [name for name in listing.stdout.splitlines() if (ROOT / name).is_file()]


def _unpacked() -> Iterator[Path]:
    skipped = {".git", ".venv", "build", "data", "node_modules", "vendor", "__pycache__"}
    for path in ROOT.rglob("*"):
        if path.is_file() and not skipped & set(path.parts):
            yield path


def python_files(*folders: str) -> list[str]:
    """Python files of ours below *folders*, without migrations."""
    return [
        name
        for name in kept_files()
        if name.endswith(".py") and name.startswith(tuple(f"{folder}/" for folder in folders))
        and "/migrations/" not in name
    ]  # fmt: skip


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text("utf-8"), name)
