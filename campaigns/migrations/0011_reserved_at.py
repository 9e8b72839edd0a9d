"""A reservation knows its moment, and not its day alone: hours have windows too."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import migrations, models
from django.db.models import Min

CHUNK = 2_000


def give_moments(apps: Any, schema_editor: Any) -> None:
    """The moment of the first lease, if that is on the day in whose windows the batch counts;
    else the beginning of that day. Either way it counts in the windows in which it counted.
    """
    batches = apps.get_model("campaigns", "Batch").objects
    rows = batches.exclude(reserved_on=None).annotate(first=Min("attempts__claimed_at"))
    columns = ("pk", "reserved_on", "first", "campaign__workspace__time_zone")
    waiting = list(rows.order_by("pk").values_list(*columns))
    for at in range(0, len(waiting), CHUNK):
        batches.bulk_update(
            [
                apps.get_model("campaigns", "Batch")(pk=pk, reserved_at=_moment(day, first, zone))
                for pk, day, first, zone in waiting[at : at + CHUNK]
            ],
            ["reserved_at"],
        )


def _moment(day: Any, first: datetime | None, name: str) -> datetime:
    zone = ZoneInfo(name)
    if first is not None and first.astimezone(zone).date() == day:
        return first
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def give_days(apps: Any, schema_editor: Any) -> None:
    batches = apps.get_model("campaigns", "Batch").objects
    rows = batches.exclude(reserved_at=None)
    for pk, at, zone in list(rows.values_list("pk", "reserved_at", "campaign__workspace__time_zone")):
        batches.filter(pk=pk).update(reserved_on=at.astimezone(ZoneInfo(zone)).date())


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0010_clock_jumps")]

    operations = [
        migrations.AddField("batch", "reserved_at", models.DateTimeField(null=True)),
        migrations.RunPython(give_moments, give_days),
        migrations.RemoveField("batch", "reserved_on"),
        migrations.AddIndex(
            "batch",
            models.Index(
                condition=models.Q(reserved_at__isnull=False),
                fields=["reserved_at"],
                name="batch_reserved",
            ),
        ),
    ]
