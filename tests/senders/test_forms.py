"""What a sender ID may be, as the form says it."""

from __future__ import annotations

import pytest

from accounts.models import User, Workspace
from senders.forms import REASONS, RecordForm, RegisterForm
from sms.sender_id import MESSAGES


def form(workspace: Workspace, value: str = "Parcelway", **more: str) -> RegisterForm:
    data = {"value": value, "company": "Parcelway Ltd", "note": "Order news", **more}
    return RegisterForm(data, workspace=workspace)


@pytest.mark.parametrize(
    "value", ["Acme", "Acme2026", "12345", "ABCDEFGHIJK", "1234567890123456"[:15], "a", "7"]
)
def test_a_legal_value_is_kept_as_written(workspace: Workspace, value: str) -> None:
    given = form(workspace, value)
    assert given.is_valid(), given.errors
    assert given.cleaned_data["value"] == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("", "required"),
        ("ABCDEFGHIJKL", "too_long_alphanumeric"),
        ("12345678901A", "too_long_alphanumeric"),
        ("1234567890123456", "too_long_numeric"),
        ("ABC-123", "hyphen"),
        ("AD-ACME", "hyphen"),
        ("ACME\u2011AD", "hyphen"),
        ("Ac me", "characters"),
        (" Acme", "characters"),
        ("Acme_1", "characters"),
        ("Acmé", "characters"),
        ("Асme", "characters"),
        ("Ａcme", "characters"),
        ("１２３", "characters"),
        ("😀", "characters"),
        ("\u202eACME", "characters"),
        ("ABC\n", "characters"),
        ("+15551234", "plus"),
        ("0015551234", "leading_zeros"),
        ("A" * 41, "max_length"),
        ("AC\x00ME", "null_characters_not_allowed"),
    ],
)
def test_an_illegal_value_is_refused_with_the_rule_it_breaks(
    workspace: Workspace, value: str, code: str
) -> None:
    errors = form(workspace, value).errors.as_data()["value"]
    assert errors[0].code == code


def test_every_refusal_of_the_core_has_a_sentence_here() -> None:
    assert set(MESSAGES) <= set(REASONS)


def test_a_value_is_registered_once_and_capitals_count(workspace: Workspace, make_sender) -> None:
    make_sender("Acme")
    assert form(workspace, "Acme").errors.as_data()["value"][0].code == "taken"
    assert form(workspace, "ACME").is_valid()


def test_another_workspace_may_have_the_same_value(make_sender, other_workspace: Workspace) -> None:
    make_sender("Acme")
    assert form(other_workspace, "Acme").is_valid()


@pytest.mark.parametrize(
    ("field", "text", "fits"),
    [
        ("company", "x" * 50, True),
        ("company", "x" * 51, False),
        ("company", "  ", False),
        ("website", "", True),
        ("website", "https://example.com/shop", True),
        ("website", "javascript:alert(1)", False),
        ("website", "example", False),
        ("note", "", False),
        ("note", "x" * 1001, False),
    ],
)
def test_the_record_has_its_limits(workspace: Workspace, field: str, text: str, fits: bool) -> None:
    assert (field not in form(workspace, **{field: text}).errors) is fits


def test_fields_nobody_asked_for_are_ignored(
    workspace: Workspace, other_workspace: Workspace, admin: User
) -> None:
    wild = {"state": "approved", "workspace_id": str(other_workspace.pk), "key": "1"}
    given = form(workspace, **wild)
    assert given.is_valid()
    assert given.instance.state == "pending"
    assert set(RecordForm().fields) == {"company", "website", "note"}
