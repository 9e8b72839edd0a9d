"""The pages of thresholds and rates, asked by everybody."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User, Workspace
from billing import thresholds
from billing.models import Charge, Rate, Threshold

Clients = Callable[[User], Client]
DAY = "/billing/thresholds/day/"
REMOVE = "/billing/thresholds/day/remove/"
RATE = {"country": "MY", "price": "0.031", "valid_from": timezone.now().date().isoformat()}


def used(workspace: Workspace, segments: int) -> None:
    Charge.objects.create(
        workspace=workspace, day=thresholds.today(workspace), campaign_key=uuid.uuid4(),
        campaign_name="A", country="BR", sender="ACME", carrier="P", scenario="otp",
        messages=segments, segments=segments, currency="USD",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/billing/thresholds/", {"operator", "admin", "finance", "viewer"}),
        (DAY, {"admin", "finance"}),
        ("/billing/thresholds/month/", {"admin", "finance"}),
        ("/billing/rates/", {"operator", "admin", "finance", "viewer"}),
        ("/billing/rates/add/", {"admin", "finance"}),
    ],
)
@pytest.mark.parametrize("who", ["operator", "admin", "finance", "viewer"])
def test_a_page_opens_for_the_roles_that_may(
    request: pytest.FixtureRequest, signed_in: Clients, who: str, path: str, allowed: set[str]
) -> None:
    answer = signed_in(request.getfixturevalue(who)).get(path)
    assert answer.status_code == (200 if who in allowed else 403)


@pytest.mark.parametrize(
    "path", ["/billing/thresholds/", DAY, REMOVE, "/billing/rates/", "/billing/rates/add/"]
)
def test_nobody_is_led_to_the_sign_in_page(client: Client, db: None, path: str) -> None:
    assert client.get(path).url == f"/signin/?next={path}"


@pytest.mark.parametrize("who", ["operator", "viewer"])
def test_only_admins_and_finance_change_a_threshold(
    request: pytest.FixtureRequest, signed_in: Clients, workspace: Workspace, admin: User, who: str
) -> None:
    thresholds.set_limit(workspace, "day", 10, 80, admin)
    client = signed_in(request.getfixturevalue(who))
    assert client.post(DAY, {"limit": "99", "warn_percent": "80"}).status_code == 403
    assert client.post(REMOVE).status_code == 403
    assert Threshold.objects.get().limit == 10


def test_an_admin_sets_a_threshold_and_the_audit_keeps_old_and_new(
    signed_in: Clients, workspace: Workspace, admin: User
) -> None:
    client = signed_in(admin)
    for limit in ("50,000", "60000"):
        answer = client.post(DAY, {"limit": limit, "warn_percent": "75"}, follow=True)
        assert answer.redirect_chain == [("/billing/thresholds/", 302)]
    threshold = Threshold.objects.get()
    assert (threshold.limit, threshold.warn_percent, threshold.period) == (60_000, 75, "day")
    said = AuditEvent.objects.filter(action="threshold.set").latest("pk").data
    assert (said["old"], said["new"]) == (50_000, 60_000)
    page = answer.content.decode()
    assert "50,000 → 60,000" in page
    assert "Nothing resumes by itself" in page


def test_another_workspaces_threshold_is_neither_seen_nor_changed(
    signed_in: Clients, workspace: Workspace, admin: User, stranger: User
) -> None:
    thresholds.set_limit(workspace, "day", 54_321, 80, admin)
    client = signed_in(stranger)
    assert "54,321" not in client.get("/billing/thresholds/").content.decode()
    client.post(DAY, {"limit": "7", "warn_percent": "80"})
    assert Threshold.objects.get(workspace=workspace).limit == 54_321
    assert Threshold.objects.get(workspace=stranger.membership.workspace).limit == 7


@pytest.mark.parametrize("written", ["-1", "1.5", "1e9", "100000000000000000000", "∞", "many", ""])
def test_what_is_no_limit_stays_in_the_form_with_a_sentence(
    signed_in: Clients, admin: User, written: str
) -> None:
    answer = signed_in(admin).post(DAY, {"limit": written, "warn_percent": "80"})
    assert answer.status_code == 200
    assert "1 thing to fix" in answer.content.decode()
    assert not Threshold.objects.exists()


def test_0_means_send_nothing_and_says_so_first(
    signed_in: Clients, workspace: Workspace, admin: User
) -> None:
    client = signed_in(admin)
    given = {"limit": "0", "warn_percent": "80"}
    page = client.post(DAY, given).content.decode()
    assert "it means that nothing is sent" in page
    assert not Threshold.objects.exists()
    page = client.post(DAY, {**given, "sure": "0"}, follow=True).content.decode()
    assert Threshold.objects.get().limit == 0
    assert "Nothing is sent" in page


def test_a_limit_below_what_is_used_is_asked_about_then_taken(
    signed_in: Clients, workspace: Workspace, admin: User
) -> None:
    used(workspace, 100)
    client = signed_in(admin)
    given = {"limit": "60", "warn_percent": "80"}
    page = client.post(DAY, given).content.decode()
    assert "100 segments are used today" in page
    assert not Threshold.objects.exists()
    client.post(DAY, {**given, "sure": "60"})
    (usage,) = thresholds.usage(workspace)
    assert (usage.limit, usage.used, usage.room) == (60, 100, 0)


def test_a_yes_to_one_number_is_no_yes_to_another(
    signed_in: Clients, workspace: Workspace, admin: User
) -> None:
    used(workspace, 100)
    signed_in(admin).post(DAY, {"limit": "6", "warn_percent": "80", "sure": "60"})
    assert not Threshold.objects.exists()


def test_removing_asks_first_and_is_recorded(
    signed_in: Clients, workspace: Workspace, admin: User
) -> None:
    thresholds.set_limit(workspace, "day", 10, 80, admin)
    client = signed_in(admin)
    assert "Remove the daily threshold?" in client.get(REMOVE).content.decode()
    assert Threshold.objects.exists()
    page = client.post(REMOVE, {"seen": "10"}, follow=True).content.decode()
    assert not Threshold.objects.exists()
    assert "10 → none" in page
    again = client.post(REMOVE, {"seen": "10"}, follow=True)
    assert "There is no daily threshold." in again.content.decode()


def test_a_period_nobody_counts_is_not_found(signed_in: Clients, admin: User) -> None:
    client = signed_in(admin)
    assert client.get("/billing/thresholds/week/").status_code == 404
    assert client.post("/billing/thresholds/week/remove/").status_code == 404


def test_the_threshold_page_of_somebody_who_may_not_change_offers_no_change(
    signed_in: Clients, operator: User
) -> None:
    page = signed_in(operator).get("/billing/thresholds/").content.decode()
    assert DAY not in page
    assert "Admins and finance change thresholds." in page


def test_another_price_for_the_same_country_and_day_is_asked_about_first(
    signed_in: Clients, finance: User, admin: User
) -> None:
    """Who entered the one that holds, and when, stands in the question."""
    signed_in(admin).post("/billing/rates/add/", RATE)
    client, other = signed_in(finance), {**RATE, "price": "0.034567"}
    page = client.post("/billing/rates/add/", other).content.decode()
    assert "There is a price of $0.0310 for Malaysia from" in page
    assert "(entered by Jonas Weber on" in page
    assert "Saving replaces it." in page
    assert 'value="0.034567"' in page
    holds = Rate.objects.get()
    assert f'name="replaces" value="{holds.pk}"' in page
    assert "Tick this" not in page
    page = client.post("/billing/rates/add/", {**other, "asked": holds.pk}).content.decode()
    assert "Tick this to replace the price, or go back." in page
    assert Rate.objects.count() == 1
    answer = client.post("/billing/rates/add/", {**other, "replaces": holds.pk}, follow=True)
    page = answer.content.decode()
    assert "$0.034567" in page
    assert "1 earlier rate" in page
    assert Rate.objects.count() == 2
    said = AuditEvent.objects.filter(action="rate.enter").latest("pk").data
    assert (said["old"], said["new"], said["country"]) == (31_000, 34_567, "MY")


def test_a_yes_to_one_price_replaces_no_newer_one(
    signed_in: Clients, finance: User, admin: User
) -> None:
    client, boss = signed_in(finance), signed_in(admin)
    client.post("/billing/rates/add/", RATE)
    seen = Rate.objects.get().pk
    boss.post("/billing/rates/add/", {**RATE, "price": "0.04", "replaces": seen})
    page = client.post("/billing/rates/add/", {**RATE, "price": "0.05", "replaces": seen})
    assert "There is a price of $0.0400 for Malaysia" in page.content.decode()
    assert [rate.price for rate in Rate.objects.order_by("pk")] == [31_000, 40_000]


@pytest.mark.parametrize("change", [{"country": "SG"}, {"valid_from": "2026-12-31"}])
def test_another_country_or_day_is_not_asked_about(
    signed_in: Clients, finance: User, change: dict[str, str]
) -> None:
    client = signed_in(finance)
    client.post("/billing/rates/add/", RATE)
    answer = client.post("/billing/rates/add/", {**RATE, "price": "0.05", **change})
    assert answer.status_code == 302
    assert Rate.objects.count() == 2


@pytest.mark.parametrize("who", ["operator", "viewer"])
def test_a_rate_of_somebody_who_may_not_is_not_kept(
    request: pytest.FixtureRequest, signed_in: Clients, who: str
) -> None:
    client = signed_in(request.getfixturevalue(who))
    assert client.post("/billing/rates/add/", RATE).status_code == 403
    assert not Rate.objects.exists()


def test_the_currency_is_the_workspaces_whatever_is_posted(
    signed_in: Clients, stranger: User, workspace: Workspace
) -> None:
    given = {**RATE, "workspace": workspace.pk}
    signed_in(stranger).post("/billing/rates/add/", {**given, "currency": "USD"})
    assert not Rate.objects.exists()
    signed_in(stranger).post("/billing/rates/add/", given)
    rate = Rate.objects.get()
    assert (rate.currency, rate.workspace) == ("EUR", stranger.membership.workspace)


def test_rates_stay_in_their_workspace(signed_in: Clients, finance: User, stranger: User) -> None:
    signed_in(finance).post("/billing/rates/add/", RATE)
    assert "$0.0310" not in signed_in(stranger).get("/billing/rates/").content.decode()


def test_a_price_nobody_knows_is_shown_as_unknown(
    signed_in: Clients, finance: User, workspace: Workspace
) -> None:
    used(workspace, 1_203)
    client = signed_in(finance)
    later = (timezone.now() + timedelta(days=30)).date().isoformat()
    client.post("/billing/rates/add/", {**RATE, "valid_from": later})
    page = client.get("/billing/rates/").content.decode()
    assert "Countries without a rate" in page
    assert "1,203 segments" in page
    assert "unknown" in page


def test_pages_ask_the_database_little(
    signed_in: Clients, workspace: Workspace, admin: User, django_assert_max_num_queries
) -> None:
    thresholds.set_limit(workspace, "day", 10, 80, admin)
    thresholds.set_limit(workspace, "month", 100, 80, admin)
    client = signed_in(admin)
    with django_assert_max_num_queries(20):
        client.get("/billing/thresholds/")
    for _time in range(5):
        client.post("/billing/rates/add/", RATE)
    client.get("/billing/rates/")
    with django_assert_max_num_queries(7):
        client.get("/billing/rates/")


def test_a_brake_is_not_taken_off_by_an_older_form(
    signed_in: Clients, admin: User, finance: User, workspace: Workspace
) -> None:
    """H16: two people, two tabs; the older one is asked to look again and then may."""
    thresholds.set_limit(workspace, "day", 20_000, 80, admin)
    older = {"limit": "21000", "warn_percent": "80", "seen": "20000"}
    thresholds.set_limit(workspace, "day", 0, 80, admin)
    client = signed_in(finance)
    page = client.post("/billing/thresholds/day/", older).content.decode()
    assert "it is 0 now" in page
    assert 'name="seen" value="0"' in page
    assert 'name="limit" value="21000"' in page
    assert Threshold.objects.get().limit == 0
    client.post("/billing/thresholds/day/", {**older, "seen": "0"})
    assert Threshold.objects.get().limit == 21_000


def test_an_older_question_removes_no_newer_brake(
    signed_in: Clients, admin: User, finance: User, workspace: Workspace
) -> None:
    """H16: asked about 20,000, somebody meanwhile stops all sending: the stop stays."""
    thresholds.set_limit(workspace, "day", 20_000, 80, admin)
    client = signed_in(finance)
    assert 'name="seen" value="20000"' in client.get(REMOVE).content.decode()
    thresholds.set_limit(workspace, "day", 0, 80, admin)
    page = client.post(REMOVE, {"seen": "20000"}, follow=True).content.decode()
    assert "Somebody changed this threshold meanwhile, and it is kept. Look again." in page
    assert 'name="seen" value="0"' in page, "the question is asked again, about what holds now"
    assert Threshold.objects.get().limit == 0
    assert not AuditEvent.objects.filter(action="threshold.clear").exists()
    client.post(REMOVE, {"seen": "0"})
    assert not Threshold.objects.exists()


# --- by country, hour and number --------------------------------------------------------------


def test_a_threshold_of_a_country_and_an_hour_is_set_changed_and_removed(
    signed_in: Clients, admin: User, workspace: Workspace
) -> None:
    client = signed_in(admin)
    chosen = client.get(reverse("billing:threshold_choose"), {"country": "AU", "period": "hour"})
    url = reverse("billing:threshold_edit", args=["hour-AU"])
    assert chosen.url == url
    assert "Set an hourly threshold to Australia" in client.get(url).content.decode()
    given = {"limit": "500", "warn_percent": "80", "seen": "none"}
    page = client.post(url, given, follow=True).content.decode()
    assert "The hourly threshold to Australia is now 500 segments." in page
    assert "Segments an hour to Australia" in page
    assert "0 of 500 segments used" in page
    threshold = Threshold.objects.get()
    assert (threshold.scope, threshold.country, threshold.period) == ("country", "AU", "hour")
    event = AuditEvent.objects.filter(action="threshold.set").latest("pk")
    told = {name: event.data[name] for name in ("scope", "country", "period", "old", "new")}
    assert told == {"scope": "country", "country": "AU", "period": "hour", "old": None, "new": 500}
    client.post(url, {"limit": "700", "warn_percent": "80", "seen": "500"})
    event = AuditEvent.objects.filter(action="threshold.set").latest("pk")
    assert (event.data["old"], event.data["new"]) == (500, 700)
    remove = reverse("billing:threshold_remove", args=["hour-AU"])
    assert "Remove the hourly threshold to Australia?" in client.get(remove).content.decode()
    assert Threshold.objects.exists(), "asked first"
    client.post(remove, {"seen": "700"})
    assert not Threshold.objects.exists()


def test_what_a_number_gets_a_day_is_limited_on_the_same_page(
    signed_in: Clients, admin: User, workspace: Workspace
) -> None:
    client = signed_in(admin)
    url = reverse("billing:threshold_edit", args=["number"])
    page = client.post(url, {"limit": "20", "seen": "none"}, follow=True).content.decode()
    assert "The daily limit for each number is now 20." in page
    assert "Messages a day to each number" in page
    assert "Further messages to it are rejected" in page
    cap = thresholds.number_cap(workspace)
    assert cap is not None
    assert cap.limit == 20
    asked = client.post(url, {"limit": "0", "seen": "20"}).content.decode()
    assert "Send nothing?" in asked
    cap.refresh_from_db()
    assert cap.limit == 20


@pytest.mark.parametrize("slug", ["week", "day-CN", "day-XX", "hour-", "number-AU", "-AU"])
def test_a_threshold_nobody_can_set_is_not_found(
    signed_in: Clients, admin: User, slug: str
) -> None:
    assert signed_in(admin).get(f"/billing/thresholds/{slug}/").status_code == 404


def test_who_may_not_change_thresholds_is_not_led_to_their_forms(
    signed_in: Clients, operator: User
) -> None:
    client = signed_in(operator)
    chosen = {"country": "AU", "period": "hour"}
    assert client.get(reverse("billing:threshold_choose"), chosen).status_code == 403
    assert "thr_country" not in client.get(reverse("billing:thresholds")).content.decode()
