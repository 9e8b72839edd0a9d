"""What a run came to: the judge's numbers and the console's own, as one JSON line."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from tests.chaos.console import ROOT
from tests.chaos.fleet import Fleet
from tests.chaos.judge import is_clean, judge

KEPT = ROOT / "build" / "chaos.jsonl"
WHY_CHARS = 1_500
SCALE = float(os.environ.get("CHAOS_SCALE", "0.02"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))


def scaled(count: int) -> int:
    """*count* of the full size, cut to ``CHAOS_SCALE``; never fewer than one of what there is."""
    return max(1, round(count * SCALE)) if count else 0


def tell(told: dict[str, Any]) -> None:
    """Print a line, and keep it in ``build/chaos.jsonl``."""
    print(json.dumps(told))  # noqa: T201 - the line is the point
    KEPT.parent.mkdir(exist_ok=True)
    with KEPT.open("a") as kept:
        kept.write(json.dumps({"at": round(time.time()), "scale": SCALE, **told}) + "\n")


def tell_failure(name: str, said: str) -> None:
    """Keep the end of what pytest says of a test that failed."""
    tell({"test": name, "pass": False, "why": said[-WHY_CHARS:]})


COUNTED = ("lost", "duplicated", "billing_diff_segments", "threshold_diff", "overshoot")


def told_since(began: float) -> list[str]:
    """What was told from that moment on, each as a line a person can read."""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    found = [line for line in map(json.loads, lines) if line["at"] >= int(began)]
    return [_line(told) for told in found]


def _line(told: dict[str, Any]) -> str:
    verdict = {True: "pass", False: "FAIL", None: "told"}[told.get("pass")]
    counts = ", ".join(f"{name} {told[name]}" for name in COUNTED if name in told)
    about = f"scale {told['scale']:g}, seed {told.get('seed', SEED)}, {told.get('wall_s', 0):g} s"
    return f"{verdict}  {told['test']} ({about}) {counts}".rstrip()


def report(
    test: str, fleet: Fleet, rows: int, began: float, *, may: str = "", leftover: int = 0,
    seed: int = SEED, **about: Any,
) -> dict[str, Any]:  # fmt: skip
    """Judge what *fleet* did with *rows* and print it; the fleet is at rest. The line goes to
    ``build/chaos.jsonl`` too.

    *leftover* are segments of a threshold that were neither used nor refused.
    """
    found = judge(fleet.query, fleet.carrier.home, rows)
    verified = fleet.verified()
    told = {
        "test": test, "seed": seed, **about, "wall_s": round(time.monotonic() - began, 1), **found,
        "regressions": len(verified["findings"]["I8 no regress"]),
        "verify_differences": verified["differences"],
    }  # fmt: skip
    told["pass"] = is_clean(found, rows, may=may) and verified["ok"] and leftover <= 0
    tell(told)
    if not verified["ok"]:
        print(json.dumps(verified))  # noqa: T201 - and so is what differs
    return told
