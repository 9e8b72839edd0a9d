"""`manage.py workspace --name NAME --admin EMAIL`: one more workspace, with its first admin."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import team
from accounts.free_words import in_one_line, no_number_in_name
from accounts.models import User, Workspace
from smsconsole import first_run

LONGEST = 100


class Command(BaseCommand):
    help = "Makes one more workspace; prints a link for its admin if they have never signed in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="of the team or company")
        parser.add_argument("--admin", required=True, help="e-mail address of its first admin")

    def handle(self, *args: Any, **options: Any) -> None:
        name, email = options["name"].strip(), options["admin"].strip().lower()
        _check(name, email)
        with transaction.atomic():
            admin = User.objects.filter(email=email).first()
            if admin is not None and not admin.is_active:
                raise CommandError(f"{email!r} is deactivated. Name another admin.")
            admin = admin or User.objects.create_user(email, name=email.partition("@")[0])
            first_run.add_workspace(name, admin)
        self.stdout.write(f"The workspace {name} is made.")
        if team.is_new(admin):
            self.stdout.write(f"{email} signs in once with this link:")
            self.stdout.write(f"  {first_run.invite(admin).url}")
        else:
            self.stdout.write(f"{email} changes to it in the menu of the own name.")


def _check(name: str, email: str) -> None:
    """Refuse, with a sentence, what cannot be."""
    if not first_run.has_begun():
        raise CommandError(
            f"There is no console in {settings.HOME} yet. Was it started with another "
            "SMSCONSOLE_HOME or DATABASE_URL? Give the same here, or start it: make run"
        )
    if not name:
        raise CommandError("Give the workspace a name.")
    if known := Workspace.objects.filter(name__iexact=name).first():
        raise CommandError(f"There is a workspace {known.name!r} already.")
    if len(name) > LONGEST:
        raise CommandError(f"Give the workspace a name of at most {LONGEST} characters.")
    try:
        for fits in (in_one_line, no_number_in_name):
            fits(name)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    try:
        User._meta.get_field("email").run_validators(email)
    except ValidationError as error:
        raise CommandError(f"{email!r} is no e-mail address.") from error
