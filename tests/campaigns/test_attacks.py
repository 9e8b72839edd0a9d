"""Hostile and clumsy requests: each is answered with a page that says what happened."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, User
from campaigns.models import Campaign, ImportState, RecipientImport
from campaigns.states import CampaignState

Signed = Callable[[User], Client]
Made = Callable[..., Campaign]


@pytest.fixture
def own(signed_in: Signed, operator: User) -> Client:
    client = signed_in(operator)
    client.raise_request_exception = False
    return client


@pytest.fixture
def uploads(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOADS = tmp_path / "uploads"
    settings.UPLOADS.mkdir()
    return settings.UPLOADS


def with_file(campaign: Campaign, uploads: Path, state: str) -> Campaign:
    """*campaign* in *state*, with a list whose file is kept."""
    (uploads / "kept").write_bytes(b"phone_number\n+12025550123\n")
    rows = RecipientImport.objects.filter(pk=campaign.recipients_id)
    rows.update(is_manual=False, stored_name="kept", original_name="a.csv")
    Campaign.objects.filter(pk=campaign.pk).update(state=state, source="import")
    campaign.refresh_from_db()
    return campaign


@pytest.mark.parametrize("act", ["check_again", "leave_out"])
@pytest.mark.parametrize("state", [CampaignState.SCHEDULED, CampaignState.COMPLETED])
def test_the_list_of_a_submitted_campaign_is_not_checked_again(
    own: Client, make_campaign: Made, uploads: Path, act: str, state: str
) -> None:
    campaign = with_file(make_campaign(), uploads, state)
    answer = own.post(reverse(f"campaigns:{act}", args=[campaign.key]), {"country": ""})
    assert answer.status_code == 302
    assert RecipientImport.objects.count() == 1
    assert [path.name for path in uploads.iterdir()] == ["kept"]


def test_a_sample_for_a_submitted_campaign_changes_nothing(
    own: Client, make_campaign: Made
) -> None:
    campaign = make_campaign(state=CampaignState.COMPLETED)
    address = reverse("campaigns:sample", args=[campaign.key, "csv"])
    assert own.post(address, {"name": "Other", "content": "Hi"}).status_code == 409
    campaign.refresh_from_db()
    assert campaign.name == "Delivery day"


@pytest.mark.parametrize("asked", ["2", "²"])
def test_a_count_typed_in_superscript_stops_nothing(
    own: Client, make_campaign: Made, asked: str
) -> None:
    campaign = make_campaign(state=CampaignState.SENDING)
    address = reverse("campaigns:stop", args=[campaign.key])
    assert own.post(address, {"typed": "²", "asked": asked}).status_code == 200
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SENDING


@pytest.mark.parametrize("row", ["-" * 36, "a" * 36, "0" * 36])
def test_a_row_that_is_no_key_is_not_found(own: Client, row: str) -> None:
    answer = own.get(reverse("campaigns:list"), {"row": row}, headers={"HX-Request": "true"})
    assert answer.status_code == 404


def test_a_copy_cannot_take_the_key_of_somebody_elses_campaign(
    own: Client, make_campaign: Made, colleague: User
) -> None:
    mine, theirs = make_campaign(), make_campaign(author=colleague)
    address = reverse("campaigns:duplicate", args=[mine.key])
    assert own.post(address, {"token": str(theirs.key)}).status_code < 500
    assert Campaign.objects.count() == 2


@pytest.mark.parametrize("field", ["date", "time", "time_zone"])
def test_a_nul_in_the_schedule_loses_nothing_typed(own: Client, field: str) -> None:
    key = uuid.uuid4()
    given = {"key": str(key), "name": "Kept", "is_scheduled": "on", "date": "2026-12-01",
             "time": "10:00", "time_zone": "UTC", field: "1\0"}  # fmt: skip
    assert own.post(reverse("campaigns:create"), given).status_code < 500
    assert Campaign.objects.get(key=key).name == "Kept"


def test_typed_numbers_with_variables_get_one_sentence(own: Client, make_campaign: Made) -> None:
    campaign = make_campaign(content="Hi ${name}")
    page = own.get(reverse("campaigns:review", args=[campaign.key])).content.decode()
    assert "Typed numbers have no values" in page
    assert "Type at least one number" not in page


@pytest.mark.parametrize("field", ["file", "other"])
@pytest.mark.parametrize("whose", ["colleague", "stranger"])
def test_a_refused_upload_leaves_no_file(
    request: pytest.FixtureRequest, signed_in: Signed, make_campaign: Made, uploads: Path,
    field: str, whose: str,
) -> None:  # fmt: skip
    campaign = make_campaign()
    client = signed_in(request.getfixturevalue(whose))
    given = {field: SimpleUploadedFile("a.csv", b"phone_number\n+12025550123\n")}
    answer = client.post(reverse("campaigns:upload", args=[campaign.key]), given)
    assert answer.status_code in (403, 404)
    assert list(uploads.iterdir()) == []


def test_an_upload_without_a_token_leaves_no_file(
    operator: User, make_campaign: Made, uploads: Path
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    client.get(reverse("help_abuse"))  # sets the cookie, so that the body is read for the token
    given = {"file": SimpleUploadedFile("a.csv", b"phone_number\n+12025550123\n")}
    address = reverse("campaigns:upload", args=[make_campaign().key])
    assert client.post(address, given).status_code == 403
    assert list(uploads.iterdir()) == []


def test_two_files_in_one_upload_are_answered_with_a_page(
    own: Client, make_campaign: Made, uploads: Path
) -> None:
    files = [
        SimpleUploadedFile(name, b"phone_number\n+12025550123\n") for name in ("a.csv", "b.csv")
    ]
    answer = own.post(reverse("campaigns:upload", args=[make_campaign().key]), {"file": files})
    assert answer.status_code < 500
    assert not list(uploads.glob("*.part"))


def test_a_list_that_was_replaced_meanwhile_is_not_confirmed(
    own: Client, make_campaign: Made, operator: User
) -> None:
    campaign = make_campaign(source="import")
    seen = campaign.recipients
    RecipientImport.objects.filter(pk=seen.pk).update(is_manual=False, refused=1)
    other = RecipientImport.objects.create(
        workspace=campaign.workspace, created_by=operator, state=ImportState.READY, accepted=1,
        refused=500,
    )  # fmt: skip
    Campaign.objects.filter(pk=campaign.pk).update(recipients=other)
    own.post(reverse("campaigns:confirm", args=[campaign.key]), {"list": seen.pk})
    other.refresh_from_db()
    assert other.confirmed_at is None


def test_a_reason_with_a_nul_filters_no_refused_row(own: Client, make_campaign: Made) -> None:
    """PostgreSQL takes no NUL in a text."""
    campaign = make_campaign(source="import")
    rows = RecipientImport.objects.filter(pk=campaign.recipients_id)
    rows.update(is_manual=False, finished_at=timezone.now())
    address = reverse("campaigns:numbers", args=[campaign.key])
    assert own.get(address, {"reason": "\0"}).status_code == 200


def test_a_receipts_address_with_a_nul_is_not_found(client: Client, db: None) -> None:
    assert client.post("/receipts/a%00b/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_five_tests_a_day_are_five_when_sent_at_once(
    signed_in: Signed, operator: User, make_campaign: Made
) -> None:
    User.objects.filter(pk=operator.pk).update(test_numbers=["+12025550123"])
    address = reverse("campaigns:send_test", args=[make_campaign().key])

    def send(_n: int) -> None:
        client = signed_in(operator)
        client.post(address)
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(16)))
    assert Campaign.objects.filter(origin="test").count() == 5


@pytest.mark.usefixtures("contexts")
def test_an_older_tab_does_not_overwrite_a_newer_text(
    own: Client, signed_in: Signed, admin: User, make_campaign: Made
) -> None:
    campaign = make_campaign()
    address = reverse("campaigns:edit", args=[campaign.key])
    page = own.get(address)
    given = {name: page.context["form"].initial[name] for name in ("name", "content", "source")}
    given["version"] = page.context["version"]
    signed_in(admin).post(address, {**given, "content": "Corrected."})
    own.post(address, {**given, "name": "Other name"}, headers={"HX-Request": "true"})
    campaign.refresh_from_db()
    assert campaign.content == "Corrected."


def test_the_audit_of_a_stop_says_what_had_not_left(own: Client, make_campaign: Made) -> None:
    campaign = make_campaign(state=CampaignState.PAUSED, total=2)
    own.post(reverse("campaigns:stop", args=[campaign.key]), {"typed": "77", "asked": "77"})
    said = AuditEvent.objects.filter(action="campaign.stop").values_list("data", flat=True)
    assert all(data["left"] != 77 for data in said)
