"""A process of a race for the last segments: ``python -m tests.chaos.racing prepare|race``.

``prepare`` makes the tables; then each line on standard input, ``rows seed``, becomes two campaigns
that are ready to be claimed. ``race`` claims at each line until nothing more is granted, and prints
how many segments it got. Both act through the product's own code, like workers.
"""

from __future__ import annotations

import os
import sys

import django


def prepare(line: str) -> int:
    from campaigns import sending
    from campaigns.seeding import seed_campaign
    from carriers.models import Carrier

    rows, seed = map(int, line.split())
    carrier = Carrier.objects.get()
    for number in range(2):
        seed_campaign(rows, 2 * seed + number, carrier)
    for pk in sending.start_due():
        sending.expand(pk)
    return rows


def race(line: str) -> int:
    from billing.thresholds import ThresholdReached
    from campaigns.models import Batch
    from campaigns.sending import claiming

    granted = tries = 0
    while tries < 3:
        try:
            leases = claiming.claim()
        except ThresholdReached:  # only where claims take no turns, on purpose
            leases = []
        tries = 0 if leases else tries + 1
        for lease, _rows in leases:
            granted += Batch.objects.get(pk=lease.batch_id).segments
    return granted


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsconsole.settings")
    django.setup()
    if sys.argv[1] == "prepare":
        from django.conf import settings
        from django.core.management import call_command

        from smsconsole import first_run

        call_command("migrate", verbosity=0)
        settings.PRACTICE_HOME.mkdir(parents=True, exist_ok=True)
        first_run.prepare()
        first_run.place_practice_carrier(9)  # nobody calls it
    print("ready", flush=True)  # noqa: T201 - read by the test
    for line in sys.stdin:
        print({"prepare": prepare, "race": race}[sys.argv[1]](line), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
