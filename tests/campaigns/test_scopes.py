"""Thresholds by country, by hour and by number: exact, and each held or refused by its own rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Notice, User, Workspace
from billing import thresholds
from billing.models import Charge, Period, Scope, Threshold, ThresholdWindow
from campaigns import clock, controlling, sending, verifying
from campaigns.models import Batch, Campaign, Recipient, RecipientImport
from campaigns.sending import claiming
from campaigns.settling import Lease, Result, settle
from campaigns.states import BatchState, CampaignState, Hold, MessageState
from tests.campaigns import engine
from tests.sms.practice.carrier import PracticeCarrier

pytestmark = pytest.mark.django_db(transaction=True)

LONG = "a" * 400  # 3 segments


@pytest.fixture
def ready(make_campaign: Callable[..., Any], practice: Any) -> Callable[..., Any]:
    """A campaign under way to so many numbers of each country, its messages written."""

    def make(to: Mapping[str, int], first: int = 0, **fields: Any) -> Campaign:
        campaign = make_campaign(**fields)
        fill(campaign, to, first)
        engine.submit(campaign, practice, send_at=timezone.now() - timedelta(seconds=1))
        campaign.move("start", started_at=timezone.now())
        sending.expand(campaign.pk)
        campaign.refresh_from_db()
        return campaign

    return make


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Let it be this moment (UTC), for the database's clock too."""
    with time_machine.travel(datetime(2026, 11, 23, 12, tzinfo=UTC), tick=False) as traveller:
        monkeypatch.setattr(clock, "now", timezone.now)

        def move(text: str) -> None:
            traveller.move_to(datetime.fromisoformat(text).replace(tzinfo=UTC))

        yield move


def fill(campaign: Campaign, to: Mapping[str, int], first: int = 0) -> None:
    engine.fill(campaign, [])
    source = campaign.recipients
    people = [country for country, count in to.items() for _ in range(count)]
    Recipient.objects.bulk_create(
        Recipient(source=source, row=row, number=f"+1202555{first + row:04d}", country=country)
        for row, country in enumerate(people, 1)
    )
    rows = RecipientImport.objects.filter(pk=source.pk)
    rows.update(accepted=len(people), countries=dict(to))
    source.refresh_from_db()


def claim_all() -> list[tuple[Lease, list[claiming.Row]]]:
    leases = []
    while found := claiming.claim():
        leases += found
    return leases


def answer(
    leases: list[tuple[Lease, list[claiming.Row]]], state: str = MessageState.ACCEPTED
) -> None:
    """The carrier says the same of all of them."""
    for lease, rows in leases:
        settle([(lease, [Result(row.message_id, row.segments, state, carrier_id=row.reference)
                         for row in rows])])  # fmt: skip


def sent(leases: list[tuple[Lease, list[claiming.Row]]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for lease, rows in leases:
        counts[lease.country] = counts.get(lease.country, 0) + sum(row.segments for row in rows)
    return counts


def used(country: str = "", period: str = Period.DAY) -> list[int]:
    rows = ThresholdWindow.objects.filter(threshold__country=country, threshold__period=period)
    return list(rows.order_by("start").values_list("used", flat=True))


def limit_country(workspace: Workspace, country: str, limit: int, by: User, period: str) -> None:
    thresholds.set_limit(workspace, period, limit, 80, by, scope=Scope.COUNTRY, country=country)


def cap_numbers(workspace: Workspace, limit: int, by: User) -> None:
    thresholds.set_limit(workspace, Period.DAY, limit, 80, by, scope=Scope.NUMBER)


def holds(campaign: Campaign) -> dict[str, set[str]]:
    """How the batches that wait are held, by country."""
    found: dict[str, set[str]] = {}
    for country, hold in Batch.objects.filter(
        campaign=campaign, state=BatchState.READY
    ).values_list("country", "hold"):
        found.setdefault(country, set()).add(hold)
    return found


class TestCountries:
    @pytest.mark.parametrize("period", Period.values)
    def test_one_country_is_held_and_the_others_go_on(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace, period: str
    ) -> None:
        limit_country(workspace, "AU", 7, admin, period)
        campaign = ready({"AU": 20, "US": 30}, content=LONG)
        leases = claim_all()
        assert sent(leases) == {"AU": 6, "US": 90}
        assert holds(campaign) == {"AU": {Hold.THRESHOLD}}
        answer(leases)
        assert used("AU", period) == [6]
        sending.ending.finish(campaign.pk)
        campaign.refresh_from_db()
        assert campaign.state == CampaignState.SUSPENDED, "all that is left is held"
        words = Notice.objects.filter(kind="campaign.suspended").values_list("body", flat=True)
        assert "threshold of 7 segments to Australia is reached: 18 messages wait." in words[0]
        assert not engine.broken()

    def test_while_another_country_is_on_its_way_it_is_not_suspended(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        limit_country(workspace, "AU", 0, admin, Period.DAY)
        campaign = ready({"AU": 5, "US": 5})
        leases = claim_all()
        sending.ending.finish(campaign.pk)
        campaign.refresh_from_db()
        assert (sent(leases), campaign.state) == ({"US": 5}, CampaignState.SENDING)

    def test_more_held_batches_than_one_claim_takes_hold_up_no_other_country(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        closed = ["AD", "AE", "AF", "AG", "AI", "AL"]
        for country in closed:
            limit_country(workspace, country, 0, admin, Period.DAY)
        ready({**dict.fromkeys(closed, 1), "US": 2})
        assert sent(claiming.claim()) == {"US": 2}

    def test_the_threshold_of_all_countries_holds_everything(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        limit_country(workspace, "AU", 8, admin, Period.DAY)
        thresholds.set_limit(workspace, Period.HOUR, 10, 80, admin)
        campaign = ready({"AU": 20, "US": 30})
        leases = claim_all()
        assert sent(leases) == {"AU": 8, "US": 2}
        assert (used("AU"), used("", Period.HOUR)) == ([8], [10])
        assert holds(campaign) == {"AU": {Hold.THRESHOLD}, "US": {Hold.THRESHOLD}}
        assert not engine.broken()

    def test_no_smaller_message_overtakes_a_held_one_of_its_country(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        limit_country(workspace, "AU", 4, admin, Period.DAY)
        campaign = ready({"AU": 3}, content=LONG)
        campaign.messages.filter(position=3).update(segments=1)
        Batch.objects.update(segments=7)
        assert sent(claim_all()) == {"AU": 3}

    def test_raised_and_resumed_by_a_person_the_country_goes_on(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        limit_country(workspace, "AU", 2, admin, Period.HOUR)
        campaign = ready({"AU": 5})
        answer(claim_all())
        sending.ending.finish(campaign.pk)
        limit_country(workspace, "AU", 4, admin, Period.HOUR)
        assert claim_all() == [], "nothing resumes by itself"
        campaign.refresh_from_db()
        campaign.move("resume_suspended", by=admin)
        controlling.free_held(campaign)
        answer(claim_all())
        assert used("AU", Period.HOUR) == [4]
        limit_country(workspace, "AU", 1, admin, Period.HOUR)
        window = ThresholdWindow.objects.get()
        assert (window.used, window.limit, window.ceiling) == (4, 1, 4)
        assert not engine.broken()

    def test_what_was_refused_goes_back_to_every_window_it_came_from(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        for period in Period.values:
            thresholds.set_limit(workspace, period, 100, 80, admin)
            limit_country(workspace, "AU", 100, admin, period)
            limit_country(workspace, "US", 100, admin, period)
        ready({"AU": 3, "US": 4}, content=LONG)
        leases = claim_all()
        answer([one for one in leases if one[0].country == "AU"], MessageState.REJECTED)
        answer([one for one in leases if one[0].country == "US"])
        for period in Period.values:
            assert (used("AU", period), used("US", period), used("", period)) == ([0], [12], [12])
        assert not engine.broken()

    def test_windows_set_while_messages_are_under_way_count_their_country_and_hour(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace, at: Any
    ) -> None:
        at("2026-11-23T10:59:00")
        ready({"AU": 3, "US": 5})
        answer(claim_all())
        at("2026-11-23T11:01:00")
        ready({"AU": 4}, first=100)
        claim_all()
        for period in Period.values:
            limit_country(workspace, "AU", 8, admin, period)
        ready({"AU": 9}, first=200)
        assert sent(claim_all()) == {"AU": 1}, "of the day 7 are taken"
        assert (used("AU", Period.HOUR), used("AU"), used("AU", Period.MONTH)) == ([5], [8], [8])
        assert not engine.broken()


class TestTimes:
    @pytest.mark.parametrize(
        ("zone", "period", "moments", "counts"),
        [
            # The hour that comes twice is two.
            ("Europe/Berlin", "hour", ["2026-10-25T00:30", "2026-10-25T01:30"], [2, 2]),
            # A day of 25 hours, and one of 23, are one each.
            ("Europe/Berlin", "day", ["2026-10-24T22:00", "2026-10-25T22:59"], [2]),
            ("Europe/Berlin", "day", ["2026-10-25T22:59", "2026-10-25T23:00"], [2, 2]),
            ("Europe/Berlin", "day", ["2026-03-29T21:59", "2026-03-29T22:00"], [2, 2]),
            # Half an hour apart by UTC's clock, and one hour there.
            ("Asia/Kolkata", "hour", ["2026-11-23T10:35", "2026-11-23T11:25"], [2]),
            ("Asia/Kolkata", "hour", ["2026-11-23T10:25", "2026-11-23T10:35"], [2, 2]),
            ("UTC", "month", ["2028-02-29T23:59", "2028-03-01T00:00"], [2, 2]),
        ],
    )
    def test_a_window_is_one_by_the_clock_on_the_wall(
        self, ready: Any, admin: User, workspace: Workspace, at: Any, zone: str, period: str,
        moments: list[str], counts: list[int],
    ) -> None:  # fmt: skip
        Workspace.objects.filter(pk=workspace.pk).update(time_zone=zone)
        workspace.refresh_from_db()
        for number, moment in enumerate(moments):
            at(moment)
            if not number:
                thresholds.set_limit(workspace, period, 2, 80, admin)
            ready({"US": 3}, first=10 * number)
            claim_all()
        assert used("", period) == counts
        assert not verifying.findings()["I6 thresholds"]

    def test_a_release_after_midnight_goes_to_the_windows_of_the_reservation(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace, at: Any
    ) -> None:
        at("2026-11-23T23:59:50")
        for period in (Period.HOUR, Period.DAY):
            thresholds.set_limit(workspace, period, 100, 80, admin)
            limit_country(workspace, "AU", 100, admin, period)
        ready({"AU": 4})
        before = claim_all()
        at("2026-11-24T00:00:05")
        ready({"AU": 6}, first=100)
        claim_all()
        answer(before, MessageState.REJECTED)
        for period in (Period.HOUR, Period.DAY):
            assert (used("", period), used("AU", period)) == ([0, 6], [0, 6])
        assert not verifying.findings()["I6 thresholds"]

    def test_suspended_by_an_hour_it_waits_for_a_person_when_the_hour_is_over(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace, at: Any
    ) -> None:
        at("2026-11-23T10:30:00")
        thresholds.set_limit(workspace, Period.HOUR, 2, 80, admin)
        campaign = ready({"US": 5})
        answer(claim_all())
        sending.ending.finish(campaign.pk)
        at("2026-11-23T11:30:00")
        assert claim_all() == []
        campaign.refresh_from_db()
        assert campaign.state == CampaignState.SUSPENDED
        campaign.move("resume_suspended", by=admin)
        controlling.free_held(campaign)
        assert sent(claim_all()) == {"US": 2}

    def test_a_change_of_zone_moves_the_end_of_open_windows_and_grants_nothing_more(
        self, ready: Any, admin: User, workspace: Workspace, at: Any
    ) -> None:
        at("2026-11-23T10:40:00")
        thresholds.set_limit(workspace, Period.HOUR, 2, 80, admin)
        ready({"US": 2})
        claim_all()
        thresholds.move_borders(workspace, "Asia/Kolkata", timezone.now())
        Workspace.objects.filter(pk=workspace.pk).update(time_zone="Asia/Kolkata")
        at("2026-11-23T11:29:00")
        ready({"US": 2}, first=10)
        assert claim_all() == []
        at("2026-11-23T11:31:00")
        ready({"US": 2}, first=20)
        assert sent(claim_all()) == {"US": 2}
        assert not verifying.findings()["I6 thresholds"]


class TestNumbers:
    def test_two_campaigns_share_what_a_number_gets_a_day(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        cap_numbers(workspace, 2, admin)
        thresholds.set_limit(workspace, Period.DAY, 100, 80, admin)
        for _ in range(2):
            answer(claim_all() if ready({"US": 5}) else [])
        third = ready({"US": 6}, content=LONG)
        leases = claim_all()
        assert sent(leases) == {"US": 3}, "the sixth number alone had none yet"
        answer(leases)
        assert engine.stored(third) == {"rejected": 5, "accepted": 1}
        assert set(third.messages.filter(state="rejected").values_list("reason", flat=True)) == {
            "number_limit"
        }
        assert used() == [13], "the refused ones count nowhere"
        sending.ending.finish(third.pk)
        third.refresh_from_db()
        assert third.state == CampaignState.COMPLETED
        assert not engine.broken()

    def test_the_same_number_twice_in_one_campaign_counts_twice(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        cap_numbers(workspace, 2, admin)
        campaign = ready({"US": 5})
        campaign.messages.update(number="+12025550111")
        assert sent(claim_all()) == {"US": 2}
        assert engine.tallied(campaign) == {"rejected": 3, "queued": 2}

    def test_a_refused_message_does_not_count_and_one_in_doubt_does(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        cap_numbers(workspace, 1, admin)
        ready({"US": 1})
        answer(claim_all(), MessageState.REJECTED)
        ready({"US": 1})
        leases = claim_all()
        assert sent(leases) == {"US": 1}
        answer(leases, MessageState.IN_DOUBT)
        ready({"US": 1})
        assert claim_all() == []

    def test_a_new_day_begins_at_midnight_there(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace, at: Any
    ) -> None:
        Workspace.objects.filter(pk=workspace.pk).update(time_zone="Asia/Kolkata")
        cap_numbers(workspace, 1, admin)
        counts = []
        for moment in ("2026-11-23T18:00:00", "2026-11-23T18:29:00", "2026-11-23T18:31:00"):
            at(moment)
            ready({"US": 1})
            counts.append(sum(sent(claim_all()).values()))
        assert counts == [1, 0, 1]

    def test_a_cap_set_at_noon_counts_the_morning(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        ready({"US": 2})
        answer(claim_all())
        cap_numbers(workspace, 1, admin)
        ready({"US": 3})
        assert sent(claim_all()) == {"US": 1}

    def test_another_workspace_has_counts_of_its_own(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace,
        other_workspace: Workspace,
    ) -> None:  # fmt: skip
        ready({"US": 1})
        claim_all()
        Campaign.objects.update(workspace=other_workspace)
        cap_numbers(workspace, 1, admin)
        ready({"US": 1})
        assert sent(claim_all()) == {"US": 1}

    def test_those_over_the_cap_take_no_room_from_the_others(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        ready({"US": 5})
        answer(claim_all())
        cap_numbers(workspace, 1, admin)
        thresholds.set_limit(workspace, Period.DAY, 8, 80, admin)
        campaign = ready({"US": 10})
        assert sent(claim_all()) == {"US": 3}
        assert engine.tallied(campaign) == {"rejected": 5, "queued": 5}
        assert not verifying.findings()["I6 thresholds"]

    def test_a_batch_leased_again_is_not_counted_again(
        self, ready: Callable[..., Any], admin: User, workspace: Workspace
    ) -> None:
        cap_numbers(workspace, 1, admin)
        ready({"US": 3})
        claim_all()
        Batch.objects.update(lease_until=clock.now() - timedelta(seconds=1))
        sending.recover()
        assert sent(claim_all()) == {"US": 3}


def test_a_claim_asks_no_more_however_many_thresholds_there_are(
    ready: Callable[..., Any], admin: User, workspace: Workspace
) -> None:
    def asked() -> int:
        ready({"AU": 2, "US": 2, "DE": 2, "FR": 2})
        with CaptureQueriesContext(
            connection,
        ) as captured:
            claiming.claim()
        return len(captured)

    none = asked()
    for period in Period.values:
        thresholds.set_limit(workspace, period, 1_000, 80, admin)
    asked()  # opens the windows
    few = asked()
    for period in Period.values:
        for country in ("AU", "US", "DE", "FR", "IT", "ES"):
            limit_country(workspace, country, 1_000, admin, period)
    asked()
    assert (few, asked()) == (none + 2, few), "the windows are read once and written once"


def test_without_a_threshold_there_is_one_look_for_one(
    ready: Callable[..., Any], workspace: Workspace
) -> None:
    ready({"US": 2})
    with CaptureQueriesContext(connection) as captured:
        claiming.claim()
    about = [q["sql"] for q in captured if "billing_threshold" in q["sql"]]
    assert len(about) == 1


def test_the_ledger_check_finds_a_wrong_window_of_a_country(
    ready: Callable[..., Any], admin: User, workspace: Workspace
) -> None:
    limit_country(workspace, "AU", 9, admin, Period.HOUR)
    ready({"AU": 5})
    claim_all()
    assert not verifying.findings()["I6 thresholds"]
    ThresholdWindow.objects.update(used=4)
    assert verifying.findings()["I6 thresholds"]


def test_the_whole_way_to_the_carrier(
    make_campaign: Callable[..., Any], carrier: Any, admin: User, workspace: Workspace,
    process: PracticeCarrier,
) -> None:  # fmt: skip
    limit_country(workspace, "AU", 4, admin, Period.HOUR)
    cap_numbers(workspace, 1, admin)
    for _ in range(2):
        campaign = make_campaign()
        fill(campaign, {"AU": 6, "US": 6}, first=100)
        engine.run(engine.submit(campaign, carrier))
    assert sum(engine.accepted_lines(process).values()) == 10
    assert Charge.objects.filter(country="AU").count() == 1
    assert Threshold.objects.count() == 2
    assert not engine.broken()
