"""What a console needs before its first page: a workspace, an admin, the practice carrier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.models import Membership, SignInLink, User, Workspace
from accounts.roles import Role
from carriers.models import Carrier
from sms.practice.ledger import secret_in

ADMIN_EMAIL = "admin@localhost"
LINK_HOURS = 24


@dataclass(frozen=True)
class Invitation:
    """A person's way in: shown once, works once."""

    person: User
    url: str


def has_begun() -> bool:
    """Are the tables there, and a workspace in them?"""
    has_tables = Workspace._meta.db_table in connection.introspection.table_names()
    return has_tables and Workspace.objects.exists()


def prepare() -> None:
    """Make the first workspace, its admin and its practice carrier, if there is none yet.

    Nobody gets a password: the admin comes in by a link (see ``invitation``).
    """
    with transaction.atomic():
        if Workspace.objects.exists():
            return
        add_workspace("My workspace", User.objects.create_user(ADMIN_EMAIL, name="Admin"))


def add_workspace(name: str, admin: User) -> None:
    """A workspace with its admin, and a practice carrier unless it is meant for real sending."""
    workspace = Workspace.objects.create(name=name)
    Membership.objects.create(user=admin, workspace=workspace, role=Role.ADMIN)
    audit.record("workspace.first_run", workspace, None)
    if not settings.PRODUCTION or settings.REHEARSAL:
        add_practice_carrier(workspace)


def add_practice_carrier(workspace: Workspace) -> Carrier:
    """An account at the practice carrier; ``place_practice_carrier`` says where it listens."""
    known = Carrier.objects.practice().order_by("pk").first()
    return Carrier.objects.create(
        workspace=workspace, name="Practice carrier", gateway="loopback",
        options=known.options if known else {},
    )  # fmt: skip


def practice_carrier() -> Carrier | None:
    """The account that the embedded practice carrier serves."""
    return Carrier.objects.practice().filter(is_on=True).order_by("pk").first()


def place_practice_carrier(port: int) -> None:
    """Tell every account at the practice carrier where it listens and what its key is."""
    settings.PRACTICE_HOME.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = {
        "url": f"http://127.0.0.1:{port}",
        "token": secret_in(settings.PRACTICE_HOME, "token"),
    }
    Carrier.objects.practice().exclude(options=options).update(options=options)


def receipts_url(carrier: Carrier) -> str:
    """Where the practice carrier posts receipts: this console, whatever its public address."""
    return f"http://{settings.LOCAL_HOST}:{settings.PORT}/receipts/{carrier.receipts_token}/"


def invitation() -> Invitation | None:
    """A fresh link for the first admin as long as no admin has ever signed in.

    Links given out before stop working.
    """
    admin = _admins().order_by("pk").first()
    return invite(admin) if admin and known_admin() is None else None


def known_admin() -> User | None:
    """The first admin who has signed in already."""
    return _admins().filter(last_login__isnull=False).order_by("pk").first()


def _admins() -> QuerySet[User]:
    admins = Membership.objects.active().filter(role=Role.ADMIN)
    return User.objects.filter(pk__in=admins.values("user"))


def invite(person: User) -> Invitation:
    """A link that signs *person* in once; earlier unused ones stop working."""
    with transaction.atomic():
        person.signin_links.filter(used_at=None).update(expires_at=timezone.now())
        token = SignInLink.make(person, timedelta(hours=LINK_HOURS))
        audit.record("user.invited", person, None)
    return Invitation(person, settings.SITE_URL + reverse("accounts:link", args=[token]))
