from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.failures import FAILURES, failure
from campaigns.states import BILLED, Bucket, MessageState, bucket
from campaigns.statistics import by_country, by_hour, by_reason, is_live, result
from sms.gateways.base import Reason

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Tally:
    state: str
    messages: int
    reason: str = ""
    country: str = "US"
    segments: int = 0
    billed: int = 0
    amount: int = 0
    unpriced: int = 0


@dataclass
class Hour:
    hour: datetime
    bucket: str
    messages: int


tallies = st.lists(
    st.builds(
        Tally,
        state=st.sampled_from(list(MessageState)),
        messages=st.integers(0, 5_000),
        reason=st.sampled_from(["", *Reason, "never_heard_of"]),
        country=st.sampled_from(["US", "AU", "CA", ""]),
        segments=st.integers(0, 9_000),
        billed=st.integers(0, 9_000),
        amount=st.integers(0, 10**12),
    ),
    max_size=30,
)


@given(rows=tallies, held=st.integers(0, 9_000), more=st.integers(0, 500))
@pytest.mark.parametrize("gives_receipts", [True, False])
@pytest.mark.parametrize("over", [True, False])
def test_sent_failed_and_other_are_all_messages(rows, held, more, gives_receipts, over):
    written = sum(row.messages for row in rows)
    found = result(rows, total=written + more, held=held, gives_receipts=gives_receipts, over=over)
    assert found.sent + found.failed + found.other == written + more == found.total
    assert sum(part.messages for part in found.parts) == found.total
    assert all(part.messages >= 0 for part in found.parts)
    sums = [sum(p.messages for p in some) for some in (found.sent_parts, found.other_parts)]
    assert sums == [found.sent, found.other]


@given(rows=tallies)
def test_the_countries_sum_to_the_total(rows):
    whole = result(rows)
    found = by_country(rows, {})
    for name in ("sent", "failed", "other", "total"):
        assert sum(getattr(row.result, name) for row in found) == getattr(whole, name)
    assert sum(row.messages for row in by_reason(rows)) == whole.failed


@pytest.mark.parametrize("state", list(MessageState))
def test_every_state_stands_in_one_bucket(state):
    found = result([Tally(state, 3)])
    counts = {Bucket.SENT: found.sent, Bucket.FAILED: found.failed, Bucket.OTHER: found.other}
    assert counts[bucket(state)] == 3
    assert sum(counts.values()) == 3


def test_without_receipts_what_the_carrier_accepted_is_sent():
    rows = [Tally("accepted", 4), Tally("rejected", 1, "invalid_number")]
    assert result(rows, gives_receipts=False).sent == 4
    assert result(rows).sent == 0
    assert result(rows).part("accepted") == 4


def test_the_delivery_rate_is_never_over_nothing():
    assert result([Tally("accepted", 9)]).rate is None
    assert result([Tally("delivered", 3), Tally("undelivered", 1)]).rate == 0.75


def test_messages_not_written_yet_wait_and_are_cancelled_when_it_is_over():
    assert result([], total=10).part("waiting") == 10
    assert result([], total=10, over=True).part("cancelled") == 10


def test_held_messages_are_a_part_of_those_that_wait():
    found = result([Tally("queued", 10)], held=4)
    assert (found.part("waiting"), found.part("held"), found.left) == (6, 4, 10)
    assert (found.handed, found.underway) == (0, 0)


def test_an_unknown_price_is_no_price_and_not_zero():
    assert result([Tally("delivered", 2, billed=2, unpriced=2)]).cost is None
    assert result([Tally("delivered", 2, billed=2, amount=62_000)]).cost == 62_000
    some = [Tally("delivered", 1, billed=1, amount=9), Tally("delivered", 1, billed=1, unpriced=1)]
    assert result(some).cost == 9


def test_reasons_are_counted_over_countries_the_most_frequent_first():
    rows = [
        Tally("undelivered", 2, "unreachable"),
        Tally("undelivered", 3, "unreachable", "AU"),
        Tally("rejected", 1, "opted_out"),
        Tally("expired", 2),
        Tally("delivered", 50),
    ]
    assert [(row.code, row.messages) for row in by_reason(rows)] == [
        ("unreachable", 5), ("expired", 2), ("opted_out", 1),
    ]  # fmt: skip


def test_hours_without_messages_are_drawn_too():
    rows = [Hour(NOON, "sent", 5), Hour(NOON + timedelta(hours=2), "failed", 1)]
    assert [(row.sent, row.failed) for row in by_hour(rows)] == [(5, 0), (0, 0), (0, 1)]
    assert by_hour([]) == []


@pytest.mark.parametrize(
    ("state", "ended", "waiting", "expected"),
    [
        ("sending", None, 0, True),
        ("completed", NOON - timedelta(minutes=2), 3, True),
        ("completed", NOON - timedelta(minutes=2), 0, False),
        ("completed", NOON - timedelta(hours=2), 3, False),
        ("paused", None, 3, True),
        ("paused", None, 0, False),
        ("suspended", None, 3, True),
        ("draft", None, 0, False),
    ],
)
def test_a_page_asks_again_only_while_something_may_come(state, ended, waiting, expected):
    assert is_live(state, result([Tally("accepted", waiting)]), ended, NOON) is expected


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_words_and_a_way_on(reason):
    found = FAILURES[reason]
    for words in (found.title, found.happened, found.todo):
        assert str(words)
        assert "!" not in str(words)
    assert str(found.happened).endswith(".")
    assert str(found.todo).endswith(".")


def test_a_reason_nobody_knows_is_said_to_be_unknown():
    assert failure("stat_99").code == Reason.UNKNOWN


def test_what_was_refused_before_sending_is_not_billed():
    assert MessageState.REJECTED not in BILLED
    assert not FAILURES[Reason.OPTED_OUT].billed
    assert FAILURES[Reason.UNREACHABLE].billed
