"""Opt-outs are recognised by a keyed hash, so that an erased number can stay on the list."""

import uuid
from typing import Any

from django.db import migrations, models

from accounts.keyed import digest

CHUNK = 2_000


def fill(apps: Any, schema_editor: Any) -> None:
    """Give every opt-out its digest and a key of its own.

    No page made opt-outs until now: those there are were typed at a command line.
    """
    rows = apps.get_model("senders", "OptOut").objects.order_by("pk")
    last = 0
    while found := list(rows.filter(pk__gt=last)[:CHUNK]):
        last = found[-1].pk
        for row in found:
            row.digest, row.key, row.source = digest(row.number), uuid.uuid4(), "typed"
        rows.bulk_update(found, ["digest", "key", "source"], batch_size=200)


class Migration(migrations.Migration):
    dependencies = [("senders", "0002_registrations")]

    operations = [
        migrations.AddField(
            "optout",
            "key",
            models.UUIDField(default=uuid.uuid4, editable=False, null=True),
        ),
        migrations.AddField(
            "optout",
            "digest",
            models.CharField(default="", editable=False, max_length=64),
            preserve_default=False,
        ),
        migrations.AddField("optout", "file_name", models.CharField(blank=True, max_length=120)),
        migrations.AlterField("optout", "number", models.CharField(blank=True, max_length=16)),
        migrations.AlterField(
            "optout",
            "source",
            models.CharField(
                choices=[
                    ("typed", "Typed"),
                    ("file", "Imported from a file"),
                    ("erased", "Erased person"),
                ],
                max_length=40,
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            "optout",
            "key",
            models.UUIDField(default=uuid.uuid4, editable=False, unique=True),
        ),
        migrations.RemoveConstraint("optout", "one_optout_per_number"),
        migrations.AddConstraint(
            "optout",
            models.UniqueConstraint(fields=("workspace", "digest"), name="one_optout_per_number"),
        ),
        migrations.AddIndex(
            "optout", models.Index(fields=["workspace", "-id"], name="optout_of_workspace")
        ),
        migrations.AddIndex(
            "optout",
            models.Index(fields=["workspace", "source", "-id"], name="optout_by_source"),
        ),
    ]
