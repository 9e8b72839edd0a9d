"""`manage.py invite EMAIL`: a one-time link for who cannot get in, or for a new person."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import audit
from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from smsconsole import first_run


class Command(BaseCommand):
    help = "Prints a link that signs one person in once; links they had before stop working."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--role", choices=Role.values, help="add the person with this role")
        parser.add_argument("--name", default="", help="the name of a person who is added")

    def handle(self, *args: Any, **options: Any) -> None:
        if not first_run.has_begun():
            raise CommandError(
                f"There is no console in {settings.HOME} yet. Was it started with another "
                "SMSCONSOLE_HOME or DATABASE_URL? Give the same here, or start it: make run"
            )
        email = options["email"].strip().lower()
        person = User.objects.filter(email=email).first()
        if person is None and options["role"]:
            person = self._add(email, options["name"], options["role"])
        if person is not None and not _may_sign_in(person):
            raise CommandError(
                f"{email!r} is deactivated, so there is no link. An admin activates people on Team."
            )
        if person is None:
            raise CommandError(
                f"Nobody has the address {email!r}. Write it as it was registered, or add "
                f"a person: make link EMAIL=... ROLE={'|'.join(Role.values)} NAME=..."
            )
        self.stdout.write(first_run.invite(person).url)

    def _add(self, email: str, name: str, role: str) -> User:
        """A new person in the first workspace."""
        try:
            User._meta.get_field("email").run_validators(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is no e-mail address.") from error
        workspace = Workspace.objects.earliest("pk")
        with transaction.atomic():
            person = User.objects.create_user(email, name=name or email.partition("@")[0])
            member = Membership.objects.create(user=person, workspace=workspace, role=role)
            audit.record("user.added", member, None, role=role)
        return person


def _may_sign_in(person: User) -> bool:
    """Active themselves, and in some workspace that they belong to or are invited to."""
    return person.is_active and person.memberships.filter(is_active=True).exists()
