"""How the chosen sender ID stands where the numbers are: on the form, the review, at submit."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from campaigns import destinations, drafting, submitting
from campaigns.importing import check
from campaigns.models import Campaign, ImportState, Recipient, RecipientImport
from campaigns.states import CampaignState
from campaigns.submitting import CannotSubmit
from senders.models import Registration

Clients = Callable[[User], Client]
TYPED = ["+12025550123", "+12025550124", "+61491570006", "what", "+12025550123"]


@pytest.fixture
def draft(make_campaign: Callable[..., Any]) -> Campaign:
    """Typed numbers of two countries, with one that is none and one given twice."""
    return make_campaign(manual_numbers="\n".join(TYPED))


@pytest.fixture
def good(make_campaign: Callable[..., Any]) -> Campaign:
    return make_campaign(manual_numbers="\n".join(TYPED[:3]))


@pytest.fixture
def imported(make_campaign: Callable[..., Any], operator: User) -> Campaign:
    """A file of two countries that has been read."""
    campaign = make_campaign(source="import", manual_numbers="")
    source = RecipientImport.objects.create(
        workspace=campaign.workspace, created_by=operator, original_name="list.csv",
        state=ImportState.READY, accepted=5, rows_read=5, countries={"US": 3, "AU": 2},
        variables=[], finished_at=timezone.now(),
    )  # fmt: skip
    numbers = [f"+1202555012{n}" for n in range(3)] + [f"+6149157000{n}" for n in range(6, 8)]
    Recipient.objects.bulk_create(
        Recipient(source=source, row=row, number=no, country="US" if no[1] == "1" else "AU")
        for row, no in enumerate(numbers, 2)
    )
    Campaign.objects.filter(pk=campaign.pk).update(recipients=source)
    campaign.refresh_from_db()
    return campaign


def register(campaign: Campaign, country: str, state: str, **more: Any) -> Registration:
    return Registration.objects.create(sender=campaign.sender, country=country, state=state, **more)


def levels(campaign: Campaign) -> dict[str, str]:
    found = destinations.standing(campaign, destinations.countries(campaign))
    return {one.country: str(one.level) for one, _n in found}


def url(campaign: Campaign, page: str) -> str:
    return f"/campaigns/{campaign.key}/{page}/"


def test_typed_numbers_count_when_they_are_valid_and_once(draft: Campaign) -> None:
    assert destinations.countries(draft) == {"US": 2, "AU": 1}


def test_an_unregistered_sender_is_warned_of_and_one_the_registry_refused_is_blocked(
    good: Campaign, operator: User
) -> None:
    """SI5: where a country needs a registration, its numbers do not leave after a no."""
    assert levels(good) == {"US": "warning", "AU": "warning"}
    register(good, "AU", "approved")
    assert levels(good)["AU"] == "ok"
    Registration.objects.update(state="revoked")
    assert levels(good)["AU"] == "blocked"
    with pytest.raises(CannotSubmit) as refused:
        submitting.submit(good, operator)
    (problem,) = refused.value.problems
    assert (problem.anchor, problem.country) == ("country", "AU")
    assert "Australia, 1 number: " in str(problem.sentence)
    good.refresh_from_db()
    assert good.state == CampaignState.DRAFT


def test_one_that_ends_before_the_start_is_a_warning_on_the_day_of_sending(good: Campaign) -> None:
    register(good, "AU", "approved", expires_on=timezone.now().date() + timedelta(days=40))
    assert levels(good)["AU"] == "ok"
    good.send_at = timezone.now() + timedelta(days=50)
    assert levels(good)["AU"] == "warning"


def test_without_a_sender_or_numbers_there_is_nothing_to_say(draft: Campaign) -> None:
    draft.manual_numbers = ""
    assert levels(draft) == {}
    draft.manual_numbers, draft.sender = "+12025550123", None
    assert levels(draft) == {}


def test_the_form_shows_each_country_with_its_count_and_follows_every_change(
    signed_in: Clients, operator: User, good: Campaign
) -> None:
    register(good, "AU", "approved")
    client = signed_in(operator)
    page = client.get(url(good, "edit")).content.decode()
    assert 'data-ok="2"' in page
    assert 'data-ok="1"' in page
    typed = {
        "sender": str(good.sender.key), "scenario": "notification", "name": good.name,
        "content": good.content, "source": "manual", "manual_numbers": "+61491570006",
    }  # fmt: skip
    answer = client.post(url(good, "edit"), typed, headers={"HX-Request": "true"})
    part = answer.content.decode()
    assert 'id="validity" hx-swap-oob="true"' in part
    assert 'data-ok="2"' not in part
    assert "flag-country-au" in part


def test_the_review_lists_every_destination_and_offers_to_leave_it_out(
    signed_in: Clients, operator: User, imported: Campaign
) -> None:
    register(imported, "AU", "rejected")
    page = signed_in(operator).get(url(imported, "review")).content.decode()
    assert "Leave out Australia" in page
    assert "was rejected" in page
    assert "Names with letters are not shown there" in page
    assert 'aria-disabled="true"' in page


def test_a_country_left_out_of_a_file_joins_the_refused_rows(
    imported: Campaign, operator: User
) -> None:
    register(imported, "AU", "rejected")
    source = drafting.leave_out(imported, operator, "AU")
    check.check(source.pk)
    imported.refresh_from_db()
    assert imported.recipients.countries == {"US": 3}
    assert imported.recipients.tally == {"country_left_out": 2}
    assert not imported.recipients.needs_confirmation
    submitting.submit(imported, operator)
    assert imported.state == CampaignState.SCHEDULED


def test_a_country_left_out_of_typed_numbers_is_taken_from_the_list(
    signed_in: Clients, operator: User, draft: Campaign
) -> None:
    answer = signed_in(operator).post(url(draft, "numbers/leave-out"), {"country": "AU"})
    assert answer.url == url(draft, "review")
    draft.refresh_from_db()
    assert draft.manual_numbers.split() == [TYPED[0], TYPED[1], "what", TYPED[4]]


def test_a_country_that_is_not_there_changes_nothing(
    signed_in: Clients, operator: User, draft: Campaign
) -> None:
    before = draft.manual_numbers
    for country in ("DE", "nonsense", "\x00"):
        answer = signed_in(operator).post(url(draft, "numbers/leave-out"), {"country": country})
        assert answer.url == url(draft, "review")
    draft.refresh_from_db()
    assert draft.manual_numbers == before


def test_a_test_to_a_blocked_country_is_refused_with_the_reason(
    signed_in: Clients, operator: User, good: Campaign
) -> None:
    register(good, "US", "revoked")
    operator.test_numbers = ["+12025550123"]
    operator.save()
    page = signed_in(operator).post(url(good, "test")).content.decode()
    assert "was revoked" in page
    assert not Campaign.objects.filter(origin="test").exists()


def test_a_sender_of_another_workspace_is_an_error_and_never_kept(
    signed_in: Clients, operator: User, other_workspace: Any, make_sender: Any, practice: Any
) -> None:
    """SI6: its id is known, and means nothing here."""
    foreign = make_sender("NORDLINK", workspace=other_workspace)
    key = uuid.uuid4()
    typed = {
        "key": str(key), "sender": str(foreign.key), "scenario": "notification", "name": "Trial",
        "content": "Hi", "source": "manual", "manual_numbers": "+12025550123", "next": "review",
    }  # fmt: skip
    page = signed_in(operator).post("/campaigns/new/", typed).content.decode()
    assert "This sender ID is not approved" in page
    assert "NORDLINK" not in page
    campaign = Campaign.objects.get(key=key)
    assert campaign.sender is None
    with pytest.raises(CannotSubmit):
        submitting.submit(campaign, operator)
