"""What people wrote is searched too; other people and other workspaces lose nothing by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.keyed import digest
from accounts.models import AuditEvent, Job, JobState, Membership, Notice, User, Workspace
from campaigns import erasing
from campaigns.erasure_search import Sought
from campaigns.models import Campaign, Erasure, ErasureState, Reveal
from senders.models import OptOut, Registration, SenderID

pytestmark = pytest.mark.django_db(transaction=True)

THEIRS, OTHER = "+61491570156", "+61491570157"


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    settings.UPLOADS, settings.EXPORTS = tmp_path / "uploads", tmp_path / "exports"
    for folder in (settings.UPLOADS, settings.EXPORTS):
        folder.mkdir()


def erase(workspace: Workspace, admin: User) -> Erasure:
    erasure = erasing.ask(workspace, THEIRS, "request of 3 May", admin)
    erasing.run(workspace.pk)
    erasure.refresh_from_db()
    return erasure


def sought(workspace: Workspace, state: str = ErasureState.WAITING) -> Sought:
    Erasure.objects.create(workspace=workspace, digest=digest(THEIRS), code="61", state=state)
    return Sought(workspace.pk, {digest(THEIRS)}, {"61"})


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ("Wrote from +61 491 570 156 today", "Wrote from ••• today"),
        ("0061491570156", "•••"),
        ("call 0491-570-156, please", "call •••, please"),
        ("+61 (0)491 570 156.", "•••."),
        ("(0491) 570/156", "•••"),
        ("2026-05-03 0491 570 156 12:30", "2026-05-03 ••• 12:30"),
        ("0491,570,156", "•••"),
        (f"{OTHER}, {THEIRS}", f"{OTHER}, •••"),
        ("Order 4915701569 of 2026", "Order 4915701569 of 2026"),
    ],
)
def test_a_number_is_put_out_of_sight_however_it_is_written(
    workspace: Workspace, written: str, left: str
) -> None:
    assert sought(workspace).masked(written) == left


def test_no_reason_note_name_or_draft_holds_the_number_afterwards(
    workspace: Workspace, admin: User, operator: User, make_campaign: Callable[..., Campaign]
) -> None:
    """SR54: the words around it stay."""
    said = "from +61 491 570 156 by phone"
    draft = make_campaign(name="For 0491 570 156", content=f"Hi, {said}", cost_centre="0491570156")
    SenderID.objects.update(note=said, reason=said)
    Registration.objects.create(sender=draft.sender, country="AU", note=said, reason=said)
    OptOut.objects.create(workspace=workspace, number=OTHER, source="typed", reason=said)
    Notice.objects.create(workspace=workspace, user=operator, kind="x", title=said, dedupe="x")
    Reveal.objects.create(campaign=draft, user=operator, reason=said, until=timezone.now())
    job = Job.objects.create(
        workspace=workspace, user=operator, kind="x", state=JobState.DONE,
        options={"told": [said, 3]}, file_name="0491570156.csv", error=said,
    )  # fmt: skip

    erasure = erase(workspace, admin)

    left = "from ••• by phone"
    draft.refresh_from_db()
    assert (draft.name, draft.content, draft.cost_centre) == ("For •••", f"Hi, {left}", "•••")
    assert list(SenderID.objects.values_list("note", "reason")) == [(left, left)]
    assert list(Registration.objects.values_list("note", "reason")) == [(left, left)]
    assert OptOut.objects.get(number=OTHER).reason == left
    assert Notice.objects.get(dedupe="x").title == left
    assert Reveal.objects.get().reason == left
    job.refresh_from_db()
    assert (job.options, job.file_name, job.error) == ({"told": [left, 3]}, "•••.csv", left)
    assert erasure.state == ErasureState.DONE
    assert erasure.erased["words"] == 12


def test_a_submitted_text_is_frozen_and_another_workspace_keeps_its_words(
    workspace: Workspace, other_workspace: Workspace, admin: User, stranger: User,
    make_campaign: Callable[..., Campaign],
) -> None:  # fmt: skip
    sent = make_campaign(content=f"Call {THEIRS}", name=THEIRS)
    Campaign.objects.filter(pk=sent.pk).update(state="completed")
    theirs = Campaign.objects.create(workspace=other_workspace, author=stranger, name=THEIRS)
    erase(workspace, admin)
    sent.refresh_from_db()
    theirs.refresh_from_db()
    assert (sent.name, sent.content, theirs.name) == ("•••", f"Call {THEIRS}", THEIRS)


def test_a_pass_after_another_finished_everything_finds_nothing(workspace: Workspace) -> None:
    """F44: two passes at once end alike."""
    erasing._stragglers(sought(workspace, ErasureState.DONE), Counter())


def test_a_workspace_learns_nothing_of_somebody_who_works_elsewhere_too(
    workspace: Workspace, other_workspace: Workspace, admin: User, operator: User, colleague: User
) -> None:
    """The number of a person of another workspace is neither taken nor counted."""
    User.objects.filter(pk__in=[operator.pk, colleague.pk]).update(test_numbers=[THEIRS, OTHER])
    Membership.objects.create(user=operator, workspace=other_workspace, role="viewer")
    erasure = erase(workspace, admin)
    operator.refresh_from_db()
    colleague.refresh_from_db()
    assert operator.test_numbers == [THEIRS, OTHER]
    assert colleague.test_numbers == [OTHER]
    assert erasure.erased == {}
    assert AuditEvent.objects.get(action="privacy.erased").data == {}
