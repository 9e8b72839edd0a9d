"""The usual design, tuned fairly: a Celery task for every message.

Each thread keeps its database connection and its HTTP connection. A task takes the row by a
conditional UPDATE, calls the carrier, and writes state, charge and tally in one transaction.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Callable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsconsole.settings")
import django

django.setup()

from celery import Celery
from django.conf import settings
from django.db import transaction
from django.db.models import F

from billing import ledger
from campaigns import clock
from campaigns.models import Campaign, CampaignTally, Message
from campaigns.settling import account_of

app = Celery("one_task_each", broker=settings.REDIS_URL)
app.config_from_object("django.conf:settings", namespace="CELERY")  # connections are kept
app.conf.update(task_default_queue="each", task_routes=None)
kept = threading.local()


def _line(options: dict[str, str]) -> http.client.HTTPConnection:
    if not hasattr(kept, "line"):
        kept.line = http.client.HTTPConnection(options["url"].removeprefix("http://"), timeout=10)
    return kept.line


def _campaign(pk: int) -> Campaign:
    if getattr(kept, "campaign", None) is None or kept.campaign.pk != pk:
        kept.campaign = Campaign.objects.select_related("workspace", "carrier").get(pk=pk)
    return kept.campaign


@app.task
def send(campaign_id: int, message_id: int) -> None:
    """Send one message, unless somebody else has taken it."""
    rows = Message.objects.filter(pk=message_id)
    if not rows.filter(state="queued").update(state="submitting"):
        return
    campaign, message = _campaign(campaign_id), rows.get()
    fields = {
        "reference": str(message.reference), "to": message.number, "from": campaign.sender_value,
        "text": message.text, "scenario": campaign.scenario, "validity": 3600,
    }  # fmt: skip
    line = _line(campaign.route.options)
    headers = {"Authorization": "Bearer benchmark", "Content-Type": "application/json"}
    line.request("POST", "/messages", json.dumps(fields), headers)
    answer = json.loads(line.getresponse().read())
    now = clock.now()
    with transaction.atomic():
        day = clock.day_of(campaign.workspace, now)
        price = campaign.prices.get(message.country)
        charge = ledger.charge(
            account_of(campaign, campaign.route), day, message.country, price, 1, message.segments
        )
        rows.update(
            state="accepted", carrier_id=answer["id"], billed_segments=message.segments,
            charge=charge, accepted_at=now,
        )  # fmt: skip
        tally = CampaignTally.objects.filter(campaign=campaign, country=message.country)
        tally.filter(state="queued").update(messages=F("messages") - 1)
        tally.filter(state="accepted").update(messages=F("messages") + 1)


def state(campaign_id: int) -> int:
    """How many messages of the campaign are settled."""
    return Message.objects.filter(campaign_id=campaign_id, state="accepted").count()


def queue(campaign_id: int, rows: int, settled: Callable[[], int]) -> float:
    """Ring for every message; messages a second from the first one settled to the last."""
    for country in CampaignTally.objects.filter(campaign=campaign_id).values_list("country"):
        CampaignTally.objects.create(
            campaign_id=campaign_id, country=country[0], state="accepted", reason=""
        )
    for pk in Message.objects.filter(campaign_id=campaign_id).values_list("pk", flat=True):
        send.delay(campaign_id, pk)
    first, began = 0, 0.0
    while (done := settled()) < rows:
        if done and not began:
            first, began = done, time.perf_counter()
        time.sleep(0.05)
    return (rows - first) / (time.perf_counter() - began)
