"""One bad row: it is found and set apart, and the others go on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from billing import thresholds
from billing.models import Period, ThresholdWindow
from campaigns import sending
from campaigns.models import Batch, Campaign, MessageEvent
from campaigns.sending import claiming, narrowing, recovering
from campaigns.settling import Result, settle
from campaigns.states import BatchState, CampaignState, MessageState
from sms.gateways.base import Accepted, Outbound, Refused
from sms.gateways.loopback import LoopbackGateway
from tests.campaigns import engine
from tests.sms.practice.carrier import PracticeCarrier

pytestmark = pytest.mark.django_db(transaction=True)
SURE, BAD = "+12025550180", "+12025550123"
CRASHES = 7  # the position of the row that kills whoever leases it


class Fragile(LoopbackGateway):
    """Knows one number that it cannot handle."""

    async def submit(self, session: Any, message: Outbound) -> Accepted | Refused:
        if message.number == BAD:
            raise TypeError("nobody thought of this")
        return await super().submit(session, message)


@pytest.fixture
def fragile(carrier: Any, settings: Any) -> Any:
    settings.SMS_GATEWAYS = {"fragile": f"{__name__}.Fragile"} | settings.SMS_GATEWAYS
    carrier.gateway = "fragile"
    carrier.save()
    return carrier


def of_class(carrier: Any, process: PracticeCarrier, name: str) -> None:
    process.change(carrier_class=name)
    carrier.options = {**carrier.options, "class": name}
    carrier.save()


def again_and_again(campaign: Campaign, times: int = 8) -> None:
    for _ in range(times):
        Batch.objects.update(not_before=None)
        engine.run(campaign, budget=5)


def an_hour_later() -> None:
    MessageEvent.objects.update(at=timezone.now() - timedelta(hours=1))


def test_a_message_that_breaks_the_gateway_holds_nobody_up(
    make_campaign: Any, fragile: Any, process: PracticeCarrier, settings: Any
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, [*[SURE] * 20, BAD, *[SURE] * 20])
    again_and_again(engine.submit(campaign, fragile))
    assert engine.stored(campaign) == {"accepted": 40, "in_doubt": 1}
    bad = campaign.messages.get(number=BAD)
    assert bad.events.filter(kind="broke", note="TypeError").count() == narrowing.TRIES
    assert "the console broke" in bad.detail
    for _ in range(2):  # the carrier has not got it: twice asked, a minute apart
        an_hour_later()
        sending.ask()
    again_and_again(campaign, 2)
    bad.refresh_from_db()
    assert (bad.state, bad.reason) == (MessageState.REJECTED, "internal")
    assert campaign.state == CampaignState.COMPLETED
    assert set(engine.accepted_lines(process).values()) == {1}
    assert not engine.broken()


def test_without_a_key_it_is_in_doubt_at_once(
    make_campaign: Any, fragile: Any, process: PracticeCarrier
) -> None:
    of_class(fragile, process, "blind")
    campaign = make_campaign()
    engine.fill(campaign, [*[SURE] * 5, BAD, *[SURE] * 5])
    engine.run(engine.submit(campaign, fragile))
    assert campaign.messages.get(number=BAD).events.filter(kind="broke").count() == 1
    assert engine.stored(campaign) == {"accepted": 10, "in_doubt": 1}
    assert campaign.state == CampaignState.COMPLETED
    assert not engine.broken()


@pytest.mark.parametrize(("kind", "state"), [("idempotent", "in_doubt"), ("blind", "rejected")])
def test_a_row_that_kills_the_process_is_found(
    kind: str, state: str, make_campaign: Any, carrier: Any, process: PracticeCarrier, admin: Any
) -> None:
    """Nothing leaves for a blind carrier before its range is begun: there it certainly stayed."""
    of_class(carrier, process, kind)
    campaign = make_campaign()
    engine.fill(campaign, [SURE] * 100)
    thresholds.set_limit(campaign.workspace, Period.DAY, 1000, 80, admin)
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    crashes = 0
    while Batch.objects.left().exists():
        _next_moment()
        crashes += _work_until_it_dies()
        assert crashes <= 3 * narrowing.FRUITLESS + narrowing.TRIES
    bad = campaign.messages.get(position=CRASHES)
    assert (bad.state, bad.events.filter(kind="set_apart").count()) == (state, 1)
    assert engine.stored(campaign) == {"accepted": 99, state: 1}
    assert ThresholdWindow.objects.get().used == (100 if state == "in_doubt" else 99)
    spans = list(Batch.objects.order_by("lo").values_list("lo", "hi"))
    assert [lo for lo, _hi in spans] == [1, *(hi + 1 for _lo, hi in spans[:-1])]
    assert not engine.broken()


def _next_moment() -> None:
    """Time passes until another batch may be leased."""
    if not Batch.objects.ready().exists():
        waiting = Batch.objects.left().order_by("not_before")[:1].values("pk")
        Batch.objects.filter(pk__in=list(waiting.values_list("pk", flat=True))).update(
            not_before=None
        )


def _work_until_it_dies() -> bool:
    """Settle each claimed batch but the one with the bad row: with it the process dies."""
    for lease, rows in claiming.claim():
        if any(row.position == CRASHES for row in rows):
            leased = Batch.objects.filter(state=BatchState.LEASED)
            leased.update(lease_until=timezone.now() - timedelta(seconds=1))
            recovering.recover()
            return True
        accepted = MessageState.ACCEPTED
        results = [
            Result(r.message_id, r.segments, accepted, carrier_id=f"x{r.message_id}") for r in rows
        ]
        settle([(lease, results)])
    return False


def test_a_lease_that_brought_something_counts_for_nothing(
    make_campaign: Any, carrier: Any
) -> None:
    campaign = make_campaign()
    engine.fill(campaign, [SURE] * 20)
    engine.submit(campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    for _ in range(6):
        [(lease, rows)] = claiming.claim()
        result = Result(
            rows[0].message_id,
            rows[0].segments,
            MessageState.ACCEPTED,
            carrier_id=f"x{rows[0].message_id}",
        )
        settle([(lease, [result])])
        Batch.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        recovering.recover()
    assert Batch.objects.count() == 1
