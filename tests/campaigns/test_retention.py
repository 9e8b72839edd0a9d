"""SR53: each kind of personal data goes when its time is over; the books stay true."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User, Workspace
from campaigns import copying, receipts, retention
from campaigns.models import (
    Campaign,
    DeliveryReceipt,
    ImportProblem,
    Message,
    MessageEvent,
    Recipient,
    RecipientImport,
    Retention,
)
from campaigns.states import CampaignState
from sms.gateways.base import Outcome, Receipt
from tests.campaigns import engine
from tests.campaigns.building import SENT_AT, Made, make_sent_campaign, revealed

MANY = (
    Made("delivered", values=("Ann", "9")),
    Made("undelivered", "unreachable", detail="to 12025550101", values=("Bo", "10")),
)
LATER = {"texts": timedelta(days=31), "numbers": timedelta(days=91)}


@pytest.fixture
def sent(make_campaign: Any, practice: Any) -> Campaign:
    """A campaign that ended at SENT_AT, with a receipt and a refused row."""
    draft = make_campaign(content="Hi ${name} at ${slot}")
    campaign = make_sent_campaign(draft, MANY, carrier=practice, expanded_to=2, digest="")
    source = RecipientImport.objects.filter(pk=campaign.recipients_id)
    source.update(finished_at=SENT_AT, about={"samples": [["x", "+12025550100"]], "repeated": 1})
    ImportProblem.objects.create(
        source=campaign.recipients, row=9, raw="12025550", code="not_valid", sentence="Too short."
    )
    message = campaign.messages.earliest("position")
    MessageEvent.objects.create(message=message, kind="receipt", was="a", now="b", note="to 1202")
    DeliveryReceipt.objects.create(
        account=practice, dedupe="1", reference=str(message.reference), outcome="delivered",
        raw='{"to": "+12025550100"}', detail="x", state="applied", message=message,
    )  # fmt: skip
    return campaign


def run(now: datetime) -> None:
    for workspace in Workspace.objects.all():
        Retention.objects.update_or_create(workspace=workspace, defaults={"due_at": now})
    retention.run(now, seconds=60)


def texts(campaign: Campaign) -> set[str]:
    return set(campaign.messages.values_list("text", flat=True))


def numbers(campaign: Campaign) -> set[str]:
    return set(campaign.messages.values_list("number", flat=True))


def test_texts_and_values_go_after_their_days_and_nothing_a_day_earlier(sent: Campaign) -> None:
    run(SENT_AT + timedelta(days=29))
    assert "" not in texts(sent)
    run(SENT_AT + LATER["texts"])
    sent.refresh_from_db()
    assert (texts(sent), sent.content, sent.texts_purged_at is not None) == ({""}, "", True)
    values = Recipient.objects.filter(source=sent.recipients).values_list("values", flat=True)
    assert list(values) == [[], []]
    assert "" not in numbers(sent)


def test_numbers_go_with_everything_a_carrier_said_of_them(sent: Campaign) -> None:
    run(SENT_AT + LATER["numbers"])
    sent.refresh_from_db()
    assert (numbers(sent), sent.manual_numbers) == ({""}, "")
    assert set(sent.messages.values_list("detail", flat=True)) == {""}
    listed = Recipient.objects.filter(source=sent.recipients).values_list("number", flat=True)
    assert set(listed) == {""}
    assert list(ImportProblem.objects.values_list("raw", "code")) == [("", "not_valid")]
    assert list(DeliveryReceipt.objects.values_list("raw", "outcome")) == [("", "delivered")]
    assert MessageEvent.objects.get().note == ""
    assert RecipientImport.objects.get(pk=sent.recipients_id).about == {"repeated": 1}


def test_counts_states_references_and_money_stay(sent: Campaign) -> None:
    kept = ("state", "reason", "segments", "billed_segments", "price", "reference", "country")
    before = list(sent.messages.order_by("pk").values_list(*kept))
    run(SENT_AT + LATER["numbers"])
    assert list(sent.messages.order_by("pk").values_list(*kept)) == before
    assert sum(tally.messages for tally in sent.tallies.all()) == 2


def test_what_may_still_be_sent_or_answered_is_kept(make_campaign: Any, practice: Any) -> None:
    """A campaign that is not over, and one whose receipts may still come."""
    running = make_sent_campaign(
        make_campaign(), [Made("queued")], carrier=practice, state=CampaignState.PAUSED,
        ended_at=None,
    )  # fmt: skip
    heard = make_sent_campaign(make_campaign(), [Made("accepted")], carrier=practice)
    Workspace.objects.update(keep_texts_days=1, keep_numbers_days=1)
    run(SENT_AT + timedelta(days=2))
    assert "" not in texts(running) | texts(heard) | numbers(running) | numbers(heard)
    run(SENT_AT + timedelta(days=5))
    assert "" not in texts(running)
    assert texts(heard) == {""}


def test_a_list_stays_as_long_as_one_campaign_needs_it(
    sent: Campaign, make_campaign: Any, operator: User
) -> None:
    young = make_campaign(recipients=sent.recipients, source="import")
    run(SENT_AT + LATER["texts"])
    assert [] not in Recipient.objects.filter(source=sent.recipients).values_list(
        "values", flat=True
    )
    Campaign.objects.filter(pk=young.pk).update(updated_at=SENT_AT)
    run(SENT_AT + LATER["numbers"])  # nobody touched the draft for as long as numbers are kept
    young.refresh_from_db()
    assert (young.recipients, young.manual_numbers) == (None, "")
    listed = Recipient.objects.filter(source=sent.recipients).values_list("number", flat=True)
    assert set(listed) == {""}


def test_uploads_are_kept_as_long_as_the_workspace_says(
    sent: Campaign, settings: Any, tmp_path: Path
) -> None:
    """SR36."""
    settings.UPLOADS = tmp_path
    (tmp_path / "stored").write_text("x")
    Workspace.objects.update(keep_uploads_days=3)
    RecipientImport.objects.filter(pk=sent.recipients_id).update(stored_name="stored")
    run(SENT_AT + timedelta(days=2))
    assert (tmp_path / "stored").exists()
    run(SENT_AT + timedelta(days=4))
    assert not (tmp_path / "stored").exists()
    assert RecipientImport.objects.get(pk=sent.recipients_id).stored_name == ""


def test_unmatched_receipts_go_after_the_days_of_numbers(practice: Any) -> None:
    row = DeliveryReceipt.objects.create(
        account=practice, dedupe="2", reference="x", outcome="delivered", raw="to=491570180",
        state="orphan", why="no message has this reference", arrived_at=SENT_AT,
    )  # fmt: skip
    run(SENT_AT + timedelta(days=89))
    row.refresh_from_db()
    assert row.raw
    run(SENT_AT + LATER["numbers"])
    assert not DeliveryReceipt.objects.exists()


def test_a_run_is_proved_by_an_audit_event_with_counts_and_no_words(sent: Campaign) -> None:
    run(SENT_AT + LATER["numbers"])
    event = AuditEvent.objects.get(action="retention.run")
    assert (event.workspace_id, event.actor) == (sent.workspace_id, None)
    assert event.data["texts"] == event.data["numbers"] == event.data["values"] == 2
    row = Retention.objects.get(workspace=sent.workspace)
    assert row.deleted == event.data
    run(SENT_AT + LATER["numbers"] + timedelta(hours=2))
    assert AuditEvent.objects.filter(action="retention.run").count() == 1
    assert Retention.objects.get(workspace=sent.workspace).deleted_at == row.deleted_at


def test_a_run_that_has_no_time_left_goes_on_with_the_next_sweep(
    sent: Campaign, monkeypatch: Any
) -> None:
    monkeypatch.setattr(retention, "STEP", 1)
    now = SENT_AT + LATER["numbers"]
    Retention.objects.create(workspace=sent.workspace, due_at=now)
    for _sweep in range(40):
        retention.run(now, seconds=0.000_001)
    assert (texts(sent), numbers(sent)) == ({""}, {""})


def test_an_upgrade_deletes_nothing_for_a_day(sent: Campaign) -> None:
    now = SENT_AT + LATER["numbers"]
    retention.run(now)
    retention.run(now + timedelta(hours=23))
    assert "" not in texts(sent)
    retention.run(now + timedelta(hours=25))
    assert texts(sent) == {""}


def test_of_two_sweeps_at_once_one_runs(sent: Campaign) -> None:
    now = SENT_AT + LATER["numbers"]
    run(now)
    assert Retention.objects.get(workspace=sent.workspace).due_at == now + retention.EVERY
    sent.messages.update(text="again")
    retention.run(now, seconds=60)
    assert texts(sent) == {"again"}


def test_a_copy_or_a_resend_of_what_is_no_longer_kept_is_refused_in_words(
    sent: Campaign, operator: User, signed_in: Callable[[User], Client]
) -> None:
    run(SENT_AT + LATER["texts"])
    sent.refresh_from_db()
    with pytest.raises(copying.NoLongerKept):
        copying.resend(sent, operator, uuid4(), ["unreachable"])
    client = signed_in(operator)
    given = {"token": "00000000-0000-4000-8000-000000000001"}
    for act in ("duplicate", "resend"):
        for page in (client.get(f"/campaigns/{sent.key}/{act}/"),
                     client.post(f"/campaigns/{sent.key}/{act}/", given)):  # fmt: skip
            assert "no longer kept" in page.content.decode()
    assert Campaign.objects.count() == 1


ACTS = {"texts": {"duplicate", "resend"}, "numbers": {"duplicate", "resend", "reveal"}}
REASONS = {
    "texts": ("It cannot be duplicated.", "No resend: its texts or numbers are no longer kept."),
    "numbers": ("No resend:", "The phone numbers are no longer kept."),
}


@pytest.mark.parametrize("kind", ["texts", "numbers"])
def test_what_needs_the_deleted_is_not_offered_and_the_page_says_why(
    sent: Campaign, operator: User, signed_in: Callable[[User], Client], kind: str
) -> None:
    client, here = signed_in(operator), f"/campaigns/{sent.key}/"

    def offered() -> set[str]:
        words = client.get(here).content.decode() + client.get("/campaigns/").content.decode()
        return {act for act in ("duplicate", "resend", "reveal") if f"{here}{act}/" in words}

    assert offered() == {"duplicate", "resend", "reveal"}
    client.post(f"{here}reveal/", {"reason": "Complaint 12"})
    assert 'name="numbers" value="whole"' in client.get(here).content.decode()
    client.post(f"{here}hide/")
    run(SENT_AT + LATER[kind])
    assert offered() == {"duplicate", "resend", "reveal"} - ACTS[kind]
    words = client.get(here).content.decode()
    assert all(reason in words for reason in REASONS[kind])
    assert "Your role sees masked numbers." not in words


def test_a_reveal_that_outlives_the_numbers_offers_no_file_of_them(
    sent: Campaign, operator: User, signed_in: Callable[[User], Client]
) -> None:
    revealed(sent, operator)
    run(SENT_AT + LATER["numbers"])
    page = signed_in(operator).get(f"/campaigns/{sent.key}/").content.decode()
    assert 'name="numbers" value="whole"' not in page
    assert "The phone numbers are no longer kept." in page


def test_the_page_says_what_was_deleted_and_why(
    sent: Campaign, operator: User, signed_in: Callable[[User], Client]
) -> None:
    run(SENT_AT + LATER["numbers"])
    page = signed_in(operator).get(f"/campaigns/{sent.key}/").content.decode()
    assert "The text and all values were deleted on <time" in page
    assert "The phone numbers were deleted on <time" in page
    assert "they are kept for 90 days." in page
    found = signed_in(operator).post("/search/", {"q": "0100"}).content.decode()
    assert "Phone numbers are deleted 90 days after their campaign ended" in found


@pytest.mark.django_db(transaction=True)
def test_the_ledger_agrees_before_and_after_and_a_late_receipt_still_counts(
    make_campaign: Any, carrier: Any
) -> None:
    """I1 to I12 hold on rows whose texts and numbers are gone."""
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180", "+12025550181"])
    campaign = engine.run(engine.submit(campaign, carrier))
    assert campaign.state == CampaignState.COMPLETED
    assert not engine.broken()
    now = timezone.now()
    run(now + LATER["texts"])
    assert not engine.broken()
    run(now + LATER["numbers"])
    assert (texts(campaign), numbers(campaign)) == ({""}, {""})
    assert not engine.broken()
    reference = str(campaign.messages.earliest("position").reference)
    receipts.record(
        carrier, [Receipt(reference, "x", Outcome.DELIVERED, None, "", None)], "to=12025550180"
    )
    receipts.apply()
    assert engine.stored(campaign) == {"accepted": 1, "delivered": 1}
    assert DeliveryReceipt.objects.get().raw == ""
    assert not engine.broken()


@pytest.mark.django_db(transaction=True)
def test_a_text_that_is_missing_without_a_reason_is_found(make_campaign: Any, carrier: Any) -> None:
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180", "+12025550181"])
    campaign = engine.run(engine.submit(campaign, carrier))
    Message.objects.filter(position=1).update(text="")
    assert list(engine.broken()) == ["I10 frozen content"]
    Campaign.objects.update(erased=1)
    assert not engine.broken()
    Message.objects.filter(position=2).update(number="")
    assert list(engine.broken()) == ["I10 frozen content"]
    run(timezone.now() + LATER["numbers"])
    assert not engine.broken()
    Message.objects.filter(position=2).update(text="back")
    assert list(engine.broken()) == ["I10 frozen content"]
