"""What the audit log says of an event is words, whatever the code recorded."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import audit, audit_words
from accounts.audit_values import AREAS, FIELDS, NAMES, PAGES, RIGHTS, ROLES, STATES, UNSAID
from accounts.models import AuditEvent, User, Workspace
from accounts.roles import PERMISSIONS, Role
from accounts.workspaces import FIELDS as SETTINGS
from campaigns.states import CampaignState
from campaigns.views.workspace import KINDS as DELETED
from senders.models import RegistrationState, SenderState
from tests.house.reading import APPS, python_files, tree_of
from tests.house.test_audit import calls
from tests.house.test_urls import OPEN, URLS

pytestmark = pytest.mark.django_db
Clients = Callable[..., Client]
# One value of each kind that the code records, as it records it.
RECORDED: dict[str, Any] = {
    "reason": "carrier_refused", "carrier_said": "Account is closed", "old": "in_review",
    "new": "deactivated", "old_warn": 80, "new_warn": None, "changed": list(FIELDS),
    "period": "day", "limit": 5000, "country": "MY", "value": "PARCELWAY", "numbers": 12,
    "segments": 24, "cost": 62_096_000, "send_at": "2026-11-22T17:18:33+00:00",
    "partial_ok": False, "left": 350, "valid_from": "2026-11-22", "expires_on": "2026-11-23",
    "reference": "REF 7", "month": "2026-11", "grouped": "cost_centre", "only": {},
    "lines": 3, "role": "operator", "rows": 7, "total": 9, "valid": 8, "refused": 1, "added": 1,
    "replaced": 2, "same": 3, "form": "csv", "whole": True,
    "filter": {
        "is": "failed", "reason": "no_credit", "person": "5", "thing": "campaigns.campaign:5",
        "since": "2026-11-22",
    },
    "answers": ["number_column", "has_header"], "origin": "resend", "of": "C-1", "to": "C-2",
    "source": "typed", "ended": 2, "route": "billing:threshold_edit",
    "permission": "campaigns.resume_suspended", "decision": "look_up", "look_up": 3, "accepted": 1,
    "queued": 2, "cancelled": 4, "busy": 5, "gone": 6,
}  # fmt: skip
RAW = re.compile(r"[a-z]_[a-z]|[{}\[\]]|\b(?:True|False|None)\b|[a-z][.:][a-z]")


@pytest.mark.parametrize("action", audit_words.DEEDS)
def test_no_event_shows_a_key_of_the_code(admin: User, workspace: Workspace, action: str) -> None:
    event = audit.record(action, workspace, admin, **RECORDED, refused_rows=4, words=2)
    said = [audit_words.sentence(event)]
    said += [f"{name}: {value}" for name, value in audit_words.details(event)]
    assert [line for line in said if RAW.search(line)] == []
    assert not any(line.startswith("Only:") for line in said)


def test_whatever_is_recorded_has_a_name() -> None:
    given = {
        word.arg
        for path in python_files(*APPS)
        for call in calls(tree_of(path))
        for word in call.keywords
        if isinstance(word, ast.keyword) and word.arg
    }
    assert sorted(given - NAMES.keys() - UNSAID) == []
    assert sorted(RECORDED.keys() - NAMES.keys()) == []
    assert sorted(DELETED.keys() - NAMES.keys()) == []


def test_every_right_state_and_setting_has_its_words() -> None:
    assert RIGHTS.keys() == PERMISSIONS.keys()
    states = {*CampaignState, *SenderState.values, *RegistrationState.values}
    assert {str(state) for state in states} <= STATES.keys()
    assert ROLES.keys() == set(Role.values)
    assert set(SETTINGS) <= FIELDS.keys()


def test_every_page_that_can_be_refused_is_called_as_in_the_console() -> None:
    guarded = URLS.keys() - OPEN
    known = PAGES.keys() | {name for name in guarded if name.partition(":")[0] in AREAS}
    assert sorted(guarded - known) == []
    assert sorted(PAGES.keys() - guarded) == []


@pytest.mark.parametrize(
    ("action", "held", "said"),
    [
        ("access.refused", {"route": "billing:threshold_edit", "permission": "thresholds.change"},
         "Page: thresholds, rates and statements · It needs the right to: change thresholds"),
        ("access.refused", {"route": "system", "permission": "system.view"},
         "Page: System · It needs the right to: see the system page"),
        ("access.refused", {"route": "accounts:team", "permission": "team.manage"}, "Page: Team"),
        ("access.refused", {"route": "gone:page", "permission": ""}, "Page: a page of the console"),
        ("workspace.change", {"old": {"keep_texts_days": 30}, "new": {"keep_texts_days": 60}},
         "Before: days texts and values are kept 30 · After: days texts and values are kept 60"),
        ("statement.export", {"month": "2026-11", "only": {"country": "MY", "day": "2026-11-22"}},
         "Month: November 2026 · Only: country MY; day 22 Nov 2026"),
        ("campaign.answer_import", {"answers": ["number_column"]},
         "Answered: the column of numbers"),
        ("campaign.export", {"rows": 1, "whole": True, "filter": {}},
         "Rows: 1 · With whole numbers: yes"),
    ],
)  # fmt: skip
def test_details_are_told_in_words(
    signed_in: Clients, admin: User, workspace: Workspace, action: str, held: Any, said: str
) -> None:
    audit.record(action, workspace, admin, **held)
    assert said in signed_in(admin).get("/audit/").content.decode()


def test_a_profile_names_what_was_changed_and_no_more(signed_in: Clients, admin: User) -> None:
    given = {
        "name": admin.name, "time_zone": "UTC", "date_language": "de", "test_numbers": "",
        "mails_notices": "on", "mails_off": "campaign.paused",
    }  # fmt: skip
    signed_in(admin).post("/profile/", given)
    event = AuditEvent.objects.get(action="user.profile")
    assert audit_words.details(event) == [("Changed", "language of dates, what comes by mail")]
