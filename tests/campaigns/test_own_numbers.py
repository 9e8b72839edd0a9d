"""N16: a test goes to the person's own numbers, few a day, and to no number of a request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from campaigns import drafting
from campaigns.models import Campaign, Recipient

pytestmark = pytest.mark.django_db

OWN, FOREIGN = "+61491570006", "+12025550177"


@pytest.fixture
def tester(operator: Any) -> Any:
    operator.test_numbers = [OWN]
    operator.save()
    return operator


def send(client: Any, campaign: Campaign, **given: Any) -> Any:
    return client.post(reverse("campaigns:send_test", args=[campaign.key]), given)


def reached() -> list[str]:
    rows = Recipient.objects.filter(source__campaigns__origin="test")
    return sorted(rows.values_list("number", flat=True))


@pytest.mark.parametrize("name", ["numbers", "number", "test_numbers", "manual_numbers", "to"])
def test_a_number_in_the_request_is_not_written_to(
    name: str, signed_in: Any, tester: Any, make_campaign: Any
) -> None:
    send(signed_in(tester), make_campaign(), **{name: FOREIGN})
    assert reached() == [OWN]


def test_without_own_numbers_there_is_no_test_and_the_page_says_why(
    signed_in: Any, operator: Any, make_campaign: Any
) -> None:
    answer = send(signed_in(operator), make_campaign(), numbers=FOREIGN)
    assert "Add your own numbers to your profile first." in answer.content.decode()
    assert not Campaign.objects.filter(origin="test").exists()


def test_an_admin_tests_with_their_own_numbers_and_not_with_the_author_s(
    signed_in: Any, admin: Any, tester: Any, make_campaign: Any
) -> None:
    admin.test_numbers = [FOREIGN]
    admin.save()
    send(signed_in(admin), make_campaign())
    assert reached() == [FOREIGN]


def test_after_five_tests_in_a_day_the_next_waits(
    signed_in: Any, tester: Any, make_campaign: Any
) -> None:
    client, campaign = signed_in(tester), make_campaign()
    for _time in range(drafting.TESTS_A_DAY):
        assert send(client, campaign).status_code == 302
    assert "You have sent 5 tests in 24 hours." in send(client, campaign).content.decode()
    assert len(reached()) == drafting.TESTS_A_DAY
    a_day_ago = timezone.now() - timedelta(hours=24, seconds=1)
    Campaign.objects.filter(origin="test").update(created_at=a_day_ago)
    assert drafting.tests_left(tester) == drafting.TESTS_A_DAY
