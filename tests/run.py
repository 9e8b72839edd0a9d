"""`make test`: the suite on SQLite, then on PostgreSQL with Redis, then one line on each.

The first pass leaves out what is marked ``postgres``, all journeys but the one marked ``smoke``,
and what files and pages say (``strict``): the database that refuses more is enough for that. The
second runs every test, the journeys included, but for what is the same on every database
(``once``). The rules of the house (tests/house) are a part of `make lint` and run there. Further
arguments go to pytest: `python tests/run.py --only sqlite tests/billing -x`; whoever names tests
gets them in each pass.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.services import NoService, services
from tests.traces import leaks

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SQLITE, POSTGRES = "sqlite", "postgres"
NAMES = {SQLITE: "SQLite", POSTGRES: "PostgreSQL + Redis"}
WHICH = {SQLITE: "not postgres and (not journey or smoke)", POSTGRES: "not chaos or postgres"}
# With the other pass; what needs servers of its own and minutes is `make chaos`.
ENOUGH = {SQLITE: "not strict and not fleet", POSTGRES: "not once and not fleet"}
HOUSE = "tests/house"
NO_TESTS = 5
SHOWN_LEAKS = 40


def run_pass(name: str, urls: dict[str, str], browser: bool, arguments: list[str]) -> str:
    """Run pytest once; one line on how it went, which starts with OK or FAILED."""
    chosen = WHICH[name] if browser else f"({WHICH[name]}) and not journey"
    if not any(argument.startswith("tests") for argument in arguments):
        chosen = f"({chosen}) and {ENOUGH[name]}"
    with tempfile.TemporaryDirectory(prefix="smsconsole-") as folder:
        report = Path(folder) / "report.xml"
        workers = (os.cpu_count() or 1) + 1  # journeys wait for a browser: one more keeps all busy
        command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--dist", "worksteal"]
        command += ["-m", chosen]
        if not any(HOUSE in argument for argument in arguments):
            command.append(f"--ignore={HOUSE}")
        left = Path(folder) / "traces"
        env = {**os.environ, "SMSCONSOLE_HOME": folder, "SMSCONSOLE_TRACES": str(left), **urls}
        print(f"--- {NAMES[name]}", flush=True)
        code = subprocess.call([*command, f"--junitxml={report}", *arguments], env=env)
        found = leaks(left)
        line = f"{NAMES[name]}: {counts(report)}; {said(found)}"
    return f"OK      {line}" if code in (0, NO_TESTS) and not found else f"FAILED  {line}"


def said(found: list[str]) -> str:
    """What the search for numbers and texts in logs, task arguments and addresses came to."""
    for place in found[:SHOWN_LEAKS]:
        print(f"LEAK {place}")
    return f"{len(found)} numbers or texts in logs, tasks and addresses"


def counts(report: Path) -> str:
    """How many tests ran, failed and were skipped, from pytest's own report."""
    if not report.exists():
        return "pytest did not finish"
    suite = ElementTree.parse(report).getroot().find("testsuite")
    if suite is None:
        return "no test ran"
    number = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    passed = number["tests"] - number["failures"] - number["errors"] - number["skipped"]
    rest = [f"{number[name]} {name}" for name in ("failures", "errors", "skipped") if number[name]]
    return ", ".join([f"{passed} passed", *rest]) + f" in {float(suite.get('time', 0)):.0f} s"


def has_browser() -> bool:
    """Is there a Chromium for the journeys? Its absence is said, and in CI it is a failure."""
    if any(shutil.which(name) for name in BROWSERS):
        return True
    sentence = "There is no Chromium, so the browser journeys are left out (Debian: chromium)."
    if os.environ.get("REQUIRE_BROWSER") == "1":
        sys.exit(sentence)
    print(sentence)
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the suite on both databases.")
    parser.add_argument("--only", choices=[SQLITE, POSTGRES])
    options, arguments = parser.parse_known_args()
    browser = has_browser()
    lines = []
    if options.only != POSTGRES:
        none = {"DATABASE_URL": "", "REDIS_URL": ""}
        lines.append(run_pass(SQLITE, none, browser, arguments))
    if options.only != SQLITE:
        try:
            with services() as (postgres, redis):
                urls = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url}
                lines.append(run_pass(POSTGRES, urls, browser, arguments))
        except NoService as trouble:
            lines.append(f"FAILED  {NAMES[POSTGRES]}: {trouble}")
    print("---", *lines, sep="\n")
    return int(any(line.startswith("FAILED") for line in lines))


if __name__ == "__main__":
    sys.exit(main())
