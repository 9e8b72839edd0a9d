from __future__ import annotations

from django.db import migrations


def leave_room(apps, schema_editor):
    """Room on each page lets PostgreSQL write a settled message next to the old one (HOT)."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE campaigns_message SET (fillfactor = 50)")
        schema_editor.execute("ALTER TABLE campaigns_batch SET (fillfactor = 50)")


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    operations = [migrations.RunPython(leave_room, migrations.RunPython.noop)]
