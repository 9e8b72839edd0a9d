"""Messages in doubt from the notice on the overview to what a person makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from campaigns.models import Batch
from campaigns.states import BatchState
from tests.campaigns.building import Made, make_sent_campaign
from tests.journeys.browsing import looks

pytestmark = pytest.mark.journey
WHY = "The carrier's support found none of them"


@pytest.fixture
def db(transactional_db: None) -> None:
    """Rows that the server of this process sees; nothing works on them."""


@pytest.fixture
def base(live_server: Any) -> str:
    return str(live_server.url)


@pytest.fixture
def practice(workspace: Any) -> Any:
    from carriers.models import Carrier

    return Carrier.objects.create(
        workspace=workspace, name="Practice carrier", gateway="loopback",
        options={"url": "http://127.0.0.1:9", "token": "practice-token", "class": "blind"},
    )  # fmt: skip


def test_an_admin_queues_messages_in_doubt_again(
    make_campaign: Callable[..., Any],
    practice: Any,
    admin: User,
    open_page: Callable[..., Page],
) -> None:
    made = [Made("in_doubt"), Made("in_doubt", segments=2), Made("delivered")]
    campaign = make_sent_campaign(make_campaign(), made, carrier=practice)
    Batch.objects.create(
        campaign=campaign, carrier=practice, country="US", lo=0, hi=9, left=0, segments=0,
        state=BatchState.DONE,
    )  # fmt: skip
    page = open_page(admin)
    page.goto("/")
    page.get_by_role("link", name="Resolve", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Resolve messages in doubt")
    expect(page.get_by_text("2 messages")).to_be_visible()
    expect(page.get_by_label("Ask the carrier now")).to_have_count(0)
    assert looks(page, "doubts") == []

    page.get_by_label("Mark as not sent and queue again").check()
    page.get_by_label("Reason").fill(WHY)
    page.get_by_role("button", name="Resolve them").click()
    wanted = "Tick this: the carrier may have sent them already."
    expect(page.get_by_text(wanted, exact=True)).to_be_visible()
    expect(page.get_by_label("Mark as not sent and queue again")).to_be_checked()
    assert looks(page, "doubts-refused") == []

    page.get_by_label("I understand that these may arrive twice").check()
    page.get_by_role("button", name="Resolve them").click()
    expect(page.get_by_text("2 queued again.")).to_be_visible()
    assert dict(campaign.messages.values_list("position", "state")) == {
        0: "queued", 1: "queued", 2: "delivered",
    }  # fmt: skip
    expect(page.get_by_role("link", name="Resolve doubts")).to_have_count(0)
