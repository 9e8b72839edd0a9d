"""Segments, cost and headroom, counted for every recipient before anything is spent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing import rates
from billing.models import Rate, Threshold
from campaigns import estimating, fitting
from campaigns.models import Batch, Campaign, CampaignTally, Recipient, RecipientImport
from campaigns.states import CampaignState
from tests.windows import make_window

pytestmark = pytest.mark.django_db


@pytest.fixture
def with_values(make_campaign: Callable[..., Any]) -> Callable[..., Any]:
    """A campaign whose list has one variable, ``name``, with these (country, value) rows."""

    def make(content: str, rows: list[tuple[str, str]]) -> Campaign:
        campaign = make_campaign([], content=content)
        source = campaign.recipients
        Recipient.objects.bulk_create(
            Recipient(source=source, row=at, number=f"+1202555{at:04d}", country=cc, values=[v])
            for at, (cc, v) in enumerate(rows, 2)
        )
        countries: dict[str, int] = {}
        for cc, _value in rows:
            countries[cc] = countries.get(cc, 0) + 1
        source.variables, source.accepted, source.countries = ["name"], len(rows), countries
        source.digest = "d"
        source.save()
        return campaign

    return make


@pytest.fixture
def price(workspace: Any) -> Callable[..., Rate]:
    def enter(country: str, micros: int, day: date | None = None, currency: str = "USD") -> Rate:
        day = day or timezone.now().date() - timedelta(days=1)
        return Rate.objects.create(
            workspace=workspace, country=country, price=micros, currency=currency, valid_from=day
        )

    return enter


def test_every_row_is_counted_by_its_own_text(with_values: Any, price: Any) -> None:
    price("US", 8_000)
    long = "x" * 160
    campaign = with_values("Hi ${name}", [("US", "Ann"), ("US", long), ("AU", "你")])
    found = estimating.estimate(campaign)
    lines = {line.country: line for line in found.lines}
    assert (lines["US"].numbers, lines["US"].segments_min, lines["US"].segments_max) == (2, 1, 2)
    assert (found.numbers, found.billable, found.unicode) == (3, 4, 1)


def test_no_price_is_no_cost_and_never_zero(with_values: Any, price: Any) -> None:
    campaign = with_values("Hi ${name}", [("US", "Ann"), ("AU", "Bo")])
    assert estimating.estimate(campaign).cost is None
    price("US", 8_000)
    found = estimating.estimate(campaign)
    assert found.cost == 8_000
    assert found.unpriced == ("AU",)
    price("AU", 0)
    assert estimating.estimate(campaign).unpriced == ()


def test_the_newest_rate_of_the_day_counts_and_no_other_currency(
    workspace: Any, price: Any
) -> None:
    today = timezone.now().date()
    price("US", 1, today - timedelta(days=30))
    price("US", 2, today - timedelta(days=1))
    price("US", 3, today - timedelta(days=1))
    price("US", 4, today + timedelta(days=1))
    price("AU", 5, currency="EUR")
    assert rates.prices(workspace, ["US", "AU"], today) == {"US": 3, "AU": None}
    assert rates.prices(workspace, ["US"], today + timedelta(days=1)) == {"US": 4}


def test_a_draft_taken_back_is_estimated_in_the_currency_of_now(
    with_values: Any, price: Any, workspace: Any
) -> None:
    """It keeps the currency it was submitted in until it is submitted again."""
    campaign = with_values("Hi ${name}", [("US", "Ann")])
    price("US", 8_000, currency="EUR")
    workspace.currency = "EUR"
    workspace.save()
    campaign.workspace, campaign.currency = workspace, "USD"
    found = estimating.estimate(campaign)
    assert (found.currency, found.cost) == ("EUR", 8_000)


def test_rows_without_a_sendable_text_are_named_and_not_counted(with_values: Any) -> None:
    rows = [("US", "Ann"), ("US", "x" * 200), ("US", "\u200b"), ("US", "y" * 200)]
    campaign = with_values("${name}" * 8, rows)
    found = estimating.estimate(campaign)
    assert found.too_long == (3, 5)
    assert found.empty == (4,)
    assert (found.unfit, found.numbers) == (3, 1)


def test_one_text_for_all_is_counted_without_reading_the_rows(
    make_campaign: Any, django_assert_max_num_queries: Any
) -> None:
    campaign = make_campaign()
    RecipientImport.objects.update(countries={"US": 90_000, "AU": 10_000}, accepted=100_000)
    campaign.refresh_from_db()
    with django_assert_max_num_queries(5):
        found = estimating.estimate(campaign)
    assert (found.numbers, found.billable) == (100_000, 100_000)


def test_counts_are_kept_until_text_or_list_change(
    with_values: Any, django_assert_max_num_queries: Any
) -> None:
    campaign = with_values("Hi ${name}", [("US", "Ann")])
    estimating.estimate(campaign)
    with django_assert_max_num_queries(2):  # the rates, and the clock
        estimating.estimate(campaign)
    campaign.content = "Hi ${name}" + "x" * 160
    assert estimating.estimate(campaign).billable == 2


def test_a_long_list_is_left_to_a_task_and_asked_for_once(
    with_values: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimating, "INLINE_ROWS", 1)
    campaign = with_values("Hi ${name}", [("US", "Ann"), ("US", "Bo")])
    assert estimating.estimate(campaign) is None
    assert estimating.should_ring(campaign)
    assert not estimating.should_ring(campaign)
    estimating.count_campaign(campaign.pk)
    campaign.refresh_from_db()
    assert not estimating.needs_task(campaign)
    assert estimating.estimate(campaign).numbers == 2


def test_a_count_that_was_overtaken_by_a_change_is_dropped(
    with_values: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(estimating, "INLINE_ROWS", 1)
    campaign = with_values("Hi ${name}", [("US", "Ann"), ("US", "Bo")])
    real = estimating.count

    def slow(campaign: Campaign) -> dict[str, Any]:
        counted = real(campaign)
        Campaign.objects.filter(pk=campaign.pk).update(content="Bye ${name}")
        return counted

    monkeypatch.setattr(estimating, "count", slow)
    estimating.count_campaign(campaign.pk)
    campaign.refresh_from_db()
    assert "of" not in campaign.estimate


@pytest.mark.parametrize("content", ["", "Hi ${", "Hi ${unknown}"])
def test_what_cannot_be_counted_has_no_estimate(with_values: Any, content: str) -> None:
    campaign = with_values("Hi ${name}", [("US", "Ann")])
    campaign.content = content
    assert estimating.estimate(campaign) is None
    assert not estimating.needs_task(campaign)


# --- thresholds -------------------------------------------------------------------------------


def test_without_a_threshold_everything_fits(with_values: Any) -> None:
    campaign = with_values("Hi ${name}", [("US", "Ann")])
    fit = fitting.fit(campaign, estimating.estimate(campaign), timezone.now())
    assert fit.fits
    assert fit.rooms == ()


def test_the_tightest_window_says_how_far_it_gets(with_values: Any, workspace: Any) -> None:
    day = Threshold.objects.create(workspace=workspace, period="day", limit=10)
    Threshold.objects.create(workspace=workspace, period="month", limit=1000)
    make_window(day, limit=10, ceiling=10, used=7)
    campaign = with_values("Hi ${name}", [("US", f"n{n}") for n in range(6)])
    fit = fitting.fit(campaign, estimating.estimate(campaign), timezone.now())
    assert not fit.fits
    assert (fit.reach, fit.over, fit.tightest.period) == (3, 3, "day")


def test_a_threshold_of_one_country_stops_that_country_alone(
    with_values: Any, workspace: Any
) -> None:
    au = Threshold.objects.create(
        workspace=workspace, scope="country", country="AU", period="hour", limit=3
    )
    make_window(au, limit=3, ceiling=3, used=1)
    Threshold.objects.create(
        workspace=workspace, scope="country", country="DE", period="day", limit=0
    )
    Threshold.objects.create(workspace=workspace, scope="number", period="day", limit=20)
    people = [("AU", f"a{n}") for n in range(6)] + [("US", f"u{n}") for n in range(4)]
    campaign = with_values("Hi ${name}", people)
    fit = fitting.fit(campaign, estimating.estimate(campaign), timezone.now())
    assert [(room.country, room.period, room.over) for room in fit.rooms] == [("AU", "hour", 4)]
    assert (fit.fits, fit.reach, fit.over, fit.a_number) == (False, 6, 4, 20)
    Threshold.objects.create(workspace=workspace, period="hour", limit=3)
    fit = fitting.fit(campaign, estimating.estimate(campaign), timezone.now())
    assert (fit.reach, fit.over, len(fit.stops)) == (3, 7, 2)


def test_other_scheduled_campaigns_take_their_room(
    with_values: Any, make_campaign: Any, workspace: Any
) -> None:
    Threshold.objects.create(workspace=workspace, period="day", limit=10)
    at = timezone.now() + timedelta(minutes=1)
    other = make_campaign()
    Campaign.objects.filter(pk=other.pk).update(
        state=CampaignState.SCHEDULED, send_at=at, estimate={"billable": 8}
    )
    campaign = with_values("Hi ${name}", [("US", "Ann"), ("US", "Bo"), ("US", "Cy")])
    fit = fitting.fit(campaign, estimating.estimate(campaign), at)
    assert (fit.tightest.planned, fit.tightest.free) == (8, 2)
    assert not fit.fits


def test_a_campaign_that_began_to_send_takes_its_room_before_its_messages_are_written(
    with_values: Any, make_campaign: Any, workspace: Any, practice: Any
) -> None:
    """Of 8 segments 5 are written and 3 of these taken: 2 wait in a batch, 3 are to be written."""
    now = timezone.now()
    day = Threshold.objects.create(workspace=workspace, period="day", limit=20)
    make_window(day, limit=20, ceiling=20, used=3)
    campaign = with_values("Hi ${name}", [("US", "Ann"), ("US", "Bo"), ("US", "Cy")])

    def free() -> int:
        fit = fitting.fit(campaign, estimating.estimate(campaign), now)
        assert fit.tightest
        return fit.tightest.free

    other = make_campaign()
    rows = Campaign.objects.filter(pk=other.pk)
    rows.update(state=CampaignState.SENDING, send_at=now, estimate={"billable": 8})
    assert free() == 9, "nothing is written yet"
    for state, segments in (("queued", 2), ("accepted", 3)):
        CampaignTally.objects.create(campaign=other, country="US", state=state, segments=segments)
    Batch.objects.create(
        campaign=other, carrier=practice, country="US", lo=1, hi=2, left=2,
        segments=2,
    )  # fmt: skip
    assert free() == 12
    rows.update(expanded_at=now)
    assert free() == 15, "what it wrote is all there is"
    rows.update(expanded_at=None, state=CampaignState.STOPPED)
    assert free() == 15


def test_samples_are_masked_recipients_with_their_values(with_values: Any) -> None:
    campaign = with_values("Hi ${name}", [("US", "Ann"), ("AU", "Bo")])
    shown = estimating.samples(campaign)
    assert [sample["values"] for sample in shown] == [{"name": "Ann"}, {"name": "Bo"}]
    assert all("•••" in sample["who"] for sample in shown)


def test_numbers_are_estimated_while_they_are_typed(make_campaign: Any) -> None:
    campaign = make_campaign(manual_numbers="+12025550123\n+1 202 555 0123\n123\n+61491570006")
    found = estimating.estimate_typed(campaign)
    assert [(line.country, line.numbers) for line in found.lines] == [("US", 1), ("AU", 1)]
    campaign.content = "Hi ${name}"
    assert estimating.estimate_typed(campaign) is None
