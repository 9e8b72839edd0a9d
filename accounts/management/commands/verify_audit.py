"""Recompute the chain over the audit log."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import sealing


class Command(BaseCommand):
    help = "Seal what waits, then check the audit log's chain; exit 0 only if it holds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--expect", metavar="NUMBER:DIGEST", help="a link noted earlier that must be there"
        )

    def handle(self, **options: Any) -> None:
        expected = _link(options["expect"])
        sealing.seal()
        found = sealing.verify(expected)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": not found.broken} | asdict(found)))
        elif found.broken:
            self.stdout.write(
                f"The audit log is broken. {found.broken[0].upper()}{found.broken[1:]}."
            )
        else:
            self.stdout.write(f"The audit log holds: {found.sealed} events.")
            self.stdout.write(f"The last link is {found.sealed}:{found.digest}")
            self.stdout.write(f"Not sealed yet: {found.unsealed}")
        if found.broken:
            raise SystemExit(1)


def _link(text: str | None) -> tuple[int, str] | None:
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}:[0-9a-f]{64}", text):
        raise CommandError("--expect takes NUMBER:DIGEST as verify_audit prints them.")
    number, digest = text.split(":")
    return int(number), digest
