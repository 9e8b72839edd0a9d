"""Turn recipients into messages: rendered once, measured once, cut into batches by country."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import groupby

from django.db import connection, transaction
from django.db.models import F, Q

from campaigns import bulk, clock
from campaigns.counting import Deltas
from campaigns.failpoints import hit
from campaigns.models import Batch, Campaign, Message, Recipient, is_erased
from campaigns.states import RUNNING, CampaignState, MessageState
from sheets import disk
from sms import template
from sms.text import measure, normalise

BATCH_ROWS = 500
CHUNK_ROWS = 5_000
# A stopped campaign is expanded too: the rows that never left are then shown as cancelled.
EXPANDABLE = RUNNING | {CampaignState.STOPPED}
COLUMNS = (
    "campaign", "position", "recipient", "reference", "number", "country", "text", "encoding",
    "segments", "state", "reason", "detail", "carrier_id", "billed_segments", "price",
)  # fmt: skip


def expand(campaign_id: int) -> None:
    """Write the messages and batches of a running or stopped campaign that are missing yet.

    Works in chunks, each one transaction that moves ``expanded_to`` by a conditional UPDATE: a
    killed expansion goes on where it stopped, and of two at once one finds the row moved. One that
    meets a disk without room goes on when there is some.
    """
    campaign = Campaign.objects.select_related("workspace", "carrier", "recipients").get(
        pk=campaign_id
    )
    if campaign.expanded_at is not None or campaign.state not in EXPANDABLE:
        return
    compiled = template.compile(normalise(campaign.content))
    while chunk := list(_next_recipients(campaign)):
        if disk.room().is_least or not _write_chunk(campaign, compiled, chunk):
            return
        hit("expand.mid")
    done = Campaign.objects.filter(pk=campaign_id, expanded_at=None)
    done.filter(expanded_to=campaign.expanded_to).update(expanded_at=clock.now())
    if connection.vendor == "postgresql" and campaign.total > CHUNK_ROWS:
        with connection.cursor() as cursor:  # fresh statistics: settling must find the key
            cursor.execute("ANALYZE campaigns_message")


def _next_recipients(campaign: Campaign) -> Iterator[Recipient]:
    rows = Recipient.objects.filter(source_id=campaign.recipients_id).order_by("country", "row")
    if campaign.expanded_to:
        last = Message.objects.select_related("recipient").get(
            campaign=campaign, position=campaign.expanded_to
        )
        country, row = last.recipient.country, last.recipient.row
        rows = rows.filter(Q(country__gt=country) | Q(country=country, row__gt=row))
    return iter(rows[:CHUNK_ROWS])


def _write_chunk(campaign: Campaign, compiled: template.Template, chunk: list[Recipient]) -> bool:
    start = campaign.expanded_to
    rows = [
        _message(campaign, compiled, position, recipient)
        for position, recipient in enumerate(chunk, start + 1)
    ]
    with transaction.atomic():
        mine = Campaign.objects.filter(pk=campaign.pk, expanded_to=start, expanded_at=None)
        if not mine.filter(state__in=EXPANDABLE).update(expanded_to=start + len(rows)):
            return False
        bulk.insert(Message, COLUMNS, rows)
        if erased := sum(not row[6] for row in rows):
            Campaign.objects.filter(pk=campaign.pk).update(erased=F("erased") + erased)
        Batch.objects.bulk_create(_batches(campaign, rows))
        deltas = Deltas()
        for row in rows:
            deltas.add((campaign.pk, row[5], MessageState.QUEUED.value, ""), 1, row[8])
        deltas.write()
    campaign.expanded_to = start + len(rows)
    return True


def _message(
    campaign: Campaign, compiled: template.Template, position: int, recipient: Recipient
) -> tuple:
    names = campaign.recipients.variables  # type: ignore[union-attr]
    values = dict(zip(names, recipient.values, strict=True))
    gone = is_erased(recipient.number, recipient.values)
    text = "" if gone else normalise(compiled.render(values))
    size = measure(text)
    return (
        campaign.pk, position, recipient.pk, uuid.uuid4(), recipient.number, recipient.country,
        text, size.encoding, size.segments, MessageState.QUEUED.value, "", "", "", 0,
        campaign.prices.get(recipient.country),
    )  # fmt: skip


def _batches(campaign: Campaign, rows: list[tuple]) -> Iterator[Batch]:
    for country, group in groupby(rows, key=lambda row: row[5]):
        found = list(group)
        for first in range(0, len(found), BATCH_ROWS):
            part = found[first : first + BATCH_ROWS]
            yield Batch(
                campaign=campaign,
                carrier=campaign.route,
                country=country,
                lo=part[0][1],
                hi=part[-1][1],
                left=len(part),
                segments=sum(row[8] for row in part),
            )
