"""An erased recipient is counted the same by everybody, whenever it was erased."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

from accounts.models import User, Workspace
from campaigns import copying, erasing, estimating, sending, submitting
from campaigns.models import Campaign, ImportState, Recipient, RecipientImport
from campaigns.sending import expanding
from campaigns.states import CampaignState
from tests.campaigns import engine
from tests.sms.practice.carrier import PracticeCarrier

pytestmark = pytest.mark.django_db(transaction=True)

THEIRS = "+14165550180"  # the practice carrier always delivers to it
PEOPLE = ["+12025550180", THEIRS, "+12025550181"]
Make = Callable[..., Campaign]


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path, carrier: Any) -> Iterator[None]:
    settings.UPLOADS, settings.EXPORTS = tmp_path / "uploads", tmp_path / "exports"
    for folder in (settings.UPLOADS, settings.EXPORTS):
        folder.mkdir()
    yield
    assert not engine.broken()


@pytest.fixture
def to_three(make_campaign: Callable[..., Any]) -> Make:
    """A draft to three people, with a name each."""

    def make(content: str = "Hi ${name}") -> Campaign:
        campaign = make_campaign(content=content, source="import", manual_numbers="")
        source = RecipientImport.objects.create(
            workspace=campaign.workspace, created_by=campaign.author, variables=["name"],
            state=ImportState.READY, accepted=3, rows_read=3, countries={"US": 2, "CA": 1},
        )  # fmt: skip
        Recipient.objects.bulk_create(
            Recipient(source=source, row=row, number=number, values=[f"P{row}"],
                      country="CA" if number == THEIRS else "US")
            for row, number in enumerate(PEOPLE, 1)
        )  # fmt: skip
        campaign.recipients = source
        campaign.save()
        return campaign

    return make


@pytest.fixture
def erase(workspace: Workspace, admin: User) -> Callable[[], bool]:
    def forget() -> bool:
        erasing.ask(workspace, THEIRS, "request of 3 May", admin)
        return erasing.run(workspace.pk)

    return forget


def submitted(campaign: Campaign) -> Campaign:
    """Submitted as a person does it, at once."""
    submitting.submit(Campaign.objects.get(pk=campaign.pk), campaign.author)
    return Campaign.objects.get(pk=campaign.pk)


def sent_to(campaign: Campaign, process: PracticeCarrier, total: int, calls: int) -> None:
    assert campaign.state == CampaignState.COMPLETED
    assert campaign.total == campaign.expanded_to == campaign.messages.count() == total
    assert sum(engine.tallied(campaign).values()) == total
    assert sum(engine.accepted_lines(process).values()) == calls


@pytest.mark.parametrize("content", ["Hi ${name}", "Hi there"])
def test_erased_in_a_draft_it_is_counted_written_and_refused(
    to_three: Make, erase: Callable[[], bool], process: PracticeCarrier, content: str
) -> None:
    draft = to_three(content)
    assert erase()
    sent_to(engine.run(submitted(draft)), process, total=3, calls=2)


def test_erased_after_the_draft_was_counted_its_count_still_holds(
    to_three: Make, erase: Callable[[], bool], process: PracticeCarrier
) -> None:
    draft = to_three()
    estimating.estimate(draft)
    assert erase()
    sent_to(engine.run(submitted(draft)), process, total=3, calls=2)


def test_erased_between_submit_and_start(
    to_three: Make, erase: Callable[[], bool], process: PracticeCarrier
) -> None:
    campaign = submitted(to_three())
    assert erase()
    sent_to(engine.run(campaign), process, total=3, calls=2)


def test_erased_between_start_and_expansion(
    to_three: Make, erase: Callable[[], bool], process: PracticeCarrier, workspace: Workspace
) -> None:
    campaign = submitted(to_three())
    sending.start_due()
    assert not erase()  # it waits until the messages are written
    sent_to(engine.run(campaign), process, total=3, calls=2)
    assert erasing.run(workspace.pk)
    assert not Recipient.objects.filter(number=THEIRS).exists()


def test_erased_while_messages_are_written(
    to_three: Make, erase: Callable[[], bool], process: PracticeCarrier, monkeypatch: Any,
    workspace: Workspace,
) -> None:  # fmt: skip
    monkeypatch.setattr(expanding, "CHUNK_ROWS", 1)
    asked: list[bool] = []

    def between(name: str) -> None:
        if not asked:
            asked.append(erase())

    monkeypatch.setattr(expanding, "hit", between)
    campaign = engine.run(submitted(to_three()))
    assert asked == [False]
    sent_to(campaign, process, total=3, calls=2)
    assert erasing.run(workspace.pk)


@pytest.mark.parametrize("content", ["Hi ${name}", "Hi there"])
def test_a_copy_with_recipients_takes_no_erased_one(
    to_three: Make, erase: Callable[[], bool], process: PracticeCarrier, operator: User,
    content: str,
) -> None:  # fmt: skip
    first = engine.run(submitted(to_three(content)))
    assert erase()
    copy = copying.duplicate(first, operator, uuid.uuid4(), recipients=True)
    source = copy.recipients
    assert source is not None
    assert source != first.recipients
    assert (source.accepted, source.countries) == (2, {"US": 2})
    assert source.recipients.filter(number="").count() == 0
    counted = estimating.estimate(copy)
    assert counted is not None
    assert (counted.numbers, counted.billable) == (2, 2)
    sent_to(engine.run(submitted(copy)), process, total=2, calls=3 + 2)


def test_a_copy_made_before_the_erasure_agrees_too(
    to_three: Make, erase: Callable[[], bool], process: PracticeCarrier, operator: User
) -> None:
    first = engine.run(submitted(to_three()))
    copy = copying.duplicate(first, operator, uuid.uuid4(), recipients=True)
    assert copy.recipients == first.recipients
    assert erase()
    sent_to(engine.run(submitted(copy)), process, total=3, calls=3 + 2)


def test_a_row_whose_only_value_may_be_empty_is_no_erased_one(
    to_three: Make, process: PracticeCarrier, operator: User
) -> None:
    draft = to_three("Hello${name}!")
    Recipient.objects.filter(source=draft.recipients, row=1).update(values=[""])
    counted = estimating.estimate(draft)
    assert counted is not None
    assert counted.billable == 3
    first = engine.run(submitted(draft))
    sent_to(first, process, total=3, calls=3)
    copy = copying.duplicate(first, operator, uuid.uuid4(), recipients=True)
    assert copy.recipients == first.recipients


def test_beside_an_erased_row_one_that_is_empty_on_purpose_is_sent(
    to_three: Make, erase: Callable[[], bool], process: PracticeCarrier
) -> None:
    """Row 3 belongs to somebody else and holds the erased number as its value."""
    draft = to_three("Hello${name}!")
    rows = Recipient.objects.filter(source=draft.recipients)
    rows.filter(row=1).update(values=[""])
    rows.filter(row=3).update(values=[THEIRS])
    assert erase()
    sent_to(engine.run(submitted(draft)), process, total=3, calls=1)


@pytest.mark.parametrize(("asked", "calls"), [(True, 1), (False, 2)])
def test_rows_that_an_earlier_version_erased_stay_erased(
    to_three: Make, workspace: Workspace, admin: User, process: PracticeCarrier, *,
    asked: bool, calls: int,
) -> None:  # fmt: skip
    """It wrote empty words; they mean an erasure only where somebody asked for one since."""
    draft = to_three("Hello${name}!")
    rows = Recipient.objects.filter(source=draft.recipients)
    rows.filter(row=1).update(values=[""])
    rows.filter(row=2).update(number="", values=[""])
    if asked:
        erasing.ask(workspace, "+12025550199", "request of 3 May", admin)
    migration = importlib.import_module("campaigns.migrations.0007_erased_values")
    migration.mark(apps, None)
    sent_to(engine.run(submitted(draft)), process, total=3, calls=calls)
    migration.unmark(apps, None)
    assert not rows.filter(values__0=None).exists()


def test_in_a_list_without_variables_the_others_stay_known(to_three: Make) -> None:
    """Its rows have no first value that could say that they were erased."""
    campaign = to_three("Hi there")
    RecipientImport.objects.update(variables=[])
    campaign.recipients.refresh_from_db()
    rows = campaign.recipients.recipients.all()
    rows.update(values=[])
    rows.filter(number=THEIRS).update(number="")
    assert [row.number for row in rows.known().order_by("row")] == [PEOPLE[0], PEOPLE[2]]
    assert [row.row for row in rows.erased()] == [2]
    assert estimating.samples(campaign)
    copy = copying.duplicate(campaign, campaign.author, uuid.uuid4(), recipients=True)
    assert copy.recipients.accepted == 2
