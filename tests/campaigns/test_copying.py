from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from accounts.models import AuditEvent
from campaigns import copying
from campaigns.failures import RETRYABLE
from campaigns.models import Campaign, Message, Recipient, RecipientImport
from campaigns.states import CampaignState
from campaigns.submitting import CannotSubmit, submit
from carriers.models import Carrier
from senders.models import OptOut
from tests.campaigns.building import EVERY_STATE, Made, make_sent_campaign

FAILED = (
    Made("undelivered", "unreachable", number="+12025550140", values=("Ann",)),
    Made("undelivered", "unreachable", "AU", "+61491570006", values=("Bo",)),
    Made("undelivered", "unknown_subscriber", number="+12025550141", values=("Cy",)),
    Made("expired", "", number="+12025550142", values=("Di",)),
    Made("rejected", "opted_out", number="+12025550143", values=("Ed",)),
    Made("delivered", number="+12025550144", values=("Fay",)),
)


@pytest.fixture
def sent(make_campaign, practice):
    def make(made=EVERY_STATE, **fields):
        return make_sent_campaign(make_campaign(), made, **{"carrier": practice, **fields})

    return make


def url(name, campaign):
    return reverse(f"campaigns:{name}", args=[campaign.key])


def numbers_of(source):
    return list(Recipient.objects.filter(source=source).values_list("number", flat=True))


@pytest.mark.parametrize("recipients", [True, False])
def test_a_copy_takes_content_and_settings_and_recipients_if_asked(recipients, sent, operator):
    campaign = sent(cost_centre="Logistics", content="Hi there")
    copy = copying.duplicate(campaign, operator, uuid.uuid4(), recipients=recipients)
    for name in ("scenario", "sender", "content", "cost_centre", "source", "workspace"):
        assert getattr(copy, name) == getattr(campaign, name)
    assert copy.name == f"{campaign.name} (copy)"
    assert (copy.recipients == campaign.recipients) == recipients
    assert (copy.state, copy.origin, copy.parent) == ("draft", "copy", campaign)


def test_a_copy_leaves_out_a_number_that_an_old_name_or_cost_centre_holds(sent, operator):
    campaign = sent(name="For 0491 570 006", cost_centre="+61491570006")
    copy = copying.duplicate(campaign, operator, uuid.uuid4(), recipients=True)
    assert (copy.name, copy.cost_centre) == ("For ••• (copy)", "•••")


def test_a_copy_carries_nothing_of_what_was_sent(sent, operator):
    campaign = sent()
    copy = copying.duplicate(campaign, operator, uuid.uuid4(), recipients=True)
    for name in ("carrier", "send_at", "submitted_at", "started_at", "ended_at"):
        assert getattr(copy, name) is None
    assert (copy.total, copy.prices, copy.digest, copy.sender_value) == (0, {}, "", "")
    assert not copy.is_scheduled
    assert not Message.objects.filter(campaign=copy).exists()


def test_asked_twice_there_is_one_copy_and_one_resend(sent, operator):
    campaign, first, second = sent(FAILED), uuid.uuid4(), uuid.uuid4()
    for _again in range(2):
        copying.duplicate(campaign, operator, first, recipients=True)
        copying.resend(campaign, operator, second, ["unreachable"])
    assert Campaign.objects.filter(parent=campaign).count() == 2
    assert AuditEvent.objects.filter(action="campaign.resend").count() == 1


def test_a_resend_goes_to_those_who_failed_for_the_chosen_reasons_with_their_values(sent, operator):
    campaign = sent(FAILED)
    chosen = ["unreachable", "expired"]
    draft = copying.resend(campaign, operator, uuid.uuid4(), chosen)
    rows = Recipient.objects.filter(source=draft.recipients).order_by("row")
    assert [(row.number, row.country, row.values) for row in rows] == [
        ("+12025550140", "US", ["Ann"]),
        ("+61491570006", "AU", ["Bo"]),
        ("+12025550142", "US", ["Di"]),
    ]
    source = draft.recipients
    assert (source.accepted, source.refused, source.countries) == (3, 0, {"US": 2, "AU": 1})
    assert source.variables == campaign.recipients.variables
    assert source.is_ready
    assert not source.needs_confirmation
    assert source.original_name == f"Resend of {campaign.label}"
    assert (draft.origin, draft.parent, draft.state) == ("resend", campaign, "draft")


def test_reasons_that_cannot_succeed_are_never_resent(sent, operator):
    campaign = sent(FAILED)
    with pytest.raises(copying.NothingToResend):
        copying.resend(campaign, operator, uuid.uuid4(), ["unknown_subscriber", "opted_out"])
    assert not Campaign.objects.filter(parent=campaign).exists()
    assert RecipientImport.objects.filter(original_name__startswith="Resend").count() == 0


def test_whoever_opted_out_since_is_left_out(sent, operator, workspace):
    campaign = sent(FAILED)
    OptOut.objects.create(workspace=workspace, number="+12025550140", source="sms")
    draft = copying.resend(campaign, operator, uuid.uuid4(), ["unreachable"])
    assert numbers_of(draft.recipients) == ["+61491570006"]
    assert draft.recipients.tally == {"opted_out": 1}


def test_codes_reach_people_who_opted_out_of_the_rest(sent, operator, workspace):
    campaign = sent(FAILED, scenario="otp")
    OptOut.objects.create(workspace=workspace, number="+12025550140", source="sms")
    draft = copying.resend(campaign, operator, uuid.uuid4(), ["unreachable"])
    assert draft.recipients.accepted == 2


def test_who_was_reached_meanwhile_is_not_written_to_again(sent, operator):
    campaign = sent(FAILED)
    Message.objects.filter(campaign=campaign, number="+12025550140").update(state="delivered")
    draft = copying.resend(campaign, operator, uuid.uuid4(), ["unreachable"])
    assert numbers_of(draft.recipients) == ["+61491570006"]


def test_rows_of_the_practice_carrier_stay_with_it_through_every_resend(sent, operator):
    campaign = sent(FAILED)
    draft = copying.resend(campaign, operator, uuid.uuid4(), ["unreachable"])
    assert draft.recipients.options["practice_only"] is True
    Campaign.objects.filter(pk=campaign.pk).update(carrier=None)
    campaign.refresh_from_db()
    campaign.recipients.options = {"practice_only": True}
    again = copying.resend(campaign, operator, uuid.uuid4(), ["expired"])
    assert again.recipients.options["practice_only"] is True


def test_the_cost_of_a_resend_is_that_of_the_failed_segments(sent):
    campaign = sent(FAILED)
    assert copying.resending(campaign, {"unreachable"}).cost == 31_000 + 54_000
    assert copying.resending(sent(FAILED, prices={}), {"unreachable"}).cost is None


def test_the_questions_say_how_many(signed_in, operator, sent):
    campaign = sent(FAILED)
    client = signed_in(operator)
    assert "Take the 6 recipients too" in client.get(url("duplicate", campaign)).content.decode()
    words = client.get(url("resend", campaign)).content.decode()
    assert "Resend to 3 failed numbers?" in words
    assert "Phone off or out of coverage, 2" in words
    assert "Number not in use" not in words
    assert "about $0.12" in words


def test_one_reason_can_be_chosen_by_its_button(signed_in, operator, sent):
    page = signed_in(operator).get(url("resend", sent(FAILED)) + "?reason=expired")
    boxes = page.content.decode().partition("<fieldset")[2].partition("</fieldset>")[0]
    assert boxes.count("checked") == 1


@pytest.mark.parametrize("name", ["duplicate", "resend"])
def test_the_forms_make_a_draft_and_lead_to_it(name, signed_in, operator, sent):
    campaign = sent(FAILED)
    client = signed_in(operator)
    given = {"token": str(uuid.uuid4()), "recipients": "on", "reasons": ["unreachable"]}
    first = client.post(url(name, campaign), given)
    second = client.post(url(name, campaign), given)
    draft = Campaign.objects.get(parent=campaign)
    assert first.url == second.url == reverse("campaigns:edit", args=[draft.key])


@pytest.mark.parametrize("reasons", [[], ["unknown_subscriber"], ["<b>"]])
def test_a_resend_without_a_good_reason_asks_again(reasons, signed_in, operator, sent):
    campaign = sent(FAILED)
    given = {"token": str(uuid.uuid4()), "reasons": reasons}
    page = signed_in(operator).post(url("resend", campaign), given)
    assert page.status_code == 200
    assert not Campaign.objects.filter(parent=campaign).exists()


@pytest.mark.parametrize("state", [CampaignState.SENDING, CampaignState.SCHEDULED])
def test_a_campaign_that_is_not_over_is_not_resent(state, signed_in, operator, sent):
    campaign = sent(FAILED, state=state)
    given = {"token": str(uuid.uuid4()), "reasons": ["unreachable"]}
    page = signed_in(operator).post(url("resend", campaign), given)
    assert "Wait until the campaign is completed" in page.content.decode()
    assert not Campaign.objects.filter(parent=campaign).exists()


@pytest.mark.parametrize(
    ("who", "expected"),
    [("operator", 200), ("admin", 200), ("colleague", 403), ("finance", 403), ("viewer", 403),
     ("stranger", 404)],
)  # fmt: skip
@pytest.mark.parametrize("name", ["duplicate", "resend"])
def test_text_and_numbers_are_copied_by_those_who_may_read_them(
    name, who, expected, request, signed_in, sent
):
    campaign = sent(FAILED)
    client = signed_in(request.getfixturevalue(who))
    assert client.get(url(name, campaign)).status_code == expected
    assert client.post(url(name, campaign), {"token": uuid.uuid4()}).status_code in (expected, 302)


def test_only_reasons_worth_it_are_retryable():
    assert {"unreachable", "expired", "sender_not_approved"} <= RETRYABLE
    assert not RETRYABLE & {"opted_out", "unknown_subscriber", "invalid_number", "no_receipt"}


def test_practised_rows_are_refused_at_submit_by_a_real_carrier(sent, operator, monkeypatch):
    draft = copying.resend(sent(FAILED), operator, uuid.uuid4(), ["unreachable"])
    monkeypatch.setattr(Carrier, "is_practice", False)
    with pytest.raises(CannotSubmit) as refused:
        submit(draft, operator)
    assert any("practice carrier" in str(p.sentence) for p in refused.value.problems)
    monkeypatch.undo()
    submit(draft, operator)
    assert draft.state == "scheduled"
