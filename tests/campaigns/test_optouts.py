"""N13: an opted-out number is left out when a list is checked, and again right before it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.models import Job
from campaigns import clock, sending
from campaigns.importing.check import check, manual_recipients
from campaigns.models import Batch, ImportState, MessageEvent, RecipientImport
from campaigns.sending import claiming
from campaigns.settling import Lease
from campaigns.states import BatchState, Scenario
from senders import optout_files, optouts
from senders.models import OptOut
from sms.gateways.base import Outbound
from tests.campaigns import engine
from tests.sms.practice.carrier import PracticeCarrier

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER, OTHER = "+12025550180", "+12125550180"  # the practice carrier takes both
Made = Callable[..., Any]


def sent(make_campaign: Made, carrier: Any, **fields: Any) -> Any:
    campaign = make_campaign(**fields)
    engine.fill(campaign, [NUMBER, OTHER])
    return engine.submit(campaign, carrier)


def reasons(campaign: Any) -> dict[str, str]:
    return dict(campaign.messages.values_list("number", "reason"))


@pytest.mark.parametrize("scenario", [Scenario.MARKETING, Scenario.NOTIFICATION])
@pytest.mark.parametrize("way", ["typed", "file"])
def test_a_number_that_opts_out_after_submission_gets_nothing(
    make_campaign: Made, carrier: Any, process: PracticeCarrier, operator: Any, scenario: str,
    way: str, signed_in: Callable[..., Any], settings: Any, tmp_path: Path,
) -> None:  # fmt: skip
    """N13"""
    settings.UPLOADS = tmp_path
    campaign = sent(make_campaign, carrier, scenario=scenario)
    if way == "typed":
        optouts.add(campaign.workspace, [NUMBER], "Replied STOP", operator)
    else:
        client = signed_in(operator)
        file = SimpleUploadedFile("out.csv", f"phone_number\n{NUMBER}\n".encode())
        given = {"reason": "Old system", "country": "", "file": file}
        client.post(reverse("optouts:import"), given)
        job = Job.objects.get(kind=optout_files.KIND)
        optout_files.run(job.pk)
        client.post(reverse("optouts:import_confirm", args=[job.key]))
        optout_files.run(job.pk)
    engine.run(campaign)
    assert reasons(campaign) == {NUMBER: "opted_out", OTHER: ""}
    assert sum(engine.accepted_lines(process).values()) == 1
    html = signed_in(operator).get(reverse("campaigns:detail", args=[campaign.key]))
    source = "Typed" if way == "typed" else "Imported from a file"
    assert f"{source} by Mei Lin Tan" in html.content.decode()
    assert not engine.broken()


@pytest.mark.parametrize("carrier_class", ["idempotent", "queryable", "blind"])
def test_a_batch_of_which_nobody_wants_anything_ends_no_run(
    make_campaign: Made, carrier: Any, process: PracticeCarrier, operator: Any, carrier_class: str
) -> None:
    """Whoever sends has another campaign under way in the same run."""
    process.change(carrier_class=carrier_class)
    carrier.options = {**carrier.options, "class": carrier_class}
    carrier.save()
    first, second = sent(make_campaign, carrier), make_campaign()
    engine.fill(second, ["+13035550180"])
    engine.submit(second, carrier)
    sending.start_due()
    sending.expand(second.pk)
    optouts.add(first.workspace, [NUMBER, OTHER], "Replied STOP", operator)
    engine.run(first)
    assert reasons(first) == {NUMBER: "opted_out", OTHER: "opted_out"}
    assert engine.stored(second) == {"accepted": 1}
    assert not engine.broken()


@pytest.mark.parametrize("had_left", [True, False])
def test_what_may_have_left_before_its_number_opted_out_is_asked_for_and_never_sent_again(
    make_campaign: Made, carrier: Any, process: PracticeCarrier, operator: Any, *, had_left: bool
) -> None:
    """A worker died over the batch; only the carrier knows what it took."""
    campaign = sent(make_campaign, carrier)
    sending.start_due()
    sending.expand(campaign.pk)
    [(lease, rows)] = claiming.claim()
    if had_left:
        asyncio.run(_hand_over(lease, next(row for row in rows if row.number == NUMBER)))
    optouts.add(campaign.workspace, [NUMBER], "Replied STOP", operator)
    _minutes_pass()
    engine.run(campaign)
    theirs = campaign.messages.get(number=NUMBER)
    assert (theirs.state, theirs.reason) == ("in_doubt", "")
    for _twice in range(2):
        _minutes_pass()
        sending.ask()
    engine.run(campaign)
    theirs.refresh_from_db()
    expected = ("accepted", "") if had_left else ("rejected", "opted_out")
    assert (theirs.state, theirs.reason) == expected
    assert sum(engine.accepted_lines(process).values()) == 1 + had_left
    assert not engine.broken()


async def _hand_over(lease: Lease, row: claiming.Row) -> None:
    message = Outbound(
        reference=row.reference, number=row.number, sender=lease.campaign.sender_value,
        text=row.text, scenario=lease.campaign.scenario, segments=row.segments,
        validity_seconds=3600,
    )  # fmt: skip
    async with aiohttp.ClientSession() as session:
        await lease.carrier.open().submit(session, message)


def _minutes_pass() -> None:
    """Leases run out, and what was asked was asked long ago."""
    long_ago = clock.now() - timedelta(minutes=2)
    Batch.objects.filter(state=BatchState.LEASED).update(lease_until=long_ago)
    sending.recover()
    MessageEvent.objects.update(at=long_ago)


def test_a_code_reaches_a_number_that_opted_out(
    make_campaign: Made, carrier: Any, process: PracticeCarrier, operator: Any
) -> None:
    """N13"""
    campaign = sent(make_campaign, carrier, scenario=Scenario.OTP)
    optouts.add(campaign.workspace, [NUMBER], "Replied STOP", operator)
    engine.run(campaign)
    assert reasons(campaign) == {NUMBER: "", OTHER: ""}


def test_a_removed_number_is_reached_by_later_campaigns(
    make_campaign: Made, carrier: Any, process: PracticeCarrier, operator: Any, admin: Any
) -> None:
    """N13"""
    first = sent(make_campaign, carrier)
    optouts.add(first.workspace, [NUMBER], "Replied STOP", operator)
    engine.run(first)
    optouts.remove(OptOut.objects.get(), admin, "Asked for news again")
    second = sent(make_campaign, carrier)
    engine.run(second)
    assert reasons(first) == {NUMBER: "opted_out", OTHER: ""}
    assert reasons(second) == {NUMBER: "", OTHER: ""}


def test_an_erased_number_is_left_out_of_files_and_of_typed_lists(
    make_campaign: Made, workspace: Any, operator: Any, settings: Any, tmp_path: Path
) -> None:
    """N13"""
    optouts.add(workspace, [NUMBER], "Replied STOP", operator)
    OptOut.objects.update(number="")
    settings.UPLOADS = tmp_path
    (tmp_path / "list").write_text(f"phone_number\n{NUMBER}\n{OTHER}\n")
    source = RecipientImport.objects.create(
        workspace=workspace,
        created_by=operator,
        stored_name="list",
        original_name="a.csv",
        state=ImportState.CHECKING,
    )
    check(source.pk)
    typed = manual_recipients(
        make_campaign([], manual_numbers=f"{NUMBER}\n{OTHER}", recipients=None)
    )
    for found in (source, typed):
        found.refresh_from_db()
        assert (found.accepted, found.tally) == (1, {"opted_out": 1})
