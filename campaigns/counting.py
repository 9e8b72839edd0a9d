"""Tally deltas: collected while a transaction works, written once at its end."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from campaigns import bulk
from campaigns.states import BILLED, bucket

Kind = tuple[int, str, str, str]  # campaign, country, state, reason


@dataclass(slots=True)
class Deltas:
    """What a transaction adds to and takes from the tallies."""

    kinds: dict[Kind, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * 5))
    hours: dict[tuple[int, str, int, str], int] = field(default_factory=lambda: defaultdict(int))

    def add(
        self,
        kind: Kind,
        messages: int,
        segments: int,
        billed: int = 0,
        price: int | None = None,
    ) -> None:
        """*messages* with *segments* enter (or, negative, leave) a state; *billed* segments too."""
        row = self.kinds[kind]
        row[0] += messages
        row[1] += segments
        row[2] += billed
        row[3] += billed * (price or 0)
        row[4] += billed if price is None else 0

    def hour(self, workspace_id: int, campaign_id: int, at: datetime, state: str, n: int) -> None:
        """Count *n* messages in the hour in which they were handed over."""
        start = at.replace(minute=0, second=0, microsecond=0)
        key = str(connection.ops.adapt_datetimefield_value(start))
        self.hours[(workspace_id, key, campaign_id, str(bucket(state)))] += n

    def write(self) -> None:
        """Write everything, inside the caller's transaction."""
        bulk.add(
            "campaigns_campaigntally",
            ("campaign_id", "country", "state", "reason"),
            ("messages", "segments", "billed", "amount", "unpriced"),
            [(*kind, *row) for kind, row in self.kinds.items() if any(row)],
        )
        bulk.add(
            "campaigns_hourtally",
            ("workspace_id", "hour", "campaign_id", "bucket"),
            ("messages",),
            [(*key, n) for key, n in self.hours.items() if n],
        )


def billed(state: str, segments: int) -> int:
    """Billed segments of a message in *state*: its own from acceptance on, else none."""
    return segments if state in BILLED else 0
