"""A campaign and its resends, at any depth: whom one of them reached, another leaves out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.db.models import Q, QuerySet

from campaigns.models import Campaign, Message, Recipient
from campaigns.models.campaign import Origin
from campaigns.states import RUNNING, CampaignState, MessageState

M = MessageState
STANDS = frozenset(M) - {M.UNDELIVERED, M.EXPIRED, M.REJECTED, M.CANCELLED}
"""States of a message that has arrived, or still may."""
FETCH = 2_000
Values = Sequence[str | None]
Reached = dict[str, list[Values]]


def lock(campaign: Campaign) -> None:
    """Hold the first campaign of the family: its resends are submitted one at a time. Taken
    before the row of a later one.
    """
    if campaign.origin == Origin.RESEND:
        Campaign.objects.select_for_update(no_key=True).get(pk=_first(campaign).pk)


def _first(campaign: Campaign) -> Campaign:
    while campaign.origin == Origin.RESEND and campaign.parent is not None:
        campaign = campaign.parent
    return campaign


def _others(campaign: Campaign) -> list[int]:
    level = [_first(campaign).pk]
    found = set(level)
    while level:
        rows = Campaign.objects.filter(parent__in=level, origin=Origin.RESEND)
        level = list(rows.values_list("pk", flat=True))
        found.update(level)
    return sorted(found - {campaign.pk})


def reached(campaign: Campaign, numbers: QuerySet) -> Reached:
    """Those of *numbers* to which another campaign of the family has a message that arrived or
    still may, or will write one; with the values of each.
    """
    others = _others(campaign)
    rows = Message.objects.filter(campaign__in=others, state__in=STANDS, number__in=numbers)
    unwritten = Q(state=CampaignState.SCHEDULED) | Q(state__in=RUNNING, expanded_at=None)
    lists = Campaign.objects.filter(unwritten, pk__in=others).values("recipients")
    waiting = Recipient.objects.filter(source__in=lists, number__in=numbers)
    found: Reached = defaultdict(list)
    for number, values in rows.values_list("number", "recipient__values"):
        found[number].append(values)
    for number, values in waiting.values_list("number", "values"):
        found[number].append(values)
    return dict(found)


def is_reached(found: Reached, number: str, values: Values) -> bool:
    """Is it the same message? One with other values is another; deleted ones, whether for one
    person or when their time was over, may be the same.
    """
    rows = found.get(number, ())
    return any(values == theirs or not theirs or None in theirs for theirs in rows)


def is_forgotten(campaign: Campaign) -> bool:
    """Were the numbers of another of the family deleted? Then nobody knows whom it reached."""
    sent = Campaign.objects.filter(pk__in=_others(campaign), expanded_at__isnull=False)
    return sent.exclude(numbers_purged_at=None).exists()


def shared(campaign: Campaign) -> int:
    """Messages of a draft to whom another of its family has reached since it was made."""
    source = campaign.recipients
    if campaign.origin != Origin.RESEND or source is None or not source.is_ready:
        return 0
    rows = source.recipients.known()
    found = reached(campaign, rows.values("number"))
    if not found:
        return 0
    every = rows.values_list("number", "values").iterator(FETCH)
    return sum(is_reached(found, number, values) for number, values in every)
