"""From calendar days to instants: what is reserved stays in the windows in which it counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from accounts.models import User, Workspace
from billing.models import Threshold, ThresholdWindow
from billing.thresholds import release
from campaigns.models import Batch, Campaign

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("billing", "0003_author_of_charge"), ("campaigns", "0010_clock_jumps")]
AFTER = [("billing", "0004_threshold_scopes"), ("campaigns", "0011_reserved_at")]


@pytest.fixture
def old(make_campaign: Callable[..., Any], practice: Any) -> Iterator[tuple[Campaign, Any]]:
    """A campaign, and the models as they were before."""
    campaign = make_campaign()
    executor = MigrationExecutor(connection)
    executor.migrate(BEFORE)
    yield campaign, executor.loader.project_state(BEFORE).apps
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def migrate(targets: list[tuple[str, str]]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


def test_open_reservations_stay_in_their_windows(
    old: tuple[Campaign, Any], workspace: Workspace, practice: Any, admin: User
) -> None:
    campaign, apps = old
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="Asia/Kolkata")
    day, last = date(2026, 11, 23), date(2026, 11, 22)
    for period, start, used in (
        ("day", day, 5),
        ("day", last, 3),
        ("month", day.replace(day=1), 8),
    ):
        threshold, _new = apps.get_model("billing", "Threshold").objects.get_or_create(
            workspace_id=workspace.pk, period=period, limit=10
        )
        threshold.windows.create(start=start, limit=10, ceiling=10, used=used)
    batches = apps.get_model("campaigns", "Batch").objects
    given = {"campaign_id": campaign.pk, "carrier_id": practice.pk, "country": "US"}
    first = batches.create(lo=1, hi=5, left=5, segments=5, reserved_on=day, **given)
    batches.create(lo=6, hi=8, left=3, segments=3, reserved_on=last, **given)
    batches.create(lo=9, hi=9, left=1, segments=1, **given)
    claimed = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    for number, at in enumerate((claimed, claimed.replace(day=24)), 1):
        apps.get_model("campaigns", "Attempt").objects.create(
            batch_id=first.pk, number=number, claimed_at=at
        )
    migrate(AFTER)
    reserved = list(Batch.objects.order_by("lo").values_list("reserved_at", flat=True))
    assert reserved == [claimed, datetime(2026, 11, 21, 18, 30, tzinfo=UTC), None]
    assert set(Threshold.objects.values_list("scope", "country")) == {("workspace", "")}
    for batch in Batch.objects.exclude(reserved_at=None):
        taken = batch.taken(campaign)
        assert taken is not None
        with transaction.atomic():
            release(taken, batch.segments)
    assert set(ThresholdWindow.objects.values_list("used", flat=True)) == {0}
    days = ThresholdWindow.objects.filter(threshold__period="day").order_by("start")
    assert days[1].start == datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    assert days[1].end == datetime(2026, 11, 23, 18, 30, tzinfo=UTC)
    apps = migrate(BEFORE)
    assert apps.get_model("campaigns", "Batch").objects.get(pk=first.pk).reserved_on == day
