"""`manage.py demo`: sample data through the real code, so that every page shows something."""

from __future__ import annotations

import sys
import time
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandParser

from smsconsole import embedded, first_run
from smsconsole.demoing import cast, story
from smsconsole.supervising import AlreadyRunning, Supervisor


class Command(BaseCommand):
    help = "Fills a fresh console with people, senders and campaigns in every state."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--again", action="store_true", help="add to what is there")
        parser.add_argument("--then-run", action="store_true", help="go on as the console")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            sys.exit("The demo does not fill a production console. Use a folder of its own.")
        self.options = options
        self.say("Starting ...")
        try:
            embedded.run(self.say, self.fill)
        except AlreadyRunning as other:
            sys.exit(embedded.already_running(other))
        self.say(f"Stopped. Everything is kept; go on with: {embedded.command('run')}")

    def fill(self, supervisor: Supervisor) -> bool:
        """Play the story while the processes work; True if the console should go on after it."""

        def pause() -> None:
            supervisor.watch()
            time.sleep(0.1)
            if supervisor.stopping:
                raise KeyboardInterrupt

        try:
            cast.check(self.options["again"])
            self.say("Filling in the demo; this takes about a minute.")
            players = cast.gather()
            story.Story(players, self.say, pause).play()
        except (cast.NotHere, story.Stuck) as trouble:
            sys.exit(str(trouble))
        except KeyboardInterrupt:
            return True  # asked to stop: the run ends at once
        self.say(f"\nThe console runs at {settings.SITE_URL}. Each link signs in once:")
        for person in players.people:
            role = person.membership.get_role_display()  # type: ignore[attr-defined]
            self.say(f"  {role:<9} {person.name:<12} {first_run.invite(person).url}")
        if self.options["then_run"]:
            self.say("Ctrl-C stops it.")
        return bool(self.options["then_run"])

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
