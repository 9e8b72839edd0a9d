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
        self.say("Starting ...")
        try:
            embedded.run(self.say, self.welcome)
        except AlreadyRunning as other:
            sys.exit(embedded.already_running(other))
        self.say(f"Stopped. Everything is kept; start again with: {embedded.command('run')}")

    def welcome(self, supervisor: Supervisor) -> bool:
        kind = "SQLite" if settings.SQLITE else "PostgreSQL"
        self.say(f"SMS Console runs at {settings.SITE_URL} (data in {settings.HOME}, {kind}).")
        invitation, known = first_run.invitation(), first_run.known_admin()
        if invitation:
            self.say(f"Sign in once with this link, within {first_run.LINK_HOURS} hours:")
            self.say(f"  {invitation.url}")
        elif known:
            lost = embedded.command(f"link EMAIL={known.email}")
            self.say(f"Sign in at {settings.SITE_URL} as {known.email}; lost the password: {lost}")
        self.say("Ctrl-C stops it.")
        return True

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
