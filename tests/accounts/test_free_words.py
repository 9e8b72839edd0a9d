"""Reasons and notes that everybody reads hold no phone number; what got in is masked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import pytest
from django.forms import Form

from accounts import audit
from accounts.audit_words import details, label
from accounts.forms import PersonForm
from accounts.models import AuditEvent, User, Workspace
from accounts.team_forms import InviteForm
from campaigns import trail
from campaigns.privacy_forms import WorkspaceForm
from campaigns.questions import NeededReasonForm, ReasonForm, RevealForm, StopForm, SwitchForm
from senders import forms as senders
from senders import optout_forms as optouts

NUMBERS = ["Called from +1 202-555-0187", "customer 202x555x0187 complains"]
REASONS = [
    ReasonForm, NeededReasonForm, RevealForm, StopForm, SwitchForm, optouts.AddForm,
    optouts.RemoveForm, optouts.ExportForm, optouts.ImportForm, senders.ReasonForm,
]  # fmt: skip


@pytest.mark.parametrize("words", NUMBERS)
@pytest.mark.parametrize("form", REASONS)
def test_a_reason_is_written_without_the_number(form: type[Form], words: str) -> None:
    refused = form({"reason": words}).errors["reason"]
    assert refused == ["Write the reason without the number: everybody reads it."]


@pytest.mark.parametrize("form", REASONS)
def test_orders_and_days_may_stand_in_a_reason(form: type[Form]) -> None:
    assert "reason" not in form({"reason": "Order 123456 of 2026-11-22 14:30"}).errors


@pytest.mark.parametrize("words", NUMBERS)
def test_a_note_is_written_without_the_number(words: str) -> None:
    given = {"note": words}
    for form in (
        senders.RecordForm(given), senders.CountryForm(given, taken=()),
        senders.ApprovalForm(given, today=date(2026, 11, 22)),
    ):  # fmt: skip
        assert form.errors["note"] == ["Write the note without the number: everybody reads it."]


@pytest.mark.django_db
@pytest.mark.parametrize("words", NUMBERS)
def test_a_number_that_got_into_a_reason_is_masked_in_the_log_and_beside_the_campaign(
    words: str, make_campaign: Any, operator: User
) -> None:
    campaign = make_campaign(name="Sale 202 555 0187")
    audit.record("campaign.pause", campaign, operator, reason=f"{words} on 2026-11-22")
    event = AuditEvent.objects.get(action="campaign.pause")
    shown = [label(event), dict(details(event))["Reason"], trail.steps([event])[0].detail]
    assert not any("0187" in text or "555" in text for text in shown)
    assert all("2026-11-22" in text for text in shown[1:])


@pytest.mark.parametrize("name", ["A\rB", "A\nB", "A\x1bB", "A\u2028B"])
@pytest.mark.parametrize("form", [PersonForm, InviteForm, partial(WorkspaceForm, Workspace())])
def test_a_name_stands_in_one_line(form: Callable[..., Form], name: str) -> None:
    said = "Character 2 is a line break or another control character. Remove it."
    assert form({"name": name}).errors["name"] == [said]
    assert "name" not in form({"name": "Zoë 🦊 & سارا\n"}).errors


@pytest.mark.parametrize("form", [PersonForm, InviteForm, partial(WorkspaceForm, Workspace())])
def test_a_name_is_written_without_a_number(form: Callable[..., Form]) -> None:
    """Every list, mail and file of the team shows it, and the log keeps it for good."""
    said = "Write the name without a phone number: everybody reads it."
    for name in ("Ann +1 202-555-0187", "Parcels 2025550187"):
        assert form({"name": name}).errors["name"] == [said]
    assert "name" not in form({"name": "Ann Lee, shift 2 of 2026-11-22"}).errors


@pytest.mark.django_db
def test_whoever_has_a_number_in_the_name_still_changes_the_rest(
    operator: User, workspace: Workspace
) -> None:
    operator.name = workspace.name = "Ann 202 555 0187"
    for kept, form in (
        (operator, partial(PersonForm, instance=operator)),
        (workspace, lambda given: WorkspaceForm(workspace, given)),
    ):  # fmt: skip
        assert "name" not in form({"name": kept.name}).errors
        assert "name" in form({"name": f"{kept.name}4"}).errors
