"""The judge: compares the carrier's own ledger file with the console's rows, by SQL.

Imports no product code, so a mistake in the product cannot hide itself here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

Query = Callable[[str], list[tuple[Any, ...]]]

ACCEPTED = "('accepted', 'no_receipt', 'delivered', 'undelivered', 'expired')"


def carrier_ledger(path: Path) -> tuple[Counter[str], dict[str, int]]:
    """How often each reference was accepted, and its segments, as the carrier wrote them down."""
    times: Counter[str] = Counter()
    segments: dict[str, int] = {}
    for line in path.read_text().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # a line cut short by a kill: it was never answered
        if entry.get("kind") == "accepted":
            reference = entry["reference"].replace("-", "")
            times[reference] += 1
            segments[reference] = entry["segments"]
    return times, segments


def judge(query: Query, ledger: Path, rows: int) -> dict[str, int]:
    """Differences between the carrier's word and ours; all 0 when nothing was lost or doubled."""
    times, segments = carrier_ledger(ledger)
    ours = {
        str(reference).replace("-", ""): (state, billed)
        for reference, state, billed in query(
            "SELECT reference, state, billed_segments FROM campaigns_message"
        )
    }
    settled = {ref for ref, (state, _billed) in ours.items() if state not in ("queued", "in_doubt")}
    taken = {ref for ref, (_state, billed) in ours.items() if billed}
    [(charged,)] = query("SELECT COALESCE(SUM(segments), 0) FROM billing_charge")
    windows = query("SELECT used, ceiling FROM billing_thresholdwindow")
    return {
        "rows": len(ours),
        "lost": rows - len(settled) - sum(state == "in_doubt" for state, _b in ours.values()),
        "duplicated": sum(count - 1 for count in times.values()),
        "unknown_to_us": len(set(times) - set(ours)),
        "in_doubt": sum(state == "in_doubt" for state, _billed in ours.values()),
        "billed_but_never_accepted": len(taken - set(times)),
        "accepted_but_not_billed": len(set(times) - taken),
        "billing_diff_segments": charged - sum(segments.values()),
        "overshoot": sum(max(0, used - ceiling) for used, ceiling in windows),
    }


def is_clean(found: dict[str, int], rows: int) -> bool:
    """True when every recipient was accounted for exactly once."""
    return found["rows"] == rows and not any(
        value for name, value in found.items() if name != "rows"
    )
