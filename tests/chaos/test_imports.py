"""kill -9 in the middle of an import: another run takes it over, to the same rows and digest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.console import ROOT
from tests.sheets.making import mobiles

ROWS = 12_000
KILLS = 2
MAKE = """
from accounts.models import User, Workspace
from campaigns.models import RecipientImport
workspace = Workspace.objects.create(name="kills")
by = User.objects.create_user("kills@example.test", name="Kills")
for _ in range(2):
    print(RecipientImport.objects.create(
        workspace=workspace, created_by=by, original_name="list.csv", stored_name="list",
        size=1, variables=["name"], state="checking").pk)
"""
CHECK = """
from datetime import timedelta
from campaigns import clock
from campaigns.importing.check import check, recover_imports
from campaigns.models import RecipientImport
pk = {pk}
past = clock.now() - timedelta(seconds=1)
taken = RecipientImport.objects.filter(pk=pk, attempt__gt=0)
if taken.update(lease_until=past):
    assert pk in recover_imports()
check(pk)
"""
TELL = """
import json
from campaigns.models import RecipientImport
for source in RecipientImport.objects.order_by("pk"):
    print(json.dumps([source.state, source.digest, source.accepted, source.attempt,
                      source.recipients.count(),
                      source.recipients.values("row").distinct().count()]))
"""

pytestmark = pytest.mark.chaos


def in_process(home: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run *code* in a console of its own on SQLite."""
    kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    known = {**kept, "SMSCONSOLE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "smsconsole.settings"}
    whole = f"import django\ndjango.setup()\n{code}"
    return subprocess.run(
        [sys.executable, "-c", whole], cwd=ROOT, env=known | env, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip


def told(home: Path) -> list[list[Any]]:
    return [json.loads(line) for line in in_process(home, TELL).stdout.splitlines()]


def test_a_killed_import_is_taken_over_to_the_same_digest(tmp_path: Path) -> None:
    home = tmp_path / "home"
    uploads = home / "uploads"
    uploads.mkdir(parents=True)
    lines = (f"{number},Name {n} \u9648\n" for n, number in enumerate(mobiles(ROWS)))
    (uploads / "list").write_text("phone_number,name\n" + "".join(lines), encoding="utf-8")
    migrated = in_process(
        home, 'from django.core.management import call_command\ncall_command("migrate", "-v0")'
    )
    assert migrated.returncode == 0, migrated.stderr
    whole, killed = map(int, in_process(home, MAKE).stdout.split())
    assert in_process(home, CHECK.format(pk=whole)).returncode == 0
    fatal = {"SMSCONSOLE_ALLOW_FAILPOINTS": "1", "SMSCONSOLE_FAILPOINT": "import.mid:kill9:1"}
    for turn in range(1, KILLS + 1):
        died = in_process(home, CHECK.format(pk=killed), **fatal)
        assert died.returncode == -signal.SIGKILL, died.stderr
        state, digest, accepted, attempt, rows, _lines = told(home)[1]
        assert (state, digest, accepted, attempt) == ("checking", "", 0, turn)
        assert 0 < rows < ROWS  # half a list, which nobody may use
    ended = in_process(home, CHECK.format(pk=killed))
    assert ended.returncode == 0, ended.stderr
    one, other = told(home)
    assert one[0] == other[0] == "ready"
    assert one[1] == other[1] != ""
    assert one[2] == other[2] == other[4] == other[5] == ROWS
    assert (one[3], other[3]) == (1, KILLS + 1)
