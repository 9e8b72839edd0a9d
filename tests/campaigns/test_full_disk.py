"""A disk that fills up: new things are refused plainly, nothing is half kept, sending waits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Job, JobState, User
from campaigns import exports, sending
from campaigns.models import Batch, Campaign, RecipientImport
from campaigns.states import CampaignState
from senders.models import OptOut
from sheets import disk
from tests.campaigns import engine
from tests.campaigns.building import make_sent_campaign
from tests.sms.practice.carrier import PracticeCarrier

pytestmark = pytest.mark.usefixtures("seen_anew")
ENDLESS = 10**18
FEW = b"phone_number\n+12025550123\n"
MANY = b"phone_number\n" + b"+12025550123\n" * 100_000


@pytest.fixture
def low(settings: Any) -> None:
    settings.DISK_LOW_BYTES = ENDLESS


@pytest.fixture
def client(signed_in: Callable[[User], Client], admin: User) -> Client:
    client = signed_in(admin)
    client.raise_request_exception = False
    return client


@pytest.fixture
def uploads(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOADS = tmp_path / "uploads"
    return settings.UPLOADS


@pytest.fixture
def campaign(make_campaign: Any, uploads: Path) -> Campaign:
    return make_campaign(source="import", manual_numbers="", recipients=None, numbers=[])


def upload(client: Client, campaign: Campaign, file: bytes, **more: Any) -> Any:
    given = {
        "name": campaign.name, "content": campaign.content, "scenario": campaign.scenario,
        "sender": str(campaign.sender.key), "source": "import",
        "file": SimpleUploadedFile("list.csv", file), **more,
    }  # fmt: skip
    return client.post(reverse("campaigns:upload", args=[campaign.key]), given)


def test_a_list_is_refused_and_the_draft_that_came_with_it_is_kept(
    client: Client, campaign: Campaign, low: None, uploads: Path
) -> None:
    answer = upload(client, campaign, FEW, content="Typed a moment ago")
    assert "The disk of the console is nearly full" in answer.content.decode()
    assert not RecipientImport.objects.filter(is_manual=False).exists()
    assert not uploads.exists()
    campaign.refresh_from_db()
    assert campaign.content == "Typed a moment ago"


def test_a_disk_that_fills_on_the_way_keeps_no_half_file(
    client: Client, campaign: Campaign, settings: Any, small_disk: Path
) -> None:
    settings.UPLOADS = small_disk / "uploads"
    answer = upload(client, campaign, MANY)
    assert "The disk of the console is nearly full" in answer.content.decode()
    assert not list(settings.UPLOADS.iterdir())
    assert not RecipientImport.objects.filter(is_manual=False).exists()


@pytest.mark.parametrize("name", ["optouts:import", "billing:rate_import"])
def test_no_other_list_is_taken_either(client: Client, low: None, uploads: Path, name: str) -> None:
    file = SimpleUploadedFile("list.csv", FEW)
    given = {"reason": "reply", "country": "", "valid_from": "2027-01-01", "file": file}
    answer = client.post(reverse(name), given)
    assert "The disk of the console is nearly full" in answer.content.decode()
    assert not OptOut.objects.exists()
    assert not uploads.exists()


def test_a_workbook_is_refused_and_a_csv_is_given(
    client: Client, campaign: Campaign, practice: Any, low: None
) -> None:
    sent = make_sent_campaign(campaign, carrier=practice)
    where = reverse("campaigns:export", args=[sent.key])
    answer = client.post(where, {"form": "xlsx"})
    assert answer.status_code == 507
    assert "make room" in answer.content.decode()
    assert not AuditEvent.objects.filter(action="campaign.export").exists()
    answer = client.post(where, {"form": "csv"})
    assert answer.status_code == 200
    assert b"phone_number" in b"".join(answer.streaming_content)


def test_a_large_export_that_finds_no_room_says_so(
    campaign: Campaign, admin: User, low: None, settings: Any, tmp_path: Path
) -> None:
    settings.EXPORTS = tmp_path / "exports"
    job = Job.objects.create(
        workspace=campaign.workspace, user=admin, kind=exports.KIND,
        options={"campaign": campaign.pk, "filter": {}},
    )  # fmt: skip
    exports.run(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "make room" in job.error
    assert not list(settings.EXPORTS.iterdir())


@pytest.fixture
def full_database(db: None) -> Iterator[Callable[[], None]]:
    """From its call on the database itself says that its disk is full, as it really would."""
    with connection.cursor() as cursor:

        def fill() -> None:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA max_page_count = 1")
                return
            cursor.execute(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
                " RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END$$"
            )
            cursor.execute(
                "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON senders_optout"
                " FOR EACH ROW EXECUTE FUNCTION full_disk()"
            )

        yield fill
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA max_page_count = 1073741823")


def test_a_form_that_cannot_be_kept_ends_in_a_plain_page(
    client: Client, full_database: Callable[[], None]
) -> None:
    where, numbers = reverse("optouts:add"), "\n".join(engine.numbers(90))
    given = {"numbers": numbers, "reason": "Asked by mail " * 10, "country": "US"}
    full_database()
    answer = client.post(where, given)
    assert answer.status_code == 507
    page = answer.content.decode()
    assert "The disk is nearly full" in page
    assert "Traceback" not in page
    assert answer["X-Request-ID"] in page


@pytest.mark.django_db(transaction=True)
def test_nothing_is_claimed_without_room_and_all_of_it_goes_on_with_some(
    make_campaign: Any, carrier: Any, process: PracticeCarrier, settings: Any, client: Client
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180"] * 700)
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    settings.DISK_LEAST_BYTES = ENDLESS
    disk._seen = None
    sending.dispatch(5)
    assert not engine.accepted_lines(process)
    assert not Batch.objects.exclude(attempt=0).exists()
    page = client.get(reverse("campaigns:detail", args=[campaign.key])).content.decode()
    assert "It goes on by itself" in page
    assert "nothing is handed over" in client.get(reverse("system")).content.decode()
    settings.DISK_LEAST_BYTES = 0
    disk._seen = None
    sending.dispatch(20)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.COMPLETED
    assert sum(engine.accepted_lines(process).values()) == 700
    assert not engine.broken()


@pytest.mark.django_db(transaction=True)
def test_messages_are_written_when_there_is_room_for_them(
    make_campaign: Any, carrier: Any, settings: Any
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, ["+12025550180"] * 5)
    engine.submit(campaign, carrier)
    sending.start_due()
    settings.DISK_LEAST_BYTES = ENDLESS
    sending.expand(campaign.pk)
    campaign.refresh_from_db()
    assert (campaign.expanded_at, campaign.messages.count()) == (None, 0)
    settings.DISK_LEAST_BYTES = 0
    disk._seen = None
    sending.expand(campaign.pk)
    assert campaign.messages.count() == 5


def test_the_state_of_the_disk_is_told_to_machines(client: Client, settings: Any) -> None:
    settings.DISK_LEAST_BYTES = ENDLESS
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert json.loads(answer.content)["ok"] is False
