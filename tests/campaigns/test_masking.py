"""SR19: no page, part of a page, file, notice or trail shows a number or, to others, the text.

Every address of the campaigns is asked by every role; what comes back is searched whole, with its
attributes. The one exception is the field in which its author types the numbers of a draft.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from itertools import chain
from typing import Any

import phonenumbers
import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Notice
from campaigns import announcing, copying, drafting, urls
from campaigns.models import Campaign, ImportProblem, Message, RecipientImport, Reveal
from campaigns.states import CampaignState as S
from tests.campaigns.building import EVERY_STATE, make_sent_campaign, revealed

TEXT = "Hi ${name}, the locksmith comes at ${slot}"
RENDERED = "Hi Zebediah, the locksmith comes at noon"
SECRETS = ("locksmith", "Zebediah")
TYPED = ["+12025550142", "+12025550143"]
RAW = "0491 570 156 Ann"
NUMBERS = ["+12025550171", "+61491570006", "+61491570156", *TYPED]
WRITERS, OTHERS = ("operator", "admin"), ("colleague", "finance", "viewer")
FIELD = re.compile(r'<textarea[^>]*id="id_manual_numbers".*?</textarea>', re.DOTALL)
EXAMPLE = re.compile(r'placeholder="[^"]*"')
PARTS = ("live", "side", "chart", "phone-rows")
WITH_VALUES = [replace(row, values=("Zebediah", "noon")) for row in EVERY_STATE]
MADE = [
    *WITH_VALUES,
    replace(
        WITH_VALUES[3], number="+12025550171", reason="unknown", detail="to 12025550171 err:027"
    ),
]


@pytest.fixture
def campaigns(make_campaign, practice, operator, settings, tmp_path):
    """One of every state that looks different, all of the operator."""
    settings.EXPORTS = tmp_path
    found = {"typed": make_campaign(TYPED, content="The locksmith comes at noon")}
    for state in (S.DRAFT, S.SCHEDULED, S.SENDING, S.SUSPENDED, S.COMPLETED):
        extra = {"ended_at": None} if state != S.COMPLETED else {}
        campaign = make_sent_campaign(
            make_campaign(content=TEXT), MADE, carrier=practice, state=state, content=TEXT,
            manual_numbers="", **extra,
        )  # fmt: skip
        found[str(state)] = campaign
        source = campaign.recipients
        source.about = {"samples": [["0491570006", "+61491570006"]], "notices": ["Seen"]}
        source.finished_at = timezone.now()
        source.save()
        ImportProblem.objects.create(
            source=source, row=4, column="phone_number", raw=RAW, code="not_valid", sentence="No."
        )
    Message.objects.update(text=RENDERED)
    announcing.announce(found["completed"], "completed")
    return found


def leaks(words: str, numbers: list[str] = NUMBERS) -> list[str]:
    """Numbers in *words*, however they are grouped."""
    found = [n for n in numbers if re.search(r"[\s().-]{0,2}".join(n[-8:]), words)]
    return found + [secret for secret in SECRETS if secret in words]


def addresses(client, campaigns):
    """Every address of the campaigns. A sample file shows numbers that belong to nobody."""
    names = {pattern.name: pattern.pattern.converters for pattern in urls.urlpatterns}
    for name in names.keys() - {"job", "download", "sample"}:
        for about in ("completed", "draft"):
            given = {"key": campaigns[about].key, "kind": "csv"}
            args = {one: value for one, value in given.items() if one in names[name]}
            yield f"{name} {about}", client.get(reverse(f"campaigns:{name}", kwargs=args))
    for name in ("edit", "review", "send_test", "side"):
        here = reverse(f"campaigns:{name}", args=[campaigns["typed"].key])
        yield f"{name} typed", client.get(here)
    for path in ("overview", "search", "accounts:notices", "campaigns:list"):
        yield path, client.get(reverse(path))


def parts_and_files(client, campaigns):
    """What the details page asks for itself, what is searched, what is taken away."""
    for about, campaign in campaigns.items():
        here = reverse("campaigns:detail", args=[campaign.key])
        yield f"detail {about}", client.get(here)
        for part in PARTS:
            htmx = {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": part}
            yield f"{part} {about}", client.post(here, {"q": "0006"}, **htmx)
    for form in ("csv", "xlsx"):
        export = reverse("campaigns:export", args=[campaigns["completed"].key])
        yield f"export {form}", client.post(export, {"form": form})
    reference = Message.objects.filter(campaign=campaigns["completed"]).latest("pk").reference
    for sought in ("0006", "0171", "locksmith", str(reference)):
        yield f"search {sought[:4]}", client.post(reverse("search"), {"q": sought})


def text_of(answer) -> str:
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return data.decode("utf-8", "replace")


@pytest.mark.parametrize("who", [*WRITERS, *OTHERS, "stranger"])
def test_no_number_is_in_any_answer_and_no_text_in_those_to_others(
    who, request, signed_in, campaigns
):
    client = signed_in(request.getfixturevalue(who))
    seen, faults = 0, {}
    walk = chain(addresses(client, campaigns), parts_and_files(client, campaigns))
    for name, answer in walk:
        words = text_of(answer).replace('value="locksmith"', "")  # the search's own field
        words = EXAMPLE.sub("", FIELD.sub("", words) if who == "operator" else words)
        if answer.status_code == 200:
            seen += 1
        found = [one for one in leaks(words) if who in OTHERS or one not in SECRETS]
        if found:
            faults[name] = found
    assert not faults
    assert seen >= {"operator": 50, "admin": 50, "stranger": 4}.get(who, 35)


def test_the_walk_would_see_a_number(signed_in, operator, campaigns):
    revealed(campaigns["completed"], operator)
    here = reverse("campaigns:detail", args=[campaigns["completed"].key])
    words = text_of(signed_in(operator).post(here, {"q": "0171"}))
    assert leaks(words, NUMBERS[:1]) == ["+12025550171", "locksmith"]
    assert leaks("Call +61 491-570 (006)") == ["+61491570006"]
    assert leaks("0491570156", ["+61491570156"])


def test_a_reveal_shows_no_text_to_anybody_else(signed_in, colleague, operator, campaigns):
    campaign = revealed(campaigns["completed"], operator)
    here = reverse("campaigns:detail", args=[campaign.key])
    assert leaks(text_of(signed_in(colleague).get(here))) == []


def test_what_the_author_types_stays_as_it_was_typed(signed_in, operator, campaigns):
    page = signed_in(operator).get(reverse("campaigns:edit", args=[campaigns["typed"].key]))
    assert "\n".join(TYPED) in FIELD.search(text_of(page))[0]


def form_on(page: str) -> dict[str, str]:
    """What a browser would post of the text fields of the page."""
    found = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    areas = re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\n?(.*?)</textarea>', page, re.DOTALL)
    return {**found, **dict(areas), "source": "manual", "scenario": "notification"}


def test_an_admin_changes_a_draft_and_never_writes_over_the_numbers_that_are_masked(
    signed_in, admin, campaigns
):
    draft = campaigns["typed"]
    here, client = reverse("campaigns:edit", args=[draft.key]), signed_in(admin)
    page = text_of(client.get(here))
    assert "2 numbers, typed by Mei Lin Tan." in page
    assert "+1 20 ••• 0142" in page
    given = form_on(page) | {"name": "Another name", "sender": draft.sender.key}
    assert "manual_numbers" not in given
    assert client.post(here, given, HTTP_HX_REQUEST="true").status_code == 200
    assert client.post(here, given | {"next": "review"}).status_code == 302
    draft.refresh_from_db()
    assert (draft.name, draft.manual_numbers) == ("Another name", "\n".join(TYPED))


def test_numbers_that_are_wrong_are_named_without_showing_them(signed_in, admin, campaigns):
    draft, client = campaigns["typed"], signed_in(admin)
    Campaign.objects.filter(pk=draft.pk).update(manual_numbers="+120255501423333")
    here = reverse("campaigns:edit", args=[draft.key])
    posted = client.post(here, form_on(text_of(client.get(here))) | {"next": "review"})
    review = client.get(reverse("campaigns:review", args=[draft.key]))
    for answer in (client.get(f"{here}?check=1"), posted, review):
        words = text_of(answer)
        assert "Number 1, +12" in words
        assert "2025550142" not in words


def test_a_wrong_number_stays_masked_however_letters_break_it_and_in_what_is_said_of_it(
    signed_in, admin, campaigns
):
    draft, client = campaigns["typed"], signed_in(admin)
    mexican = f"+521{phonenumbers.example_number('MX').national_number}"  # its hint repeats it
    typed = "+1202abc5550142\n0491 x 570 call 156\n\u2070\u2074\u2079\u00b9abc\u2075\u20777156\n"
    Campaign.objects.filter(pk=draft.pk).update(manual_numbers=typed + mexican)
    here = reverse("campaigns:edit", args=[draft.key])
    page = text_of(client.get(here))
    posted = text_of(client.post(here, form_on(page) | {"next": "review"}))
    assert "Number 4" in posted
    for words in (page, posted):
        for part in ("abc5550142", "570 call", "abc\u2075\u2077", mexican[-8:]):
            assert part not in words
        assert "+12\u00a0•••\u00a00142" in words


def test_an_admin_reveals_typed_numbers_with_a_reason_and_may_change_them_then(
    signed_in, admin, campaigns
):
    draft, client = campaigns["typed"], signed_in(admin)
    here = reverse("campaigns:edit", args=[draft.key])
    ask = reverse("campaigns:reveal", args=[draft.key]) + "?to=edit"
    assert ask in text_of(client.get(here))
    assert client.post(ask, {"reason": "Complaint 12"}).url == here
    page = text_of(client.get(here))
    assert "\n".join(TYPED) in FIELD.search(page)[0]
    assert AuditEvent.objects.filter(action="campaign.reveal", actor=admin).count() == 1
    client.post(here, form_on(page) | {"manual_numbers": TYPED[1]}, HTTP_HX_REQUEST="true")
    draft.refresh_from_db()
    assert draft.manual_numbers == TYPED[1]
    client.post(reverse("campaigns:hide", args=[draft.key]))
    assert leaks(text_of(client.get(here))) == ["locksmith"]


@pytest.mark.parametrize("typed_in", ["0491570006\0", "\0"])
def test_what_cannot_be_kept_tells_nothing_of_the_numbers_that_are(
    typed_in, signed_in, admin, campaigns
):
    """A posted field that the draft cannot hold is judged by what it holds: masked."""
    draft, client = campaigns["typed"], signed_in(admin)
    broken = "+12025550142 Zebediah"
    Campaign.objects.filter(pk=draft.pk).update(manual_numbers=broken)
    here = reverse("campaigns:edit", args=[draft.key])
    given = form_on(text_of(client.get(here))) | {"manual_numbers": typed_in}
    for more in ({}, {"next": "review"}, {"check": "1"}):
        words = text_of(client.post(here, given | more))
        assert not set(leaks(words, TYPED)) & set(TYPED)
    draft.refresh_from_db()
    assert draft.manual_numbers == broken


def test_a_copy_of_a_colleagues_draft_shows_no_number_that_was_typed(signed_in, admin, campaigns):
    """The copy is the admin's own, and what a colleague typed stays masked in it."""
    client = signed_in(admin)
    key = uuid.uuid4()
    url = reverse("campaigns:duplicate", args=[campaigns["typed"].key])
    made = client.post(url, {"token": key, "recipients": "on"}).url
    assert leaks(text_of(client.get(made)), TYPED) == ["locksmith"]
    given = form_on(text_of(client.get(made)))
    copy = Campaign.objects.get(key=key)
    given |= {"name": copy.name, "sender": copy.sender.key, "source": copy.source}
    answer = client.post(made, given | {"next": "review"})
    review = text_of(client.get(answer.url))
    assert leaks(review, TYPED) == ["locksmith"]
    assert "Submit" in review
    assert sorted(copy.recipients.recipients.values_list("number", flat=True)) == TYPED


def test_refused_rows_stay_masked_however_somebody_else_has_them_checked_again(
    signed_in, operator, admin, campaigns
):
    """Checked again by an admin and copied, they are still the operator's rows."""
    client, draft = signed_in(admin), campaigns["draft"]
    drafting.leave_out(draft, admin)
    assert draft.recipients.created_by == admin
    ImportProblem.objects.create(
        source=draft.recipients, row=4, column="phone_number", raw=RAW, code="not_valid",
        sentence="No.",
    )  # fmt: skip
    RecipientImport.objects.filter(pk=draft.recipients_id).update(state="ready")
    key = uuid.uuid4()
    given = {"token": key, "recipients": "on"}
    client.post(reverse("campaigns:duplicate", args=[draft.key]), given)
    copy = Campaign.objects.get(key=key)
    for one in (draft, copy):
        answer = client.post(reverse("campaigns:refused", args=[one.key, "csv"]))
        assert (answer.status_code, RAW in text_of(answer)) == (302, False)
    path = reverse("campaigns:refused", args=[draft.key, "csv"])
    assert RAW in text_of(signed_in(operator).post(path))


def test_an_open_page_of_before_the_reveal_takes_nothing_away(signed_in, admin, campaigns):
    draft, client = campaigns["typed"], signed_in(admin)
    here = reverse("campaigns:edit", args=[draft.key])
    given = form_on(text_of(client.get(here)))
    revealed(draft, admin)
    client.post(here, given, HTTP_HX_REQUEST="true")
    draft.refresh_from_db()
    assert draft.manual_numbers == "\n".join(TYPED)


def test_no_notice_and_no_audit_entry_holds_a_number_or_a_text(signed_in, operator, campaigns):
    client, campaign = signed_in(operator), campaigns["completed"]
    client.post(reverse("campaigns:reveal", args=[campaign.key]), {"reason": "Complaint 12"})
    given = {"form": "csv", "numbers": "whole", "q": "+61491570006"}
    text_of(client.post(reverse("campaigns:export", args=[campaign.key]), given))
    text_of(client.post(reverse("campaigns:refused", args=[campaign.key, "csv"])))
    client.post(reverse("search"), {"q": "+61491570006"})
    client.post(reverse("campaigns:hide", args=[campaign.key]))
    again = {"token": uuid.uuid4(), "recipients": "on"}
    client.post(reverse("campaigns:duplicate", args=[campaign.key]), again)
    events = AuditEvent.objects.all()
    actions = set(events.values_list("action", flat=True))
    assert actions >= {"campaign.reveal", "campaign.export", "import.refused_download",
                       "search.number", "campaign.hide"}  # fmt: skip
    written = [f"{event.label} {event.data}" for event in events]
    written += [f"{notice.title} {notice.body} {notice.path}" for notice in Notice.objects.all()]
    assert [leaks(words) for words in written if leaks(words)] == []


def test_refused_rows_are_downloaded_in_clear_by_whose_list_it_is(request, signed_in, campaigns):
    """Its author repairs them and imports them again, so that no reason is asked."""
    path = reverse("campaigns:refused", args=[campaigns["draft"].key, "csv"])
    for who in ("operator", *OTHERS, "stranger"):
        client = signed_in(request.getfixturevalue(who))
        answer = client.post(path)
        expected = 200 if who == "operator" else 404 if who == "stranger" else 403
        assert (who, answer.status_code) == (who, expected)
        assert (RAW in text_of(answer)) == (who == "operator")
        assert client.get(path).status_code in (405, 403)
    assert AuditEvent.objects.filter(action="import.refused_download").count() == 1
    assert Campaign.objects.filter(state="draft").exists()


def test_an_admin_downloads_refused_rows_of_others_only_after_a_reason(signed_in, admin, campaigns):
    """A list that an admin checked again is still somebody else's."""
    campaign, client = campaigns["draft"], signed_in(admin)
    path = reverse("campaigns:refused", args=[campaign.key, "csv"])
    RecipientImport.objects.filter(pk=campaign.recipients_id).update(created_by=admin)
    answer = client.post(path)
    assert answer.url == reverse("campaigns:reveal", args=[campaign.key]) + "?to=numbers"
    assert not AuditEvent.objects.filter(action="import.refused_download").exists()
    back = client.post(answer.url, {"reason": "The author is on leave"})
    assert back.url == reverse("campaigns:numbers", args=[campaign.key])
    assert RAW in text_of(client.post(path))
    assert AuditEvent.objects.get(action="import.refused_download").actor == admin
    Reveal.objects.update(until=timezone.now())
    assert client.post(path).status_code == 302


def test_a_copy_brings_no_numbers_that_somebody_else_typed_before_a_file_came(
    make_campaign: Any, operator: Any, make_person: Any, workspace: Any, signed_in: Any
) -> None:
    campaign = make_campaign(["+12025550143"])
    typed = {"source": "import", "manual_numbers": "+12025550142"}
    Campaign.objects.filter(pk=campaign.pk).update(**typed)
    about = {"is_manual": False, "original_name": "a.csv"}
    RecipientImport.objects.filter(pk=campaign.recipients_id).update(**about)
    client = signed_in(make_person("admin", workspace, "Other Admin"))
    address = reverse("campaigns:duplicate", args=[campaign.key])
    client.post(address, {"token": str(uuid.uuid4()), "recipients": "on"})
    copy = Campaign.objects.get(parent=campaign)
    assert copy.manual_numbers == ""
    mine = copying.duplicate(campaign, operator, uuid.uuid4(), recipients=True)
    assert mine.manual_numbers == "+12025550142"
