"""Meters and sums as pages show them, and the rates of a country in order."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

import pytest
import time_machine

from accounts.models import AuditEvent, User, Workspace
from billing import exports, headroom, tariffs, thresholds
from billing.models import Charge, Rate

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def charge(workspace: Workspace, segments: int, amount: int | None, **more: object) -> None:
    given = {
        "day": TODAY, "campaign_key": uuid.uuid4(), "campaign_name": "A", "country": "MY",
        "sender": "ACME", "carrier": "Practice", "scenario": "otp", "messages": segments,
        "currency": workspace.currency, **more,
    }  # fmt: skip
    Charge.objects.create(workspace=workspace, segments=segments, amount=amount, **given)


def test_without_a_threshold_there_is_no_limit_and_use_is_still_shown(
    workspace: Workspace,
) -> None:
    with time_machine.travel(NOON):
        charge(workspace, 12, 120)
        day, month = headroom.meters(workspace)
        assert (day.level, day.room, day.spend.segments) == ("none", None, 12)
        assert month.period == "month"


@pytest.mark.parametrize(
    ("used", "level", "room"), [(0, "ok", 10), (7, "ok", 3), (8, "warn", 2), (10, "reached", 0)]
)
def test_a_meter_says_how_close_it_is(
    workspace: Workspace, admin: User, used: int, level: str, room: int
) -> None:
    with time_machine.travel(NOON):
        charge(workspace, used, used)
        thresholds.set_limit(workspace, "day", 10, 80, admin)
        day = headroom.meters(workspace)[0]
        assert (day.level, day.room) == (level, room)


def test_a_limit_of_0_is_reached_before_anything_is_sent(workspace: Workspace, admin: User) -> None:
    thresholds.set_limit(workspace, "day", 0, 80, admin)
    assert headroom.meters(workspace)[0].level == "reached"


def test_a_window_ends_at_midnight_of_the_workspace(workspace: Workspace) -> None:
    workspace.time_zone = "America/New_York"
    with time_machine.travel(datetime(2026, 11, 1, 3, 30, tzinfo=UTC)):
        day, month = headroom.meters(workspace)
    assert day.resets_at.astimezone(UTC) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert month.resets_at == day.resets_at


def test_money_is_summed_for_each_currency_and_only_where_a_price_was_known(
    workspace: Workspace,
) -> None:
    charge(workspace, 10, 310_000)
    charge(workspace, 5, None)
    charge(workspace, 7, 999, currency="EUR")
    charge(workspace, 1, 1, currency="EUR")
    charge(workspace, 3, 90, day=date(2026, 11, 21))
    spent = headroom.spend(workspace, TODAY)
    assert spent.amounts == (("USD", 310_000), ("EUR", 1_000))
    assert (spent.segments, spent.unpriced) == (23, 5)


def test_after_a_change_of_currency_the_new_one_is_named_first_and_nothing_is_lost(
    workspace: Workspace,
) -> None:
    charge(workspace, 10, 310_000)
    workspace.currency = "EUR"
    assert headroom.spend(workspace, TODAY).amounts == (("USD", 310_000),)
    charge(workspace, 7, 999)
    assert headroom.spend(workspace, TODAY).amounts == (("EUR", 999), ("USD", 310_000))


def test_a_sum_of_unknown_prices_is_unknown_and_not_0(workspace: Workspace) -> None:
    assert headroom.spend(workspace, TODAY).amounts == (("USD", 0),)
    charge(workspace, 5, None)
    assert headroom.spend(workspace, TODAY).amounts == ()


def test_a_country_has_a_current_rate_those_before_and_those_to_come(
    workspace: Workspace, finance: User
) -> None:
    for price, day in ((10, 1), (20, 10), (30, 10), (40, 30), (50, 30)):
        enter(workspace, finance, price, date(2026, 11, day))
    (line,) = tariffs.read(Rate.objects.all(), TODAY, "USD")
    assert line.current is not None
    assert line.current.price == 30
    assert [rate.price for rate in line.coming] == [50]
    assert [rate.price for rate in line.past] == [40, 20, 10]


def enter(workspace: Workspace, by: User, price: int, day: date) -> Rate:
    """A rate, in place of the one that holds from the same day."""
    same = Rate.objects.filter(country="MY", valid_from=day).order_by("-pk").first()
    replaces = str(same.pk) if same else ""
    return tariffs.enter(workspace, "MY", price, day, by, replaces=replaces)


def test_two_prices_from_one_day_are_exported_as_the_one_that_counts(
    workspace: Workspace, finance: User
) -> None:
    """A file with both would be refused by the import that reads it again."""
    for price in (40, 50):
        enter(workspace, finance, price, date(2026, 11, 30))
    found = list(exports.rates(tariffs.read(Rate.objects.all(), TODAY, "USD")))[1:]
    assert [str(row[2]) for row in found] == ["0.000050"]


def test_the_price_before_is_told_in_the_same_currency(workspace: Workspace, finance: User) -> None:
    """A change from 31 dollars to 20 euros is none of a price."""
    enter(workspace, finance, 31, TODAY)
    workspace.currency = "EUR"
    tariffs.enter(workspace, "MY", 20, TODAY, finance)
    told = AuditEvent.objects.filter(action="rate.enter").latest("pk").data
    assert (told["old"], told["new"]) == (None, 20)


def test_a_rate_in_another_currency_prices_nothing(workspace: Workspace, finance: User) -> None:
    tariffs.enter(workspace, "MY", 10, date(2026, 1, 1), finance)
    (line,) = tariffs.read(Rate.objects.all(), TODAY, "EUR")
    assert line.current is None
    assert len(line.past) == 1
