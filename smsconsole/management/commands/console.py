"""`manage.py console`: the whole console in one command, for one machine."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand

from smsconsole import embedded, first_run
from smsconsole.supervising import AlreadyRunning, Supervisor


class Command(BaseCommand):
    help = "Runs web, worker, ticker and the practice carrier until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            embedded.run(self.say, self.welcome)
        except AlreadyRunning as other:
            sys.exit(embedded.already_running(other))
        self.say("Stopped. Everything is kept; start again with the same command.")

    def welcome(self, supervisor: Supervisor) -> bool:
        kind = "SQLite" if settings.SQLITE else "PostgreSQL"
        self.say(f"SMS Console runs at {settings.SITE_URL} (data in {settings.HOME}, {kind}).")
        invitation = first_run.invitation()
        if invitation:
            self.say(f"Sign in once with this link, within {first_run.LINK_HOURS} hours:")
            self.say(f"  {invitation.url}")
        self.say("Ctrl-C stops it.")
        return True

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
