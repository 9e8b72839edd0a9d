"""The form of a campaign: what it refuses, and that a draft keeps whatever was typed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.forms import CampaignForm, typed
from campaigns.models import Campaign, ImportState
from sms import schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(make_campaign: Callable[..., Any]) -> Any:
    return make_campaign()


def form_of(campaign: Campaign, **changes: Any) -> CampaignForm:
    return CampaignForm({**typed(campaign), **changes}, campaign=campaign)


def errors_of(campaign: Campaign, **changes: Any) -> dict[str, list[str]]:
    return {name: list(found) for name, found in form_of(campaign, **changes).errors.items()}


def test_a_complete_draft_has_no_errors(campaign: Any) -> None:
    assert errors_of(campaign) == {}


def test_a_scenario_is_not_preselected_and_must_be_chosen(campaign: Any) -> None:
    campaign.scenario = ""
    assert "scenario" in errors_of(campaign)


@pytest.mark.parametrize("scenario", ["sms", "OTP", "notification\n"])
def test_only_the_three_scenarios_exist(campaign: Any, scenario: str) -> None:
    assert "scenario" in errors_of(campaign, scenario=scenario)


@pytest.mark.parametrize(
    ("name", "is_fine"),
    [
        ("a" * 30, True),
        ("a" * 31, False),
        ("你" * 30, True),
        ("😀" * 30, True),
        ("😀" * 31, False),
        ("e\u0301" * 30, True),  # 30 after NFC
        ("  " + "a" * 30 + "  ", True),
        ("", False),
        ("   ", False),
    ],
)
def test_a_task_name_has_at_most_30_characters(campaign: Any, name: str, is_fine: bool) -> None:
    assert ("name" not in errors_of(campaign, name=name)) is is_fine


def test_the_picker_offers_approved_senders_of_the_workspace_only(
    campaign: Any, make_sender: Callable[..., Any], other_workspace: Any
) -> None:
    pending = make_sender("WAITING", "pending")
    foreign = make_sender("FOREIGN", workspace=other_workspace)
    offered = [sender.value for sender in form_of(campaign).fields["sender"].queryset]
    assert offered == ["PARCELWAY"]
    for sender in (pending, foreign):
        assert "sender" in errors_of(campaign, sender=str(sender.key))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "Write the text"),
        (" \u200b\n ", "Write the text"),
        ("Hello ${", "character 7"),
        ("Hello ${}", "character 7"),
        ("${a${b}}", "character 1"),
        ("Hi ${a.b}", "character 4"),
        ("x" * 2001, "2001"),
        ("Hi \x07 you", "Character 4"),
        ("é" + "x" * 1600, "segments"),
    ],
)
def test_a_content_that_cannot_be_sent_is_refused_with_its_position(
    campaign: Any, content: str, said: str
) -> None:
    assert said in errors_of(campaign, content=content, source="import")["content"][0]


def test_line_ends_are_counted_once(campaign: Any) -> None:
    form = form_of(campaign, content="a\r\nb\rc")
    assert form.kept()["content"] == "a\nb\nc"


def test_typed_numbers_and_variables_exclude_each_other(campaign: Any) -> None:
    """M18."""
    found = errors_of(campaign, content="Hi ${name}")
    assert len(found["manual_numbers"]) == 1
    assert "choose Import Data" in found["manual_numbers"][0]


def numbers(count: int, between: str = "\n") -> str:
    return between.join(f"+1202555{100 + at:04d}" for at in range(count))


def test_100_typed_numbers_are_accepted_and_101_lead_to_import(campaign: Any) -> None:
    assert errors_of(campaign, manual_numbers=numbers(100)) == {}
    said = errors_of(campaign, manual_numbers=numbers(101))["manual_numbers"][0]
    assert "Import Data" in said
    assert "Download Sample" in said


@pytest.mark.parametrize("between", [",", ";", "\t", "，", "；", "、", " ,\n"])
def test_every_separator_splits_typed_numbers(campaign: Any, between: str) -> None:
    assert errors_of(campaign, manual_numbers=numbers(3, between)) == {}
    assert "manual_numbers" in errors_of(campaign, manual_numbers=numbers(101, between))


def test_a_wrong_typed_number_is_named_with_its_place(campaign: Any) -> None:
    said = errors_of(campaign, manual_numbers="+12025550123\n12345")["manual_numbers"][0]
    assert said.startswith("Number 2, 12345:")


def test_a_file_without_a_column_for_a_variable_is_refused_by_name(campaign: Any) -> None:
    campaign.recipients.is_manual = False
    campaign.recipients.about = {"columns": ["phone_number", "code"]}
    said = errors_of(campaign, source="import", content="Hi ${name}")["content"][0]
    assert "${name}" in said
    assert "phone_number, code" in said


@pytest.mark.parametrize("state", [s for s in ImportState if s != ImportState.READY])
def test_a_file_that_is_not_ready_cannot_be_reviewed(campaign: Any, state: ImportState) -> None:
    campaign.recipients.is_manual = False
    campaign.recipients.state = state
    assert "file" in errors_of(campaign, source="import")


def test_the_label_of_a_cost_centre_has_at_most_40_characters(campaign: Any) -> None:
    assert errors_of(campaign, cost_centre="x" * 40) == {}
    assert "cost_centre" in errors_of(campaign, cost_centre="x" * 41)


# --- the schedule ---------------------------------------------------------------------------


def scheduled(campaign: Any, at: datetime, zone: str = "UTC", **more: Any) -> CampaignForm:
    words = {"is_scheduled": "on", "date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}"}
    return form_of(campaign, **words, time_zone=zone, **more)


def test_a_scheduled_time_becomes_utc(campaign: Any) -> None:
    at = (datetime.now(UTC) + timedelta(days=2)).replace(hour=19, minute=0)
    form = scheduled(campaign, at, "Asia/Kuala_Lumpur")
    assert form.is_valid()
    assert form.kept()["send_at"] == at.replace(hour=11, second=0, microsecond=0)
    assert form.kept()["wall_time"] == f"{at:%Y-%m-%d}T19:00"


@pytest.mark.parametrize("days", [-1, 91])
def test_a_time_that_passed_or_is_too_far_is_refused(campaign: Any, days: int) -> None:
    form = scheduled(campaign, datetime.now(UTC) + timedelta(days=days))
    assert "date" in form.errors


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../../etc/passwd", "GMT+8", "Etc/GMT+8"])
def test_a_zone_that_is_no_place_is_refused(campaign: Any, zone: str) -> None:
    form = scheduled(campaign, datetime.now(UTC) + timedelta(days=1), zone)
    assert "time_zone" in form.errors


@pytest.mark.parametrize(
    ("date", "time"),
    [("2027-02-29", "10:00"), ("2027-04-31", "10:00"), ("2027-01-01", "25:00"), ("", "")],
)
def test_a_date_that_is_in_no_calendar_is_refused(campaign: Any, date: str, time: str) -> None:
    words = {"is_scheduled": "on", "date": date, "time": time, "time_zone": "UTC"}
    assert "date" in errors_of(campaign, **words)


GAP = (datetime(2027, 3, 14, 2, 30, tzinfo=UTC), "America/New_York")
OVERLAP = (datetime(2027, 11, 7, 1, 30, tzinfo=UTC), "America/New_York")


@pytest.fixture
def any_day(settings: Any) -> None:
    settings.SCHEDULE_MAX_DAYS = 3650


@pytest.mark.usefixtures("any_day")
def test_a_time_in_the_gap_is_refused_with_both_neighbours(campaign: Any) -> None:
    form = scheduled(campaign, *GAP)
    assert "time" in form.errors
    assert [f"{wall:%H:%M}" for wall in form.gap or ()] == ["01:59", "03:00"]


@pytest.mark.usefixtures("any_day")
def test_a_time_that_comes_twice_is_asked_about(campaign: Any) -> None:
    form = scheduled(campaign, *OVERLAP)
    assert "fold" in form.errors
    assert form.twice == (
        datetime(2027, 11, 7, 5, 30, tzinfo=UTC),
        datetime(2027, 11, 7, 6, 30, tzinfo=UTC),
    )


@pytest.mark.usefixtures("any_day")
@pytest.mark.parametrize(("fold", "hour"), [("0", 5), ("1", 6)])
def test_the_answer_decides_which_of_two_equal_times(campaign: Any, fold: str, hour: int) -> None:
    form = scheduled(campaign, *OVERLAP, fold=fold)
    assert form.is_valid()
    assert form.send_at == datetime(2027, 11, 7, hour, 30, tzinfo=UTC)
    assert form.twice  # the question stays on the page


def test_zones_carry_their_present_offset_and_the_chosen_one_is_offered(campaign: Any) -> None:
    campaign.time_zone = "Asia/Calcutta"  # an old alias that a person may have kept
    choices = dict(form_of(campaign).fields["time_zone"].widget.choices)
    assert choices["Asia/Kuala_Lumpur"] == "Asia/Kuala_Lumpur (UTC+8)"
    assert "Asia/Calcutta" in choices
    assert set(schedule.zones()) <= set(choices)


# --- what a draft keeps -----------------------------------------------------------------------


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.sampled_from(
            ["scenario", "name", "sender", "content", "source", "manual_numbers", "cost_centre",
             "is_scheduled", "date", "time", "time_zone", "fold"]
        ),
        st.text(max_size=60),
    )
)  # fmt: skip
def test_any_input_at_all_can_be_kept(campaign: Any, words: dict[str, str]) -> None:
    form = CampaignForm(words, campaign=campaign)
    kept = form.kept()
    Campaign.objects.filter(pk=campaign.pk).update(**kept)
    campaign.refresh_from_db()
    assert len(campaign.name) <= 30


def test_half_a_schedule_is_kept(campaign: Any) -> None:
    form = form_of(campaign, is_scheduled="on", date="2027-01-05", time="")
    Campaign.objects.filter(pk=campaign.pk).update(**form.kept())
    campaign.refresh_from_db()
    assert typed(campaign)["date"] == "2027-01-05"
    assert typed(campaign)["is_scheduled"] is True


def test_what_no_column_can_hold_is_told_instead_of_cut_in_silence(campaign: Any) -> None:
    assert form_of(campaign, name="x" * 31, cost_centre="y" * 41).lost() == ["name", "cost_centre"]
    assert form_of(campaign).lost() == []


@pytest.mark.parametrize("field", ["name", "cost_centre"])
def test_a_phone_number_in_a_label_is_refused_and_not_kept(campaign: Any, field: str) -> None:
    form = form_of(campaign, **{field: "For +61 491 570 006"})
    assert "without a phone number" in form.errors[field][0]
    assert form.lost() == [field]
    assert form.kept()[field] == getattr(campaign, field)
    for label in ("Order 20261122", "Invoice 2026-11", "Black Friday 2026", "44001234"):
        assert field not in form_of(campaign, **{field: label}).errors


@pytest.mark.parametrize("wrong", [{"time": "10:000"}, {"date": "2027-01-05x"}, {"time": "1\0"}])
def test_a_moment_that_does_not_fit_is_neither_cut_nor_mixed_with_the_old_one(
    campaign: Any, wrong: dict[str, str]
) -> None:
    campaign.wall_time = "2027-01-01T09:00"
    words = {"is_scheduled": "on", "date": "2027-01-05", "time": "10:00", "time_zone": "UTC"}
    kept = form_of(campaign, **{**words, **wrong}).kept()
    assert (kept["wall_time"], kept["send_at"]) == ("2027-01-01T09:00", None)
