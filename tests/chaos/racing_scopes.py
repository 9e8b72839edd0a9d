"""Four processes race claims of several campaigns over shared windows; what they took is counted.

Run by ``test_scopes.py`` with DATABASE_URL at a server of its own. ``drive COUNT`` makes
campaigns and thresholds for each race, starts it and prints what was found, one JSON a line;
``claim`` is one of the processes.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import Any

import django

PROCESSES = 4
ROWS = 260
COUNTRIES = ("US", "AU", "DE")


def claim() -> None:
    """For each line that comes in: claim until nothing is left, some of it refused, and answer."""
    from campaigns.sending import claiming
    from campaigns.settling import Result, settle
    from campaigns.states import MessageState

    dice = random.Random()
    for _line in sys.stdin:
        idle = 0
        while idle < 3:
            leases = claiming.claim()
            idle = 0 if leases else idle + 1
            for lease, rows in leases:
                results = []
                for row in rows:
                    refused = dice.random() < 0.05
                    state = MessageState.REJECTED if refused else MessageState.ACCEPTED
                    results.append(
                        Result(row.message_id, row.segments, state, carrier_id=row.reference)
                    )
                settle([(lease, results)])
        _say("done")


def make_campaign(workspace: Any, author: Any, carrier: Any, first: int) -> None:
    """Under way to three countries, of one and of three segments."""
    from django.utils import timezone

    from campaigns import sending
    from campaigns.models import Batch, Campaign, ImportState, Recipient, RecipientImport
    from senders.models import SenderID

    source = RecipientImport.objects.create(
        workspace=workspace, created_by=author, is_manual=True, state=ImportState.READY,
        accepted=ROWS, countries={},
    )  # fmt: skip
    Recipient.objects.bulk_create(
        Recipient(
            source=source, row=row, number=f"+1202555{first + row:05d}",
            country=COUNTRIES[row % len(COUNTRIES)],
        )
        for row in range(1, ROWS + 1)
    )  # fmt: skip
    campaign = Campaign.objects.create(
        workspace=workspace, author=author, scenario="notification", name="Race",
        sender=SenderID.objects.get(), sender_value="RACE", content="a" * 400,
        recipients=source, carrier=carrier, total=ROWS, currency="USD", state="sending",
        send_at=timezone.now(),
    )  # fmt: skip
    sending.expand(campaign.pk)
    for batch in list(Batch.objects.filter(campaign=campaign)):
        _cut(batch)


def _cut(batch: Any, rows: int = 20) -> None:
    """Many small batches, so that the processes meet in the same windows often."""
    from campaigns.models import Batch

    starts = list(range(batch.lo, batch.hi + 1, rows))
    for lo in starts[1:]:
        hi = min(lo + rows - 1, batch.hi)
        Batch.objects.create(
            campaign_id=batch.campaign_id, carrier_id=batch.carrier_id, country=batch.country,
            lo=lo, hi=hi, left=hi - lo + 1, segments=3 * (hi - lo + 1),
        )  # fmt: skip
    hi = min(batch.lo + rows - 1, batch.hi)
    left = hi - batch.lo + 1
    Batch.objects.filter(pk=batch.pk).update(hi=hi, left=left, segments=3 * left)


def drive(count: int) -> None:
    from accounts.models import Membership, User, Workspace
    from carriers.models import Carrier
    from senders.models import SenderID, SenderState

    workspace = Workspace.objects.create(name="Race", time_zone="Asia/Kolkata", currency="USD")
    author = User.objects.create_user("race@example.com", "correct horse battery", name="Race")
    Membership.objects.create(user=author, workspace=workspace, role="admin")
    carrier = Carrier.objects.create(
        workspace=workspace, name="Practice", gateway="loopback",
        options={"url": "http://127.0.0.1:9", "token": "race"}, is_on=True,
    )  # fmt: skip
    SenderID.objects.create(
        workspace=workspace, value="RACE", state=SenderState.APPROVED, requested_by=author
    )
    command = [sys.executable, "-m", "tests.chaos.racing_scopes", "claim"]
    claimers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    try:
        for number in range(count):
            _say(json.dumps(_race(number, workspace, author, carrier, claimers)))
    finally:
        for claimer in claimers:
            assert claimer.stdin is not None
            claimer.stdin.close()
            claimer.wait(30)


def _race(number: int, workspace: Any, author: Any, carrier: Any, claimers: Any) -> dict[str, Any]:
    from billing import thresholds
    from billing.models import Scope, Threshold, ThresholdWindow
    from campaigns import verifying
    from campaigns.models import Campaign, Message

    dice = random.Random(number)
    Campaign.objects.filter(state="sending").update(state="stopped")
    Threshold.objects.all().delete()
    before = {
        period: thresholds.charged(workspace, period, _now()) for period in ("hour", "day", "month")
    }
    for period, most in (("hour", 900), ("day", 1_000), ("month", 1_100)):
        limit = sum(before[period].values()) + dice.randint(most // 2, most)
        thresholds.set_limit(workspace, period, limit, 80, author)
        limit = before[period].get("AU", 0) + dice.randint(most // 6, most // 3)
        thresholds.set_limit(
            workspace, period, limit, 80, author, scope=Scope.COUNTRY, country="AU"
        )
    thresholds.set_limit(workspace, "day", 2, 80, author, scope=Scope.NUMBER)
    for _each in range(3):  # the third to the numbers of the first two is one too many
        make_campaign(workspace, author, carrier, number * 300 % 90_000)
    for claimer in claimers:
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    for claimer in claimers:
        assert claimer.stdout.readline() == "done\n"
    windows = ThresholdWindow.objects.all()
    a_number: dict[str, int] = {}
    for sent in Message.objects.filter(state="accepted").values_list("number", flat=True):
        a_number[sent] = a_number.get(sent, 0) + 1
    return {
        "race": number,
        "windows": windows.count(),
        "overshoot": max(0, *(window.used - window.limit for window in windows)),
        "least_left": min(window.limit - window.used for window in windows),
        "wrong": len(verifying.findings()["I6 thresholds"]),
        "most_to_a_number": max(a_number.values()),
    }


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _now() -> Any:
    from django.utils import timezone

    return timezone.now()


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "claim":
        claim()
    else:
        drive(int(sys.argv[2]))
