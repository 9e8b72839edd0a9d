"""Submit: once, complete, frozen, and never more than somebody agreed to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Workspace
from billing import tariffs
from billing.models import Rate, Threshold
from campaigns import drafting, estimating, submitting
from campaigns.models import Campaign, ImportState, RecipientImport, WrongState
from campaigns.models.campaign import Origin
from campaigns.states import CampaignState
from campaigns.submitting import CannotSubmit
from senders.models import OptOut

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("contexts")]


@pytest.fixture
def campaign(make_campaign: Callable[..., Any], price: Any) -> Any:
    price("US", 8_000)
    return make_campaign()


@pytest.fixture
def price(workspace: Any) -> Callable[..., Any]:
    def enter(country: str, micros: int) -> Rate:
        day = timezone.now().date() - timedelta(days=1)
        return Rate.objects.create(
            workspace=workspace, country=country, price=micros, currency="USD", valid_from=day
        )

    return enter


def sentences(refused: pytest.ExceptionInfo[CannotSubmit]) -> str:
    return " ".join(str(problem.sentence) for problem in refused.value.problems)


def test_submitting_freezes_everything_and_schedules_it_now(
    campaign: Any, operator: Any, practice: Any
) -> None:
    before = timezone.now()
    submitting.submit(campaign, operator)
    assert campaign.state == CampaignState.SCHEDULED
    assert before - timedelta(seconds=1) <= campaign.send_at <= timezone.now()
    assert (campaign.carrier, campaign.sender_value, campaign.currency) == (
        practice, "PARCELWAY", "USD",
    )  # fmt: skip
    assert campaign.prices == {"US": 8_000}
    assert (campaign.total, campaign.estimate["billable"], campaign.estimate["cost"]) == (
        2, 2, 16_000,
    )  # fmt: skip
    assert len(campaign.digest) == 64
    event = AuditEvent.objects.get(action="campaign.submit")
    assert (event.data["segments"], event.actor) == (2, operator)


def test_a_second_submission_finds_it_gone(campaign: Any, operator: Any) -> None:
    stale = Campaign.objects.get(pk=campaign.pk)
    submitting.submit(campaign, operator)
    with pytest.raises(WrongState):
        submitting.submit(stale, operator)
    assert AuditEvent.objects.filter(action="campaign.submit").count() == 1


@pytest.mark.parametrize(
    ("changes", "anchor"),
    [
        ({"scenario": ""}, "id_scenario"),
        ({"name": ""}, "id_name"),
        ({"content": "Hi ${name}"}, "id_manual_numbers"),
        ({"content": ""}, "id_content"),
        ({"manual_numbers": ""}, "id_manual_numbers"),
        ({"sender": None}, "id_sender"),
        ({"source": "import"}, "id_file"),
    ],
)
def test_what_is_missing_leads_to_its_field(
    campaign: Any, operator: Any, changes: dict[str, Any], anchor: str
) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(**changes)
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(campaign, operator)
    assert anchor in [problem.anchor for problem in refused.value.problems]
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.DRAFT


def test_a_sender_that_lost_its_approval_stops_the_submission(campaign: Any, operator: Any) -> None:
    campaign.sender.state = "withdrawn"
    campaign.sender.save()
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(campaign, operator)
    assert "not approved" in sentences(refused)


def test_a_start_that_passed_since_is_refused(campaign: Any, operator: Any) -> None:
    at = timezone.now() - timedelta(minutes=1)
    Campaign.objects.filter(pk=campaign.pk).update(
        is_scheduled=True, wall_time=f"{at:%Y-%m-%dT%H:%M}", time_zone="UTC", send_at=at
    )
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(campaign, operator)
    assert "has passed" in sentences(refused)


def test_a_scheduled_start_keeps_its_instant(campaign: Any, operator: Any) -> None:
    at = (timezone.now() + timedelta(days=3)).replace(second=0, microsecond=0)
    Campaign.objects.filter(pk=campaign.pk).update(
        is_scheduled=True, wall_time=f"{at:%Y-%m-%dT%H:%M}", time_zone="UTC"
    )
    submitting.submit(campaign, operator)
    assert campaign.send_at == at


def test_refused_rows_wait_for_a_person_to_say_go(campaign: Any, operator: Any) -> None:
    OptOut.objects.create(workspace=campaign.workspace, number="+12025550123", source="x")
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(campaign, operator)
    assert "1 valid number" in sentences(refused)
    submitting.review(campaign)
    campaign.refresh_from_db()
    drafting.confirm(campaign, operator)
    submitting.submit(campaign, operator)
    assert campaign.total == 1
    assert AuditEvent.objects.filter(action="campaign.confirm").count() == 1


def test_a_list_where_everybody_opted_out_cannot_be_sent(campaign: Any, operator: Any) -> None:
    for number in ("+12025550123", "+12025550124"):
        OptOut.objects.create(workspace=campaign.workspace, number=number, source="x")
    with pytest.raises(CannotSubmit):
        submitting.submit(campaign, operator)


def test_a_change_after_the_review_is_not_submitted_unseen(campaign: Any, operator: Any) -> None:
    seen = submitting.review(campaign).token
    Campaign.objects.filter(pk=campaign.pk).update(content="Something else entirely.")
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(campaign, operator, seen=seen)
    assert "changed after you opened" in sentences(refused)


@pytest.mark.parametrize("change", ["rate", "currency"])
def test_another_price_after_the_review_is_not_submitted_unseen(
    campaign: Any, operator: Any, workspace: Any, change: str
) -> None:
    seen = submitting.review(campaign).token
    assert submitting.review(campaign).token == seen
    if change == "rate":
        tariffs.enter(workspace, "US", 9_500_000, timezone.now().date(), operator)
    else:
        Workspace.objects.filter(pk=workspace.pk).update(currency="KRW")
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(campaign, operator, seen=seen)
    assert "prices changed after you opened" in sentences(refused)


def test_a_form_that_carries_no_review_submits_nothing(
    campaign: Any, operator: Any, signed_in: Any
) -> None:
    signed_in(operator).post(f"/campaigns/{campaign.key}/submit/")
    campaign.refresh_from_db()
    assert campaign.state == "draft"


def test_what_does_not_fit_needs_a_choice(campaign: Any, operator: Any, workspace: Any) -> None:
    Threshold.objects.create(workspace=workspace, period="day", limit=1)
    found = submitting.review(campaign)
    assert found.needs_choice
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(campaign, operator)
    assert "id_partial_ok" in [problem.anchor for problem in refused.value.problems]
    submitting.submit(campaign, operator, partial_ok=True)
    assert campaign.partial_ok


@pytest.mark.parametrize(("policy", "is_fine"), [("warn", True), ("require", False)])
def test_the_policy_decides_whether_a_threshold_must_exist(
    campaign: Any, operator: Any, settings: Any, policy: str, is_fine: bool
) -> None:
    settings.THRESHOLD_POLICY = policy
    codes = [caution.code for caution in submitting.review(campaign).cautions]
    assert "no_threshold" in codes
    if is_fine:
        submitting.submit(campaign, operator)
    else:
        with pytest.raises(CannotSubmit):
            submitting.submit(campaign, operator)


def test_without_a_carrier_in_use_nothing_is_submitted(
    campaign: Any, operator: Any, practice: Any
) -> None:
    practice.is_on = False
    practice.save()
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(campaign, operator)
    assert "No carrier" in sentences(refused)


def test_the_warning_of_thresholds_goes_away_with_the_first_one(
    campaign: Any, workspace: Any
) -> None:
    Threshold.objects.create(workspace=workspace, period="day", limit=100)
    assert submitting.review(campaign).cautions == []


@pytest.mark.parametrize(
    ("changes", "sender", "code"),
    [
        ({"scenario": "otp"}, "PARCELWAY", "otp_in_bulk"),
        ({}, "INFO", "generic_sender"),
        ({"scenario": "marketing"}, "PARCELWAY", "no_opt_out"),
        ({"content": "Look at https://bit.ly/abc now"}, "PARCELWAY", "short_link"),
        ({"content": "Look at T.CO/abc"}, "PARCELWAY", "short_link"),
        ({"content": "Grüße – あ"}, "PARCELWAY", "unicode"),
        ({"content": "a\u202eb"}, "PARCELWAY", "direction"),
        ({"manual_numbers": "+61491570006"}, "PARCELWAY", "unpriced"),
    ],
)
def test_what_should_be_known_is_said(
    campaign: Any, make_sender: Any, changes: dict[str, Any], sender: str, code: str
) -> None:
    if sender != campaign.sender.value:
        changes = {**changes, "sender": make_sender(sender)}
    Campaign.objects.filter(pk=campaign.pk).update(**changes)
    campaign.refresh_from_db()
    assert code in [caution.code for caution in submitting.review(campaign).cautions]


@pytest.mark.parametrize(
    ("content", "sender"),
    [("Sale. STOP to opt out", "PARCELWAY"), ("Sale. Unsubscribe: x.example", "PARCELWAY"),
     ("Sale", "12345")],
)  # fmt: skip
def test_marketing_with_a_way_out_draws_no_warning(
    campaign: Any, make_sender: Any, content: str, sender: str
) -> None:
    chosen = campaign.sender if sender == "PARCELWAY" else make_sender(sender)
    Campaign.objects.filter(pk=campaign.pk).update(
        scenario="marketing", content=content, sender=chosen
    )
    campaign.refresh_from_db()
    assert "no_opt_out" not in [c.code for c in submitting.review(campaign).cautions]


@pytest.mark.parametrize(("minutes", "is_warned"), [(3, True), (10, False)])
def test_a_start_within_five_minutes_is_said_to_be_final(
    campaign: Any, operator: Any, minutes: int, is_warned: bool
) -> None:
    at = timezone.now() + timedelta(minutes=minutes)
    Campaign.objects.filter(pk=campaign.pk).update(
        is_scheduled=True, wall_time=f"{at:%Y-%m-%dT%H:%M}", time_zone="UTC"
    )
    campaign.refresh_from_db()
    codes = [caution.code for caution in submitting.review(campaign).cautions]
    assert ("cannot_cancel" in codes) is is_warned
    submitting.submit(campaign, operator)


def test_a_list_checked_for_codes_is_checked_again_for_anything_else(campaign: Any) -> None:
    RecipientImport.objects.update(is_manual=False, options={"keeps_opted_out": True})
    Campaign.objects.filter(pk=campaign.pk).update(source="import")
    campaign.refresh_from_db()
    assert "again" in [problem.anchor for problem in submitting.review(campaign).problems]


# --- tests to one's own phones --------------------------------------------------------------


def test_a_test_goes_to_ones_own_numbers_as_a_campaign_of_its_own(
    campaign: Any, operator: Any
) -> None:
    operator.test_numbers = ["+61491570006", "+61491570156"]
    test = submitting.send_test(campaign, operator)
    assert (test.origin, test.parent, test.total) == (Origin.TEST, campaign, 2)
    assert test.state == CampaignState.SCHEDULED
    assert set(test.recipients.recipients.values_list("number", flat=True)) == set(
        operator.test_numbers
    )
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.DRAFT


def test_tests_are_for_own_numbers_and_few_a_day(campaign: Any, operator: Any) -> None:
    with pytest.raises(drafting.CannotTest):
        submitting.send_test(campaign, operator)
    operator.test_numbers = ["+61491570006"]
    for _n in range(drafting.TESTS_A_DAY):
        submitting.send_test(campaign, operator)
    with pytest.raises(drafting.CannotTest):
        submitting.send_test(campaign, operator)


def test_a_test_with_variables_uses_the_first_recipient(make_campaign: Any, operator: Any) -> None:
    campaign = make_campaign(content="Hi ${name}", source="import")
    operator.test_numbers = ["+61491570006"]
    with pytest.raises(drafting.CannotTest):
        submitting.send_test(campaign, operator)
    source = campaign.recipients
    source.is_manual, source.variables, source.state = False, ["name"], ImportState.READY
    source.save()
    source.recipients.update(values=["Ann"])
    test = submitting.send_test(campaign, operator)
    assert [r.values for r in test.recipients.recipients.all()] == [["Ann"]]


def test_who_opted_out_after_the_list_was_checked_is_counted_again_at_every_look(
    campaign: Any, operator: Any
) -> None:
    first = submitting.review(campaign)
    assert (first.withheld, [c for c in first.cautions if c.code == "withheld"]) == (0, [])
    OptOut.objects.create(workspace=campaign.workspace, number="+12025550123", source="x")
    second = submitting.review(campaign)
    assert second.withheld == 1
    assert "1 message is withheld: its number opted out" in str(second.cautions[0].sentence)
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(campaign, operator, seen=first.token)
    assert "who opted out" in sentences(refused)
    submitting.submit(campaign, operator, seen=second.token)


def test_codes_that_people_asked_for_are_not_withheld(campaign: Any) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(scenario="otp")
    campaign.refresh_from_db()
    submitting.review(campaign)
    OptOut.objects.create(workspace=campaign.workspace, number="+12025550123", source="x")
    assert submitting.review(campaign).withheld == 0


def test_the_review_tells_messages_from_numbers_where_a_number_is_listed_again(
    campaign: Any, operator: Any, signed_in: Any
) -> None:
    submitting.review(campaign)
    here = reverse("campaigns:review", args=[campaign.key])
    assert "more than one message" not in signed_in(operator).get(here).content.decode()
    RecipientImport.objects.filter(pk=campaign.recipients_id).update(
        about={"repeated": 1, "doubled": 1}
    )
    words = signed_in(operator).get(here).content.decode()
    assert "1 number gets more than one message." in words
    assert "Messages, segments and cost" in words


def test_what_starts_at_once_is_starting_and_not_scheduled(
    campaign: Any, operator: Any, signed_in: Any
) -> None:
    submitting.submit(campaign, operator)
    here = reverse("campaigns:detail", args=[campaign.key])
    for page in (here, reverse("campaigns:list"), reverse("overview")):
        words = signed_in(operator).get(page).content.decode()
        assert words.count('data-s="scheduled"') == words.count("Starting</span>") == 1
    details = signed_in(operator).get(here).content.decode()
    assert "You can cancel for another" not in details
    assert reverse("campaigns:cancel", args=[campaign.key]) not in details


def test_the_countries_of_a_list_stand_by_their_numbers_whatever_order_they_are_kept_in(
    campaign: Any, operator: Any, signed_in: Any
) -> None:
    source = RecipientImport.objects.filter(pk=campaign.recipients_id)
    source.update(countries={"AU": 1, "DE": 5, "US": 9, "GB": 5}, is_manual=False, accepted=20,
                  finished_at=timezone.now())  # fmt: skip
    Campaign.objects.filter(pk=campaign.pk).update(source="import")
    campaign.refresh_from_db()
    assert [line.country for line in estimating.estimate(campaign).lines] == [
        "US", "DE", "GB", "AU"
    ]  # fmt: skip
    page = signed_in(operator).get(reverse("campaigns:numbers", args=[campaign.key]))
    assert "United States, Germany, United Kingdom …" in page.content.decode()


def test_the_preview_names_the_row_of_the_file_and_no_impossible_share(
    campaign: Any, operator: Any, signed_in: Any
) -> None:
    here = reverse("campaigns:edit", args=[campaign.key])
    shown = signed_in(operator).get(here).context["samples"]
    assert shown[0]["where"] == "United States · number 1"
    source = campaign.recipients
    source.recipients.filter(row=1).delete()
    source.recipients.update(row=3)
    RecipientImport.objects.filter(pk=source.pk).update(is_manual=False)
    Campaign.objects.filter(pk=campaign.pk).update(source="import")
    where = signed_in(operator).get(here).context["samples"][0]["where"]
    assert where == "United States · row 3 of the file"


def test_the_review_never_says_that_nothing_is_unusual_beside_a_threshold_in_the_way(
    campaign: Any, operator: Any, signed_in: Any, workspace: Workspace
) -> None:
    threshold = Threshold.objects.create(workspace=workspace, period="day", limit=100)
    here = reverse("campaigns:review", args=[campaign.key])
    words = signed_in(operator).get(here).content.decode()
    assert "Nothing unusual." in words
    Threshold.objects.filter(pk=threshold.pk).update(limit=1)
    words = signed_in(operator).get(here).content.decode()
    assert "Does not fit the suspension threshold" in words
    assert "Nothing unusual." not in words
