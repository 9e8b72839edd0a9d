"""The details page of a large campaign: queries, and time on the server, at any depth.

``python -m benchmarks.pages --rows 1000000`` prints one JSON list. The limit beside is the bar
itself: 50 ms and 15 queries.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from typing import Any

from benchmarks.measuring import ROOT, console

SEED_ROWS = 2_000
TRIES = 15
BAR_MS, BAR_QUERIES = 50, 15
STATES = """UPDATE campaigns_message SET state = CASE
    WHEN position % 50 = 0 THEN 'undelivered' WHEN position % 97 = 0 THEN 'no_receipt'
    ELSE 'delivered' END, reason = CASE WHEN position % 50 = 0 THEN 'unreachable' ELSE '' END,
    receipt_at = accepted_at"""
COPIES = """INSERT INTO campaigns_message (campaign_id, position, recipient_id, reference, number,
    country, text, encoding, segments, state, reason, detail, carrier_id, billed_segments, price,
    charge_id, accepted_at, receipt_at)
  SELECT campaign_id, position + k * {seed}, recipient_id, gen_random_uuid(),
    left(number, -6) || lpad(floor(random() * 1000000)::text, 6, '0'), country, text, encoding,
    segments, state, reason, detail, carrier_id, billed_segments, price, charge_id, accepted_at,
    receipt_at
  FROM campaigns_message, generate_series(1, {copies}) AS k ORDER BY k, position"""
TALLIES = """INSERT INTO campaigns_campaigntally
    (campaign_id, country, state, reason, messages, segments, billed, amount, unpriced)
  SELECT campaign_id, country, state, reason, count(*), sum(segments), sum(billed_segments), 0,
    sum(billed_segments) FROM campaigns_message GROUP BY 1, 2, 3, 4"""


def large_campaign(rows: int) -> Any:
    """A campaign with *rows* messages: some sent through the real code, the rest copies of them."""
    from django.db import connection

    from benchmarks.sending import Bench, carrier
    from campaigns import sending
    from campaigns.models import CampaignTally

    with carrier(0) as port:
        campaign = Bench(SEED_ROWS, port).expanded()
        sending.dispatch(600)
    with connection.cursor() as cursor:
        cursor.execute(STATES)
        cursor.execute(COPIES.format(seed=SEED_ROWS, copies=rows // SEED_ROWS - 1))
        CampaignTally.objects.all().delete()
        cursor.execute(TALLIES)
        cursor.execute("UPDATE campaigns_campaign SET total = %s", [rows])
        cursor.execute("VACUUM ANALYZE")
    campaign.refresh_from_db()
    return campaign


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=1_000_000)
    chosen = options.parse_args()
    with console():
        table = measure(chosen.rows)
    print(json.dumps(table))


def measure(rows: int) -> list[dict[str, Any]]:
    from django.test import Client
    from django.urls import reverse

    from accounts.models import User

    campaign = large_campaign(rows)
    client = Client(SERVER_NAME="127.0.0.1")  # as a server would run it: nothing is recorded
    client.force_login(User.objects.earliest("pk"))
    url = reverse("campaigns:detail", args=[campaign.key])
    digits = campaign.messages.last().number[-4:]
    pages = {
        "first page": lambda: client.get(url),
        "in the middle": lambda: client.get(url, {"after": rows // 2}),
        "last page": lambda: client.get(url, {"after": rows - 20}),
        "only failed ones": lambda: client.get(url, {"is": "failed"}),
        "only failed ones, deep": lambda: client.get(url, {"is": "failed", "after": rows // 2}),
        "only others": lambda: client.get(url, {"is": "other"}),
        "one country": lambda: client.get(url, {"country": "ZA"}),
        "by the last four digits": lambda: client.post(url, {"q": digits}),
        "the list of campaigns": lambda: client.get(reverse("campaigns:list")),
    }
    return [_measured(f"details of {rows:,} numbers: {name}", ask) for name, ask in pages.items()]


def _measured(stage: str, ask: Any) -> dict[str, Any]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    ask()
    with CaptureQueriesContext(connection) as queries:
        answer = ask()
    assert answer.status_code == 200, (stage, answer.status_code)
    asked = list(queries.captured_queries)  # the next request forgets them
    times = []
    for _ in range(TRIES):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1000)
    took = statistics.median(times)
    slowest = max(asked, key=lambda query: float(query["time"]))
    print(f"  {stage}: {took:.0f} ms, {len(asked)} queries, slowest {slowest['time']} s:"
          f" {slowest['sql'][:300]}", file=sys.stderr)  # fmt: skip
    return {
        "stage": stage, "ours": round(took, 1), "limit": BAR_MS, "unit": "ms",
        "beside": f"the bar; {len(asked)} queries of {BAR_QUERIES}",
        "ratio": round(took / BAR_MS, 3), "bar": 1.0, "queries": len(asked),
    }  # fmt: skip


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    main()
