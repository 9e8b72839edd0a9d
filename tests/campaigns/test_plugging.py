"""Another carrier is a class named in the settings; sending knows no other way out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Workspace
from campaigns.models import Message
from campaigns.states import CampaignState, bucket
from carriers.models import Carrier
from tests.campaigns import dummy, engine

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def plugged(workspace: Workspace, settings: Any, tmp_path: Path) -> Any:
    settings.HOME = tmp_path
    settings.SMS_GATEWAYS = {"dummy": "tests.campaigns.dummy.DummyGateway"}
    dummy.WIRE.clear()
    return Carrier.objects.create(
        workspace=workspace, name="Dummy", gateway="dummy", options={"account": "A1"}
    )


def test_a_gateway_added_by_settings_carries_a_campaign(
    make_campaign: Callable[..., Any], plugged: Any
) -> None:
    campaign = make_campaign(content="Your parcel arrives today.")
    engine.fill(campaign, engine.numbers(40, 100))
    engine.run(engine.submit(campaign, plugged))

    assert campaign.state == CampaignState.COMPLETED
    assert sorted(sent.number for sent in dummy.WIRE) == engine.numbers(40, 100)
    assert {(sent.text, sent.sender) for sent in dummy.WIRE} == {
        ("Your parcel arrives today.", campaign.sender.value)
    }
    kept = Message.objects.filter(campaign=campaign, carrier_id__startswith="A1-")
    assert {str(message.reference) for message in kept} == {sent.reference for sent in dummy.WIRE}
    assert not engine.broken()


def test_without_receipts_on_the_route_accepted_is_sent(plugged: Any) -> None:
    assert bucket("accepted", plugged.gives_receipts) == "sent"


def test_no_message_exists_without_a_campaign() -> None:
    assert not Message._meta.get_field("campaign").null
