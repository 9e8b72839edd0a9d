"""After a restore: erase again what had been erased since the backup was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from campaigns import erasing


class Command(BaseCommand):
    help = "Erase again every number of the erase list. Run it after a restore, before sending."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--list", type=Path, default=settings.HOME / erasing.LIST)

    def handle(self, **options: Any) -> None:
        path: Path = options["list"]
        lines = path.read_text().splitlines() if path.is_file() else []
        count = erasing.replay(lines)
        waiting = [pk for pk in erasing.unfinished() if not erasing.run(pk)]
        self.stdout.write(f"{count} requests are replayed.")
        if waiting:
            self.stdout.write("Some messages are under way: the sweep goes on with the rest.")
