"""The overview, the profile, the theme and the help page."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import phonenumbers
import pytest
import time_machine
from django.test import Client

from accounts.models import Membership, User, Workspace
from billing import headroom, thresholds
from billing.models import Charge
from campaigns.models import CampaignTally, DeliveryReceipt, HourTally
from smsconsole import overview

Clients = Callable[[User], Client]
NOW = datetime(2026, 11, 22, 14, 32, tzinfo=UTC)


@pytest.fixture
def sending(make_campaign) -> Any:
    """A campaign that has handed over 80 of 100 messages."""
    campaign = make_campaign(
        state="sending", total=100, sender_value="PARCELWAY", currency="USD", started_at=NOW
    )
    for state, messages in (
        ("delivered", 60), ("undelivered", 10), ("accepted", 8), ("in_doubt", 2), ("queued", 20),
    ):  # fmt: skip
        billed = messages if state != "queued" else 0
        CampaignTally.objects.create(
            campaign=campaign, country="MY", state=state, messages=messages, segments=messages,
            billed=billed, amount=billed * 31_000,
        )  # fmt: skip
    for hours, bucket, messages in ((0, "sent", 40), (1, "sent", 20), (1, "failed", 10)):
        hour = (NOW - timedelta(hours=hours)).replace(minute=0)
        HourTally.objects.create(
            workspace=campaign.workspace, campaign=campaign, hour=hour, bucket=bucket,
            messages=messages,
        )  # fmt: skip
    return campaign


def page(client: Client, query: str = "", at: datetime = NOW) -> str:
    with time_machine.travel(at, tick=False):
        return client.get(f"/{query}").content.decode()


@pytest.mark.parametrize("who", ["operator", "admin", "finance", "viewer"])
def test_every_role_sees_the_overview_and_nobody_does_not(
    request: pytest.FixtureRequest, signed_in: Clients, who: str
) -> None:
    assert Client().get("/").url == "/signin/?next=/"
    assert signed_in(request.getfixturevalue(who)).get("/").status_code == 200


def test_a_person_without_a_workspace_is_refused(signed_in: Clients, operator: User) -> None:
    client = signed_in(operator)
    Membership.objects.all().delete()
    assert client.get("/").status_code == 403


def test_figures_come_from_tallies_and_the_ledger(sending: Any, workspace: Workspace) -> None:
    Charge.objects.create(
        workspace=workspace, day=NOW.date(), campaign_key=uuid.uuid4(), campaign_name="A",
        country="MY", sender="P", carrier="P", scenario="otp", messages=80, segments=80,
        amount=2_480_000, currency="USD",
    )  # fmt: skip
    with time_machine.travel(NOW, tick=False):
        found = overview.figures(workspace, overview.period("today", workspace))
    assert (found.sent, found.failed, found.pending) == (60, 10, 30)
    assert found.spend.amounts == (("USD", 2_480_000),)


def test_a_change_of_currency_hides_nothing_that_was_spent_before(
    sending: Any, workspace: Workspace, signed_in: Clients, admin: User
) -> None:
    for currency, amount in (("USD", 12_300_000), ("EUR", 4_100_000)):
        Charge.objects.create(
            workspace=workspace, day=NOW.date(), campaign_key=uuid.uuid4(), campaign_name="A",
            country="MY", sender="P", carrier="P", scenario="otp", messages=8, segments=8,
            amount=amount, currency=currency,
        )  # fmt: skip
    workspace.currency = "EUR"
    workspace.save()
    assert page(signed_in(admin)).count("€4.10 + $12.30") == 3  # the strip, the day, the month


def test_the_page_shows_what_is_sending(sending: Any, signed_in: Clients, operator: User) -> None:
    text = page(signed_in(operator))
    assert "Delivery day" in text
    assert "80 of 100" in text
    assert "85.7%" in text


def test_yesterdays_messages_are_not_todays(sending: Any, workspace: Workspace) -> None:
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        today = overview.figures(workspace, overview.period("today", workspace))
        week = overview.figures(workspace, overview.period("7", workspace))
    assert (today.sent, week.sent) == (0, 60)


@pytest.mark.parametrize("name", ["", "today", "7", "30", "365", "-1", "\x00", "x" * 5000])
def test_any_period_asked_for_gives_a_page(
    sending: Any, signed_in: Clients, operator: User, name: str
) -> None:
    with time_machine.travel(NOW, tick=False):
        assert signed_in(operator).get("/", {"period": name}).status_code == 200


@pytest.mark.parametrize(
    ("zone", "rows", "first"),
    [("UTC", 15, "00:00"), ("Asia/Kuala_Lumpur", 23, "00:00"), ("Asia/Kolkata", 21, "00:00")],
)
def test_the_chart_has_every_hour_of_the_workspaces_day(
    sending: Any, workspace: Workspace, zone: str, rows: int, first: str
) -> None:
    workspace.time_zone = zone
    with time_machine.travel(NOW, tick=False):
        chart = overview.chart(workspace, overview.period("today", workspace))
    assert (len(chart.rows), chart.rows[0][0]) == (rows, first)
    assert sum(sum(numbers) for _label, numbers in chart.rows) == 70
    assert "40 messages" in chart.spoken


@pytest.mark.parametrize(("name", "rows"), [("7", 7), ("30", 30)])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Apia"])
def test_longer_charts_have_every_day(
    sending: Any, workspace: Workspace, name: str, rows: int, zone: str
) -> None:
    workspace.time_zone = zone
    with time_machine.travel(NOW, tick=False):
        chart = overview.chart(workspace, overview.period(name, workspace))
    assert len(chart.rows) == rows
    assert sum(sum(numbers) for _label, numbers in chart.rows) == 70


@pytest.mark.parametrize("part", ["kpis", "sending"])
def test_a_live_region_is_asked_for_alone(
    sending: Any, signed_in: Clients, operator: User, part: str
) -> None:
    client = signed_in(operator)
    text = client.get(f"/?part={part}", headers={"hx-request": "true"}).content.decode()
    assert "<html" not in text
    assert ("kpi-value" in text) is (part == "kpis")
    assert "<html" in client.get(f"/?part={part}").content.decode()


def test_the_live_regions_ask_the_database_little(
    sending: Any, signed_in: Clients, operator: User, django_assert_max_num_queries
) -> None:
    client = signed_in(operator)
    client.get("/")
    with django_assert_max_num_queries(11):
        client.get("/?part=kpis", headers={"hx-request": "true"})
    with django_assert_max_num_queries(6):
        client.get("/?part=sending", headers={"hx-request": "true"})
    with django_assert_max_num_queries(30):
        client.get("/")


def test_the_first_run_explains_and_asks_for_a_threshold(
    practice: Any, signed_in: Clients, admin: User
) -> None:
    text = page(signed_in(admin))
    assert "A campaign is one text to many numbers" in text
    assert "reaches no phone" in text
    assert "No suspension threshold is set." in text
    assert "/help/abuse/" in text
    assert "Set a threshold" in text


def test_one_step_of_beginning_is_next_and_what_is_done_says_so(
    practice: Any, signed_in: Clients, admin: User, make_sender: Callable[..., Any]
) -> None:
    def steps() -> list[str]:
        return re.findall(r'<li data-s="(\w+)">', page(client).split("How to begin")[1])

    client = signed_in(admin)
    assert steps() == ["now", "next", "next", "next"]
    thresholds.set_limit(admin.membership.workspace, "day", 100, 80, admin)
    assert steps() == ["now", "done", "next", "next"]
    make_sender()
    assert steps() == ["done", "done", "now", "next"]
    assert page(client).count("Done</span>") == 2  # colour alone tells nobody


def test_a_real_carrier_ends_the_talk_of_practice(
    practice: Any, signed_in: Clients, admin: User
) -> None:
    type(practice).objects.create(workspace=admin.membership.workspace, name="R", gateway="real")
    assert "reaches no phone" not in page(signed_in(admin))


def test_the_warning_goes_away_with_the_first_threshold(
    signed_in: Clients, workspace: Workspace, admin: User, operator: User
) -> None:
    assert "No suspension threshold is set." in page(signed_in(operator))
    thresholds.set_limit(workspace, "month", 10, 80, admin)
    assert "No suspension threshold is set." not in page(signed_in(operator))


def todos(user: User) -> list[str]:
    meters = headroom.meters(user.membership.workspace)
    return [todo.text for todo in overview.attention(user, meters)]


def test_what_waits_for_a_person_is_listed(
    make_campaign, make_sender, practice: Any, admin: User, operator: User, workspace: Workspace
) -> None:
    assert todos(admin) == []
    make_campaign(name="Held", state="suspended")
    make_campaign(name="Late", state="paused", pause_reason="late_start")
    doubtful = make_campaign(name="Doubtful", state="completed")
    CampaignTally.objects.create(
        campaign=doubtful, country="MY", state="in_doubt", messages=3, segments=3
    )
    make_sender("WAITING", state="pending")
    thresholds.set_limit(workspace, "day", 0, 80, admin)
    DeliveryReceipt.objects.create(
        account=practice, dedupe="x", reference="y", outcome="delivered", raw="{}", state="orphan"
    )
    assert todos(admin) == [
        "Held is suspended. The daily threshold of 0 segments is reached: 0 messages wait.",
        "Late is paused. Start time was missed by more than an hour.",
        "0 of 0 segments used today.",
        "Doubtful has 3 messages in doubt: nobody knows whether the carrier took them.",
        "1 sender ID waits for review.",
        "1 receipt belongs to no message of ours. It is kept, and changes nothing.",
    ]
    assert "1 sender ID waits for review." not in todos(operator)


def test_nothing_of_another_workspace_is_shown(
    sending: Any, make_campaign, make_sender, signed_in: Clients, stranger: User
) -> None:
    make_campaign(name="Held", state="suspended")
    make_sender("WAITING", state="pending")
    text = page(signed_in(stranger))
    assert "Delivery day" not in text
    assert "Held" not in text
    assert todos(stranger) == []


def test_only_who_may_pause_a_campaign_is_offered_it(
    sending: Any, signed_in: Clients, operator: User, colleague: User, admin: User, viewer: User
) -> None:
    offered = {
        user.name: f"/campaigns/{sending.key}/pause/" in page(signed_in(user))
        for user in (operator, colleague, admin, viewer)
    }
    assert offered == {
        operator.name: True, colleague.name: False, admin.name: True, viewer.name: False,
    }  # fmt: skip


def test_a_suspension_stands_on_every_page(
    make_campaign, signed_in: Clients, operator: User
) -> None:
    campaign = make_campaign(name="Held", state="suspended")
    client = signed_in(operator)
    for path in ("/", "/senders/", "/profile/", "/help/abuse/", "/notices/"):
        assert "Held is suspended." in client.get(path).content.decode()
    type(campaign).objects.update(state="stopped")
    assert "banner-stop" not in client.get("/senders/").content.decode()


def test_a_name_cannot_become_markup(make_campaign, signed_in: Clients, operator: User) -> None:
    make_campaign(name="<script>x</script>", state="suspended")
    assert "<script>x" not in page(signed_in(operator))


CHINESE = phonenumbers.format_number(
    phonenumbers.example_number_for_type("CN", phonenumbers.PhoneNumberType.MOBILE),
    phonenumbers.PhoneNumberFormat.E164,
)
PROFILE = {
    "name": "Mei Lin Tan", "time_zone": "Asia/Kuala_Lumpur", "date_language": "en",
    "mails_notices": "on", "test_numbers": "",
}  # fmt: skip


def test_a_person_keeps_their_zone_numbers_and_mails(signed_in: Clients, operator: User) -> None:
    client = signed_in(operator)
    numbers = "+1 202-555-0123\n+61 491 570 156, +12025550123"
    given = {**PROFILE, "test_numbers": numbers, "mails_notices": ""}
    assert client.post("/profile/", given).status_code == 302
    operator.refresh_from_db()
    assert operator.test_numbers == ["+12025550123", "+61491570156"]
    assert operator.time_zone == "Asia/Kuala_Lumpur"
    assert not operator.mails_notices
    text = client.get("/profile/").content.decode()
    assert "+12025550123\n+61491570156" in text
    assert "Times in Asia/Kuala_Lumpur" in text


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("time_zone", "Mars/Base"),
        ("time_zone", ""),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "Etc/GMT+8"),
        ("test_numbers", "2025550123x"),
        ("test_numbers", CHINESE),
        ("test_numbers", "\n".join(f"+1202555012{n}" for n in range(6))),
    ],
)
def test_what_is_wrong_in_a_profile_is_said_and_not_kept(
    signed_in: Clients, operator: User, field: str, text: str
) -> None:
    answer = signed_in(operator).post("/profile/", {**PROFILE, field: text})
    assert answer.status_code == 200
    assert "1 thing to fix" in answer.content.decode()
    before = operator.time_zone
    operator.refresh_from_db()
    assert (operator.time_zone, operator.test_numbers) == (before, [])


def test_a_zone_that_is_no_place_is_told_what_to_choose_and_an_old_name_may_stay(
    signed_in: Clients, operator: User
) -> None:
    client = signed_in(operator)
    page = client.post("/profile/", {**PROFILE, "time_zone": "Mars/Base"}).content.decode()
    assert "There is no such time zone. Choose one from the list" in page
    User.objects.filter(pk=operator.pk).update(time_zone="Asia/Calcutta")
    given = {**PROFILE, "time_zone": "Asia/Calcutta", "name": "Mei"}
    assert client.post("/profile/", given).status_code == 302


def test_a_profile_changes_nothing_else(
    signed_in: Clients, operator: User, workspace: Workspace
) -> None:
    wild = {"email": "x@example.com", "is_active": "", "role": "admin", "password": "x"}
    signed_in(operator).post("/profile/", {**PROFILE, **wild})
    fresh = User.objects.get(pk=operator.pk)
    assert (fresh.email, fresh.is_active) == (operator.email, True)
    assert fresh.check_password("correct horse battery")
    assert Membership.objects.get(user=fresh).role == "operator"


@pytest.mark.parametrize(
    ("theme", "back", "kept", "leads_to"),
    [
        ("dark", "/senders/", "dark", "/senders/"),
        ("light", "", "light", "/"),
        ("auto", "//evil.example", "auto", "/"),
        ("pink", "/senders/", None, "/senders/"),
    ],
)
def test_the_theme_is_kept_and_leads_back(
    client: Client, db: None, theme: str, back: str, kept: str | None, leads_to: str
) -> None:
    answer = client.post("/theme/", {"theme": theme, "next": back})
    assert answer.url == leads_to
    assert (answer.cookies["theme"].value if "theme" in answer.cookies else None) == kept
    assert client.get("/theme/").status_code == 405


def test_the_help_page_names_the_counter_measures(signed_in: Clients, viewer: User) -> None:
    text = signed_in(viewer).get("/help/abuse/").content.decode()
    for word in ("pumping", "threshold", "CAPTCHA", "IP address", "satellite", "leaked key"):
        assert word in text


def test_every_page_forbids_foreign_scripts_and_frames(signed_in: Clients, admin: User) -> None:
    answer = signed_in(admin).get("/")
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Frame-Options"] == "DENY"
