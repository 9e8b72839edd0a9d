"""Import Data as people meet it: upload, progress, questions, refused rows."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import load_workbook

from accounts.models import AuditEvent
from campaigns.importing.check import check
from campaigns.models import Campaign, ImportState, RecipientImport
from tests.campaigns.building import press_submit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("contexts")]
HTMX = {"HTTP_HX_REQUEST": "true"}
MIXED = (
    "phone_number,name,city\n+12025550123,Ann,Rome\n12345,Cy,Bonn\n+12025550124,=1+1,Oslo\n"
    "+12025550123,Ann,Rome\n"
)


@pytest.fixture
def client(signed_in: Callable[..., Any], operator: Any) -> Any:
    return signed_in(operator)


@pytest.fixture
def campaign(make_campaign: Any, tmp_path: Path, settings: Any) -> Any:
    settings.UPLOADS = tmp_path
    return make_campaign(
        source="import", manual_numbers="", recipients=None, content="Hi ${name}", numbers=[]
    )


def url(name: str, campaign: Campaign, *more: str) -> str:
    return reverse(f"campaigns:{name}", args=[campaign.key, *more])


def send(client: Any, campaign: Campaign, content: bytes | str, name: str = "list.csv") -> Any:
    content = content.encode() if isinstance(content, str) else content
    data = {
        "name": campaign.name, "content": campaign.content, "scenario": campaign.scenario,
        "sender": str(campaign.sender.key), "source": "import",
        "file": SimpleUploadedFile(name, content),
    }  # fmt: skip
    return client.post(url("upload", campaign), data)


def imported(client: Any, campaign: Campaign, content: bytes | str, **kwargs: Any) -> Any:
    assert send(client, campaign, content, **kwargs).url == url("numbers", campaign)
    campaign.refresh_from_db()
    check(campaign.recipients_id)
    campaign.recipients.refresh_from_db()
    return campaign.recipients


def page(response: Any) -> str:
    assert response.status_code == 200, response
    return response.content.decode()


def test_an_uploaded_file_lies_hashed_and_private_under_a_random_name(
    client: Any, campaign: Any, tmp_path: Path
) -> None:
    send(client, campaign, MIXED, name="../../my list.csv")
    source = RecipientImport.objects.get(is_manual=False)
    file = tmp_path / source.stored_name
    assert file.read_text() == MIXED
    assert file.stat().st_mode & 0o777 == 0o600
    assert source.original_name == "my list.csv"
    assert source.state == ImportState.CHECKING
    assert source.variables == ["name"]
    assert [path.name for path in tmp_path.iterdir()] == [source.stored_name]


@pytest.mark.parametrize(
    ("content", "limit", "said"),
    [(b"", 100, "The file is empty"), (b"x" * 2000, 1000, "larger than"), (None, 100, "Choose a")],
)
def test_a_file_that_cannot_be_taken_is_refused_and_the_form_keeps_its_words(
    client: Any, campaign: Any, settings: Any, tmp_path: Path, content: Any, limit: int, said: str
) -> None:
    settings.IMPORT_MAX_BYTES = limit
    campaign.name = "Kept words"
    if content is None:
        response = client.post(url("upload", campaign), {"name": "Kept words"})
    else:
        response = send(client, campaign, content)
    html = page(response)
    assert said in html
    assert "Kept words" in html
    assert list(tmp_path.iterdir()) == []
    assert not RecipientImport.objects.filter(is_manual=False).exists()


def test_the_token_of_the_form_is_checked_for_uploads_too(operator: Any, campaign: Any) -> None:
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator)
    assert send(strict, campaign, MIXED).status_code == 403


def test_progress_is_asked_for_until_the_result_is_there(client: Any, campaign: Any) -> None:
    send(client, campaign, MIXED)
    assert 'hx-trigger="every 1s"' in page(client.get(url("numbers", campaign)))
    RecipientImport.objects.update(rows_read=1_200, rows_total=18_000)
    html = page(client.get(url("numbers", campaign), **HTMX))
    assert "1,200 of about 18,000 rows" in html
    assert "<html" not in html
    campaign.refresh_from_db()
    check(campaign.recipients_id)
    assert client.get(url("numbers", campaign), **HTMX)["HX-Refresh"] == "true"


def test_the_result_names_every_refused_row(client: Any, campaign: Any) -> None:
    imported(client, campaign, MIXED)
    html = page(client.get(url("numbers", campaign)))
    for words in ("4 rows read", "Too short for its country", "Duplicate of an earlier row",
                  "12345", "The same as row 2, which is kept.", "city",
                  "Send to the 2 valid ones"):  # fmt: skip
        assert words in html, words


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("?reason=duplicate", [5]), ("?reason=invalid", [3]), ("?reason=opted_out", []),
        ("?page=1e9", [3, 5]), ("?page=-1", [3, 5]), ("?reason=<b>", []), ("?q=12345", [3, 5]),
    ],
)  # fmt: skip
def test_refused_rows_can_be_filtered_and_paged(
    client: Any, campaign: Any, query: str, rows: list[int]
) -> None:
    imported(client, campaign, MIXED)
    found = client.get(url("numbers", campaign) + query).context["page"]
    assert [problem.row for problem in found.object_list] == rows


@pytest.mark.parametrize(
    ("sought", "reason", "rows"),
    [("12345", "", [3]), ("5", "", [3, 5]), ("5", "duplicate", [5]), ("\0'\"%", "", []),
     ("x" * 10_000, "", [])],
)  # fmt: skip
def test_refused_rows_are_searched_by_post_as_the_words_may_be_a_number(
    client: Any, campaign: Any, sought: str, reason: str, rows: list[int]
) -> None:
    imported(client, campaign, MIXED)
    found = client.post(url("numbers", campaign), {"q": sought, "reason": reason})
    assert [problem.row for problem in found.context["page"].object_list] == rows


def test_refused_rows_are_downloaded_as_plain_text(client: Any, campaign: Any) -> None:
    imported(client, campaign, "phone_number,name\n+12025550123,Ann\n=1+1,Cy\n")
    book = load_workbook(io.BytesIO(b"".join(client.post(url("refused", campaign, "xlsx")))))
    assert [[c.value for c in row][:2] for row in book.active][1] == ["=1+1", "Cy"]
    assert book.active["A2"].data_type != "f"
    text = b"".join(client.post(url("refused", campaign, "csv"))).decode("utf-8-sig")
    assert "'=1+1" in text
    assert client.post(url("refused", campaign, "exe")).status_code == 404
    events = AuditEvent.objects.filter(action="import.refused_download")
    assert [event.data["form"] for event in events.order_by("pk")] == ["xlsx", "csv"]


def test_nothing_is_sent_to_the_valid_ones_before_somebody_says_so(
    client: Any, campaign: Any, operator: Any
) -> None:
    source = imported(client, campaign, MIXED)
    html = page(client.get(url("review", campaign)))
    assert "2 rows were refused" in html
    press_submit(client, campaign)
    campaign.refresh_from_db()
    assert campaign.state == "draft"
    seen = {"to": "review", "list": source.pk}
    assert client.post(url("confirm", campaign), seen).url == url("review", campaign)
    source.refresh_from_db()
    assert source.confirmed_by == operator
    press_submit(client, campaign)
    campaign.refresh_from_db()
    assert campaign.state == "scheduled"


def test_numbers_without_a_country_are_checked_again_for_one(client: Any, campaign: Any) -> None:
    source = imported(client, campaign, "phone_number,name\n0491570006,Ann\n0491 570 156,Bo\n")
    assert source.accepted == 0
    assert "Numbers without a country code" in page(client.get(url("numbers", campaign)))
    client.post(url("check_again", campaign), {"country": "AU"})
    campaign.refresh_from_db()
    check(campaign.recipients_id)
    fresh = RecipientImport.objects.get(pk=campaign.recipients_id)
    assert (fresh.accepted, fresh.default_country) == (2, "AU")
    assert RecipientImport.objects.get(pk=source.pk).accepted == 0  # the old one stays
    assert client.post(url("check_again", campaign), {"country": "XX"}).status_code == 404


def test_a_question_is_answered_and_the_file_read(client: Any, campaign: Any) -> None:
    source = imported(client, campaign, "customer,name\n+12025550123,Ann\n")
    html = page(client.get(url("numbers", campaign)))
    assert "Which column holds the phone numbers?" in html
    client.post(url("answer", campaign), {"choice": "nonsense"})
    source.refresh_from_db()
    assert source.state == ImportState.ASKING
    client.post(url("answer", campaign), {"choice": "customer"})
    check(source.pk)
    source.refresh_from_db()
    assert source.accepted == 1


def test_a_csv_named_xlsx_is_asked_about(client: Any, campaign: Any) -> None:
    source = imported(client, campaign, MIXED, name="list.xlsx")
    assert "Read it as a CSV file" in page(client.get(url("numbers", campaign)))
    client.post(url("answer", campaign), {"choice": "csv"})
    check(source.pk)
    source.refresh_from_db()
    assert source.accepted == 2


def test_a_refused_file_says_what_to_do(client: Any, campaign: Any) -> None:
    imported(client, campaign, b"MZ\x00\x01program", name="list.csv")
    html = page(client.get(url("numbers", campaign)))
    assert "This is a program" in html
    assert "Choose another file" in html


def test_the_same_file_again_is_told_with_a_link(
    client: Any, campaign: Any, make_campaign: Any
) -> None:
    imported(client, campaign, MIXED)
    other = make_campaign(content="Hi ${name}", source="import")
    imported(client, other, MIXED)
    html = page(client.get(url("numbers", other)))
    assert "imported before" in html
    assert url("detail", campaign) in html


def test_a_variable_written_after_the_import_is_read_from_the_same_file(
    client: Any, campaign: Any
) -> None:
    imported(client, campaign, MIXED)
    data = {
        "name": campaign.name, "scenario": "notification", "sender": str(campaign.sender.key),
        "source": "import", "content": "Hi ${name} in ${city}", "next": "review",
    }  # fmt: skip
    assert client.post(url("edit", campaign), data).url == url("numbers", campaign)
    campaign.refresh_from_db()
    check(campaign.recipients_id)
    fresh = RecipientImport.objects.get(pk=campaign.recipients_id)
    assert fresh.variables == ["name", "city"]
    assert fresh.recipients.get(row=2).values == ["Ann", "Rome"]


def test_rows_that_do_not_fit_are_left_out_on_request(client: Any, campaign: Any) -> None:
    long = "x" * 190
    Campaign.objects.update(content="${name}" * 9)
    campaign.refresh_from_db()
    text = f"phone_number,name\n+12025550123,Ann\n+12025550124,{long}\n"
    imported(client, campaign, text)
    html = page(client.get(url("review", campaign)))
    assert "Leave these rows out" in html
    client.post(url("leave_out", campaign))
    campaign.refresh_from_db()
    check(campaign.recipients_id)
    client.post(url("confirm", campaign), {"list": campaign.recipients_id})
    press_submit(client, campaign)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.total) == ("scheduled", 1)


def test_hostile_cells_stay_text_on_the_page(client: Any, campaign: Any) -> None:
    imported(client, campaign, "phone_number,name\n<script>alert(1)</script>,{{ 7 }}\n1,2\n")
    html = page(client.get(url("numbers", campaign)))
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html


def test_a_file_can_be_read_with_another_delimiter(client: Any, campaign: Any) -> None:
    Campaign.objects.update(content="Hello")
    campaign.refresh_from_db()
    imported(client, campaign, "phone_number;name\n+12025550123;Ann\n")
    html = page(client.get(url("numbers", campaign)))
    assert "Cells are separated by" in html
    assert '<option value=";" selected>' in html
    client.post(url("check_again", campaign), {"delimiter": ","})
    campaign.refresh_from_db()
    check(campaign.recipients_id)
    fresh = RecipientImport.objects.get(pk=campaign.recipients_id)
    assert fresh.options["answers"] == {"delimiter": ","}
    assert fresh.state != ImportState.CHECKING


def test_a_file_is_checked_again_after_the_content_was_corrected(
    client: Any, campaign: Any
) -> None:
    imported(client, campaign, "phone_number,other\n+12025550123,Ann\n")
    assert "Check the same file again" in page(client.get(url("numbers", campaign)))
    Campaign.objects.update(content="Hi ${other}")
    client.post(url("check_again", campaign))
    campaign.refresh_from_db()
    check(campaign.recipients_id)
    assert RecipientImport.objects.get(pk=campaign.recipients_id).accepted == 1


TWICE = "phone_number,name\n" + "".join(
    f"+120255501{end},{name}\n"
    for end, name in ((23, "Ann"), (24, "Bo"), (23, "Cy"), (23, "Di"), (25, "Ed"), (25, "Flo"))
)


def test_numbers_that_get_several_messages_are_a_risk_of_the_review_and_can_be_seen(
    client: Any, campaign: Any
) -> None:
    source = imported(client, campaign, TWICE)
    assert (source.about["repeated"], source.about["doubled"]) == (3, 2)
    review = page(client.get(url("review", campaign)))
    assert "2 numbers get more than one message." in review
    there = url("numbers", campaign) + "?reason=repeated#rows"
    assert f'href="{there}"' in review
    html = page(client.get(there))
    table = html.partition('class="table-responsive"')[2] or html
    assert html.count("listed more than once with different values") == 5
    assert "+12025550123" not in table
    assert (
        page(client.post(url("numbers", campaign), {"reason": "repeated", "q": "4"})).count(
            "listed more than once with different values"
        )
        == 1
    )


def test_a_list_without_the_rows_of_a_country_counts_them_anew(client: Any, campaign: Any) -> None:
    imported(client, campaign, TWICE + "+61491570006,Gus\n+61491570006,Hal\n")
    assert campaign.recipients.about["doubled"] == 3
    client.post(url("leave_out", campaign), {"country": "AU"})
    campaign.refresh_from_db()
    check(campaign.recipients_id)
    campaign.recipients.refresh_from_db()
    assert (campaign.recipients.about["repeated"], campaign.recipients.about["doubled"]) == (3, 2)


def test_a_list_of_before_is_counted_when_it_is_reviewed(client: Any, campaign: Any) -> None:
    source = imported(client, campaign, TWICE)
    about = {name: value for name, value in source.about.items() if name != "doubled"}
    RecipientImport.objects.filter(pk=source.pk).update(about=about)
    assert "2 numbers get more than one message." in page(client.get(url("review", campaign)))


def test_countries_to_choose_from_stand_by_name_and_can_be_searched(
    client: Any, campaign: Any
) -> None:
    imported(client, campaign, "phone_number,name\n0491 570 006,Ann\n+12025550123,Bo\n")
    for html in (
        page(client.get(url("numbers", campaign))),
        page(client.get(reverse("optouts:import"))),
    ):
        select = re.search(r"<select[^>]*data-find.*?</select>", html, re.DOTALL)
        names = re.findall(r"<option value=.[A-Z]{2}.[^>]*>([^<(]+)", select[0] if select else "")
        assert len(names) > 200
        assert names == sorted(names)
        assert "find.js" in html
