"""The judge: compares the carrier's own ledger file with the console's rows, by SQL.

Imports no product code, so a mistake in the product cannot hide itself here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Query = Callable[[str], list[tuple[Any, ...]]]

OPEN = ("queued", "in_doubt")
NOT_COUNTED = "('rejected', 'cancelled')"  # by thresholds, as nothing of them left


def carrier_ledger(folder: Path) -> tuple[Counter[str], dict[str, int]]:
    """How often each reference was accepted, and its segments, as the carrier wrote them down."""
    times: Counter[str] = Counter()
    segments: dict[str, int] = {}
    for entry in _lines(folder / "ledger.jsonl"):
        if entry.get("kind") == "accepted":
            reference = entry["reference"].replace("-", "")
            times[reference] += 1
            segments[reference] = entry["segments"]
    return times, segments


def accepted_at(folder: Path) -> list[float]:
    """The UNIX times at which the carrier took messages."""
    return [line["at"] for line in _lines(folder / "ledger.jsonl") if line["kind"] == "accepted"]


def answered_receipts(folder: Path) -> set[str]:
    """The carrier's own ids of messages whose receipts were answered with 2xx."""
    keys = (key for line in _lines(folder / "acknowledged.jsonl") for key in line)
    return {key.rpartition("/")[0] for key in keys}


def _lines(path: Path) -> Iterator[Any]:
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            continue  # a line cut short by a kill: it was never answered


def judge(query: Query, folder: Path, rows: int) -> dict[str, int]:
    """Differences between the carrier's word in *folder* and ours; all 0 when nothing was lost or
    doubled. Messages in doubt are counted apart: neither side of the books may hold them.
    """
    times, segments = carrier_ledger(folder)
    ours = {
        str(reference).replace("-", ""): (state, billed)
        for reference, state, billed in query(
            "SELECT reference, state, billed_segments FROM campaigns_message"
        )
    }
    doubtful = {ref for ref, (state, _billed) in ours.items() if state == "in_doubt"}
    settled = {ref for ref, (state, _billed) in ours.items() if state not in OPEN}
    taken = {ref for ref, (_state, billed) in ours.items() if billed}
    certain = {ref: n for ref, n in segments.items() if ref not in doubtful}
    [(charged,)] = query("SELECT COALESCE(SUM(segments), 0) FROM billing_charge")
    [(counted,)] = query(
        "SELECT COALESCE(SUM(segments), 0) FROM campaigns_message"
        f" WHERE state NOT IN {NOT_COUNTED} AND state <> 'queued'"
    )
    windows = query('SELECT used, "limit" FROM billing_thresholdwindow')
    [(held,)] = query(
        """SELECT COALESCE(SUM("left"), 0) FROM campaigns_batch WHERE hold = 'threshold'"""
    )
    kept = {said for (said,) in query("SELECT carrier_id FROM campaigns_deliveryreceipt")}
    return {
        "rows": len(ours),
        "held": int(held),
        "lost": rows - len(settled) - len(doubtful) - int(held),
        "duplicated": sum(count - 1 for count in times.values()),
        "unknown_to_us": len(set(times) - set(ours)),
        "in_doubt": len(doubtful),
        "billed_but_never_accepted": len(taken - set(times)),
        "accepted_but_not_billed": len(set(certain) - taken),
        "billing_diff_segments": int(charged) - sum(certain.values()),
        "threshold_diff": sum(abs(int(used) - int(counted)) for used, _limit in windows),
        "overshoot": sum(max(0, used - limit) for used, limit in windows),
        "receipts_lost": len(answered_receipts(folder) - kept),
    }


def is_clean(found: dict[str, int], rows: int, *, may: str = "") -> bool:
    """True when every recipient was accounted for exactly once; those that *may* be left for
    people are ``in_doubt`` or ``held`` by a threshold.
    """
    counts = {"rows", may}
    return found["rows"] == rows and not any(
        value for name, value in found.items() if name not in counts
    )
