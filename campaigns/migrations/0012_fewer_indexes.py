"""Indexes that another one already is the beginning of, or that nobody asks, go."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_threshold_scopes"),
        ("campaigns", "0011_reserved_at"),
    ]

    operations = [
        migrations.AlterField(
            model_name="importproblem",
            name="source",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="problems",
                to="campaigns.recipientimport",
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="number",
            field=models.CharField(max_length=16),
        ),
        migrations.AlterField(
            model_name="recipient",
            name="source",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="recipients",
                to="campaigns.recipientimport",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["number"], name="message_number"),
        ),
    ]
