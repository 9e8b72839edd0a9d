"""One session that cancels campaigns at the last instant: ``python -m tests.chaos.cancelling``.

Says ``ready``, reads one JSON list of ``[campaign, last instant as a UNIX time]`` from standard
input, tries each within ``NEARBY_SECONDS`` of its instant, and prints a JSON list of
``[campaign, began, ended, cancelled]``. It acts through the product's own code, like a view.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time

import django

NEARBY_SECONDS = 0.05


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsconsole.settings")
    django.setup()
    from campaigns.models import Campaign, WrongState

    dice, tried = random.Random(), []
    Campaign.objects.exists()
    print("ready", flush=True)  # noqa: T201 - read by the test
    for pk, instant in json.load(sys.stdin):
        campaign = Campaign.objects.get(pk=pk)
        wanted = instant + dice.uniform(-NEARBY_SECONDS, NEARBY_SECONDS)
        time.sleep(max(0.0, wanted - time.time()))
        began = time.time()
        try:
            campaign.move("cancel")
            cancelled = True
        except WrongState:
            cancelled = False
        tried.append((pk, began, time.time(), cancelled))
    print(json.dumps(tried))  # noqa: T201 - read by the test


if __name__ == "__main__":
    main()
