"""A person decides about all messages in doubt of a campaign, where nobody else ever will.

A decision is about what the person saw: messages whose doubt is no younger than the page, and no
more of them than it said. The work goes batch by batch, each in a transaction of its own that also
writes down how far it is, so a run that was killed goes on where it stopped. A receipt that is
faster wins: its message is not in doubt any more and is left out.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from django.db import models, transaction
from django.db.models import Max, Min, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import audit, jobs
from accounts.models import Job, JobState, User
from billing import thresholds
from campaigns import clock
from campaigns.announcing import announce_resolved
from campaigns.counting import Deltas
from campaigns.models import Batch, Campaign, CampaignTally, Message, MessageEvent, MessageQuerySet
from campaigns.sending import asking, narrowing
from campaigns.settling import Result, write_results
from campaigns.states import FREED, BatchState, CampaignState, MessageState
from sms.gateways.base import Reason

KIND = "doubts"
DECIDED = "decided"
CHUNK = 500
INLINE_ROWS = 2_000
BUSY, GONE = "busy", "gone"
M = MessageState


class Decision(models.TextChoices):
    LOOK_UP = "look_up", _("Ask the carrier now")
    SENT = "sent", _("Mark as sent")
    LEAVE = "leave", _("Mark as not sent and leave it")
    QUEUE = "queue", _("Mark as not sent and queue again")


class MoreInDoubt(Exception):
    """There are more of them than the person was told."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """What a page says of them. ``seen`` is the event that the latest of them began with; ``cost``
    is in micro-units and covers what has a price, ``unpriced`` is the segments without one.
    """

    seen: int
    count: int
    since: datetime | None
    segments: int
    cost: int
    unpriced: int


def doubts(campaign: Campaign) -> Doubts:
    """The messages in doubt of *campaign* at this moment."""
    found = _in_doubt(campaign).aggregate(
        n=models.Count("pk"), since=Min("doubted"), seen=Max("doubt")
    )
    segments = cost = unpriced = 0
    tallies = CampaignTally.objects.filter(campaign=campaign, state=M.IN_DOUBT)
    for country, n in tallies.values_list("country").annotate(n=Sum("segments")):
        price = campaign.prices.get(country)
        segments += n
        cost += n * (price or 0)
        unpriced += n if price is None else 0
    return Doubts(found["seen"] or 0, found["n"], found["since"], segments, cost, unpriced)


def may_queue(campaign: Campaign) -> bool:
    """Could any of them leave once more?"""
    is_kept = not (campaign.texts_purged_at or campaign.numbers_purged_at)
    return is_kept and campaign.state != CampaignState.STOPPED


def can_answer(campaign: Campaign) -> bool:
    """Does the carrier say what became of a message when it is asked?"""
    return asking.class_of(campaign) in asking.CAN_ANSWER


@transaction.atomic
def decide(
    campaign: Campaign, decision: Decision, by: User, reason: str, *, seen: int, asked: int
) -> Job:
    """Write the decision down; ``run`` carries it out. MoreInDoubt if they are not those of the
    page.
    """
    count = _seen(campaign, seen).count()
    if count > asked:
        raise MoreInDoubt
    audit.record(
        "campaign.resolve", campaign, by, decision=decision.value, reason=reason, numbers=count
    )
    told = {"campaign": campaign.pk, "decision": decision.value, "reason": reason, "seen": seen}
    return Job.objects.create(
        workspace=campaign.workspace, user=by, kind=KIND, total=asked, options=told
    )


def is_small(job: Job) -> bool:
    """Is it done while the person waits? A carrier that is asked may take its time."""
    return job.total <= INLINE_ROWS and job.options["decision"] != Decision.LOOK_UP


def unfinished(now: datetime) -> list[int]:
    """Decisions whose bell was lost or whose run died."""
    return jobs.unfinished(KIND, now)


def run(job_id: int) -> None:
    """Carry out a decision, from where an earlier run stopped."""
    job = jobs.claim(job_id, KIND)
    if job is None:
        return
    with suppress(jobs.Superseded):
        campaign = _campaign(job)
        if job.options["decision"] == Decision.LOOK_UP:
            settled = asking.ask_about(campaign, monotonic() + asking.BUDGET_SECONDS, at_once=True)
            jobs.move(job, options={**job.options, "counts": {Decision.LOOK_UP.value: settled}})
        else:
            while _resolve_some(job, campaign):
                pass
        _end(job, campaign)


def counts(job: Job) -> dict[str, int]:
    """What became of them: by decision or state, *busy* where their batch was just being sent,
    and *gone* for those that had news from the carrier meanwhile.
    """
    found = {name: int(n) for name, n in job.options.get("counts", {}).items()}
    if job.options["decision"] != Decision.LOOK_UP:
        found[GONE] = max(0, job.total - sum(found.values()))
    return found


@transaction.atomic
def _end(job: Job, campaign: Campaign) -> None:
    jobs.move(job, state=JobState.DONE, done=job.total, finished_at=timezone.now())
    said = {"decision": job.options["decision"], **counts(job)}
    audit.record("campaign.resolved", campaign, None, **said)
    if not is_small(job):
        announce_resolved(campaign, job.user, job.key)


def _campaign(job: Job) -> Campaign:
    rows = Campaign.objects.select_related("workspace", "carrier")
    return rows.get(pk=job.options["campaign"])


def _in_doubt(campaign: Campaign) -> MessageQuerySet:
    """Its messages in doubt, with the event (``doubt``) and the moment (``doubted``) it began."""
    events = MessageEvent.objects.filter(message=OuterRef("pk"), kind="in_doubt").order_by("-pk")
    rows = Message.objects.filter(campaign=campaign, state=M.IN_DOUBT)
    rows = rows.annotate(doubt=Coalesce(Subquery(events.values("pk")[:1]), 0))
    return rows.annotate(doubted=Subquery(events.values("at")[:1]))


def _seen(campaign: Campaign, seen: int) -> MessageQuerySet:
    """Messages in doubt whose present doubt is no younger than the event *seen*."""
    return _in_doubt(campaign).filter(doubt__lte=seen)


@transaction.atomic
def _resolve_some(job: Job, campaign: Campaign) -> bool:
    """The next chunk, of one batch; False when there is none. Everybody takes the campaign first,
    then the batch, then its messages in order.
    """
    options = job.options
    rows = _seen(campaign, options["seen"]).filter(position__gt=options.get("after", -1))
    first = rows.order_by("position").values_list("position", flat=True).first()
    if first is None:
        return False
    held = Campaign.objects.select_for_update(of=("self",), no_key=True)
    campaign = held.select_related("workspace", "carrier").get(pk=campaign.pk)
    batch = Batch.objects.select_for_update(no_key=True).get(
        campaign=campaign, lo__lte=first, hi__gte=first
    )
    mine = rows.filter(position__lte=batch.hi).select_for_update(of=("self",), no_key=True)
    messages = list(mine.order_by("pk")[:CHUNK])
    found = Counter(options.get("counts", {})) + _resolve(job, campaign, batch, messages)
    after = max((m.position for m in messages), default=batch.hi)
    jobs.move(
        job, done=sum(found.values()), options={**options, "counts": dict(found), "after": after}
    )
    return True


def _resolve(job: Job, campaign: Campaign, batch: Batch, messages: list[Message]) -> Counter[str]:
    decision, now = Decision(job.options["decision"]), clock.now()
    again: list[Message] = []
    if decision == Decision.QUEUE:
        if batch.state == BatchState.LEASED:  # what is being sent is counted by who sends it
            return Counter({BUSY: len(messages)})
        again = [m for m in messages if _may_leave(campaign, m)]
    queued = {m.pk for m in again}
    results = [_result(decision, m) for m in messages if m.pk not in queued]
    deltas = Deltas()
    if results:
        write_results(
            campaign, batch.country, campaign.route, results, now, deltas, origin=M.IN_DOUBT
        )
    if again:
        asking.put_back(campaign, batch, again, deltas)
    freed = sum(r.segments for r in results if r.state in FREED)
    if freed and (taken := batch.taken(campaign)):
        thresholds.release(taken, freed)
    deltas.write()
    states = {r.message_id: r.state for r in results} | dict.fromkeys(queued, M.QUEUED)
    MessageEvent.objects.bulk_create(
        MessageEvent(message_id=pk, kind=DECIDED, was=M.IN_DOUBT, now=state,
                     note=job.options["reason"][:200], at=now)
        for pk, state in states.items()
    )  # fmt: skip
    if again:
        asking.reopen(campaign, job.user, job.options["reason"])
    return Counter(state.value for state in states.values())


def _may_leave(campaign: Campaign, message: Message) -> bool:
    is_kept = bool(message.text and message.number)
    return is_kept and may_queue(campaign) and not narrowing.is_bad(message)


def _result(decision: Decision, message: Message) -> Result:
    """What it becomes when it is not queued again."""
    if decision == Decision.SENT:
        carrier_id = message.carrier_id
        return Result(message.pk, message.segments, M.ACCEPTED, carrier_id=carrier_id)
    return Result(message.pk, message.segments, M.CANCELLED, Reason.CANCELLED.value)
