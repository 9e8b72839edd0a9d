"""Resends of one campaign: nobody whom one of them reached is written to by another."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from campaigns import copying, drafting, families, retention, sending, submitting
from campaigns.models import Batch, Campaign, ImportProblem, Message, Recipient, RecipientImport
from campaigns.states import CampaignState, MessageState
from campaigns.submitting import CannotSubmit
from tests.campaigns.building import Made, make_sent_campaign, press_submit

pytestmark = pytest.mark.django_db
ANN, BO, DI = "+12025550140", "+61491570006", "+12025550142"
FAILED = (
    Made("undelivered", "unreachable", number=ANN, values=("Ann",)),
    Made("undelivered", "unreachable", "AU", BO, values=("Bo",)),
    Made("undelivered", "unreachable", number=DI, values=("Di",)),
)
STANDS = ["queued", "accepted", "in_doubt", "no_receipt", "delivered"]


@pytest.fixture
def sent(make_campaign: Callable[..., Any], practice: Any) -> Callable[..., Campaign]:
    def make(made: Any = FAILED, **fields: Any) -> Campaign:
        return make_sent_campaign(make_campaign(), made, **{"carrier": practice, **fields})

    return make


@pytest.fixture
def again(operator: Any) -> Callable[..., Campaign]:
    """A draft to those of *campaign* that failed."""

    def make(campaign: Campaign) -> Campaign:
        return copying.resend(campaign, operator, uuid.uuid4(), ["unreachable"])

    return make


def over(draft: Campaign, states: dict[str, str], operator: Any) -> Campaign:
    """*draft*, submitted and over: what became of each of its numbers."""
    submitting.submit(draft, operator)
    sending.start_due()
    sending.expand(draft.pk)
    for number, state in states.items():
        reason = "unreachable" if state == "undelivered" else ""
        rows = Message.objects.filter(campaign=draft, number=number)
        assert rows.update(state=state, reason=reason)
    Campaign.objects.filter(pk=draft.pk).update(state=CampaignState.COMPLETED)
    draft.refresh_from_db()
    return draft


def numbers(draft: Campaign) -> list[str]:
    rows = Recipient.objects.filter(source=draft.recipients).order_by("row")
    return list(rows.values_list("number", flat=True))


@pytest.mark.parametrize("state", STANDS)
def test_whom_another_resend_reached_or_may_reach_is_left_out(
    state: str, sent: Any, again: Any, operator: Any
) -> None:
    campaign = sent()
    over(again(campaign), {ANN: state, BO: "undelivered", DI: "rejected"}, operator)
    second = again(campaign)
    assert numbers(second) == [BO, DI]
    assert (second.recipients.tally, second.recipients.accepted) == ({"reached": 1}, 2)
    assert (second.recipients.rows_read, second.recipients.countries) == (3, {"AU": 1, "US": 1})


def test_every_state_of_a_message_is_judged() -> None:
    assert set(STANDS) | {"undelivered", "expired", "rejected", "cancelled"} == set(MessageState)
    assert set(STANDS) == families.STANDS


def test_a_scheduled_resend_holds_its_numbers_before_any_message_is_written(
    sent: Any, again: Any, operator: Any
) -> None:
    campaign = sent()
    submitting.submit(again(campaign), operator)
    with pytest.raises(copying.NothingToResend):
        again(campaign)


def test_a_resend_of_a_resend_knows_its_whole_family(sent: Any, again: Any, operator: Any) -> None:
    campaign = sent()
    failed = {ANN: "undelivered", BO: "undelivered", DI: "undelivered"}
    first, second = again(campaign), None
    over(first, failed, operator)
    second = over(again(campaign), failed | {ANN: "delivered"}, operator)
    Message.objects.filter(campaign=campaign, number=BO).update(state="delivered")  # a late receipt
    assert numbers(again(first)) == [DI]
    assert numbers(again(second)) == [DI]


def test_a_number_on_two_lines_is_left_out_only_for_the_line_that_was_reached(
    sent: Any, again: Any, operator: Any
) -> None:
    made = [Made("undelivered", "unreachable", number=ANN, values=(v,)) for v in ("A-1", "A-2")]
    campaign = sent(made)
    first = again(campaign)
    over(first, {ANN: "undelivered"}, operator)
    row = Message.objects.filter(campaign=first).order_by("position").first()
    Message.objects.filter(pk=row.pk).update(state="delivered")  # type: ignore[union-attr]
    second = again(campaign)
    assert list(Recipient.objects.filter(source=second.recipients).values_list("values")) == [
        (["A-2"],)
    ]


def test_values_that_are_no_longer_kept_count_as_the_same_message(
    sent: Any, again: Any, operator: Any
) -> None:
    campaign = sent()
    first = over(again(campaign), {ANN: "delivered", BO: "undelivered"}, operator)
    Recipient.objects.filter(source=first.recipients).update(values=[None])  # erased
    assert ANN not in numbers(again(campaign))


def forget(campaign: Campaign, days: int) -> None:
    """Let retention see a campaign that ended more than *days* ago."""
    old = timezone.now() - timedelta(days=days + 1)
    Batch.objects.filter(campaign=campaign).update(left=0, state="done")
    Campaign.objects.filter(pk=campaign.pk).update(ended_at=old, submitted_at=old, updated_at=old)
    RecipientImport.objects.filter(pk=campaign.recipients_id).update(finished_at=old)
    retention.run(timezone.now())  # the first look only says when
    retention.run(timezone.now() + retention.FIRST)
    campaign.refresh_from_db()


def test_a_draft_is_told_after_the_values_of_the_other_resend_went(
    sent: Any, again: Any, operator: Any
) -> None:
    campaign = sent(ended_at=timezone.now())
    first, second = again(campaign), again(campaign)
    over(first, {ANN: "delivered", BO: "delivered", DI: "undelivered"}, operator)
    forget(first, first.workspace.keep_texts_days)
    assert (first.texts_purged_at is None, first.numbers_purged_at) == (False, None)
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(Campaign.objects.get(pk=second.pk), operator)
    assert [p.anchor for p in refused.value.problems] == ["reached"]


def test_a_late_receipt_of_the_first_campaign_counts_after_its_values_went(
    sent: Any, again: Any, operator: Any
) -> None:
    campaign = sent(ended_at=timezone.now())
    failed = {ANN: "undelivered", BO: "undelivered", DI: "undelivered"}
    first = over(again(campaign), failed, operator)
    Campaign.objects.filter(pk=first.pk).update(ended_at=timezone.now())
    Message.objects.filter(campaign=campaign, number=ANN).update(state="delivered")
    forget(campaign, campaign.workspace.keep_texts_days)
    assert campaign.texts_purged_at
    first.refresh_from_db()
    assert not first.texts_purged_at
    assert numbers(again(first)) == [BO, DI]


def test_nothing_is_resent_once_the_numbers_of_another_resend_went(
    sent: Any, again: Any, operator: Any, signed_in: Any
) -> None:
    campaign, client = sent(ended_at=timezone.now()), signed_in(operator)
    first, second = again(campaign), again(campaign)
    over(first, {ANN: "delivered", BO: "delivered", DI: "undelivered"}, operator)
    forget(first, first.workspace.keep_numbers_days)
    assert first.numbers_purged_at
    campaign.refresh_from_db()
    assert not campaign.numbers_purged_at
    with pytest.raises(CannotSubmit):
        submitting.submit(Campaign.objects.get(pk=second.pk), operator)
    with pytest.raises(copying.NoLongerKept):
        again(campaign)
    page = client.get(reverse("campaigns:review", args=[second.key])).content.decode()
    assert "nobody knows whom they reached. Discard this draft" in page
    page = client.get(reverse("campaigns:resend", args=[campaign.key])).content.decode()
    assert "The phone numbers of another resend are no longer kept" in page


def test_a_copy_and_a_test_are_no_family(sent: Any, again: Any, operator: Any) -> None:
    campaign = sent()
    copy = copying.duplicate(campaign, operator, uuid.uuid4(), recipients=True)
    Campaign.objects.filter(pk=copy.pk).update(state=CampaignState.SCHEDULED)
    assert numbers(again(campaign)) == [ANN, BO, DI]


def test_the_dialog_counts_without_them_and_says_so(
    sent: Any, again: Any, operator: Any, signed_in: Any
) -> None:
    campaign, client = sent(), signed_in(operator)
    ask = reverse("campaigns:resend", args=[campaign.key])
    over(again(campaign), {ANN: "delivered", BO: "undelivered", DI: "undelivered"}, operator)
    words = client.get(ask).content.decode()
    assert "Resend to 2 failed numbers?" in words
    assert "1 number is left out: another resend has reached it or is about to." in words
    assert "All of them: 2 billable messages, about $0.09" in words
    again(campaign)
    over(Campaign.objects.get(state="draft"), {BO: "delivered", DI: "accepted"}, operator)
    assert "another resend has reached all of them" in client.get(ask).content.decode()


def test_the_review_says_who_was_left_out_and_why(
    sent: Any, again: Any, operator: Any, signed_in: Any
) -> None:
    campaign, client = sent(), signed_in(operator)
    over(again(campaign), {ANN: "delivered", BO: "undelivered", DI: "undelivered"}, operator)
    draft = again(campaign)
    words = client.get(reverse("campaigns:review", args=[draft.key])).content.decode()
    assert "1 number is left out: another resend has reached it or is about to." in words
    edit = client.get(reverse("campaigns:edit", args=[draft.key])).content.decode()
    assert "3 rows" in edit
    assert "byte" not in edit  # there is no file
    listed = client.get(reverse("campaigns:numbers", args=[draft.key])).content.decode()
    assert "Reached by another resend" in listed
    assert ">-1<" not in listed


def test_a_resend_submitted_meanwhile_stops_the_other_until_they_are_left_out(
    sent: Any, again: Any, operator: Any, signed_in: Any
) -> None:
    campaign, client = sent(), signed_in(operator)
    first, second = again(campaign), again(campaign)
    assert numbers(first) == numbers(second) == [ANN, BO, DI]
    over(first, {ANN: "delivered", BO: "undelivered", DI: "queued"}, operator)
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(second, operator)
    assert [p.anchor for p in refused.value.problems] == ["reached"]
    page = client.get(reverse("campaigns:review", args=[second.key])).content.decode()
    assert "Another resend has reached 2 of these numbers meanwhile, or is about to." in page
    assert "Leave these numbers out" in page
    client.post(reverse("campaigns:leave_out", args=[second.key]), {"reached": "1"})
    second.refresh_from_db()
    assert numbers(second) == [BO]
    assert second.recipients.options["resend_of"] == campaign.label
    assert second.recipients.options["practice_only"] is True
    assert second.recipients.tally == {"reached": 2}
    press_submit(client, second)
    second.refresh_from_db()
    assert second.state == CampaignState.SCHEDULED


def test_a_resend_of_which_nobody_is_left_can_only_be_discarded(
    sent: Any, again: Any, operator: Any, signed_in: Any
) -> None:
    campaign, client = sent(), signed_in(operator)
    first, second = again(campaign), again(campaign)
    submitting.submit(first, operator)
    page = client.get(reverse("campaigns:review", args=[second.key])).content.decode()
    assert "Another resend has reached all of these numbers meanwhile, or is about to." in page
    assert "Leave these numbers out" not in page
    client.post(reverse("campaigns:leave_out", args=[second.key]), {"reached": "1"})
    second.refresh_from_db()
    assert numbers(second) == [ANN, BO, DI]


def test_leaving_them_out_keeps_the_refused_rows_and_the_question_about_them(
    sent: Any, again: Any, operator: Any, signed_in: Any
) -> None:
    campaign, client = sent(), signed_in(operator)
    first, second = again(campaign), again(campaign)
    over(first, {ANN: "delivered", BO: "undelivered", DI: "undelivered"}, operator)
    source = second.recipients  # as of a corrected file that was imported into the draft
    about = {"row": 9, "column": "number", "raw": "0491", "code": "not_valid", "sentence": "Short."}
    ImportProblem.objects.create(source=source, **about)
    found = RecipientImport.objects.filter(pk=source.pk)
    found.update(refused=1, tally={"not_valid": 1}, rows_read=4)
    client.post(reverse("campaigns:leave_out", args=[second.key]), {"reached": "1"})
    second = Campaign.objects.get(pk=second.pk)
    assert numbers(second) == [BO, DI]
    assert [p.anchor for p in submitting.review(second).problems] == ["confirm"]
    assert second.recipients.problems.filter(**about).count() == 1
    assert second.recipients.tally == {"not_valid": 1, "reached": 1}


@pytest.mark.parametrize("leave_out", [copying.leave_out_reached, drafting.leave_out])
def test_a_list_that_was_taken_in_another_tab_is_not_replaced(
    leave_out: Any, sent: Any, again: Any, operator: Any
) -> None:
    campaign = sent()
    first, second = again(campaign), again(campaign)
    over(first, {ANN: "delivered", BO: "undelivered", DI: "undelivered"}, operator)
    stale = Campaign.objects.select_related("recipients").get(pk=second.pk)
    drafting.take(second, again(campaign).recipients, "import", operator)
    leave_out(stale, operator)
    taken = second.recipients_id
    second.refresh_from_db()
    assert second.recipients_id == taken


def test_typed_numbers_leave_no_whole_list_behind_in_the_draft(
    sent: Any, again: Any, operator: Any
) -> None:
    campaign = sent([Made("undelivered", "unreachable", number=n) for n in (ANN, DI)])
    first, second = again(campaign), again(campaign)
    over(first, {ANN: "delivered", DI: "undelivered"}, operator)
    typed = {"source": "manual", "manual_numbers": f"{ANN}\n{DI}", "content": "Hello there"}
    Campaign.objects.filter(pk=second.pk).update(**typed)
    second = Campaign.objects.get(pk=second.pk)
    submitting.review(second)
    copying.leave_out_reached(Campaign.objects.get(pk=second.pk), operator)
    second.refresh_from_db()
    assert (numbers(second), second.manual_numbers) == ([DI], "")
    assert str(second.recipients) == f"Numbers of {second.label}"


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_resends_submitted_at_once_one_is_told(sent: Any, again: Any, operator: Any) -> None:
    campaign = sent()
    first, second = again(campaign), again(campaign)
    ended = []

    def submit() -> None:
        try:
            submitting.submit(second, operator)
            ended.append("submitted")
        except CannotSubmit as refused:
            ended.append(str(refused.problems[0].sentence)[:14])
        finally:
            connection.close()

    thread = threading.Thread(target=submit)
    with transaction.atomic():
        submitting.submit(first, operator)
        thread.start()
        thread.join(2)  # to its end, or until it waits
    thread.join()
    assert ended == ["Another resend"]
