"""Create Campaign as people meet it: nothing typed is lost, nothing is made twice."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from billing.models import Threshold
from campaigns.forms import typed
from campaigns.models import Campaign
from campaigns.states import CampaignState
from tests.campaigns.building import press_submit

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def client(signed_in: Callable[..., Any], operator: Any) -> Any:
    return signed_in(operator)


def words(campaign: Campaign, **changes: Any) -> dict[str, Any]:
    data = {**typed(campaign), **changes}
    if not data["is_scheduled"]:
        del data["is_scheduled"]
    return data


def url(name: str, campaign: Campaign, *more: str) -> str:
    return reverse(f"campaigns:{name}", args=[campaign.key, *more])


def page(response: Any) -> str:
    assert response.status_code == 200, response
    return response.content.decode()


def test_the_empty_form_has_the_words_of_the_console(client: Any) -> None:
    html = page(client.get(reverse("campaigns:create")))
    for label in (
        "Create Campaign", "Scenario Type", "Task Name", "Sender ID", "Message Content",
        "Recipient Numbers", "Import Data", "Manual Input (Variables Unsupported)",
        "Download Sample", "Import Mobile Phone Numbers", "Schedule Campaign",
        "Register a Sender ID",
    ):  # fmt: skip
        assert label in html, label
    scenario = re.search(r'<fieldset[^>]*id="id_scenario".*?</fieldset>', html, re.DOTALL)
    assert scenario
    assert "checked" not in scenario[0]
    assert Campaign.objects.count() == 0  # a GET changes nothing


def test_the_warning_leads_to_the_page_on_abuse_until_a_threshold_exists(
    client: Any, workspace: Any
) -> None:
    at = reverse("campaigns:create")
    assert reverse("help_abuse") in page(client.get(at)).split('id="side"')[1]
    Threshold.objects.create(workspace=workspace, period="day", limit=5)
    assert reverse("help_abuse") not in page(client.get(at)).split('id="side"')[1]


def test_a_repeated_post_makes_one_draft(client: Any, operator: Any, workspace: Any) -> None:
    data = {"key": str(uuid.uuid4()), "name": "Twice", "next": "draft"}
    for _time in range(2):
        assert client.post(reverse("campaigns:create"), data).status_code == 302
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.author, campaign.workspace) == ("Twice", operator, workspace)


def test_a_sample_or_a_schedule_alone_leaves_no_draft_behind(client: Any, operator: Any) -> None:
    """The first word makes it, with the schedule that was chosen before."""
    key = str(uuid.uuid4())
    data = {
        "key": key, "tab": str(uuid.uuid4()), "version": "", "source": "import", "time": "09:00",
        "is_scheduled": "on", "date": "2050-05-03", "time_zone": "Asia/Kuala_Lumpur",
    }  # fmt: skip
    sample = client.post(reverse("campaigns:sample", args=[key, "csv"]), data)
    assert sample.getvalue().startswith(b"\xef\xbb\xbfphone_number")
    saved = client.post(reverse("campaigns:create"), data, **HTMX)
    assert "Draft saved" not in page(saved)
    assert "HX-Replace-Url" not in saved
    assert "Create Campaign" in page(client.post(reverse("campaigns:create"), data))
    assert Campaign.objects.count() == 0
    saved = client.post(reverse("campaigns:create"), {**data, "name": "Spring"}, **HTMX)
    assert saved["HX-Replace-Url"] == reverse("campaigns:edit", args=[key])
    draft = Campaign.objects.get()
    assert (draft.name, draft.is_scheduled, draft.wall_time) == (
        "Spring", True, "2050-05-03T09:00"
    )  # fmt: skip
    assert client.post(reverse("campaigns:create"), {"key": key}, **HTMX).status_code == 200
    assert Campaign.objects.count() == 1


@pytest.mark.parametrize("key", ["", "abc", "../.."])
def test_a_key_that_is_none_is_not_found(client: Any, key: str) -> None:
    assert client.post(reverse("campaigns:create"), {"key": key}).status_code == 404


def test_autosave_answers_with_the_side_panel_and_keeps_half_a_form(
    client: Any, make_campaign: Any
) -> None:
    campaign = make_campaign()
    data = words(campaign, name="", content="Hello ${", scenario="")
    response = client.post(url("edit", campaign), data, **HTMX)
    html = page(response)
    assert "Estimated cost" in html
    assert 'id="saved"' in html
    assert "<html" not in html
    assert response["HX-Replace-Url"] == url("edit", campaign)
    campaign.refresh_from_db()
    assert (campaign.name, campaign.content) == ("", "Hello ${")


def test_what_is_missing_is_said_with_links_and_everything_typed_stays(
    client: Any, make_campaign: Any
) -> None:
    campaign = make_campaign()
    data = words(campaign, name="n" * 31, content="Hi ${", next="review")
    html = page(client.post(url("edit", campaign), data))
    assert "2 things to fix" in html
    assert 'href="#id_name"' in html
    assert 'href="#id_content"' in html
    assert "n" * 31 in html
    assert "Hi ${" in html
    assert "At character 4" in html


def test_a_name_that_is_too_long_is_not_cut_in_silence(client: Any, make_campaign: Any) -> None:
    campaign = make_campaign()
    data = words(campaign, name="n" * 31, scenario="", next="draft")
    html = page(client.post(url("edit", campaign), data))
    assert "1 thing to fix" in html  # the empty scenario is nobody's business yet
    assert "n" * 31 in html


def test_variables_with_typed_numbers_are_refused_by_the_server(
    client: Any, make_campaign: Any
) -> None:
    campaign = make_campaign()
    data = words(campaign, content="Hi ${name}", next="review")
    html = page(client.post(url("edit", campaign), data))
    assert "Typed numbers have no values for variables" in html


def test_101_typed_numbers_lead_to_import_and_its_sample(client: Any, make_campaign: Any) -> None:
    campaign = make_campaign()
    typed_numbers = "\n".join(f"+1202555{100 + at:04d}" for at in range(101))
    data = words(campaign, manual_numbers=typed_numbers, next="review")
    html = page(client.post(url("edit", campaign), data))
    assert "Choose Import Data" in html
    assert f'href="{url("sample", campaign, "xlsx")}"' in html


def test_a_complete_form_goes_on_to_the_review(client: Any, make_campaign: Any) -> None:
    campaign = make_campaign()
    response = client.post(url("edit", campaign), words(campaign, next="review"))
    assert response.url == url("review", campaign)


def test_extra_fields_of_a_post_change_nothing(
    client: Any, make_campaign: Any, other_workspace: Any
) -> None:
    campaign = make_campaign()
    extra = {"state": "completed", "workspace": other_workspace.pk, "total": 5, "author": 999}
    client.post(url("edit", campaign), words(campaign, next="draft", **extra))
    fresh = Campaign.objects.get(pk=campaign.pk)
    assert (fresh.state, fresh.workspace_id, fresh.total, fresh.author_id) == (
        "draft", campaign.workspace_id, 0, campaign.author_id,
    )  # fmt: skip


def test_a_suggested_time_is_taken_with_one_click(
    client: Any, make_campaign: Any, settings: Any
) -> None:
    settings.SCHEDULE_MAX_DAYS = 3650
    campaign = make_campaign()
    when = {"is_scheduled": "on", "date": "2027-03-14", "time": "02:30"}
    data = words(campaign, **when, time_zone="America/New_York", next="review")
    html = page(client.post(url("edit", campaign), data))
    assert 'value="2027-03-14T03:00"' in html
    assert 'value="2027-03-14T01:59"' in html
    html = page(
        client.post(url("edit", campaign), {**data, "next": "", "wall": "2027-03-14T03:00"})
    )
    campaign.refresh_from_db()
    assert campaign.wall_time == "2027-03-14T03:00"
    assert f"{campaign.send_at:%H:%M}" == "07:00"
    assert "07:00 UTC" in html


def test_the_sample_has_a_column_for_each_variable_of_the_present_content(
    client: Any, make_campaign: Any
) -> None:
    campaign = make_campaign()
    data = words(campaign, content="Hi ${name}, ${code}")
    response = client.post(url("sample", campaign, "xlsx"), data)
    sheet = load_workbook(io.BytesIO(response.content)).worksheets[0]
    assert [cell.value for cell in sheet[1]] == ["phone_number", "name", "code"]
    assert 'filename="Delivery day.xlsx"' in response["Content-Disposition"]
    campaign.refresh_from_db()
    assert campaign.content == "Hi ${name}, ${code}"
    text = client.get(url("sample", campaign, "csv")).content.decode("utf-8-sig")
    assert text.startswith("phone_number,name,code")
    assert client.get(url("sample", campaign, "exe")).status_code == 404


def test_switching_asks_before_it_drops_the_list(client: Any, make_campaign: Any) -> None:
    campaign = make_campaign()
    html = page(client.get(url("switch", campaign)))
    assert "Switch to Import Data" in html
    campaign.refresh_from_db()
    assert campaign.manual_numbers
    client.post(url("switch", campaign))
    campaign.refresh_from_db()
    assert (campaign.source, campaign.manual_numbers, campaign.recipients) == ("import", "", None)


def test_switching_an_empty_draft_asks_too(client: Any, make_campaign: Any) -> None:
    campaign = make_campaign(source="import", recipients=None)
    assert "nothing is dropped" in page(client.get(url("switch", campaign)))


# --- review and submit ------------------------------------------------------------------------


def test_the_review_shows_numbers_price_and_time(client: Any, make_campaign: Any) -> None:
    at = (timezone.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    campaign = make_campaign(
        is_scheduled=True, wall_time=f"{at:%Y-%m-%dT%H:%M}", time_zone="Asia/Kuala_Lumpur"
    )
    html = page(client.get(url("review", campaign)))
    for words_ in ("United States", "No price", "Asia/Kuala_Lumpur", "UTC", "Submit Campaign"):
        assert words_ in html, words_


def test_pressing_submit_twice_submits_once(client: Any, make_campaign: Any) -> None:
    campaign = make_campaign()
    client.get(url("review", campaign))
    for _time in range(2):
        response = press_submit(client, campaign)
        assert response.url == url("detail", campaign)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SCHEDULED


def test_a_refused_submission_says_why_and_stays_a_draft(client: Any, make_campaign: Any) -> None:
    campaign = make_campaign(name="")
    html = page(press_submit(client, campaign))
    assert "Not submitted." in html
    assert "Enter a name." in html
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.DRAFT


def test_what_does_not_fit_is_offered_as_a_choice(
    client: Any, make_campaign: Any, workspace: Any
) -> None:
    Threshold.objects.create(workspace=workspace, period="day", limit=1)
    campaign = make_campaign()
    html = page(client.get(url("review", campaign)))
    assert "Send until suspended, after about 1 of 2 numbers" in html
    assert "Not submitted." in page(press_submit(client, campaign))
    press_submit(client, campaign, partial_ok="yes")
    campaign.refresh_from_db()
    assert campaign.partial_ok


def test_a_test_goes_out_from_its_page(client: Any, make_campaign: Any, operator: Any) -> None:
    campaign = make_campaign()
    assert "no test numbers yet" in page(client.get(url("send_test", campaign)))
    operator.test_numbers = ["+61491570006"]
    operator.save()
    assert "+61491570006" in page(client.get(url("send_test", campaign)))
    response = client.post(url("send_test", campaign))
    test = Campaign.objects.get(origin="test")
    assert response.url == url("detail", test)


# --- a page of a draft that was submitted meanwhile -------------------------------------------


def test_what_was_typed_too_late_is_shown_with_who_submitted_and_when(
    client: Any, make_campaign: Any, signed_in: Any, admin: Any
) -> None:
    campaign = make_campaign()
    given = words(campaign, content="Line one\r\nline <two>", cost_centre="Logistics")
    press_submit(signed_in(admin), campaign)
    response = client.post(url("edit", campaign), given)
    html = response.content.decode()
    assert response.status_code == 409
    assert "This campaign was submitted on" in html
    assert "by Jonas Weber." in html
    kept = html.split("Not kept")[1]
    assert "Line one\r\nline &lt;two&gt;" in kept
    assert "Logistics" in kept
    assert campaign.name not in kept  # the same as ever: nothing of it is lost
    assert url("duplicate", campaign) in html
    campaign.refresh_from_db()
    assert campaign.content == "Your parcel arrives today."


def test_a_late_page_of_which_nothing_is_lost_leads_to_the_campaign(
    client: Any, make_campaign: Any
) -> None:
    campaign = make_campaign()
    given = words(campaign)
    press_submit(client, campaign)
    assert client.post(url("edit", campaign), given).url == url("detail", campaign)
    assert client.get(url("edit", campaign)).url == url("detail", campaign)


def test_what_is_typed_on_after_a_submission_stays_on_its_page_which_says_so(
    client: Any, make_campaign: Any
) -> None:
    campaign = make_campaign()
    given = words(campaign, content="Another text")
    press_submit(client, campaign)
    response = client.post(url("edit", campaign), given, **HTMX)
    html = page(response)
    assert "HX-Redirect" not in response
    assert response["HX-Reswap"] == "none"
    assert "This campaign was submitted on" in html
    assert "not saved any more" in html
    assert url("duplicate", campaign) in html


def test_a_file_that_came_too_late_is_named(client: Any, make_campaign: Any) -> None:
    campaign = make_campaign()
    press_submit(client, campaign)
    file = io.BytesIO(b"phone_number\n+12025550123\n")
    file.name = "late.csv"
    response = client.post(url("upload", campaign), {**words(campaign), "file": file})
    assert response.status_code == 409
    assert "late.csv" in response.content.decode().split("Not kept")[1]


# --- who may ------------------------------------------------------------------------------------

NAMES = [
    ("get", "edit"), ("post", "edit"), ("get", "side"), ("get", "switch"), ("post", "switch"),
    ("get", "review"), ("post", "submit"), ("get", "send_test"), ("post", "send_test"),
    ("post", "upload"), ("post", "confirm"), ("post", "check_again"), ("post", "leave_out"),
    ("post", "answer"), ("get", "numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "name"), NAMES)
@pytest.mark.parametrize(
    ("who", "status"), [("colleague", 403), ("finance", 403), ("viewer", 403), ("stranger", 404)]
)
def test_only_its_author_and_admins_change_a_draft(
    request: Any, signed_in: Any, make_campaign: Any, verb: str, name: str, who: str, status: int
) -> None:
    campaign = make_campaign()
    other = signed_in(request.getfixturevalue(who))
    assert getattr(other, verb)(url(name, campaign)).status_code == status


@pytest.mark.parametrize(("verb", "name"), NAMES)
def test_nobody_gets_anywhere_without_signing_in(
    db: None, make_campaign: Any, verb: str, name: str
) -> None:
    from django.test import Client

    response = getattr(Client(), verb)(url(name, make_campaign()))
    assert response.status_code == 302
    assert response.url.startswith(reverse("accounts:signin"))


@pytest.mark.parametrize("name", ["submit", "upload", "confirm", "check_again", "answer"])
def test_a_change_is_never_made_by_a_get(client: Any, make_campaign: Any, name: str) -> None:
    assert client.get(url(name, make_campaign())).status_code == 405


def test_an_admin_may_edit_what_an_operator_made(
    signed_in: Any, admin: Any, make_campaign: Any
) -> None:
    assert signed_in(admin).get(url("edit", make_campaign())).status_code == 200
