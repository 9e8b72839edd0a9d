"""A carrier in trouble is left alone by every dispatcher at once, and asked by one of them.

When the pause is over is a column of the carrier, by the database's clock. Whoever moves it on by
one conditional UPDATE has the right to the next probe, so the route as a whole is asked once in
half a minute, however many dispatchers there are and however short they live.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.db.models.functions import Now

from campaigns import clock
from campaigns.sending.pacing import FIRST_PAUSE_SECONDS, PAUSE_SECONDS
from carriers.models import Carrier


def begin(carrier_id: int) -> None:
    """Nobody calls the carrier for a moment, unless it rests already."""
    rows = Carrier.objects.filter(pk=carrier_id, resting_until=None)
    rows.update(resting_until=Now() + timedelta(seconds=FIRST_PAUSE_SECONDS))


def take_probe(carrier_id: int) -> bool:
    """True for the one who may make the one call of the next half minute."""
    due = Carrier.objects.filter(pk=carrier_id, resting_until__lte=Now())
    return due.update(resting_until=Now() + timedelta(seconds=PAUSE_SECONDS)) == 1


def end(carrier_id: int) -> None:
    """It answers: everybody goes on."""
    Carrier.objects.filter(pk=carrier_id).update(resting_until=None)


def seconds_left(carrier_ids: Collection[int]) -> dict[int, float]:
    """How long those of the carriers that rest are still to be left alone; 0.0: a probe is due."""
    rows = Carrier.objects.filter(pk__in=carrier_ids, resting_until__isnull=False)
    found = list(rows.values_list("pk", "resting_until"))
    now = clock.now() if found else None
    return {pk: max(0.0, (until - now).total_seconds()) for pk, until in found if until and now}
