"""`make audit`: the pins of requirements/run.txt against the known advisories.

Fails on a finding. When the advisory service cannot be asked, or does not know the packages, that
is said in one line and is no failure: what was not looked at is not called sound.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "requirements" / "run.txt"
NOT_AUDITED = "advisory service not reachable: not audited"
SECONDS = 300


def ask() -> dict[str, Any] | None:
    """pip-audit's own answer, None if it has none."""
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "-f", "json",
               "--progress-spinner", "off", "-r", str(PINS)]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)  # noqa: S603
        return dict(json.loads(done.stdout))
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return None


def verdict(answer: dict[str, Any] | None) -> tuple[int, list[str]]:
    """The exit code and what to say."""
    packages = [] if answer is None else answer.get("dependencies", [])
    looked_at = [package for package in packages if "vulns" in package]
    if not looked_at:
        return 0, [NOT_AUDITED]
    found = [
        f"{package['name']} {package['version']}: {vuln['id']}, fixed in "
        f"{', '.join(vuln.get('fix_versions', [])) or 'no version yet'}"
        for package in looked_at
        for vuln in package["vulns"]
    ]
    missed = [package["name"] for package in packages if "vulns" not in package]
    said = [f"audited: {len(looked_at)} packages, {len(found)} advisories"]
    if missed:
        said.append(f"not audited: {', '.join(missed)}")
    return int(bool(found)), [*found, *said]


if __name__ == "__main__":
    code, said = verdict(ask())
    sys.stdout.write("\n".join(said) + "\n")
    sys.exit(code)
