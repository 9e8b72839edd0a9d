"""Whose rows a list holds, however often somebody else had them checked again."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F


def fill(apps: Any, schema_editor: Any) -> None:
    """Until now it was who had the list checked last; a resend is nobody's file."""
    rows = apps.get_model("campaigns", "RecipientImport").objects.exclude(
        options__has_key="resend_of"
    )
    rows.update(given_by=F("created_by"))


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0007_erased_values")]

    operations = [
        migrations.AddField(
            model_name="recipientimport",
            name="given_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
