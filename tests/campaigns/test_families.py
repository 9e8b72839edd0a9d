"""Resends of one campaign: nobody whom one of them reached is written to by another."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import reverse

from campaigns import copying, families, sending, submitting
from campaigns.models import Campaign, Message, Recipient
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
    Recipient.objects.filter(source=first.recipients).update(values=[None])
    assert ANN not in numbers(again(campaign))


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
