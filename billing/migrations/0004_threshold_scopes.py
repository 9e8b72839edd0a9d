"""Thresholds by country, hour and number; windows begin and end at exact instants."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import migrations, models


def give_borders(apps: Any, schema_editor: Any) -> None:
    """A window of a calendar day or month begins and ends at midnight in its workspace's zone."""
    windows = apps.get_model("billing", "ThresholdWindow").objects
    for window in windows.select_related("threshold__workspace").iterator():
        threshold = window.threshold
        first = window.first_day
        after = first + timedelta(days=1)
        if threshold.period == "month":
            after = (first + timedelta(days=32)).replace(day=1)
        zone = threshold.workspace.time_zone
        windows.filter(pk=window.pk).update(start=_midnight(first, zone), end=_midnight(after, zone))


def _midnight(day: Any, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def give_days(apps: Any, schema_editor: Any) -> None:
    """Back to calendar days: only thresholds of the workspace have them, by day and by month."""
    others = ~models.Q(scope="workspace") | models.Q(period="hour")
    apps.get_model("billing", "Threshold").objects.filter(others).delete()
    windows = apps.get_model("billing", "ThresholdWindow").objects
    for window in windows.select_related("threshold__workspace").iterator():
        zone = ZoneInfo(window.threshold.workspace.time_zone)
        windows.filter(pk=window.pk).update(first_day=window.start.astimezone(zone).date())


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_author_of_charge")]

    operations = [
        migrations.RemoveConstraint("threshold", "one_threshold_a_period"),
        migrations.AddField(
            "threshold",
            "scope",
            models.CharField(
                choices=[
                    ("workspace", "All countries"),
                    ("country", "One country"),
                    ("number", "Each number"),
                ],
                default="workspace",
                max_length=9,
                verbose_name="scope",
            ),
        ),
        migrations.AddField(
            "threshold",
            "country",
            models.CharField(blank=True, default="", max_length=2, verbose_name="country"),
            preserve_default=False,
        ),
        migrations.AlterField(
            "threshold",
            "period",
            models.CharField(
                choices=[("hour", "Hour"), ("day", "Day"), ("month", "Month")],
                max_length=5,
                verbose_name="period",
            ),
        ),
        migrations.RemoveConstraint("thresholdwindow", "one_window_a_period"),
        migrations.RenameField("thresholdwindow", "start", "first_day"),
        migrations.AlterField("thresholdwindow", "first_day", models.DateField(null=True)),
        migrations.AddField("thresholdwindow", "start", models.DateTimeField(null=True)),
        migrations.AddField("thresholdwindow", "end", models.DateTimeField(null=True)),
        migrations.RunPython(give_borders, give_days),
        migrations.RemoveField("thresholdwindow", "first_day"),
        migrations.AlterField("thresholdwindow", "start", models.DateTimeField()),
        migrations.AlterField("thresholdwindow", "end", models.DateTimeField()),
        migrations.AddConstraint(
            "threshold",
            models.UniqueConstraint(
                fields=("workspace", "scope", "country", "period"), name="one_threshold_a_period"
            ),
        ),
        migrations.AddConstraint(
            "threshold",
            models.CheckConstraint(
                condition=models.Q(country="", scope="workspace")
                | (models.Q(scope="country") & ~models.Q(country=""))
                | models.Q(country="", period="day", scope="number"),
                name="threshold_of_a_scope",
            ),
        ),
        migrations.AddConstraint(
            "thresholdwindow",
            models.UniqueConstraint(
                fields=("threshold", "start", "end"), name="one_window_a_period"
            ),
        ),
    ]
