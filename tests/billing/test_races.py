"""Two people, or one impatient one, keep a sheet of rates at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.db import connection

from accounts.models import AuditEvent, User, Workspace
from billing import ratesheets
from billing.models import Rate
from billing.ratesheets import Entry, Stale

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ENTRIES = [Entry(row, code, 30_000 + row, date(2026, 11, 1)) for row, code in
           enumerate(("MY", "PH", "TH", "VN"), 2)]  # fmt: skip


def test_one_of_many_keeps_the_sheet_and_the_others_are_stale(
    workspace: Workspace, finance: User
) -> None:
    digest = ratesheets.plan(workspace, ENTRIES).digest

    def keep(_time: int) -> bool:
        try:
            ratesheets.keep(workspace.pk, ENTRIES, digest, finance, 0)
        except Stale:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(keep, range(6))) == 1
    assert Rate.objects.count() == len(ENTRIES)
    assert AuditEvent.objects.filter(action="rate.import").count() == 1
