"""The audit log as people read it: who sees what, filters, files."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import audit, audit_views
from accounts.models import AuditEvent, Membership, User, Workspace
from billing import thresholds
from billing.models import Period

SignedIn = Callable[[User], Client]
PAGE = "/audit/"


@pytest.fixture
def events(workspace: Workspace, operator: User, finance: User, make_campaign: Any) -> Any:
    campaign = make_campaign(name="Spring sale 12025550123")
    audit.record("campaign.pause", campaign, operator, reason="Call +12025550123 first",
                 old="sending", new="paused")  # fmt: skip
    audit.record("campaign.start", campaign, None)
    thresholds.set_limit(workspace, Period.DAY, 10_000, 80, finance)
    thresholds.set_limit(workspace, Period.DAY, 50_000, 90, finance)
    return campaign


def page_of(client: Client, query: str = "") -> str:
    answer = client.get(PAGE + query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_event_is_a_sentence_with_the_values_before_and_after(
    signed_in: SignedIn, admin: User, events: Any
) -> None:
    page = page_of(signed_in(admin))
    assert "Aisha Bello set the threshold of the day from 10,000 to 50,000 segments" in page
    assert "Warning at, before: 80 · Warning at, after: 90" in page
    assert "Mei Lin Tan paused Spring sale" in page
    assert "Before: sending · After: paused" in page
    assert page.index("50,000 segments") < page.index("paused Spring sale")


def test_no_number_stands_in_it(signed_in: SignedIn, admin: User, events: Any) -> None:
    assert "2025550123" not in page_of(signed_in(admin))


def test_an_event_leads_to_its_object(signed_in: SignedIn, admin: User, events: Any) -> None:
    page = page_of(signed_in(admin))
    assert reverse("campaigns:detail", args=[events.key]) in page
    assert reverse("billing:thresholds") in page


@pytest.mark.parametrize(
    ("role", "seen", "unseen"),
    [
        ("admin", ["paused", "50,000 segments"], []),
        ("viewer", ["paused", "50,000 segments"], []),
        ("operator", ["paused"], ["50,000 segments", "started"]),
        ("finance", ["50,000 segments"], ["paused", "started"]),
        ("colleague", ["No event here"], ["paused", "50,000 segments"]),
        ("stranger", ["No event here"], ["paused", "50,000 segments"]),
    ],
)
def test_each_role_sees_its_part(
    request: pytest.FixtureRequest, signed_in: SignedIn, events: Any,
    role: str, seen: list[str], unseen: list[str],
) -> None:  # fmt: skip
    client = signed_in(request.getfixturevalue(role))
    page = page_of(client).partition("<section")[2]
    client.post(f"{PAGE}export/", {"form": "csv"})  # its own line is not in the page above
    assert [word for word in seen if word not in page] == []
    assert [word for word in unseen if word in page] == []
    file = client.post(f"{PAGE}export/", {"form": "csv"}).getvalue().decode()
    assert [word for word in unseen if word in file] == []


def test_nobody_signs_in_first(client: Client, db: None) -> None:
    assert client.get(PAGE).status_code == 302
    assert client.post(f"{PAGE}export/").status_code == 302


@pytest.mark.parametrize(
    ("query", "seen", "unseen"),
    [
        ("?kind=money", "segments", "paused"),
        ("?kind=campaigns", "paused", "segments"),
        ("?person=console", "started", "paused"),
        ("?person={operator}", "paused", "started"),
        ("?thing=campaigns.campaign:{campaign}", "started", "segments"),
        ("?until={before}", "No event here", "paused"),
        ("?since={after}", "No event here", "paused"),
        ("?since={today}&until={today}", "paused", "No event here"),
        ("?kind=nothing&person=x&thing=a:b&since=2026-99-99&until=x&after=x", "paused", "No event"),
        ("?after=1", "No event here", "paused"),
    ],
)
def test_a_filter_leaves_what_it_says(
    signed_in: SignedIn, admin: User, operator: User, events: Any,
    query: str, seen: str, unseen: str,
) -> None:  # fmt: skip
    today = timezone.localdate()
    AuditEvent.objects.order_by("pk").first()
    words = {
        "operator": operator.pk, "campaign": events.pk, "today": today,
        "before": today - timedelta(days=2), "after": today + timedelta(days=2),
    }  # fmt: skip
    if query == "?after=1":
        query = f"?after={AuditEvent.objects.order_by('pk').values_list('pk', flat=True)[0]}"
    page = page_of(signed_in(admin), query.format(**words)).partition("<thead>")
    shown = page[2] or page[0]
    assert seen in shown
    assert unseen not in shown


def test_a_long_log_has_pages(
    signed_in: SignedIn, admin: User, events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_views, "PAGE", 2)
    client = signed_in(admin)
    first = page_of(client)
    assert "paused Spring" not in first
    second = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True)[1]
    assert f"?after={second}" in first
    assert "paused Spring" in page_of(client, f"?after={second}")


def test_the_page_costs_the_same_however_long(
    signed_in: SignedIn, admin: User, events: Any, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(admin)
    for _ in range(30):
        audit.record("campaign.pause", events, admin)
    with django_assert_max_num_queries(14):
        client.get(PAGE)


def test_the_files_hold_the_filtered_rows_and_are_audited(
    signed_in: SignedIn, admin: User, events: Any
) -> None:
    client = signed_in(admin)
    answer = client.post(f"{PAGE}export/", {"form": "csv", "kind": "money"})
    lines = answer.getvalue().decode().splitlines()
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "audit-" in answer["Content-Disposition"]
    assert lines[0].startswith('\ufeff"time_utc","person","action",')
    assert len(lines) == 3
    assert "threshold.set" in lines[1]
    assert '"10,000","50,000"' in lines[1]
    event = AuditEvent.objects.get(action="audit.export")
    assert event.data == {"rows": 2, "form": "csv", "filter": {"kind": "money"}}
    book = client.post(f"{PAGE}export/", {"form": "xlsx"})
    sheet = openpyxl.load_workbook(io.BytesIO(book.content)).active
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 1 + AuditEvent.objects.count() - 1
    assert "2025550123" not in str(rows)


def test_a_formula_in_a_name_stays_a_name(
    signed_in: SignedIn, admin: User, make_campaign: Any
) -> None:
    audit.record("campaign.pause", make_campaign(name="=1+1"), admin)
    file = signed_in(admin).post(f"{PAGE}export/", {"form": "csv"}).getvalue().decode()
    assert ',"\'=1+1",' in file


def test_an_export_that_would_be_cut_is_no_file_but_a_sentence(
    signed_in: SignedIn, admin: User, events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.audit_views.EXPORT_MAX", 2)
    client = signed_in(admin)
    for form in ("csv", "xlsx"):
        answer = client.post(f"{PAGE}export/", {"form": form, "since": "2020-01-01"}, follow=True)
        assert answer.redirect_chain == [(f"{PAGE}?since=2020-01-01", 302)]
        assert "More than 2 events: choose a shorter time." in answer.content.decode()
    assert not AuditEvent.objects.filter(action="audit.export").exists()
    kept = client.post(f"{PAGE}export/", {"form": "csv", "kind": "money"}).getvalue().decode()
    assert len(kept.splitlines()) == 3


@pytest.mark.parametrize("form", ["", "exe"])
def test_no_other_file_is_made(signed_in: SignedIn, admin: User, form: str) -> None:
    assert signed_in(admin).post(f"{PAGE}export/", {"form": form}).status_code == 404


def test_an_export_is_asked_for_by_post(signed_in: SignedIn, admin: User) -> None:
    assert signed_in(admin).get(f"{PAGE}export/").status_code == 405


def test_an_action_nobody_named_is_shown_all_the_same(
    signed_in: SignedIn, admin: User, workspace: Workspace
) -> None:
    audit.record("thing.done", workspace, admin, old=None, deep={"a": [1]})
    assert "Jonas Weber: thing.done" in page_of(signed_in(admin))


def test_what_concerns_a_person_stands_where_they_work(
    workspace: Workspace, other_workspace: Workspace, admin: User
) -> None:
    Membership.objects.create(user=admin, workspace=other_workspace, role="viewer")
    fresh = User.objects.get(pk=admin.pk)
    event = audit.record("user.sign_in", fresh, fresh)
    assert event.workspace_id == workspace.pk


def test_money_and_moments_are_told_as_people_read_them(
    signed_in: Callable[[User], Client], admin: User
) -> None:
    held = {"cost": 62_096_000, "send_at": "2026-11-22T17:18:33.066576+00:00", "partial_ok": False}
    audit.record("campaign.submit", admin, admin, **held)
    page = signed_in(admin).get("/audit/").content.decode()
    assert "Cost: 62.096 · Start: 22 Nov 2026, 17:18 UTC · Send until suspended: no" in page
