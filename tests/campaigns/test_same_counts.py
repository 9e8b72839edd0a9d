"""Around a suspension every page and every notice says the same numbers by the same words."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from billing.models import Charge, Threshold
from campaigns import announcing, reading, tightness
from campaigns.models import Batch, Campaign
from campaigns.states import CampaignState
from tests.campaigns.building import Made, make_sent_campaign
from tests.windows import make_window

pytestmark = pytest.mark.django_db
MADE = [Made("delivered")] * 3 + [Made("queued")] * 5


@pytest.fixture
def day(workspace: Any) -> Any:
    """100 segments a day: 90 are billed, 7 reserved, 3 are left."""
    threshold = Threshold.objects.create(workspace=workspace, period="day", limit=100)
    today = timezone.now().date()
    make_window(threshold, limit=100, ceiling=100, used=97)
    Charge.objects.create(
        workspace=workspace, day=today, campaign_key=uuid.uuid4(), country="US",
        sender="PARCELWAY", carrier="Practice", scenario="notification", messages=90,
        segments=90, currency="USD",
    )  # fmt: skip
    return today


@pytest.fixture
def suspended(make_campaign: Callable[..., Any], practice: Any, day: Any) -> Campaign:
    """Five messages of seven segments wait; a place of one was reserved before it was held."""
    made = make_sent_campaign(
        make_campaign(), MADE, carrier=practice, state=CampaignState.SUSPENDED, ended_at=None
    )
    given = {"campaign": made, "carrier": practice, "country": "US", "hold": "threshold"}
    Batch.objects.create(lo=3, hi=6, left=4, segments=6, **given)
    Batch.objects.create(lo=7, hi=7, left=1, segments=1, **{**given, "hold": "sender"})
    return made


def words(client: Any, url: str) -> str:
    html = client.get(url).content.decode()
    return re.sub(r"\s+", " ", strip_tags(html))


@pytest.mark.parametrize("page", ["billing:thresholds", "overview", "resume", "review", "edit"])
def test_used_reserved_and_left_are_the_same_everywhere(
    page: str, suspended: Campaign, admin: Any, signed_in: Any, make_campaign: Any
) -> None:
    draft = make_campaign()
    url = {
        "resume": reverse("campaigns:resume_suspended", args=[suspended.key]),
        "review": reverse("campaigns:review", args=[draft.key]),
        "edit": reverse("campaigns:edit", args=[draft.key]),
    }.get(page) or reverse(page)
    client = signed_in(admin)
    client.get(reverse("campaigns:review", args=[draft.key]))  # counted once
    said = words(client, url)
    assert "97 of 100 segments used, 7 of them reserved, not billed yet" in said
    assert " 3 left" in said


def test_what_waits_is_the_same_count_everywhere(
    suspended: Campaign, admin: Any, signed_in: Any
) -> None:
    client = signed_in(admin)
    threshold = tightness.reached(suspended)
    assert threshold is None  # a message of one segment still fits
    said = "5 messages wait"
    for name in ("detail", "resume_suspended"):
        assert said in words(client, reverse(f"campaigns:{name}", args=[suspended.key]))
    assert said in words(client, reverse("overview"))
    assert said in reading.suspension([suspended])
    assert said in announcing._suspension_words(suspended)


def test_the_review_says_what_others_will_take_first(
    suspended: Campaign, admin: Any, signed_in: Any, make_campaign: Any
) -> None:
    said = words(signed_in(admin), reverse("campaigns:review", args=[make_campaign().key]))
    assert "7 planned by other campaigns" in said
    assert "0 left for this one" in said


def test_what_is_reserved_and_not_sent_is_a_line_of_its_own(
    make_campaign: Any, practice: Any, admin: Any, signed_in: Any
) -> None:
    campaign = make_sent_campaign(
        make_campaign(), MADE, carrier=practice, state=CampaignState.SENDING, ended_at=None
    )
    given = {"campaign": campaign, "carrier": practice, "country": "US"}
    Batch.objects.create(lo=3, hi=4, left=2, segments=2, reserved_at=timezone.now(), **given)
    Batch.objects.create(lo=5, hi=7, left=3, segments=3, **given)
    said = words(signed_in(admin), reverse("campaigns:detail", args=[campaign.key]))
    assert "3 of 8 are through · 5 left" in said
    assert "3 waiting to be sent, 2 reserved, not sent yet" in said
