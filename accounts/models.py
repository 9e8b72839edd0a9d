"""People, workspaces, what they did and what they should know."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any, Self

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import browsers, roles


class WorkspaceQuerySet(models.QuerySet):
    """Rows of one workspace. Views reach rows only through ``for_user``."""

    def for_user(self, user: Any) -> Self:
        """The rows of the workspace the person is working in; nothing for a stranger."""
        membership = getattr(user, "membership", None)
        if membership is None:
            return self.none()
        return self.filter(workspace_id=membership.workspace_id)


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A person who signs in with *email*; without a password only a link lets them in."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person. What they may do depends on their role in the workspace they work in."""

    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=100)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    test_numbers = models.JSONField(_("own test numbers"), default=list, blank=True)
    mails_notices = models.BooleanField(_("notices by mail"), default=True)
    mails_off = models.JSONField(_("kinds of notices not by mail"), default=list, blank=True)
    date_language = models.CharField(_("language of dates"), max_length=10, default="en")
    reset_asked_at = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()
    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_ci")]

    def __str__(self) -> str:
        return self.name or self.email


class Session(AbstractBaseSession):
    """One place where somebody is signed in, and works; ending it is deleting it."""

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="sessions")
    workspace = models.ForeignKey("Workspace", null=True, on_delete=models.CASCADE, db_index=False)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    agent = models.CharField(max_length=200, blank=True)

    @property
    def browser(self) -> str:
        return browsers.called(self.agent)

    @property
    def handle(self) -> str:
        """A name for it in a page; its key would open it."""
        return _hash(self.session_key)[:16]


class Throttle(models.Model):
    """Tries of one kind by one source (a hash: an address, an account) and when the next may be."""

    kind = models.CharField(max_length=20)
    source = models.CharField(max_length=64)
    count = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "source"], name="one_throttle")]

    def __str__(self) -> str:
        return f"{self.kind} {self.count}"


class Workspace(models.Model):
    """A team or company with its own senders, thresholds and statements.

    ``keep_..._days`` say for how long each kind of personal data is kept; counts, states and
    money stay. While ``sending_off_at`` is set nothing of the workspace is handed to a carrier.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100)
    time_zone = models.CharField(_("time zone of days and months"), max_length=64, default="UTC")
    currency = models.CharField(_("currency"), max_length=3, default="USD")
    keep_uploads_days = models.PositiveSmallIntegerField(_("uploaded files"), default=7)
    keep_texts_days = models.PositiveSmallIntegerField(_("texts and values"), default=30)
    keep_numbers_days = models.PositiveSmallIntegerField(_("phone numbers"), default=90)
    sending_off_at = models.DateTimeField(null=True)
    sending_off_by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    sending_off_reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class MembershipQuerySet(WorkspaceQuerySet):
    def active(self) -> Self:
        """Those that give access: accepted, and neither the person nor it is switched off."""
        return self.filter(is_active=True, user__is_active=True, accepted_at__isnull=False)

    def offered(self, user: Any) -> Self:
        """The invitations that *user* has not answered."""
        return self.filter(user=user.pk, is_active=True, accepted_at=None)


class Membership(models.Model):
    """A person's one role in one workspace. Deactivated it gives no access, and keeps the role.

    Whoever has an account accepts it first; until then the team knows only ``invited_as``, the
    name that its admin wrote.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=roles.Role.choices)
    is_active = models.BooleanField(default=True)
    accepted_at = models.DateTimeField(null=True, default=timezone.now)
    invited_as = models.CharField(max_length=100, blank=True)
    last_seen_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "workspace"], name="one_role_per_workspace")
        ]

    def __str__(self) -> str:
        return self.name or self.user.email

    @property
    def name(self) -> str:
        """What the team calls the person."""
        return self.user.name if self.accepted_at else self.invited_as

    def can(self, permission: str, author_id: int | None = None) -> bool:
        """May this person do it, to something *author_id* made (None: not tied to a person)?"""
        return roles.allows(self.role, permission, own=author_id in (None, self.user_id))


class SignInLink(models.Model):
    """A link that signs one person in once. Only its hash is kept.

    One that stood on a page of ``shown_in`` was read by somebody else: it opens only an account
    that nobody has used and no other workspace knows.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="signin_links")
    shown_in = models.ForeignKey(
        Workspace, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link {self.pk}"

    @classmethod
    def make(
        cls, user: User, life: timedelta = timedelta(hours=24), shown_in: Workspace | None = None
    ) -> str:
        """A new link's token; it cannot be read again."""
        token = secrets.token_urlsafe(32)
        cls.objects.create(
            user=user, token_hash=_hash(token), expires_at=timezone.now() + life, shown_in=shown_in
        )
        return token

    @classmethod
    def unused(cls, token: str, now: datetime) -> models.QuerySet[SignInLink]:
        """The link of *token* while it can still be used, else nothing."""
        elsewhere = Membership.objects.filter(user=models.OuterRef("user"))
        elsewhere = elsewhere.exclude(workspace=models.OuterRef("shown_in"))
        is_safe = models.Q(
            ~models.Exists(elsewhere),
            user__last_login=None,
            user__password__startswith=UNUSABLE_PASSWORD_PREFIX,
        )
        return cls.objects.filter(
            models.Q(shown_in=None) | is_safe,
            token_hash=_hash(token), used_at=None, expires_at__gt=now, user__is_active=True,
        )  # fmt: skip

    @classmethod
    def use(cls, token: str, now: datetime) -> User | None:
        """The person behind an unused, unexpired link, which is used up by this."""
        rows = cls.unused(token, now)
        link = rows.select_related("user").first()
        if link is None or not rows.update(used_at=now):
            return None
        return link.user


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class AppendOnly(models.Model):
    """Rows that are written once: no later save, no delete through the ORM."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None and not self._state.adding:
            raise TypeError(f"{type(self).__name__} rows are append-only")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{type(self).__name__} rows are append-only")


class AuditEvent(AppendOnly):
    """One thing somebody did. ``actor`` is empty when the console itself acted."""

    workspace = models.ForeignKey(Workspace, null=True, on_delete=models.PROTECT)
    actor = models.ForeignKey(User, null=True, on_delete=models.PROTECT)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40)
    object_id = models.CharField(max_length=40)
    label = models.CharField(max_length=120, blank=True)
    data = models.JSONField(default=dict)
    request_id = models.CharField(max_length=32, blank=True)
    at = models.DateTimeField(default=timezone.now)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["object_type", "object_id", "id"], name="audit_object"),
            models.Index(fields=["workspace", "-id"], name="audit_of_workspace"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"


class AuditSeal(AppendOnly):
    """One link of the chain over the audit events: ``digest`` covers the event and all before it.

    Events are sealed in the background, in the order in which the sealer finds them: a lock in
    every audited transaction would make all deeds of the console wait for each other.
    """

    number = models.BigIntegerField(primary_key=True)
    event = models.OneToOneField(AuditEvent, on_delete=models.PROTECT, related_name="seal")
    digest = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"seal {self.number}"


class Notice(models.Model):
    """Something a person should know, in the console and, where they wish, by mail."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    body = models.TextField(blank=True)
    path = models.CharField(max_length=200, blank=True)
    dedupe = models.CharField(max_length=120)
    at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "dedupe"], name="one_notice_per_event")
        ]
        indexes = [models.Index(fields=["user", "-id"], name="notice_of_user")]

    def __str__(self) -> str:
        return self.title


class JobState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class Job(models.Model):
    """Work in the background for one person: its progress and the file it made."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    kind = models.CharField(max_length=40)
    options = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.WAITING)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    file = models.CharField(max_length=100, blank=True)
    file_name = models.CharField(max_length=150, blank=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = WorkspaceQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
