"""PostgreSQL refuses to change or delete audit events and their seals, whoever asks.

Not by a trigger on TRUNCATE: test suites empty their tables by it. The application's own role has
no right to TRUNCATE (``manage.py database_roles``).
"""

from django.db import migrations

TABLES = ("accounts_auditevent", "accounts_auditseal")
REFUSE = """
CREATE OR REPLACE FUNCTION audit_refuses_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""


def add(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(REFUSE, params=None)
    for table in TABLES:
        schema_editor.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuses_change()"
        )


def remove(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for table in TABLES:
        schema_editor.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    schema_editor.execute("DROP FUNCTION audit_refuses_change()")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_people_and_proof")]
    operations = [migrations.RunPython(add, remove)]
