"""Who was asked: an imported file or typed numbers, its good rows and its refused ones."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace, WorkspaceQuerySet


class ImportState(models.TextChoices):
    RECEIVING = "receiving", _("Receiving")
    CHECKING = "checking", _("Checking")
    ASKING = "asking", _("Needs an answer")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Refused")


class RecipientImport(models.Model):
    """One file or one typed list, checked row by row. Immutable once *ready*.

    ``tally`` counts problems by code, ``countries`` accepted rows by country, ``about`` keeps
    what the reader said of the file (sheet, delimiter, unused columns, notices, questions).
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    # Whose file or typed numbers these are, however often somebody else had them checked again.
    given_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    is_manual = models.BooleanField(default=False)
    original_name = models.CharField(max_length=200, blank=True)
    stored_name = models.CharField(max_length=60, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    variables = models.JSONField(default=list)  # names, in the order of Recipient.values
    default_country = models.CharField(max_length=2, blank=True)
    options = models.JSONField(default=dict)
    state = models.CharField(
        max_length=10, choices=ImportState.choices, default=ImportState.RECEIVING
    )
    attempt = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    rows_total = models.PositiveIntegerField(default=0)
    rows_read = models.PositiveIntegerField(default=0)
    accepted = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    tally = models.JSONField(default=dict)
    countries = models.JSONField(default=dict)
    about = models.JSONField(default=dict)
    error_code = models.CharField(max_length=40, blank=True)
    error = models.CharField(max_length=400, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    confirmed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    texts_purged_at = models.DateTimeField(null=True)  # the values of its recipients
    numbers_purged_at = models.DateTimeField(null=True)

    objects = WorkspaceQuerySet.as_manager()

    def __str__(self) -> str:
        return self.original_name or f"list {self.pk}"

    def lock(self) -> RecipientImport:
        """This list as it is now, held until the transaction ends: whoever copies rows of it and
        whoever erases some of them take turns. Taken before the row of a campaign.
        """
        return RecipientImport.objects.select_for_update(no_key=True).get(pk=self.pk)

    @property
    def is_ready(self) -> bool:
        return self.state == ImportState.READY

    @property
    def by_country(self) -> list[tuple[str, int]]:
        """Accepted rows of each country, the most first: the column keeps no order."""
        return sorted(self.countries.items(), key=lambda item: -item[1])

    @property
    def needs_confirmation(self) -> bool:
        """Rows were refused and nobody has yet said "send to the valid ones"."""
        return bool(self.is_ready and self.refused and self.confirmed_at is None)


def emptied(values: Sequence[str | None]) -> list[None]:
    """What stands for *values* that were erased: no file and no person can give it."""
    return [None] * len(values)


def is_erased(number: str, values: Sequence[str | None]) -> bool:
    """Was this line emptied because a person asked for it? It is counted and never sent."""
    return not number or None in values


EMPTIED = Q(values__0__isnull=False, values__0=None)  # a list without variables has no first value


class RecipientQuerySet(models.QuerySet["Recipient"]):
    def erased(self) -> RecipientQuerySet:
        """Those that ``is_erased`` says yes of."""
        return self.filter(Q(number="") | EMPTIED)

    def known(self) -> RecipientQuerySet:
        """All others."""
        return self.exclude(number="").filter(Q(values__0__isnull=True) | ~Q(values__0=None))


class Recipient(models.Model):
    """One accepted line: a number and its values in the order of the import's variables."""

    source = models.ForeignKey(
        RecipientImport, on_delete=models.CASCADE, related_name="recipients", db_index=False
    )
    row = models.PositiveIntegerField()
    number = models.CharField(max_length=16)
    country = models.CharField(max_length=2)
    values = models.JSONField(default=list)

    objects = RecipientQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "country", "row"], name="one_recipient_a_row")
        ]

    def __str__(self) -> str:
        return f"recipient {self.pk}"


class ImportProblem(models.Model):
    """One refused line: where, what stood there, why, and what to do."""

    source = models.ForeignKey(
        RecipientImport, on_delete=models.CASCADE, related_name="problems", db_index=False
    )
    row = models.PositiveIntegerField()
    column = models.CharField(max_length=60, blank=True)
    raw = models.CharField(max_length=80, blank=True)
    code = models.CharField(max_length=40)
    sentence = models.CharField(max_length=300)

    class Meta:
        indexes = [models.Index(fields=["source", "row"], name="problem_by_row")]

    def __str__(self) -> str:
        return f"row {self.row}: {self.code}"
