"""The workspace page: settings, and the borders that a change may not move."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, User, Workspace
from billing import tariffs, thresholds
from billing.models import Period, Threshold, ThresholdWindow
from campaigns import clock, retention, sending, zoning
from campaigns.models import Batch, Campaign, Retention
from campaigns.sending import claiming
from tests.billing.building import charge
from tests.campaigns import engine
from tests.campaigns.building import SENT_AT, Made, make_sent_campaign

URL = "/workspace/"


def given(workspace: Workspace, **changes: Any) -> dict[str, Any]:
    names = ("name", "time_zone", "currency", "keep_uploads_days", "keep_texts_days",
             "keep_numbers_days")  # fmt: skip
    return {name: getattr(workspace, name) for name in names} | changes


@pytest.fixture
def at(monkeypatch: Any) -> Callable[[datetime], None]:
    """Set the clock that decides."""
    return lambda now: monkeypatch.setattr(clock, "now", lambda: now)


EVENING = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)  # already tomorrow in Kuala Lumpur
MORNING = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def test_an_admin_changes_it_and_the_log_holds_old_and_new(
    signed_in: Callable[[User], Client], admin: User, workspace: Workspace
) -> None:
    changes = {"name": "Parcelway Asia", "keep_numbers_days": 120}
    answer = signed_in(admin).post(URL, given(workspace, **changes))
    assert (answer.status_code, answer.url) == (302, URL)
    workspace.refresh_from_db()
    assert (workspace.name, workspace.keep_numbers_days) == ("Parcelway Asia", 120)
    event = AuditEvent.objects.get(action="workspace.change")
    assert event.data == {"old": {"name": "Parcelway", "keep_numbers_days": 90}, "new": changes}
    assert (event.actor, event.workspace) == (admin, workspace)


def test_only_admins_see_it(
    signed_in: Callable[[User], Client], operator: User, finance: User, viewer: User, client: Client
) -> None:
    for person in (operator, finance, viewer):
        assert signed_in(person).get(URL).status_code == 403
        assert signed_in(person).post(URL, {"name": "Mine"}).status_code == 403
    assert client.get(URL).status_code == 302


def test_a_stranger_sees_and_changes_their_own(
    signed_in: Callable[[User], Client],
    stranger: User,
    workspace: Workspace,
    other_workspace: Workspace,
) -> None:
    assert "Parcelway" not in signed_in(stranger).get(URL).content.decode()
    signed_in(stranger).post(URL, given(other_workspace, name="Nordlink North"))
    assert set(Workspace.objects.values_list("name", flat=True)) == {"Parcelway", "Nordlink North"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("keep_uploads_days", 31, "from 1 to 30"),
        ("keep_texts_days", 0, "from 1 to 365"),
        ("keep_numbers_days", 6, "from 7 to 730"),
        ("keep_numbers_days", "x", "from 7 to 730"),
        ("name", "", "Write the name"),
        ("time_zone", "Mars/Base", "There is no such time zone. Choose one"),
        ("currency", "ABC", "Currency is not one of the list. Choose one"),
    ],
)
def test_what_is_out_of_bounds_is_named_and_nothing_changes(
    signed_in: Callable[[User], Client],
    admin: User,
    workspace: Workspace,
    name: str,
    value: Any,
    said: str,
) -> None:
    answer = signed_in(admin).post(URL, given(workspace, **{name: value}))
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not AuditEvent.objects.filter(action="workspace.change").exists()


def test_keeping_for_fewer_days_asks_first_with_what_it_deletes(
    signed_in: Callable[[User], Client],
    admin: User,
    workspace: Workspace,
    make_campaign: Any,
    practice: Any,
) -> None:
    make_sent_campaign(make_campaign(), [Made("delivered")], carrier=practice,
                       ended_at=clock.now() - timedelta(days=10))  # fmt: skip
    client, fewer = signed_in(admin), given(workspace, keep_texts_days=9, keep_numbers_days=80)
    asked = client.post(URL, fewer).content.decode()
    assert "Keep personal data for fewer days?" in asked
    assert "texts and values of 1 campaign" in asked
    assert 'name="sure" value="7-9-80"' in asked
    workspace.refresh_from_db()
    assert workspace.keep_texts_days == 30
    other = client.post(URL, fewer | {"keep_texts_days": 5, "sure": "7-9-80"})
    assert other.status_code == 200  # a yes to other days is none
    assert client.post(URL, fewer | {"sure": "7-9-80"}).status_code == 302
    workspace.refresh_from_db()
    assert workspace.keep_texts_days == 9


def test_the_page_tells_the_last_run_and_what_is_due(
    signed_in: Callable[[User], Client],
    admin: User,
    workspace: Workspace,
    make_campaign: Any,
    practice: Any,
) -> None:
    make_sent_campaign(make_campaign(), [Made("delivered")], carrier=practice)
    page = signed_in(admin).get(URL).content.decode()
    assert "None yet" in page
    Retention.objects.create(workspace=workspace, due_at=SENT_AT)
    retention.run(SENT_AT + timedelta(days=40), seconds=60)
    page = signed_in(admin).get(URL).content.decode()
    assert "Texts of messages: 1" in page
    assert "Erase a number" in page


# --- time zone ----------------------------------------------------------------------------


def count_segments(campaign: Campaign, at: Any) -> None:
    Batch.objects.create(
        campaign=campaign, carrier=campaign.carrier, country="US", lo=1, hi=1, left=0, segments=0,
        state="done", reserved_at=at,
    )  # fmt: skip


@pytest.fixture
def used(make_campaign: Any, practice: Any) -> Campaign:
    campaign = make_campaign()
    campaign.carrier = practice
    campaign.save()
    count_segments(campaign, EVENING)
    return campaign


def test_a_zone_on_another_date_is_refused_while_segments_count_today(
    used: Campaign, workspace: Workspace, admin: User, at: Any
) -> None:
    at(EVENING)
    with pytest.raises(zoning.CannotChange) as no:
        zoning.change(workspace, admin, given(workspace, time_zone="Asia/Kuala_Lumpur"))
    said = no.value.problems["time_zone"]
    assert "2026-11-22" in said
    assert "2026-11-23" in said
    assert "Change it after 2026-11-23 00:00" in said
    workspace.refresh_from_db()
    assert workspace.time_zone == "UTC"


@pytest.mark.parametrize(
    ("now", "zone"), [(MORNING, "Asia/Kuala_Lumpur"), (EVENING, "America/New_York")]
)
def test_a_zone_on_the_same_date_is_taken_at_once(
    used: Campaign, workspace: Workspace, admin: User, at: Any, now: datetime, zone: str
) -> None:
    at(now)
    assert zoning.change(workspace, admin, given(workspace, time_zone=zone)) == ["time_zone"]


def test_a_zone_on_another_date_is_taken_while_nothing_counts(
    workspace: Workspace, admin: User, at: Any
) -> None:
    at(EVENING)
    new = given(workspace, time_zone="Asia/Kuala_Lumpur")
    assert zoning.change(workspace, admin, new) == ["time_zone"]


def test_another_month_is_not_entered_while_something_counts_in_this_one(
    make_campaign: Any, practice: Any, workspace: Workspace, admin: User, at: Any
) -> None:
    """Nothing counts today, but a second month would open beside the one that is half used."""
    campaign = make_campaign()
    campaign.carrier = practice
    campaign.save()
    count_segments(campaign, datetime(2026, 11, 3, tzinfo=UTC))
    at(datetime(2026, 11, 30, 20, 0, tzinfo=UTC))
    with pytest.raises(zoning.CannotChange):
        zoning.change(workspace, admin, given(workspace, time_zone="Asia/Kuala_Lumpur"))


@pytest.mark.django_db(transaction=True)
def test_no_change_of_zone_lets_a_threshold_be_passed_by_one_segment(
    make_campaign: Any, practice: Any, workspace: Workspace, admin: User, at: Any
) -> None:
    """At every hour, there and back again: no more segments leave than the limit allows."""
    thresholds.set_limit(workspace, Period.DAY, 2, 80, admin)
    campaign = make_campaign()
    engine.fill(campaign, [f"+12025550{180 + n}" for n in range(6)])
    engine.submit(campaign, practice, send_at=MORNING - timedelta(hours=1), partial_ok=True)
    at(MORNING)
    Campaign.objects.filter(pk=campaign.pk).update(state="sending", started_at=MORNING)
    sending.expand(campaign.pk)
    for hour in range(13):  # until just before midnight of the first zone
        now = MORNING + timedelta(hours=hour)
        at(now)
        for zone in ("Asia/Kuala_Lumpur", "Pacific/Kiritimati", "America/Los_Angeles", "UTC"):
            workspace.refresh_from_db()
            try:
                zoning.change(workspace, admin, given(workspace, time_zone=zone))
            except zoning.CannotChange:
                continue
            Batch.objects.filter(hold="threshold").update(hold="")
            Campaign.objects.filter(pk=campaign.pk).update(state="sending")
            claiming.claim()
            Workspace.objects.filter(pk=workspace.pk).update(time_zone="UTC")
    taken = Batch.objects.exclude(reserved_at=None)
    assert sum(batch.hi - batch.lo + 1 for batch in taken) == 2
    assert ThresholdWindow.objects.get().used == 2


# --- currency -----------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["scheduled", "sending", "paused", "suspended"])
def test_the_currency_waits_for_campaigns_with_frozen_prices(
    signed_in: Callable[[User], Client],
    admin: User,
    workspace: Workspace,
    make_campaign: Any,
    state: str,
) -> None:
    make_campaign(state=state)
    page = signed_in(admin).post(URL, given(workspace, currency="EUR")).content.decode()
    assert "1 campaign is scheduled or under way with prices in USD" in page
    workspace.refresh_from_db()
    assert workspace.currency == "USD"


def test_rates_in_the_old_currency_are_no_price_and_that_is_said(
    signed_in: Callable[[User], Client], admin: User, workspace: Workspace
) -> None:
    tariffs.enter(workspace, "US", 7_900, SENT_AT.date(), admin)
    changed = given(workspace, currency="EUR", sure_currency="EUR")
    answer = signed_in(admin).post(URL, changed, follow=True)
    assert "Rates in another currency than EUR are no price any more." in answer.content.decode()
    assert not Threshold.objects.exists()


def test_a_change_of_currency_is_asked_about_with_what_happens_to_what_is_there(
    signed_in: Callable[[User], Client], admin: User, workspace: Workspace
) -> None:
    """Thresholds count on, prices in the old currency are none, what was charged stays."""
    today = thresholds.today(workspace)
    for country in ("US", "MY"):
        tariffs.enter(workspace, country, 7_900, today, admin)
    charge(workspace, today, 1_000, price=12_300)
    thresholds.set_limit(workspace, Period.DAY, 5_000, 80, admin)
    client, euro = signed_in(admin), given(workspace, currency="EUR")
    asked = client.post(URL, euro).content.decode()
    assert "Count in EUR from now on?" in asked
    assert "Suspension thresholds count segments, not money: they stay as they are." in asked
    assert "2 countries have a price in USD" in asked
    assert "$12.30 of this month stays as it was charged" in asked
    assert client.post(URL, euro | {"sure_currency": "GBP"}).status_code == 200  # another question
    workspace.refresh_from_db()
    assert workspace.currency == "USD"
    assert client.post(URL, euro | {"sure_currency": "EUR"}).status_code == 302
    workspace.refresh_from_db()
    assert workspace.currency == "EUR"


def test_prices_that_are_there_in_the_new_currency_count_again(
    signed_in: Callable[[User], Client], admin: User, workspace: Workspace
) -> None:
    tariffs.enter(workspace, "US", 7_900, thresholds.today(workspace), admin)
    workspace.currency = "EUR"
    workspace.save()
    asked = signed_in(admin).post(URL, given(workspace, currency="USD")).content.decode()
    assert "1 country has a price in USD already, which counts from now on." in asked
    assert "This month has no cost yet." in asked


def test_a_change_of_currency_and_of_days_is_asked_about_one_after_the_other(
    signed_in: Callable[[User], Client], admin: User, workspace: Workspace
) -> None:
    client, both = signed_in(admin), given(workspace, currency="EUR", keep_texts_days=9)
    first = client.post(URL, both).content.decode()
    assert "Count in EUR from now on?" in first
    assert 'name="sure_currency" value="EUR"' in first
    second = client.post(URL, both | {"sure_currency": "EUR"}).content.decode()
    assert "Keep personal data for fewer days?" in second
    assert 'name="sure_currency" value="EUR"' in second
    assert 'name="sure" value="7-9-90"' in second
    yes = both | {"sure_currency": "EUR", "sure": "7-9-90"}
    assert client.post(URL, yes).status_code == 302


def test_who_left_the_currency_alone_is_not_asked_when_somebody_else_changed_it(
    signed_in: Callable[[User], Client], admin: User, workspace: Workspace
) -> None:
    client = signed_in(admin)
    seen = html.unescape(re.search(r'name="seen" value="([^"]*)"', page_of(client))[1])  # type: ignore[index]
    Workspace.objects.filter(pk=workspace.pk).update(currency="EUR")
    typed = given(workspace, name="Parcelway Asia", seen=seen)
    page = client.post(URL, typed).content.decode()
    assert "Somebody changed this meanwhile: it is EUR now. Look again." in page


def test_nobody_takes_back_what_somebody_else_changed_meanwhile(
    signed_in: Callable[[User], Client], admin: User, workspace: Workspace, make_person: Any
) -> None:
    """The older page is looked at again: it names what changed, and keeps what was typed."""
    mine, boss = signed_in(admin), make_person("admin", workspace, "Ada Boss")
    seen = html.unescape(re.search(r'name="seen" value="([^"]*)"', page_of(mine))[1])  # type: ignore[index]
    signed_in(boss).post(URL, given(workspace, keep_numbers_days=60, sure="7-30-60"))
    typed = given(workspace, name="Parcelway Asia", seen=seen, sure="7-30-90")
    answer = mine.post(URL, typed)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Somebody changed this meanwhile: it is 60 now. Look again." in page
    workspace.refresh_from_db()
    assert (workspace.name, workspace.keep_numbers_days) == ("Parcelway", 60)
    assert 'value="Parcelway Asia"' in page
    now = html.unescape(re.search(r'name="seen" value="([^"]*)"', page)[1])  # type: ignore[index]
    again = typed | {"keep_numbers_days": 60, "seen": now}
    assert re.search(r'name="keep_numbers_days" value="60"', page)
    assert mine.post(URL, again).status_code == 302
    workspace.refresh_from_db()
    assert (workspace.name, workspace.keep_numbers_days) == ("Parcelway Asia", 60)


@pytest.mark.parametrize("seen", ["", "[]", "7", '"x"', '{"name": []}'])
def test_a_page_that_says_nothing_of_what_it_saw_is_taken_as_it_is(
    signed_in: Callable[[User], Client], admin: User, workspace: Workspace, seen: str
) -> None:
    answer = signed_in(admin).post(URL, given(workspace, name="Asia", seen=seen))
    assert answer.status_code == (200 if "name" in seen else 302)


def test_the_question_before_fewer_days_knows_what_was_seen(
    signed_in: Callable[[User], Client], admin: User, workspace: Workspace
) -> None:
    client = signed_in(admin)
    seen = html.unescape(re.search(r'name="seen" value="([^"]*)"', page_of(client))[1])  # type: ignore[index]
    asked = client.post(URL, given(workspace, keep_texts_days=9, seen=seen)).content.decode()
    assert html.unescape(re.search(r'name="seen" value="([^"]*)"', asked)[1]) == seen  # type: ignore[index]


def page_of(client: Client) -> str:
    return client.get(URL).content.decode()
