import django.db.models.deletion
from django.db import migrations, models


def last_seen_in_the_only_workspace(apps, schema_editor):
    """Where a person of several workspaces was seen last is not known."""
    Membership = apps.get_model("accounts", "Membership")
    User = apps.get_model("accounts", "User")
    of_one = User.objects.annotate(n=models.Count("memberships")).filter(n=1)
    seen = User.objects.filter(pk=models.OuterRef("user")).values("last_seen_at")
    rows = Membership.objects.filter(user__in=of_one.values("pk"))
    rows.update(last_seen_at=models.Subquery(seen))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_sending_can_be_off"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="last_seen_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="session",
            name="workspace",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                to="accounts.workspace",
            ),
        ),
        migrations.RunPython(last_seen_in_the_only_workspace, migrations.RunPython.noop),
        migrations.RemoveField(model_name="user", name="last_seen_at"),
    ]
