"""Every stage in turn, as one table: ``make bench``, or ``python -m benchmarks --only pages``.

The figures go to ``build/bench.json``; ``--write-docs`` puts them into docs/performance.md too.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measuring import ROOT

# Stage -> module, arguments, and which of them is a size that --scale changes.
STAGES: dict[str, tuple[str, dict[str, float], str]] = {
    "sending": ("sending", {"rows": 20_000, "latency": 20}, "rows"),
    "sending-0": ("sending", {"rows": 20_000, "latency": 0}, "rows"),
    "import": ("import_speed", {"rows": 1_000_000, "rounds": 2}, "rows"),
    "receipts": ("receipts_speed", {"seconds": 20, "waiting": 20_000}, "waiting"),
    "writing": ("writing", {"rows": 100_000}, "rows"),
    "settling": ("settling", {"rows": 200_000}, "rows"),
    "large-table": ("settling", {"rows": 100_000, "among": 3_000_000}, "among"),
    "reserving": ("reserving", {"count": 500}, "count"),
    "pages": ("pages", {"rows": 1_000_000}, "rows"),
    "memory": ("memory", {"rows": 1_000_000}, "rows"),
}
BEGIN, END = "<!-- measured -->", "<!-- end -->"


def run(stage: str, scale: float) -> list[dict[str, Any]]:
    module, arguments, size = STAGES[stage]
    given = {**arguments, size: int(arguments[size] * scale)}
    command = [sys.executable, "-m", f"benchmarks.{module}"]
    command += [word for name, value in given.items() for word in (f"--{name}", f"{value:g}"
                if name == "latency" else str(int(value)))]  # fmt: skip
    if module == "sending":
        command.append("--tasks")
    print(f"{stage}: {' '.join(command[1:])}", file=sys.stderr, flush=True)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return {"receipts": _receipts, "import": _imports}.get(stage, list)(found)


def _imports(found: dict[str, Any]) -> list[dict[str, Any]]:
    numbers = found["numbers_a_second"]
    rows: list[dict[str, Any]] = [
        {"stage": f"import of {one['rows']:,} rows of {one['file']} (importing process"
                  f" {one['import_peak_mib']} MiB, reader {one['reader_peak_mib']} MiB)",
         "ours": one["import_seconds"], "limit": one["bare_seconds"], "unit": "s",
         "beside": f"a bare read by {one['reader']}", "ratio": one["ratio"],
         "bar": 8 if one["file"] == ".xlsx" else None}
        for one in found["files"]
    ]  # fmt: skip
    ratio = round(numbers["ours"] / numbers["phonenumbers"], 3)
    rows.append(
        {"stage": "checking numbers", "ours": numbers["ours"], "limit": numbers["phonenumbers"],
         "unit": "a second", "beside": "phonenumbers alone", "ratio": ratio, "bar": None}
    )  # fmt: skip
    return rows


def _receipts(found: dict[str, Any]) -> list[dict[str, Any]]:
    taken, empty = found["receipt"], found["empty_page"]
    stage = f"receipts at {found['rate']:.0f} requests/s"
    return [
        {"stage": f"{stage}, p99", "ours": taken["p99_ms"], "limit": 200, "unit": "ms",
         "beside": "the bar", "ratio": round(taken["p99_ms"] / 200, 3), "bar": 1.0},
        {"stage": f"{stage}, p50", "ours": taken["p50_ms"], "limit": empty["p50_ms"], "unit": "ms",
         "beside": "an empty page of the same server", "ratio": found["ratio_p50"], "bar": None},
        {"stage": "receipts applied in bulk", "ours": found["applied_a_second"],
         "limit": found["bare_update_a_second"], "unit": "a second",
         "beside": "a bare UPDATE of the same rows", "bar": None,
         "ratio": round(found["applied_a_second"] / found["bare_update_a_second"], 3)},
    ]  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    lines = ["| stage | ours | beside it | | ratio | bar |", "|---|---|---|---|---|---|"]
    for one in rows:
        bar = "" if one["bar"] is None else f"{one['bar']:g}"
        lines.append(
            f"| {one['stage']} | {one['ours']:,} {one['unit']} | {one['limit']:,} |"
            f" {one['beside']} | {one['ratio']:g} | {bar} |"
        )
    return "\n".join(lines)


def machine() -> str:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {pages:.0f} GiB, Linux, Python {python}"


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--only", action="append", choices=list(STAGES))
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--write-docs", action="store_true")
    chosen = options.parse_args()
    rows = [one for stage in chosen.only or STAGES for one in run(stage, chosen.scale)]
    about = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}, scale {chosen.scale:g}"
    print(about, table(rows), sep="\n\n")
    (ROOT / "build").mkdir(exist_ok=True)
    told = json.dumps({"about": about, "rows": rows}, indent=1)
    (ROOT / "build" / "bench.json").write_text(told + "\n")
    if chosen.write_docs:
        write_docs(ROOT / "docs" / "performance.md", f"Measured {about}.\n\n{table(rows)}")


def write_docs(page: Path, measured: str) -> None:
    """Put *measured* between the two marks of the page."""
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{measured}\n{END}{after}")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    main()
