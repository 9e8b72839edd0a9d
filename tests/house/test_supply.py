"""The audit of the pins tells a finding from a service that was not there."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest

from tests.house.reading import ROOT

spec = importlib.util.spec_from_file_location("ci_audit", ROOT / ".ci" / "audit.py")
assert spec is not None
assert spec.loader is not None
ci_audit: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(ci_audit)

SOUND = {"name": "django", "version": "5.2.8", "vulns": []}
WEAK = {"name": "old", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "vine", "version": "5.1.0", "skip_reason": "not found"}


@pytest.mark.parametrize("answer", [None, {}, {"dependencies": []}, {"dependencies": [UNKNOWN]}])
def test_a_service_that_does_not_answer_is_no_finding_and_no_audit(answer: Any) -> None:
    assert ci_audit.verdict(answer) == (0, ["advisory service not reachable: not audited"])


def test_a_finding_fails_and_names_the_fix() -> None:
    code, said = ci_audit.verdict({"dependencies": [SOUND, WEAK, UNKNOWN]})
    assert code == 1
    assert said == [
        "old 1.0: CVE-1, fixed in 1.1", "audited: 2 packages, 1 advisories", "not audited: vine",
    ]  # fmt: skip


def test_sound_pins_pass() -> None:
    assert ci_audit.verdict(json.loads(json.dumps({"dependencies": [SOUND]})))[0] == 0


def test_ci_makes_the_list_of_parts_and_asks_for_advisories() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert "make sbom" in script
    assert "make audit" in script
