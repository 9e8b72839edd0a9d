"""Ask the carrier about messages in doubt, where it can answer by our reference."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from time import monotonic

import aiohttp
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Subquery

from accounts.models import User
from billing import thresholds
from campaigns import bulk, clock
from campaigns.announcing import announce_doubt
from campaigns.counting import Deltas
from campaigns.models import Batch, Campaign, Message, MessageEvent
from campaigns.sending import narrowing
from campaigns.settling import LeaseLost, Result, write_results
from campaigns.states import FREED, BatchState, CampaignState, MessageState
from carriers.models import Carrier
from sms.gateways.base import Accepted, CarrierClass, InDoubt, Reason, Throttled, Unavailable

ASK_AGAIN = timedelta(seconds=60)
AT_ONCE = 200
BUDGET_SECONDS = 30.0
OPEN_CALLS = 8
CAN_ANSWER = frozenset({CarrierClass.IDEMPOTENT, CarrierClass.QUERYABLE})
NOT_FOUND = "not_found"


def ask() -> int:
    """Settle messages in doubt by look-up; answer how many got a certain outcome.

    Found means accepted. Not found twice, at least a minute apart, means never received: the
    message is queued again; or cancelled when its campaign was stopped meanwhile or its number or
    text is no longer kept; or rejected when handling it broke the console again and again. What
    stays in doubt is told to people. After ``BUDGET_SECONDS`` the rest is left to the next time.
    """
    ends_at = monotonic() + BUDGET_SECONDS
    doubtful = Campaign.objects.filter(
        tallies__state=MessageState.IN_DOUBT, tallies__messages__gt=0
    ).distinct()
    settled = 0
    for campaign in doubtful.select_related("workspace", "carrier"):
        if class_of(campaign) in CAN_ANSWER:
            settled += ask_about(campaign, ends_at)
        announce_doubt(campaign)
    return settled


def class_of(campaign: Campaign) -> CarrierClass:
    """What its carrier offers against doubt: nothing, while its account is set up wrongly."""
    try:
        return campaign.route.carrier_class
    except ValueError:
        return CarrierClass.BLIND


def ask_about(campaign: Campaign, ends_at: float, *, at_once: bool = False) -> int:
    """Ask about the messages in doubt of *campaign* until *ends_at* (monotonic seconds); answer
    how many got a certain outcome. *at_once* waits for no first moment: a person wants to know.
    """
    now = clock.now()
    horizon = now if at_once else now - timedelta(seconds=2 * settings.LEASE_SECONDS)
    rows = Message.objects.filter(campaign=campaign, state=MessageState.IN_DOUBT)
    doubts = MessageEvent.objects.filter(message=OuterRef("pk"), kind="in_doubt").order_by("-pk")
    missed = MessageEvent.objects.filter(
        message=OuterRef("pk"), kind=NOT_FOUND, pk__gt=OuterRef("doubt")
    )
    rows = rows.annotate(doubt=Subquery(doubts.values("pk")[:1]))
    rows = rows.annotate(doubted=Subquery(doubts.values("at")[:1]))
    due = rows.filter(~Exists(missed.filter(at__gte=now - ASK_AGAIN)), doubted__lte=horizon)
    settled = after = 0
    while monotonic() < ends_at:
        messages = list(due.filter(position__gt=after).order_by("position")[:AT_ONCE])
        if not messages:
            break
        after = messages[-1].position
        references = [str(message.reference) for message in messages]
        answers = asyncio.run(_look_up(campaign.route, references, ends_at - monotonic()))
        for message in messages:
            reference = str(message.reference)
            if reference in answers:
                settled += _take(message, answers[reference])
    return settled


async def _look_up(
    carrier: Carrier, references: list[str], seconds: float
) -> dict[str, Accepted | None]:
    """What the carrier says of each reference within *seconds*; those it gave no certain answer to
    are left out. One that never answers would hold up whoever asks for minutes.
    """
    gateway, places = carrier.open(), asyncio.Semaphore(OPEN_CALLS)
    answers: dict[str, Accepted | None] = {}

    async def one(session: aiohttp.ClientSession, reference: str) -> None:
        async with places:
            try:
                answers[reference] = await gateway.query(session, reference)
            except (Unavailable, Throttled, InDoubt):
                return

    timeout = aiohttp.ClientTimeout(total=10, connect=3)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(one(session, reference) for reference in references))
    return answers


@transaction.atomic
def _take(message: Message, answer: Accepted | None) -> bool:
    """Write down what the carrier said of *message*. Its campaign may have moved while it was
    asked, so its row is read anew and held: nobody finishes it in between.
    """
    rows = Campaign.objects.select_for_update(of=("self",), no_key=True)
    campaign = rows.select_related("workspace", "carrier").get(pk=message.campaign_id)
    now = clock.now()
    if answer is not None:
        result = Result(
            message.pk, message.segments, MessageState.ACCEPTED,
            carrier_id=answer.carrier_id, carrier_segments=answer.segments,
        )  # fmt: skip
        return _settle(campaign, message, result, now)
    doubt = message.events.filter(kind="in_doubt").latest("pk")
    missed = message.events.filter(kind=NOT_FOUND, pk__gt=doubt.pk)
    before = missed.aggregate(at=Max("at"))["at"]
    if before is not None and before > now - ASK_AGAIN:  # somebody else asked meanwhile
        return False
    _event(message, NOT_FOUND, MessageState.IN_DOUBT, now)
    if before is None:
        return False
    if narrowing.is_bad(message):
        state, reason = MessageState.REJECTED, Reason.INTERNAL.value
        result = Result(message.pk, message.segments, state, reason, narrowing.DETAIL)
        return _settle(campaign, message, result, now)
    if campaign.state == CampaignState.STOPPED or not (message.text and message.number):
        gone = MessageState.CANCELLED
        result = Result(message.pk, message.segments, gone, Reason.CANCELLED.value)
        return _settle(campaign, message, result, now)
    return _queue_again(campaign, message, now)


def _settle(campaign: Campaign, message: Message, result: Result, now: datetime) -> bool:
    deltas = Deltas()
    try:
        with transaction.atomic():
            write_results(
                campaign, message.country, campaign.route, [result], now, deltas,
                origin=MessageState.IN_DOUBT,
            )  # fmt: skip
            if result.state in FREED:
                _free(campaign, message)
            deltas.write()
    except LeaseLost:  # a receipt was faster
        return False
    _event(message, "look_up", result.state, now)
    return True


def _batch(message: Message) -> Batch:
    return Batch.objects.get(
        campaign_id=message.campaign_id, lo__lte=message.position, hi__gte=message.position
    )


def _free(campaign: Campaign, message: Message) -> None:
    batch = _batch(message)
    if taken := batch.taken(campaign):
        thresholds.release(taken, message.segments)


def _queue_again(campaign: Campaign, message: Message, now: datetime) -> bool:
    """Never received: back into its batch, unless that is just being sent."""
    batch = Batch.objects.select_for_update(no_key=True).get(pk=_batch(message).pk)
    if batch.state == BatchState.LEASED:
        return False
    deltas = Deltas()
    try:
        with transaction.atomic():
            put_back(campaign, batch, [message], deltas)
            deltas.write()
    except LeaseLost:  # a receipt was faster
        return False
    _event(message, "queued_again", MessageState.QUEUED, now)
    reopen(campaign, None, "never received")
    return True


def put_back(campaign: Campaign, batch: Batch, messages: Sequence[Message], deltas: Deltas) -> None:
    """Queue *messages* in doubt in their *batch* again, which keeps its reservation. Both are held
    by the caller, and nobody sends the batch. LeaseLost if one is in doubt no more.
    """
    segments = sum(message.segments for message in messages)
    rows = Batch.objects.filter(pk=batch.pk)
    rows.filter(left=0).update(begun_to=0)  # of what it holds again, nothing has left
    rows.update(
        state=BatchState.READY, left=F("left") + len(messages), segments=F("segments") + segments
    )
    changed = bulk.update(
        "campaigns_message", "id", (("state", "text"), ("detail", "text")),
        [(message.pk, MessageState.QUEUED.value, "") for message in messages],
        guard=bulk.only_while("state", "in_doubt"),
    )  # fmt: skip
    if changed != len(messages):
        raise LeaseLost
    key = (campaign.pk, batch.country)
    for message in messages:
        doubt = (*key, MessageState.IN_DOUBT.value, message.reason)
        deltas.add(doubt, -1, -message.segments)
        deltas.add((*key, MessageState.QUEUED.value, ""), 1, message.segments)


def reopen(campaign: Campaign, by: User | None, reason: str) -> None:
    """Let a completed campaign, held by the caller, send what is queued in it again."""
    if campaign.state == CampaignState.COMPLETED:
        campaign.move("reopen", by=by, ended_at=None, audit={"reason": reason})


def _event(message: Message, kind: str, to: MessageState, now: datetime) -> None:
    was = MessageState.IN_DOUBT
    MessageEvent.objects.create(message=message, kind=kind, was=was, now=to, at=now)
