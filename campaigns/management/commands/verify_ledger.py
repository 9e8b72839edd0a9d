"""Compare charges, tallies, thresholds and receipts with the messages themselves."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from campaigns import verifying


class Command(BaseCommand):
    help = "Check every invariant of sending against the rows; exit 0 only if all hold."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, **options: Any) -> None:
        found = verifying.findings()
        broken = {name: rows for name, rows in found.items() if rows}
        if options["json"]:
            answer = {"ok": not broken, "differences": sum(map(len, broken.values()))}
            self.stdout.write(json.dumps(answer | {"findings": found}, default=str))
        else:
            for name, rows in found.items():
                self.stdout.write(f"{name}: {'differs' if rows else 'holds'}")
                for row in rows:
                    self.stdout.write(f"  {row}")
        if broken:
            raise SystemExit(1)
