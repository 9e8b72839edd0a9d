"""`manage.py confirm_clock`: a person says that the database's clock is right as it is now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from campaigns import clock, watching


class Command(BaseCommand):
    help = "Lets scheduled campaigns start again after the database's clock jumped."

    def handle(self, **options: Any) -> None:
        now = f"{clock.now():%Y-%m-%d %H:%M:%S} UTC"
        if watching.release():
            self.stdout.write(f"It is {now}. Scheduled campaigns start by this clock again.")
        else:
            self.stdout.write(f"It is {now}. Nothing waits for the clock.")
