"""`manage.py invite EMAIL`: a fresh one-time link for a person who cannot get in."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from accounts.models import User
from smsconsole import first_run


class Command(BaseCommand):
    help = "Prints a link that signs one person in once; links they had before stop working."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        person = User.objects.filter(email=options["email"].lower(), is_active=True).first()
        if person is None:
            raise CommandError(f"Nobody active has the address {options['email']}.")
        self.stdout.write(first_run.invite(person).url)
