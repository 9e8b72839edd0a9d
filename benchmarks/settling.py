"""Claiming and settling without a network, beside a bare UPDATE of the same rows.

It starts right after an expansion: once with the statistics that an expansion leaves behind, and
once with those of before it, which a dispatcher meets that begins while the expansion goes on. They
say that no message waits, and tempt the planner to look for those that do instead of using the key.
``python -m benchmarks.settling --rows 200000`` prints one JSON list; ``--among 3000000`` measures
instead what it costs that so many other messages are in the table.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.measuring import ROOT, console, row, take_turns
from benchmarks.pages import large_campaign
from benchmarks.sending import Bench

CHUNK = 500
NOBODY = 9  # a port
ANALYZE = "ANALYZE campaigns_message"
BARE = """
UPDATE campaigns_message AS t SET state = 'accepted', carrier_id = v.carrier_id,
    billed_segments = v.segments, accepted_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::int[]) AS v(id, carrier_id, segments) WHERE t.id = v.id
"""


class Settling(Bench):
    """Campaigns that wait, of which each rival takes one. Nobody is called."""

    def settle(self) -> float:
        """Rows a second, claimed and settled: state, charge, tally and reservation."""
        _empty()
        return self._next()

    def unknowing(self) -> float:
        """The same with the statistics of before the expansion: another campaign, all sent."""
        _empty()
        self._next()
        with _old_statistics():
            return self._next()

    def _next(self) -> float:
        self.expanded()
        return self._claim_and_settle()

    def bare(self) -> float:
        """Rows a second of an UPDATE from arrays, 500 rows at a time, each committed."""
        from django.db import connection

        from campaigns.models import Campaign, Message

        _empty()
        campaign = self.expanded()
        found = Message.objects.filter(campaign=campaign).order_by("position")
        rows = list(found.values_list("pk", "segments"))
        began = time.perf_counter()
        with connection.cursor() as cursor:
            for start in range(0, len(rows), CHUNK):
                ids, segments = zip(*rows[start : start + CHUNK], strict=True)
                names = [f"B{pk}" for pk in ids]
                cursor.execute(BARE, [list(ids), names, list(segments)])
        took = time.perf_counter() - began
        Campaign.objects.filter(pk=campaign.pk).update(state="stopped")
        return self.rows / took

    def _claim_and_settle(self) -> float:
        from campaigns.models import Message
        from campaigns.sending import claiming
        from campaigns.sending.withholding import withhold
        from campaigns.settling import settle

        began = time.perf_counter()
        while leases := claiming.claim():
            for lease, rows in leases:
                send, known = withhold(lease, rows)
                settle([(lease, [*map(_accepted, send), *known])])
        took = time.perf_counter() - began
        assert not Message.objects.filter(state="queued").exists()
        return self.rows / took


def _accepted(one: Any) -> Any:
    from campaigns.settling import Result
    from campaigns.states import MessageState

    return Result(
        one.message_id, one.segments, MessageState.ACCEPTED, carrier_id=f"B{one.message_id}",
        carrier_segments=one.segments,
    )  # fmt: skip


def _empty() -> None:
    """No message is left of the rival before, so that all meet a table of one size."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE campaigns_message CASCADE")


@contextlib.contextmanager
def _old_statistics() -> Iterator[None]:
    """Keep the statistics of now, as they are kept until an expansion ends."""
    from django.db import connection

    def skip(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        return None if sql == ANALYZE else execute(sql, *rest)

    with connection.cursor() as cursor:
        cursor.execute(ANALYZE)
    with connection.execute_wrapper(skip):
        yield


def compare(rows: int, rounds: int) -> list[dict[str, Any]]:
    bench = Settling(rows, NOBODY)
    rivals = {"ours": bench.settle, "unknowing": bench.unknowing, "bare": bench.bare}
    found = take_turns(rounds, rivals)
    stage = f"claiming and settling of {rows:,} rows just expanded"
    beside = f"a bare UPDATE of the same rows, {CHUNK} at a time"
    return [
        row(stage, found["ours"], found["bare"], "rows/s", beside),
        row(f"{stage}, statistics of before", found["unknowing"], found["bare"], "rows/s", beside),
    ]


def compare_sizes(rows: int, rounds: int, among: int) -> list[dict[str, Any]]:
    """*rows* of a table that holds nothing else, and of one with *among* others, all sent."""
    bench = Settling(rows, NOBODY)
    alone = [bench.settle() for _ in range(rounds)]
    _empty()
    large_campaign(among)
    found = [bench._next() for _ in range(rounds)]
    alone += [bench.settle() for _ in range(rounds)]
    print(f"  alone {alone}, among others {found}", file=sys.stderr)
    stage = f"claiming and settling of {rows:,} rows among {among:,} others"
    beside = "the same rows in a table of their own"
    return [row(stage, statistics.median(found), statistics.median(alone), "rows/s", beside)]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=200_000)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--among", type=int, default=0)
    chosen = options.parse_args()
    with console():
        from django.db import connection

        with connection.cursor() as cursor:  # nor may the server renew them by itself
            cursor.execute("ALTER TABLE campaigns_message SET (autovacuum_enabled = off)")
        if chosen.among:
            table = compare_sizes(chosen.rows, chosen.rounds, chosen.among)
        else:
            small = max(1, chosen.rows // 10)
            table = [*compare(small, chosen.rounds), *compare(chosen.rows, chosen.rounds)]
    print(json.dumps(table))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    main()
