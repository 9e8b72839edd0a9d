"""Expansion beside its parts: rendering and counting alone, and a bare COPY of the same rows.

``python -m benchmarks.writing --rows 100000`` prints one JSON list.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any

from benchmarks.measuring import ROOT, console, peak_mib, row, take_turns


class Bench:
    """Campaigns of *rows* recipients that wait to be expanded."""

    def __init__(self, rows: int) -> None:
        from carriers.models import Carrier

        self.rows, self.seed = rows, 0
        self.carrier = Carrier.objects.get()

    def expand(self) -> float:
        """Rows a second of the product's expansion."""
        from campaigns import sending
        from campaigns.seeding import seed_campaign

        self.seed += 1
        self.campaign = seed_campaign(self.rows, self.seed, self.carrier)
        sending.start_due()
        began = time.perf_counter()
        sending.expand(self.campaign.pk)
        return self.rows / (time.perf_counter() - began)

    def render(self) -> float:
        """Texts a second, rendered and counted, with nothing written."""
        from campaigns.models import Recipient
        from sms import template
        from sms.text import measure, normalise

        compiled = template.compile(normalise(self.campaign.content))
        names = self.campaign.recipients.variables
        found = list(
            Recipient.objects.filter(source=self.campaign.recipients).values_list(
                "values", flat=True
            )
        )
        began = time.perf_counter()
        for values in found:
            measure(normalise(compiled.render(dict(zip(names, values, strict=True)))))
        return len(found) / (time.perf_counter() - began)

    def copy(self) -> float:
        """Rows a second of a bare COPY of the same messages, indexes and all."""
        from django.db import connection, transaction

        columns = (
            "campaign_id, position, recipient_id, reference, number, country, text, encoding,"
            " segments, state, reason, detail, carrier_id, billed_segments, price"
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT COALESCE(MAX(position), 0) FROM campaigns_message")
            top = cursor.fetchone()[0]
            with cursor.copy(
                f"COPY (SELECT campaign_id, position + {top}, recipient_id, gen_random_uuid(),"
                " number, country, text, encoding, segments, state, reason, detail, carrier_id,"
                " billed_segments, price FROM campaigns_message"
                f" WHERE campaign_id = {self.campaign.pk} ORDER BY position) TO STDOUT"
            ) as source:
                lines = [bytes(line) for line in source]
            began = time.perf_counter()
            with (
                transaction.atomic(),
                cursor.copy(f"COPY campaigns_message ({columns}) FROM STDIN") as target,
            ):
                for line in lines:
                    target.write(line)
            took = time.perf_counter() - began
            cursor.execute("DELETE FROM campaigns_message WHERE position > %s", [top])
        return len(lines) / took


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with console():
        bench = Bench(chosen.rows)
        found = take_turns(
            chosen.rounds, {"expand": bench.expand, "render": bench.render, "copy": bench.copy}
        )
    stage = f"expansion of {chosen.rows:,} numbers ({peak_mib():.0f} MiB)"
    table: list[dict[str, Any]] = [
        row(stage, found["expand"], found["render"], "rows/s", "rendering and counting alone"),
        row(stage, found["expand"], found["copy"], "rows/s", "a bare COPY of the same rows"),
    ]
    print(json.dumps(table))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    main()
