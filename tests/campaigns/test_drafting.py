"""One draft on two pages: the older page never overwrites what the newer one wrote."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from campaigns import drafting
from campaigns.forms import typed
from campaigns.models import Campaign, RecipientImport
from campaigns.models.campaign import Source
from tests.campaigns.building import press_submit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("contexts")]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(signed_in: Callable[[User], Client], operator: User) -> Client:
    return signed_in(operator)


@pytest.fixture
def campaign(make_campaign: Callable[..., Campaign]) -> Campaign:
    return make_campaign()


def at(campaign: Campaign, name: str = "edit") -> str:
    return reverse(f"campaigns:{name}", args=[campaign.key])


def opened(client: Client, campaign: Campaign) -> dict[str, Any]:
    """What the form of a page that is opened now would post."""
    page = client.get(at(campaign))
    words = {"version": page.context["version"], "tab": page.context["tab"]}
    fields = {name: value for name, value in typed(campaign).items() if value is not False}
    return {**fields, **words}


@pytest.fixture
def older(client: Client, campaign: Campaign, signed_in: Any, admin: User) -> dict[str, Any]:
    """A page that was open while an admin corrected the text."""
    page = opened(client, campaign)
    other = signed_in(admin)
    other.post(at(campaign), {**opened(other, campaign), "content": "Corrected."})
    return page


def stored(campaign: Campaign) -> str:
    return Campaign.objects.get(pk=campaign.pk).content


def test_an_older_page_keeps_its_words_and_says_who_changed_the_draft(
    client: Client, campaign: Campaign, older: dict[str, Any]
) -> None:
    html = client.post(at(campaign), {**older, "content": "My words."}).content.decode()
    assert "changed meanwhile by Jonas Weber at" in html
    assert "My words." in html
    assert f'name="version" value="{older["version"]}"' in html  # it stays the older page
    assert html.index('value="draft"') < html.index('name="over"')  # Enter keeps nothing
    assert stored(campaign) == "Corrected."


def test_an_older_page_can_keep_its_own_words(
    client: Client, campaign: Campaign, older: dict[str, Any]
) -> None:
    page = client.post(at(campaign), {**older, "content": "My words."})
    client.post(at(campaign), {**older, "content": "My words.", "over": page.context["newer"]})
    assert stored(campaign) == "My words."


def test_keeping_ones_own_words_is_asked_again_after_a_further_change(
    client: Client, campaign: Campaign, older: dict[str, Any], admin: User
) -> None:
    page = client.post(at(campaign), {**older, "content": "My words."})
    campaign.refresh_from_db()
    drafting.save(campaign, {"content": "Corrected again."}, admin)
    client.post(at(campaign), {**older, "content": "My words.", "over": page.context["newer"]})
    assert stored(campaign) == "Corrected again."


def test_the_autosave_of_an_older_page_stores_nothing(
    client: Client, campaign: Campaign, older: dict[str, Any]
) -> None:
    answer = client.post(at(campaign), {**older, "content": "My words."}, headers=HTMX)
    assert answer["HX-Reswap"] == "none"
    assert "Not saved" in answer.content.decode()
    assert "Keep mine" in answer.content.decode()
    assert stored(campaign) == "Corrected."


@pytest.mark.parametrize("name", ["upload", "sample"])
def test_neither_a_file_nor_a_sample_lets_an_older_page_through(
    client: Client, campaign: Campaign, older: dict[str, Any], name: str, settings: Any,
    tmp_path: Any,
) -> None:  # fmt: skip
    settings.UPLOADS = tmp_path
    file = SimpleUploadedFile("a.csv", b"phone_number\n+12025550123\n")
    more = ["csv"] if name == "sample" else []
    address = reverse(f"campaigns:{name}", args=[campaign.key, *more])
    answer = client.post(address, {**older, "content": "My words.", "file": file})
    assert "changed meanwhile" in answer.content.decode()
    assert stored(campaign) == "Corrected."
    assert list(tmp_path.iterdir()) == []


def test_a_page_is_never_in_its_own_way(client: Client, campaign: Campaign) -> None:
    """An answer may be lost or be too late: the page then still has the first version."""
    page = opened(client, campaign)
    for words in ("One", "One two", "One two three"):
        client.post(at(campaign), {**page, "content": words}, headers=HTMX)
    assert stored(campaign) == "One two three"


def test_an_autosave_hands_back_the_new_version(client: Client, campaign: Campaign) -> None:
    page = opened(client, campaign)
    html = client.post(at(campaign), {**page, "content": "One"}, headers=HTMX).content.decode()
    campaign.refresh_from_db()
    assert f'name="version" value="{drafting.version(campaign)}"' in html


def test_a_new_page_that_is_saved_twice_makes_one_draft(client: Client) -> None:
    page = client.get(reverse("campaigns:create"))
    given = {"key": str(uuid.uuid4()), "tab": page.context["tab"], "version": ""}
    for words in ("One", "One two"):
        client.post(reverse("campaigns:create"), {**given, "content": words}, headers=HTMX)
    assert Campaign.objects.get().content == "One two"


def test_the_same_words_on_two_pages_are_no_conflict(client: Client, campaign: Campaign) -> None:
    first, second = opened(client, campaign), opened(client, campaign)
    for page in (first, second):
        assert client.post(at(campaign), {**page, "content": "Same"}).status_code == 302


def test_a_page_from_before_the_list_was_dropped_does_not_bring_it_back(
    client: Client, campaign: Campaign
) -> None:
    page = opened(client, campaign)
    client.post(at(campaign, "switch"))
    html = client.post(at(campaign), page).content.decode()
    assert "changed meanwhile by you, on another page" in html
    campaign.refresh_from_db()
    assert (campaign.source, campaign.manual_numbers) == (Source.IMPORT, "")


@pytest.mark.parametrize("junk", ["\0", "x", "0001-01-01T00:00:00+23:59", "9" * 500])
def test_a_version_that_is_none_overwrites_nothing(
    client: Client, campaign: Campaign, junk: str
) -> None:
    given = {**opened(client, campaign), "version": junk, "tab": junk, "content": "Other"}
    assert client.post(at(campaign), given).status_code == 200
    assert stored(campaign) == "Your parcel arrives today."


@pytest.mark.parametrize(
    "wrong",
    [{"name": "n" * 31}, {"name": "a\0b"}, {"name": "a\u202eb"}, {"name": "a\nb"},
     {"cost_centre": "c" * 41}, {"content": "Your parcel\0 arrives."}],
)  # fmt: skip
def test_a_value_that_was_refused_is_not_submitted_cut(
    client: Client, campaign: Campaign, operator: User, wrong: dict[str, str]
) -> None:
    before = (campaign.name, campaign.cost_centre, campaign.content)
    answer = client.post(at(campaign), {**opened(client, campaign), **wrong, "next": "review"})
    assert "thing to fix" in answer.content.decode()
    press_submit(client, campaign)
    campaign.refresh_from_db()
    assert (campaign.name, campaign.cost_centre, campaign.content) == before


def test_an_autosave_says_what_it_could_not_store(client: Client, campaign: Campaign) -> None:
    given = {**opened(client, campaign), "name": "n" * 31, "content": "Stored."}
    html = client.post(at(campaign), given, headers=HTMX).content.decode()
    assert "Saved without Task Name" in html
    assert stored(campaign) == "Stored."


def test_a_list_that_was_replaced_is_shown_instead_of_confirmed(
    client: Client, campaign: Campaign, operator: User
) -> None:
    seen = campaign.recipients_id
    newer = RecipientImport.objects.create(
        workspace=campaign.workspace, created_by=operator, state="ready", accepted=1, refused=2
    )
    drafting.take(campaign, newer, Source.IMPORT, operator)
    answer = client.post(at(campaign, "confirm"), {"list": seen})
    assert answer.url == at(campaign, "numbers")  # type: ignore[attr-defined]
    client.post(at(campaign, "confirm"), {"list": newer.pk})
    newer.refresh_from_db()
    assert newer.confirmed_by == operator
