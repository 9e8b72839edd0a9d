"""Statements: sums of charges, by month and word, exact to the micro-unit."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User, Workspace
from billing import statements
from billing.models import Charge
from billing.statements import GROUPS, Choice, Month
from tests.billing.building import KEYS, NOVEMBER, OCTOBER, charge, fail

TODAY = date(2026, 11, 22)


def chosen(**given: str) -> Choice:
    return Choice.read({"month": "2026-11", **given}, TODAY)


def read(workspace: Workspace, **given: str) -> statements.Statement:
    return statements.read(Charge.objects.filter(workspace=workspace), chosen(**given))


def figures(statement: statements.Statement) -> dict[str, Any]:
    return {line.key: (line.sums.segments, line.sums.amount) for line in statement.lines}


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2026-11", "2026-11"), ("2026-10", "2026-10"), ("2000-01", "2000-01"),
        ("", "2026-11"), ("2026-12", "2026-11"), ("9999-12", "2026-11"), ("1999-12", "2026-11"),
        ("0001-01", "2026-11"), ("2026-13", "2026-11"), ("2026-1", "2026-11"),
        ("2026-11-01", "2026-11"), ("november", "2026-11"), ("\0", "2026-11"),
    ],
)  # fmt: skip
def test_a_month_is_read_or_is_this_one(written: str, read_as: str) -> None:
    assert str(Month.read(written, TODAY)) == read_as


@pytest.mark.parametrize(
    ("month", "previous", "following"),
    [("2026-01", "2025-12", "2026-02"), ("2024-02", "2024-01", "2024-03")],
)
def test_months_have_neighbours(month: str, previous: str, following: str) -> None:
    read = Month.read(month, TODAY)
    assert (str(read.previous), str(read.next)) == (previous, following)
    assert read.holds(read.first)
    assert not read.holds(read.end)


def test_words_outside_the_lists_are_dropped() -> None:
    choice = chosen(
        by="password", country="", sender="x" * 41, day="2026-10-31", workspace="2", scenario="\0"
    )
    assert (choice.by, choice.where) == ("country", ())
    assert chosen(by="country", country="MY").by == "campaign"


def test_narrowings_keep_their_order_and_an_empty_cost_centre_counts() -> None:
    choice = chosen(sender="SHOP", cost_centre="", country="MY", day="2026-11-03")
    assert [name for name, _value in choice.where] == ["sender", "cost_centre", "country", "day"]
    assert choice.groups == ["campaign", "scenario"]
    assert choice.moved(choice.month.previous).where == choice.where[:3]
    assert choice.widened(1).where == choice.where[:1]
    assert choice.widened(1).by == "cost_centre"


@given(st.dictionaries(st.sampled_from([*GROUPS, "month", "by", "x"]), st.text(max_size=50)))
def test_whatever_an_address_says_is_read(given: dict[str, str]) -> None:
    choice = Choice.read(given, TODAY)
    assert choice.by in choice.groups
    assert str(choice.month) in choice.query


def test_only_the_months_charges_count(workspace: Workspace) -> None:
    charge(workspace, OCTOBER, 5)
    charge(workspace, date(2026, 11, 1), 7)
    charge(workspace, date(2026, 11, 30), 1)
    charge(workspace, date(2026, 12, 1), 3)
    assert read(workspace).counts.segments == 8
    assert read(workspace, month="2026-10").counts.segments == 5
    assert read(workspace, month="2026-09").lines == []


def test_each_grouping_has_the_same_total(workspace: Workspace) -> None:
    charge(workspace, segments=7, price=31_111, failed=2)
    charge(workspace, segments=11, price=7_901, country="US", campaign="Sale", sender="CODES")
    charge(workspace, date(2026, 11, 5), 13, scenario="otp", cost_centre="", failed=13)
    for by in GROUPS:
        found = read(workspace, by=by)
        (total,) = found.totals
        assert (total.segments, total.amount) == (31, 7 * 31_111 + 11 * 7_901 + 13 * 31_000)
        assert (total.failed_segments, total.failed_amount) == (15, 2 * 31_111 + 13 * 31_000)
        assert len(found.lines) == 2


def test_a_campaign_is_one_line_by_its_key(workspace: Workspace) -> None:
    charge(workspace, segments=4)
    charge(workspace, segments=6, country="US")
    (line,) = read(workspace, by="campaign").lines
    assert (line.key, line.label, line.sums.segments) == (str(KEYS["Opening"]), "Opening", 10)


def test_narrowings_combine(workspace: Workspace) -> None:
    charge(workspace, segments=1)
    charge(workspace, segments=2, sender="CODES")
    charge(workspace, segments=4, country="US", sender="CODES", cost_centre="")
    assert read(workspace, sender="CODES").counts.segments == 6
    assert read(workspace, sender="CODES", country="MY").counts.segments == 2
    assert read(workspace, cost_centre="").counts.segments == 4
    assert read(workspace, country="US", failed="1", scenario="otp").counts.segments == 0


def test_currencies_are_never_added(workspace: Workspace) -> None:
    charge(workspace, segments=2)
    charge(workspace, segments=3, currency="EUR")
    found = read(workspace)
    assert [(line.key, line.sums.currency) for line in found.lines] == [
        ("MY", "EUR"), ("MY", "USD"),
    ]  # fmt: skip
    assert [(sums.currency, sums.amount) for sums in found.totals] == [
        ("EUR", 93_000), ("USD", 62_000),
    ]  # fmt: skip
    assert (found.counts.segments, found.counts.amount) == (5, None)


def test_lines_stand_by_their_currency_the_one_with_most_segments_first(
    workspace: Workspace,
) -> None:
    """1,000 yen are not dearer than 900 dollars."""
    charge(workspace, segments=9, price=100_000_000, country="US")
    charge(workspace, segments=5, price=200_000_000, country="JP", currency="JPY")
    charge(workspace, segments=7, price=50_000_000, country="CA")
    lines = read(workspace, by="country").lines
    assert [(line.sums.currency, line.key) for line in lines] == [
        ("USD", "US"), ("USD", "CA"), ("JPY", "JP")
    ]  # fmt: skip


def test_what_has_no_price_is_counted_and_is_no_0(workspace: Workspace) -> None:
    charge(workspace, segments=5, price=None, failed=2)
    (line,) = read(workspace).lines
    assert (line.sums.amount, line.sums.unpriced, line.sums.average) == (None, 5, None)
    assert (line.sums.failed_segments, line.sums.paid_for_failed) == (2, None)
    charge(workspace, segments=4, price=10_000)
    (line,) = read(workspace).lines
    assert (line.sums.amount, line.sums.unpriced, line.sums.average) == (40_000, 5, 10_000)


def test_a_price_of_0_is_a_price(workspace: Workspace) -> None:
    charge(workspace, segments=5, price=0)
    (line,) = read(workspace).lines
    assert (line.sums.amount, line.sums.unpriced, line.sums.average) == (0, 0, 0)


def test_a_failure_taken_back_costs_nothing(workspace: Workspace) -> None:
    made = charge(workspace, segments=5, failed=3)
    fail(made, -3)
    (line,) = read(workspace).lines
    assert (line.sums.failed_segments, line.sums.paid_for_failed) == (0, 0)


def test_a_failure_counts_in_the_month_of_its_charge(workspace: Workspace) -> None:
    october = charge(workspace, OCTOBER, 5)
    charge(workspace, NOVEMBER, 5)
    fail(october, 2)
    assert read(workspace, month="2026-10").counts.failed_segments == 2
    assert read(workspace).counts.failed_segments == 0


def test_sums_are_exact_where_floats_are_not(workspace: Workspace) -> None:
    """Q9: integer micro-units, never floats."""
    for _time in range(10):
        charge(workspace, segments=1, price=100_001)
    charge(workspace, segments=2_000_000_000, price=1)
    (total,) = read(workspace).totals
    assert total.amount == 10 * 100_001 + 2_000_000_000


def test_days_are_listed_up_to_today_and_empty_ones_too(workspace: Workspace) -> None:
    charge(workspace, date(2026, 11, 2), 9)
    rows = Charge.objects.filter(workspace=workspace)
    found = statements.days(rows, chosen(), TODAY)
    assert len(found) == 22
    assert found[:3] == [(date(2026, 11, 1), 0), (date(2026, 11, 2), 9), (date(2026, 11, 3), 0)]
    assert len(statements.days(rows, chosen(month="2026-10"), TODAY)) == 31


def test_an_operator_reads_only_what_their_campaigns_cost(
    workspace: Workspace, operator: User, colleague: User, finance: User, stranger: User
) -> None:
    charge(workspace, segments=1, author=operator)
    charge(workspace, segments=2, author=colleague)
    charge(workspace, segments=4)
    seen = {
        user: statements.read(statements.charges(user, user.membership), chosen()).counts.segments
        for user in (operator, colleague, finance, stranger)
    }
    assert seen == {operator: 1, colleague: 2, finance: 7, stranger: 0}


def test_a_statement_is_two_queries(workspace: Workspace, django_assert_num_queries: Any) -> None:
    for n in range(30):
        charge(workspace, segments=n, country="US" if n % 2 else "MY", failed=n // 3)
    with django_assert_num_queries(2):
        assert read(workspace, by="day").lines
