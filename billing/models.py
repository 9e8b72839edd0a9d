"""Rates, thresholds and the ledger. Billing knows no campaign: a charge keeps its own words.

Money is in integer micro-units (1,000,000 = one unit of the currency), never in floats.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple, Self

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import AppendOnly, User, Workspace, WorkspaceQuerySet

MICRO = 1_000_000
THRESHOLD_MAX = 2**31 - 1


class RateQuerySet(WorkspaceQuerySet):
    def valid_on(self, day: date) -> Self:
        return self.filter(valid_from__lte=day)


class Rate(AppendOnly):
    """What one segment to one country costs from a day on. A new row supersedes an older one."""

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="rates")
    country = models.CharField(_("country"), max_length=2)
    price = models.BigIntegerField(_("price per segment, micro-units"))
    currency = models.CharField(_("currency"), max_length=3)
    valid_from = models.DateField(_("valid from"))
    entered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(default=timezone.now)

    objects = RateQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(price__gte=0), name="rate_not_negative")]
        indexes = [models.Index(fields=["workspace", "country", "-valid_from"], name="rate_find")]

    def __str__(self) -> str:
        return f"{self.country} from {self.valid_from}"


class Period(models.TextChoices):
    HOUR = "hour", _("Hour")
    DAY = "day", _("Day")
    MONTH = "month", _("Month")


class Scope(models.TextChoices):
    """Whose segments count together; for a number its messages count, as its owner counts them."""

    WORKSPACE = "workspace", _("All countries")
    COUNTRY = "country", _("One country")
    NUMBER = "number", _("Each number")


class Place(NamedTuple):
    """Which threshold of a workspace: what it counts, and for how long."""

    scope: str
    country: str
    period: str

    @property
    def slug(self) -> str:
        """As addresses name it: day, hour-AU, number."""
        if self.scope == Scope.NUMBER:
            return str(self.scope)
        return f"{self.period}-{self.country}" if self.country else str(self.period)

    @classmethod
    def of(cls, slug: str) -> Place | None:
        """The one an address names, or None."""
        if slug == Scope.NUMBER:
            return cls(Scope.NUMBER, "", Period.DAY)
        period, _dash, country = slug.partition("-")
        if period not in Period.values or (_dash and not country):
            return None
        return cls(Scope.COUNTRY if country else Scope.WORKSPACE, country, period)


class ThresholdQuerySet(WorkspaceQuerySet):
    def suspending(self) -> Self:
        """Those that suspend a campaign when they are reached; the one of numbers rejects."""
        return self.exclude(scope=Scope.NUMBER)


class Threshold(models.Model):
    """At most ``limit`` segments an hour, day or month, to all countries or to one of them.

    Reached, it suspends. The one of scope *number* is no window: at most ``limit`` messages a day
    to the same number, and what is above that is rejected.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="thresholds")
    scope = models.CharField(
        _("scope"), max_length=9, choices=Scope.choices, default=Scope.WORKSPACE
    )
    country = models.CharField(_("country"), max_length=2, blank=True)
    period = models.CharField(_("period"), max_length=5, choices=Period.choices)
    limit = models.BigIntegerField(_("segments"))
    warn_percent = models.PositiveSmallIntegerField(_("warn at percent"), default=80)
    changed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)

    objects = ThresholdQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "scope", "country", "period"], name="one_threshold_a_period"
            ),
            models.CheckConstraint(
                condition=Q(limit__gte=0, limit__lte=THRESHOLD_MAX), name="threshold_in_range"
            ),
            models.CheckConstraint(
                condition=Q(scope=Scope.WORKSPACE, country="")
                | (Q(scope=Scope.COUNTRY) & ~Q(country=""))
                | Q(scope=Scope.NUMBER, country="", period=Period.DAY),
                name="threshold_of_a_scope",
            ),
        ]

    def __str__(self) -> str:
        return f"{Period(self.period).label} threshold"

    @property
    def place(self) -> Place:
        return Place(self.scope, self.country, self.period)


class ThresholdWindowQuerySet(models.QuerySet):
    def holding(self, at: datetime) -> Self:
        """Those whose time holds the moment *at*."""
        return self.filter(start__lte=at, end__gt=at)

    def take(self, segments: Mapping[int, int]) -> bool:
        """Add to each window, by its id, its segments; False if one of them has no room for them.

        One statement; undo it then. The limit is copied into the window so that this guard reads
        only the row it updates: PostgreSQL re-checks that row after a lock wait, never a joined
        one.
        """
        found = sorted(segments.items())
        amount = Case(*(When(pk=pk, then=Value(n)) for pk, n in found))
        rows = self.filter(pk__in=[pk for pk, _n in found], used__lte=F("limit") - amount)
        return rows.update(used=F("used") + amount) == len(found)

    def give_back(self, segments: int) -> None:
        """Return segments that certainly did not leave to the windows they were taken from."""
        self.update(used=F("used") - segments)


class ThresholdWindow(models.Model):
    """The counter of one hour, day or month. ``ceiling`` backs the rule with a CHECK after a
    lowering. Its borders are instants: the hour that a change of the clock doubles has two.
    """

    threshold = models.ForeignKey(Threshold, on_delete=models.CASCADE, related_name="windows")
    start = models.DateTimeField()
    end = models.DateTimeField()  # the first instant that is not in it any more
    limit = models.BigIntegerField()
    ceiling = models.BigIntegerField()
    used = models.BigIntegerField(default=0)
    warned_at = models.DateTimeField(null=True)

    objects = ThresholdWindowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["threshold", "start", "end"], name="one_window_a_period"
            ),
            models.CheckConstraint(
                condition=Q(used__gte=0) & Q(used__lte=F("ceiling")), name="used_within_ceiling"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.used} of {self.limit} from {self.start}"


class Charge(AppendOnly):
    """What one settlement cost. Append-only; corrections are new signed rows.

    ``campaign_key``, ``campaign_name`` and ``author`` (who made the campaign, and may read its
    charges) are copies: statements outlive campaigns.
    ``price`` and ``amount`` are empty where no rate was known when the campaign was submitted.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.PROTECT, related_name="charges")
    author = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    at = models.DateTimeField(default=timezone.now)
    campaign_key = models.UUIDField()
    campaign_name = models.CharField(max_length=30)
    cost_centre = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2)
    sender = models.CharField(max_length=15)
    carrier = models.CharField(max_length=60)
    scenario = models.CharField(max_length=12)
    messages = models.IntegerField()
    segments = models.IntegerField()
    price = models.BigIntegerField(null=True)
    amount = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["workspace", "day"], name="charge_by_day"),
            models.Index(fields=["campaign_key"], name="charge_by_campaign"),
        ]

    def __str__(self) -> str:
        return f"{self.segments} segments {self.country}"


class FailedCharge(AppendOnly):
    """Charged messages that failed after the carrier had accepted them; signed.

    Written when a receipt says so, and taken back by a negative row when a later one says
    delivered. The charge it belongs to stands: a carrier bills what it accepted.
    """

    charge = models.ForeignKey(Charge, on_delete=models.PROTECT, related_name="failed")
    messages = models.IntegerField()
    segments = models.IntegerField()
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.segments} segments failed"
