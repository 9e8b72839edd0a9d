"""`manage.py first_run`: the first workspace, its admin and the way in, on a server."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand

from smsconsole import first_run


class Command(BaseCommand):
    help = "Makes the first workspace and admin; prints a link until an admin has signed in."

    def handle(self, *args: Any, **options: Any) -> None:
        first_run.prepare()
        invitation = first_run.invitation()
        if invitation is None:
            self.stdout.write(f"People sign in at {settings.SITE_URL}")
            return
        self.stdout.write(f"Sign in once with this link, within {first_run.LINK_HOURS} hours:")
        self.stdout.write(f"  {invitation.url}")
