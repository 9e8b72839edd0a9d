"""How fast a list is checked and stored, and in how much memory, beside a bare read of it.

``python -m benchmarks.import_speed --rows 1000000`` makes a seeded file in a temporary folder,
imports it through the product's own code on a temporary, durable PostgreSQL, reads it bare in
between (openpyxl for a workbook, python-calamine where it is installed; the csv module for CSV)
and prints JSON. Every step runs in a process of its own, so that each has a peak of its own.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COUNTRIES = (("1202", 7), ("4479", 8), ("49151", 8), ("336", 8), ("6591", 6), ("61491", 6))
HEADER = ("phone_number", "name", "code")
SEED = 20


def numbers(rows: int) -> Iterator[str]:
    """Valid mobile numbers, each once, of several countries."""
    from sms import plans

    chance, seen = random.Random(SEED), set()
    while len(seen) < rows:
        prefix, length = chance.choice(COUNTRIES)
        number = f"+{prefix}{chance.randrange(10**length):0{length}}"
        if number not in seen and plans.sent_to(number[1:]):
            seen.add(number)
            yield number


def make(path: Path, rows: int) -> int:
    """Write a file of *rows* numbers with two variable columns, the same for the same *rows*."""
    from sheets.writing import write_xlsx

    lines = ((n, f"Name {i}", f"{i:07}") for i, n in enumerate(numbers(rows)))
    if path.suffix == ".xlsx":
        with path.open("wb") as file:
            write_xlsx(file, HEADER, lines)
        return rows
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(lines)
    return rows


def reader_of(path: Path) -> str:
    if path.suffix == ".csv":
        return "csv"
    return "python_calamine" if importlib.util.find_spec("python_calamine") else "openpyxl"


def bare(path: Path) -> int:
    """Read every row and do nothing with it."""
    name = reader_of(path)
    if name == "csv":
        with path.open(newline="") as file:
            return sum(1 for _row in csv.reader(file)) - 1
    if name == "python_calamine":
        workbook = importlib.import_module(name).CalamineWorkbook.from_path(str(path))
        return sum(1 for _row in workbook.get_sheet_by_index(0).iter_rows()) - 1
    from openpyxl import load_workbook

    sheet = load_workbook(path, read_only=True).worksheets[0]
    return sum(1 for _row in sheet.iter_rows(values_only=True)) - 1


def bring(path: Path) -> int:
    """Check and store the file as an upload of a new workspace would be."""
    import django

    django.setup()
    from django.conf import settings

    from accounts.models import User, Workspace
    from campaigns.importing.check import check
    from campaigns.models import RecipientImport

    settings.UPLOADS = path.parent
    name = f"{os.getpid()}"
    source = RecipientImport.objects.create(
        workspace=Workspace.objects.create(name=name),
        created_by=User.objects.create_user(f"{name}@example.test", name=name),
        original_name=path.name, stored_name=path.name, size=path.stat().st_size,
        variables=["name", "code"], state="checking",
    )  # fmt: skip
    check(source.pk)
    source.refresh_from_db()
    if source.state != "ready":
        sys.exit(f"The import ended as {source.state}: {source.error}")
    return source.accepted


def _step(command: str, path: str) -> None:
    """One measured step, in this process: its rows and seconds, and the peaks and the processor
    seconds that it and its child had.
    """
    begun = time.monotonic()
    if command.isdigit():
        rows = make(Path(path), int(command))
    else:
        rows = {"bare": bare, "import": bring}[command](Path(path))
    seconds = time.monotonic() - begun
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    own, reader = map(resource.getrusage, whose)
    found = {"peak": own.ru_maxrss, "reader": reader.ru_maxrss}
    cpu = [round(used.ru_utime + used.ru_stime, 2) for used in (own, reader)]
    print(json.dumps({"rows": rows, "seconds": seconds, "cpu": cpu, **found}))


def _measured(command: str, path: Path, env: dict[str, str]) -> dict[str, Any]:
    module = [sys.executable, "-m", "benchmarks.import_speed", "--step", command, str(path)]
    return dict(json.loads(subprocess.check_output(module, env=env)))


def checking(count: int) -> dict[str, int]:
    """Numbers checked in a second: by `sms.numbers`, and by phonenumbers alone."""
    import phonenumbers

    from sms.numbers import parse_number

    def alone(text: str) -> object:
        number = phonenumbers.parse(text)
        return phonenumbers.is_valid_number(number), phonenumbers.region_code_for_number(number)

    texts, found = list(numbers(count)), {}
    for name, way in (("ours", parse_number), ("phonenumbers", alone)):
        begun = time.monotonic()
        for text in texts:
            way(text)
        found[name] = round(count / (time.monotonic() - begun))
    return found


def compare(path: Path, rounds: int, env: dict[str, str]) -> dict[str, Any]:
    """Bare read and import in turn, with the medians of their seconds."""
    runs: dict[str, list[dict[str, Any]]] = {"bare": [], "import": []}
    for _round in range(rounds):
        for command, found in runs.items():
            found.append(_measured(command, path, env))
    seconds = {name: statistics.median(r["seconds"] for r in found) for name, found in runs.items()}
    return {
        "file": path.suffix, "reader": reader_of(path), "bytes": path.stat().st_size,
        "rows": runs["import"][0]["rows"],
        "bare_seconds": round(seconds["bare"], 2), "import_seconds": round(seconds["import"], 2),
        "ratio": round(seconds["import"] / seconds["bare"], 2),
        "bare_cpu": runs["bare"][0]["cpu"][0], "import_cpu": runs["import"][0]["cpu"][0],
        "reader_cpu": runs["import"][0]["cpu"][1],
        "bare_peak_mib": max(r["peak"] for r in runs["bare"]) // 1024,
        "import_peak_mib": max(r["peak"] for r in runs["import"]) // 1024,
        "reader_peak_mib": max(r["reader"] for r in runs["import"]) // 1024,
    }  # fmt: skip


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=100_000)
    asked.add_argument("--rounds", type=int, default=2)
    asked.add_argument("--forms", default="xlsx,csv")
    asked.add_argument("--step", nargs=2)
    given = asked.parse_args()
    if given.step:
        _step(*given.step)
        return
    from tests.services import services

    with services(durable=True) as (postgres, redis), tempfile.TemporaryDirectory() as name:
        env = {
            **os.environ, "DATABASE_URL": postgres.url, "REDIS_URL": redis.url,
            "SMSCONSOLE_HOME": name, "IMPORT_MAX_ROWS": str(given.rows),
            "IMPORT_CPU_SECONDS": "600", "DJANGO_SETTINGS_MODULE": "smsconsole.settings",
        }  # fmt: skip
        migrate = [sys.executable, "manage.py", "migrate", "-v", "0"]
        subprocess.run(migrate, env=env, check=True)
        found = []
        for form in given.forms.split(","):
            path = Path(name) / f"list.{form}"
            _measured(str(given.rows), path, env)  # here its memory would count as everybody's
            found.append(compare(path, given.rounds, env))
    print(json.dumps({"numbers_a_second": checking(20_000), "files": found}))


if __name__ == "__main__":
    main()
