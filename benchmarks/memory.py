"""The most memory that expansion and dispatching hold, at growing sizes of the campaign.

Each runs in a process of its own, beside one that only sets Django up.
``python -m benchmarks.memory --rows 1000000`` prints one JSON list: a hundredth, a tenth and all.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import Any

from benchmarks.measuring import ROOT, console, peak_mib, row
from benchmarks.sending import Bench, carrier

SENDING_SECONDS = 60


def do(what: str, campaign_id: int) -> None:
    """The one thing whose memory is measured, in this process."""
    import django

    django.setup()
    from campaigns import sending

    if what == "expand":
        sending.expand(campaign_id)
    elif what == "dispatch":
        sending.dispatch(SENDING_SECONDS)


def peak(what: str, campaign_id: int = 0) -> float:
    """The MiB that *what* held at most, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", "--do", what, str(campaign_id)]
    return float(subprocess.check_output(command, cwd=ROOT))


def compare(rows: int, seed: int, port: int) -> list[dict[str, Any]]:
    """Peaks at *rows*. Of a campaign too large for a minute only that minute is sent."""
    from campaigns import sending
    from campaigns.models import Campaign, Message
    from campaigns.seeding import seed_campaign

    bench = Bench(rows, port)
    campaign = seed_campaign(rows, seed, bench.carrier)
    sending.start_due()
    bare = peak("nothing")
    expanding = peak("expand", campaign.pk)
    dispatching = peak("dispatch", campaign.pk)
    messages = Message.objects.filter(campaign=campaign)
    sent = messages.exclude(state="queued").count()
    assert sent, "nothing was sent"
    assert messages.count() == rows, "not everything was expanded"
    Campaign.objects.filter(pk=campaign.pk).update(state="stopped")
    beside = "a process that only sets Django up"
    return [
        row(f"memory of expanding {rows:,} numbers", expanding, bare, "MiB", beside),
        row(f"memory of sending {sent:,} of {rows:,}", dispatching, bare, "MiB", beside),
    ]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--do", nargs=2)
    chosen = options.parse_args()
    if chosen.do:
        do(chosen.do[0], int(chosen.do[1]))
        print(peak_mib())
        return
    with carrier(0) as port, console():
        sizes = [chosen.rows // part for part in (100, 10, 1)]
        table = [line for seed, size in enumerate(sizes, 1) for line in compare(size, seed, port)]
    print(json.dumps(table))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    main()
