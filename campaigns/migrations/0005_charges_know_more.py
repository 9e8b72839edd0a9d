from __future__ import annotations

from django.db import migrations
from django.db.models import Count, OuterRef, Subquery, Sum

FAILED = ("undelivered", "expired")


def copy_authors(apps, schema_editor):
    """Who made the campaign of a charge may read it: the ledger keeps that word too."""
    campaigns = apps.get_model("campaigns", "Campaign").objects.filter(key=OuterRef("campaign_key"))
    charges = apps.get_model("billing", "Charge").objects.filter(author=None)
    charges.update(author=Subquery(campaigns.values("author")[:1]))


def count_failed(apps, schema_editor):
    """Charged messages that had failed before the ledger wrote it down."""
    failed_charge = apps.get_model("billing", "FailedCharge")
    known = failed_charge.objects.values("charge")
    rows = apps.get_model("campaigns", "Message").objects.filter(state__in=FAILED)
    sums = rows.exclude(charge=None).exclude(charge__in=known).order_by().values("charge")
    failed_charge.objects.bulk_create(
        failed_charge(charge_id=row["charge"], messages=row["n"], segments=row["s"])
        for row in sums.annotate(n=Count("pk"), s=Sum("billed_segments")).order_by("charge")
    )


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0004_reveals"), ("billing", "0003_author_of_charge")]

    operations = [
        migrations.RunPython(copy_authors, migrations.RunPython.noop),
        migrations.RunPython(count_failed, migrations.RunPython.noop),
    ]
