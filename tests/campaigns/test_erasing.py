"""A person asks to be forgotten: nothing is sent any more, and nothing is left of the number."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from accounts.keyed import digest
from accounts.models import AuditEvent, Job, JobState, Notice, User, Workspace
from billing import thresholds
from billing.models import Period, ThresholdWindow
from campaigns import drafting, erasing, sending
from campaigns.models import (
    Batch,
    Campaign,
    DeliveryReceipt,
    Erasure,
    ErasureState,
    ImportProblem,
    ImportState,
    Message,
    Recipient,
    RecipientImport,
)
from campaigns.states import BatchState, CampaignState, MessageState
from senders.models import OptOut, OptOutSource
from sms.gateways.base import Outcome, Receipt
from tests.campaigns import engine
from tests.sms.practice.carrier import PracticeCarrier

pytestmark = pytest.mark.django_db(transaction=True)

THEIRS, OTHER = "+61491570156", "+12025550181"
WRITTEN = ("491570156", "0491570156", "491 570 156")


@pytest.fixture(autouse=True)
def folders(settings: Any, tmp_path: Path) -> None:
    settings.HOME = tmp_path
    settings.UPLOADS, settings.EXPORTS = tmp_path / "uploads", tmp_path / "exports"
    for folder in (settings.UPLOADS, settings.EXPORTS):
        folder.mkdir()


@pytest.fixture
def to_both(make_campaign: Callable[..., Any]) -> Callable[..., Campaign]:
    """A draft to two people with values of their own."""

    def make(**fields: Any) -> Campaign:
        campaign = make_campaign(**{"content": "Hi ${name}, call ${phone}", **fields})
        source = RecipientImport.objects.create(
            workspace=campaign.workspace, created_by=campaign.author, variables=["name", "phone"],
            original_name="customers.csv", state=ImportState.READY, accepted=2, rows_read=2,
            countries={"AU": 1, "US": 1}, about={"samples": [["0491 570 156", THEIRS]]},
        )  # fmt: skip
        Recipient.objects.bulk_create([
            Recipient(source=source, row=1, number=THEIRS, country="AU",
                      values=["Ann Chovey", "0491 570 156"]),
            Recipient(source=source, row=2, number=OTHER, country="US", values=["Bo", "none"]),
        ])  # fmt: skip
        campaign.recipients = source
        campaign.manual_numbers = ""
        campaign.save()
        return campaign

    return make


def erase(workspace: Workspace, admin: User, number: str = THEIRS) -> Erasure:
    """Ask and do one pass."""
    erasure = erasing.ask(workspace, number, "request of 3 May", admin)
    erasing.run(workspace.pk)
    erasure.refresh_from_db()
    return erasure


def dumped() -> str:
    """Every column of every table, as text."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [f"{table}: {row}" for row in cursor.fetchall()]
    return "\n".join(found)


def traces(*words: str) -> list[str]:
    lines = dumped().splitlines()
    return [line for line in lines if any(word in line for word in words)]


def test_after_a_real_sending_no_table_holds_the_number_and_the_ledger_agrees(
    to_both: Any, carrier: Any, workspace: Any, admin: User, operator: User,
    settings: Any,
) -> None:  # fmt: skip
    """SR54: messages, uploads, inbox, exports; the opt-out keeps only the keyed hash."""
    campaign = engine.run(engine.submit(to_both(), carrier))
    message = Message.objects.get(number=THEIRS)
    _receive(carrier, message)
    _everywhere_else(campaign, operator, settings)
    message.refresh_from_db()  # a refusal that its receipt contradicts is billed after all
    money = [message.segments, message.billed_segments, message.price, message.charge_id]
    assert len(traces(*WRITTEN)) >= 8
    assert not engine.broken()

    erasure = erase(workspace, admin)

    assert erasure.state == ErasureState.DONE
    assert traces(*WRITTEN, "Ann Chovey") == []
    assert not engine.broken()
    message.refresh_from_db()
    assert [message.segments, message.billed_segments, message.price, message.charge_id] == money
    assert message.state == MessageState.DELIVERED
    assert not list(settings.UPLOADS.iterdir())
    assert not list(settings.EXPORTS.iterdir())
    assert Message.objects.get(number=OTHER).text == "Hi Bo, call none"
    out = OptOut.objects.get()
    assert (out.number, out.digest, out.source) == ("", digest(THEIRS), OptOutSource.ERASED)
    assert OptOut.objects.among(workspace.pk, [THEIRS, OTHER]) == {THEIRS}


def _receive(carrier: Any, message: Message) -> None:
    from campaigns import receipts

    said = Receipt(
        reference=str(message.reference), carrier_id=message.carrier_id,
        outcome=Outcome.DELIVERED, reason=None, done_at=None, detail=f"stat:DELIVRD to {THEIRS}",
    )  # fmt: skip
    receipts.record(carrier, [said], json.dumps({"to": THEIRS.removeprefix("+")}))
    lost = Receipt("unknown", "x", Outcome.DELIVERED, None, "", None)
    receipts.record(carrier, [lost], "msisdn=0491570156&status=ok")
    receipts.apply()


def _everywhere_else(campaign: Campaign, operator: User, settings: Any) -> None:
    workspace, source = campaign.workspace, campaign.recipients
    ImportProblem.objects.create(
        source=source,
        row=9,
        column="phone",
        raw="0491-570-156",
        code="duplicate",
        sentence="Twice.",
    )
    Campaign.objects.create(
        workspace=workspace, author=operator, manual_numbers=f"{OTHER}\n+61 491 570 156"
    )
    Notice.objects.create(workspace=workspace, user=operator, kind="x", title=f"{THEIRS} failed",
                          dedupe="x")  # fmt: skip
    User.objects.filter(pk=operator.pk).update(test_numbers=[THEIRS])
    OptOut.objects.create(
        workspace=workspace, number=THEIRS, source=OptOutSource.TYPED, reason=f"{THEIRS} said STOP"
    )
    (settings.UPLOADS / "stored").write_text(THEIRS)
    RecipientImport.objects.filter(pk=source.pk).update(stored_name="stored")
    (settings.EXPORTS / "made.xlsx").write_text(THEIRS)
    Job.objects.create(workspace=workspace, user=operator, kind="numbers", file="made.xlsx",
                       state=JobState.DONE)  # fmt: skip


def test_what_waits_is_withdrawn_by_the_rules_of_sending_and_costs_nothing(
    to_both: Any, carrier: Any, workspace: Any, admin: User
) -> None:
    """F44: queued messages are refused, their segments go back to the threshold."""
    thresholds.set_limit(workspace, Period.DAY, 1, 80, admin)
    campaign = engine.run(engine.submit(to_both(), carrier, partial_ok=True))
    assert campaign.state == CampaignState.SUSPENDED
    erasure = erase(workspace, admin)
    assert erasure.state == ErasureState.DONE
    gone = Message.objects.get(number="")
    assert gone.state in (MessageState.REJECTED, MessageState.ACCEPTED)
    assert ThresholdWindow.objects.get().used <= 1
    assert not engine.broken()


def test_a_file_that_is_checked_again_meanwhile_is_the_old_file_still(
    to_both: Any, workspace: Any, admin: User, settings: Any
) -> None:
    """The copy came after the request, what it holds came before."""
    campaign = to_both()
    (settings.UPLOADS / "stored").write_text(THEIRS)
    source = RecipientImport.objects.filter(pk=campaign.recipients_id)
    source.update(stored_name="stored", sha256="a1")
    erasing.ask(workspace, THEIRS, "Asked by mail", admin)
    campaign.refresh_from_db()
    copy = drafting.check_again(campaign, admin)
    assert copy
    assert not erasing.run(workspace.pk)
    RecipientImport.objects.filter(pk=copy.pk).update(state=ImportState.READY)
    assert erasing.run(workspace.pk)
    assert list(settings.UPLOADS.iterdir()) == []


def test_a_message_on_its_way_is_waited_for(
    to_both: Any, carrier: Any, workspace: Any, admin: User, process: PracticeCarrier
) -> None:
    """F44: erase waits for *submitting* to settle; then nothing is sent after it."""
    campaign = engine.submit(to_both(), carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    from campaigns.sending import claiming

    leases = claiming.claim()
    erasure = erase(workspace, admin)
    assert (erasure.state, erasure.waits_for) == (ErasureState.WAITING, erasing.SENDING)
    assert Message.objects.filter(number=THEIRS, state=MessageState.QUEUED).exists()
    for lease, _rows in leases:
        sending.recovering.give_back(lease)
    assert erasing.run(workspace.pk)
    sending.dispatch(20.0)
    assert sum(engine.accepted_lines(process).values()) == 1
    assert traces(*WRITTEN, "Ann Chovey") == []
    assert not engine.broken()


@pytest.mark.parametrize("scenario", ["notification", "otp"])
def test_a_campaign_that_starts_later_sends_nothing_to_it(
    to_both: Any, carrier: Any, workspace: Any, admin: User, process: PracticeCarrier, scenario: str
) -> None:
    campaign = engine.submit(to_both(scenario=scenario), carrier)
    assert erase(workspace, admin).state == ErasureState.DONE
    campaign = engine.run(campaign)
    assert campaign.state == CampaignState.COMPLETED
    assert engine.stored(campaign) == {"accepted": 1, "rejected": 1}
    assert sum(engine.accepted_lines(process).values()) == 1
    assert campaign.erased == 1
    assert Message.objects.get(number="").reason == "opted_out"  # by us: the carrier never saw it
    assert not engine.broken()


def test_a_code_that_was_leased_before_the_request_is_refused(
    to_both: Any, carrier: Any, workspace: Any, admin: User, process: PracticeCarrier
) -> None:
    """An opt-out spares one-time codes; an erasure does not."""
    campaign = engine.submit(to_both(scenario="otp"), carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    erasing.ask(workspace, THEIRS, "request of 3 May", admin)
    sending.dispatch(20.0)
    assert Message.objects.get(number=THEIRS).state == MessageState.REJECTED
    assert sum(engine.accepted_lines(process).values()) == 1


def test_a_late_receipt_brings_the_number_not_back(
    to_both: Any, carrier: Any, workspace: Any, admin: User
) -> None:
    engine.run(engine.submit(to_both(), carrier))
    message = Message.objects.get(number=THEIRS)
    erase(workspace, admin)
    _receive(carrier, message)
    DeliveryReceipt.objects.filter(message=None).delete()
    assert Message.objects.get(pk=message.pk).state == MessageState.DELIVERED
    assert traces(*WRITTEN) == []
    assert not engine.broken()


def test_a_restored_backup_forgets_again_what_the_list_holds(
    to_both: Any, carrier: Any, workspace: Any, admin: User, settings: Any, capsys: Any
) -> None:
    """SR54: the list lies beside the database, and holds no number."""
    erase(workspace, admin)
    listed = (settings.HOME / erasing.LIST).read_text()
    assert digest(THEIRS) in listed
    assert "491570156" not in listed
    Erasure.objects.all().delete()  # the backup is older than the request
    OptOut.objects.all().delete()
    to_both()
    assert traces(*WRITTEN)
    call_command("replay_erasures")
    assert "1 requests are replayed" in capsys.readouterr().out
    assert traces(*WRITTEN) == []
    assert OptOut.objects.get().digest == digest(THEIRS)


def test_another_workspace_keeps_its_own(
    to_both: Any, workspace: Any, other_workspace: Any, admin: User, stranger: User
) -> None:
    to_both()
    erase(other_workspace, stranger)
    assert Recipient.objects.filter(number=THEIRS).exists()


def test_a_second_pass_finds_nothing_and_changes_nothing(
    to_both: Any, carrier: Any, workspace: Any, admin: User
) -> None:
    engine.run(engine.submit(to_both(), carrier))
    first = erase(workspace, admin)
    assert first.erased["messages"] == 1
    assert erase(workspace, admin).erased == {}
    assert Campaign.objects.get().erased == 1


def test_nothing_of_a_request_tells_the_number(
    signed_in: Callable[[User], Client], admin: User, caplog: Any, monkeypatch: Any
) -> None:
    """SR56: ids only in task arguments, audit data and addresses."""
    from campaigns import tasks

    rung: list[Any] = []
    monkeypatch.setattr(tasks.erase, "delay", lambda *given: rung.append(given))
    given = {"number": THEIRS, "reason": "request of 3 May", "sure": "erase"}
    answer = signed_in(admin).post("/workspace/erase/", given)
    assert (answer.status_code, answer.url) == (302, "/workspace/erase/")
    assert rung == [(admin.membership.workspace_id,)]
    event = AuditEvent.objects.get(action="privacy.erase")
    assert event.data["reason"] == "request of 3 May"
    assert traces(*WRITTEN) == []
    assert "491570156" not in caplog.text


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("number", "12", "number"),
        ("reason", "case of +61 491 570 156", "without a phone number"),
        ("sure", "yes", "Type ERASE"),
    ],
)
def test_a_request_that_is_not_clear_erases_nothing(
    signed_in: Callable[[User], Client], admin: User, name: str, value: str, word: str
) -> None:
    given = {"number": THEIRS, "reason": "request of 3 May", "sure": "ERASE", name: value}
    answer = signed_in(admin).post("/workspace/erase/", given)
    assert answer.status_code == 200
    assert word in answer.content.decode()
    assert not Erasure.objects.exists()


def test_only_admins_erase(
    signed_in: Callable[[User], Client], operator: User, finance: User, viewer: User, client: Client
) -> None:
    for person in (operator, finance, viewer):
        assert signed_in(person).get("/workspace/erase/").status_code == 403
        assert signed_in(person).post("/workspace/erase/").status_code == 403
    assert client.get("/workspace/erase/").status_code == 302


def test_the_page_tells_what_became_of_each_request_of_this_workspace(
    signed_in: Callable[[User], Client], to_both: Any, workspace: Any, admin: User, stranger: User
) -> None:
    to_both()
    erase(workspace, admin)
    page = signed_in(admin).get("/workspace/erase/").content.decode()
    assert "Recipients: 1" in page
    assert "Jonas Weber" in page
    assert "Nobody asked yet" in signed_in(stranger).get("/workspace/erase/").content.decode()


def test_an_emptied_batch_is_done(to_both: Any, carrier: Any, workspace: Any, admin: User) -> None:
    campaign = engine.submit(to_both(), carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    campaign.refresh_from_db()
    campaign.move("pause")
    assert erase(workspace, admin).state == ErasureState.DONE
    assert Batch.objects.get(country="AU").state == BatchState.DONE
    assert Message.objects.get(number="").state == MessageState.REJECTED
    assert not engine.broken()


@pytest.mark.parametrize("list_too", [False, True])
def test_a_text_that_outlived_its_number_is_emptied_too(
    list_too: bool, to_both: Any, carrier: Any, workspace: Any, admin: User
) -> None:
    """Texts may be kept for longer than numbers: the message is found by its recipient."""
    engine.run(engine.submit(to_both(), carrier))
    Message.objects.update(number="", detail="")
    if list_too:
        Recipient.objects.update(number="")
    assert erase(workspace, admin).state == ErasureState.DONE
    assert traces(*WRITTEN, "Ann Chovey") == []
    assert Message.objects.exclude(text="").count() == 1


@pytest.mark.postgres
def test_the_rest_of_a_campaign_is_not_read_for_each_of_its_hits(
    make_campaign: Any, carrier: Any, workspace: Any, admin: User
) -> None:
    """A million messages stand beside the one: no statement may look through them."""
    campaign = make_campaign()
    engine.fill(campaign, [f"+1202555{n:04}" for n in range(3_000)])
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    erasing.ask(workspace, "+12025550142", "request of 3 May", admin)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE campaigns_message")
    before = messages_read()
    assert erasing.run(workspace.pk)
    assert Message.objects.filter(number="").count() == 1
    assert messages_read() - before < 1_000


def messages_read() -> int:
    """Rows of messages that statements have read so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables"
            " WHERE relname = 'campaigns_message'"
        )
        read: int = cursor.fetchone()[0]
    return read
