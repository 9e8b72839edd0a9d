"""Files as people bring them, from the upload to the text that would be sent."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import Workbook

from accounts.models import Throttle
from campaigns.importing.check import check
from campaigns.models import Campaign, RecipientImport
from sms.template import compile
from sms.text import measure

pytestmark = pytest.mark.django_db
ONE, TWO = "+12025550123", "+12025550124"
LIST = f"phone_number,name\n{ONE},Ann\n"


@pytest.fixture
def client(signed_in: Callable[..., Any], operator: Any) -> Client:
    client = signed_in(operator)
    client.raise_request_exception = False
    return client


@pytest.fixture
def uploads(settings: Any, tmp_path: Path) -> Path:
    settings.UPLOADS = tmp_path / "uploads"
    return settings.UPLOADS


@pytest.fixture
def campaign(make_campaign: Any, uploads: Path) -> Campaign:
    return make_campaign(
        source="import", manual_numbers="", recipients=None, content="Hi ${name}", numbers=[]
    )


def given(campaign: Campaign, **more: Any) -> dict[str, Any]:
    return {
        "name": campaign.name, "content": campaign.content, "scenario": campaign.scenario,
        "sender": str(campaign.sender.key), "source": "import", **more,
    }  # fmt: skip


def url(name: str, campaign: Campaign) -> str:
    return reverse(f"campaigns:{name}", args=[campaign.key])


def send(
    client: Client, campaign: Campaign, content: bytes | str, name: str = "list.csv", **more: Any
) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    file = SimpleUploadedFile(name, raw, **more)
    return client.post(url("upload", campaign), given(campaign, file=file))


def send_raw(client: Client, campaign: Campaign, files: list[tuple[str, str]]) -> Any:
    """Post files by field and name as they are, where a client would make them proper."""
    edge, head = "b0undary", "Content-Disposition: form-data; name="
    parts = [f'{head}"{key}"\r\n\r\n{value}' for key, value in given(campaign).items()]
    parts += [f'{head}"{field}"; filename="{name}"\r\nContent-Type: text/csv\r\n\r\n{LIST}'
              for field, name in files]  # fmt: skip
    body = "".join(f"--{edge}\r\n{part}\r\n" for part in parts) + f"--{edge}--\r\n"
    kind = f"multipart/form-data; boundary={edge}"
    return client.post(url("upload", campaign), body.encode(), content_type=kind)


def checked(campaign: Campaign) -> RecipientImport:
    campaign.refresh_from_db()
    assert campaign.recipients is not None
    check(campaign.recipients.pk)
    campaign.recipients.refresh_from_db()
    return campaign.recipients


def imported(client: Client, campaign: Campaign, content: bytes | str, **more: Any) -> Any:
    assert send(client, campaign, content, **more).status_code == 302
    return checked(campaign)


def shown(client: Client, campaign: Campaign) -> str:
    answer = client.get(url("numbers", campaign))
    assert answer.status_code == 200, answer
    return answer.content.decode()


@pytest.mark.parametrize(
    ("encoding", "name", "label"),
    [("gb18030", "李梅", "Chinese (GB18030)"), ("cp1252", "Zoë", "Western European"),
     ("shift_jis", "東京", "Japanese (Shift-JIS)")],
)  # fmt: skip
def test_an_encoding_is_chosen_by_how_the_file_reads_in_it(
    client: Client, campaign: Campaign, encoding: str, name: str, label: str
) -> None:
    """U35"""
    imported(client, campaign, f"phone_number,name\n{ONE},{name}\n".encode(encoding))
    html = shown(client, campaign)
    assert "In which encoding is this line right?" in html
    assert label in html
    assert f",{name}</bdi>" in html
    assert ONE not in html
    client.post(url("answer", campaign), {"choice": encoding})
    assert checked(campaign).recipients.get().values == [name]


def test_a_byte_far_down_that_is_not_utf8_costs_its_row(client: Client, campaign: Campaign) -> None:
    """U36"""
    rows = [b"%s,x%d" % (ONE.encode(), n) for n in range(2, 40_001)]
    content = b"\n".join([b"phone_number,name", *rows, TWO.encode() + b",Zo\xeb"])
    source = imported(client, campaign, content)
    problem = source.problems.get()
    assert (problem.row, problem.code, source.accepted) == (40_001, "not_utf8_row", 39_999)


def test_variables_that_may_be_empty_are_chosen_after_rows_were_refused_for_them(
    client: Client, campaign: Campaign
) -> None:
    """U51"""
    source = imported(client, campaign, f"phone_number,name\n{ONE},Ann\n{TWO},\n")
    assert (source.accepted, source.tally) == (1, {"value_missing": 1})
    assert "name may be empty" in shown(client, campaign)
    client.post(url("check_again", campaign), {"empties": "1", "allow_empty": ["name", "other"]})
    source = checked(campaign)
    assert (source.accepted, source.refused) == (2, 0)
    assert source.options["answers"] == {"allow_empty": ["name"]}
    assert 'value="name" checked' in shown(client, campaign)
    client.post(url("check_again", campaign), {"empties": "1"})
    assert checked(campaign).accepted == 1


VALUES = [
    pytest.param("שלום עולם", 12, id="U54-right-to-left"),
    pytest.param("👍🏽", 7, id="U54-emoji"),
    pytest.param("e\u0323\u0301", 5, id="U54-combining"),
    pytest.param("👩‍👩‍👧", 11, id="U54-joined"),
    pytest.param("${other} ${name}", None, id="U55"),
    pytest.param("<script>alert(1)</script>", None, id="U56-script"),
    pytest.param("Robert'); DROP TABLE x;--", None, id="U56-quotes"),
    pytest.param("{{ settings }} {% if 1 %} %s %(x)s", None, id="U56-templates"),
    *(pytest.param(f"{sign}1+1", None, id=f"U57-{ord(sign):x}") for sign in "=+-@＝＋－＠"),
]


@pytest.mark.parametrize(("value", "units"), VALUES)
def test_a_value_is_sent_as_it_was_written(
    client: Client, campaign: Campaign, value: str, units: int | None
) -> None:
    book = Workbook()
    for line in (["phone_number", "name", "other"], [ONE, "", "no"]):
        book.active.append(line)
    book.active["B2"].value, book.active["B2"].data_type = value, "s"
    content = io.BytesIO()
    book.save(content)
    source = imported(client, campaign, content.getvalue(), name="list.xlsx")
    text = compile(campaign.content).render_list(source.recipients.get().values)
    assert text == "Hi " + unicodedata.normalize("NFC", value)
    if units:
        assert (measure(text).encoding, measure(text).units) == ("UCS-2", units)
    for page in ("edit", "numbers", "review"):
        html = client.get(url(page, campaign)).content.decode()
        assert "<script>alert" not in html


def test_half_a_character_is_a_row_to_mend(client: Client, campaign: Campaign) -> None:
    """U54"""
    content = f"phone_number,name\n{ONE},A".encode("utf-16") + b"\x3d\xd8" + "\n".encode("utf-16le")
    source = imported(client, campaign, content)
    assert source.tally == {"lone_surrogate": 1}
    assert "half of a character" in shown(client, campaign)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../etc/x.csv", "x.csv"), ("a" * 400 + ".csv", "a" * 110 + "….csv"),
        ("\u202egpj.csv", "gpj.csv"), ("a\nb\r.csv", "ab.csv"), ("a\x00b.csv", "ab.csv"),
        ("con.csv", "con.csv"), ("<b>.csv", "<b>.csv"), ("C:\\dir\\y.csv", "y.csv"),
    ],
)  # fmt: skip
def test_a_file_name_is_a_label_and_never_a_path(
    client: Client, campaign: Campaign, uploads: Path, name: str, label: str
) -> None:
    """U58 SR35: stored under a random name, in a folder of ours alone, never served."""
    shown_name = name.replace("\\", "\\\\").replace("\n", "%0A").replace("\r", "%0D")
    answer = send_raw(client, campaign, [("file", shown_name)])
    assert answer.status_code == 302
    source = checked(campaign)
    assert source.original_name.replace("%0A", "").replace("%0D", "") == label
    (stored,) = uploads.iterdir()
    assert stored.name == source.stored_name
    assert len(stored.name) == 32
    assert int(stored.name, 16)
    assert (stored.stat().st_mode & 0o777, uploads.stat().st_mode & 0o777) == (0o600, 0o700)
    for path in (f"/{stored.name}", f"/static/{stored.name}", f"/uploads/{stored.name}"):
        assert client.get(path).status_code == 404
    taken = client.post(reverse("campaigns:refused", args=[campaign.key, "csv"]))
    b"".join(taken)
    assert "\n" not in taken["Content-Disposition"]
    assert "/" not in taken["Content-Disposition"].split("filename", 1)[1]


@pytest.mark.parametrize("kind", ["image/png", "application/x-msdownload", "", "text/html; x=\"'"])
def test_the_content_decides_whatever_the_type_says(
    client: Client, campaign: Campaign, kind: str
) -> None:
    """U59"""
    source = imported(client, campaign, LIST, content_type=kind)
    assert (source.accepted, source.about["kind"]) == (1, "csv")


def test_a_file_of_a_field_without_a_name_is_not_left_on_the_disk(
    client: Client, campaign: Campaign, uploads: Path
) -> None:
    """Django says of no such file that it is complete, not even when the next one begins."""
    for names in (["", "file"], ["", ""], ["", "", "file"]):
        answer = send_raw(client, campaign, [(name, "list.csv") for name in names])
        assert "Several files were chosen" in answer.content.decode()
        assert list(uploads.iterdir()) == []


def test_two_files_in_one_field_are_refused_with_a_sentence(
    client: Client, campaign: Campaign, uploads: Path
) -> None:
    """U60"""
    files = [SimpleUploadedFile(name, LIST.encode()) for name in ("a.csv", "b.csv")]
    answer = client.post(url("upload", campaign), given(campaign, file=files))
    assert "Several files were chosen" in answer.content.decode()
    assert list(uploads.iterdir()) == []


@pytest.mark.parametrize(
    "fields", [{f"f{n}": "x" for n in range(1001)}, {"content": "x" * 30_000_000}],
    ids=["U60-1001-fields", "U60-30-MB-field"],
)  # fmt: skip
@pytest.mark.parametrize("page", ["upload", "edit"])
def test_a_form_beyond_all_bounds_is_answered_with_a_page(
    client: Client, campaign: Campaign, uploads: Path, fields: dict[str, str], page: str
) -> None:
    answer = client.post(url(page, campaign), {**given(campaign), **fields})
    assert answer.status_code == 400
    html = answer.content.decode()
    assert "<h1" in html
    assert "Traceback" not in html
    campaign.refresh_from_db()
    assert campaign.content == "Hi ${name}"


def test_the_same_file_again_is_told_with_a_link_and_allowed(
    client: Client, campaign: Campaign, make_campaign: Any
) -> None:
    """U62"""
    imported(client, campaign, LIST)
    second = make_campaign(
        source="import", manual_numbers="", recipients=None, content="Hi ${name}", numbers=[],
        name="Second",
    )  # fmt: skip
    assert imported(client, second, LIST, name="other name.csv").accepted == 1
    html = shown(client, second)
    assert "The same file was imported before" in html
    assert reverse("campaigns:detail", args=[campaign.key]) in html


def test_only_mapped_columns_are_kept_in_the_database(client: Client, campaign: Campaign) -> None:
    """U65"""
    lines = f"phone_number,name,passport,mail\n{ONE},Ann,X1234567,ann@secret.example\n"
    lines += "+1234,Bob,Y7654321,bob@secret.example\n"
    source = imported(client, campaign, lines)
    assert source.about["unused"] == ["passport", "mail"]
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [str(row) for row in cursor.fetchall()]
    everything = "\n".join(found)
    assert "Ann" in everything
    for secret in ("X1234567", "Y7654321", "secret.example"):
        assert secret not in everything


def test_a_date_in_a_variable_is_shown_as_it_will_be_sent(
    client: Client, campaign: Campaign
) -> None:
    """U67"""
    book = Workbook()
    for line in (["phone_number", "name"], [ONE, date(2026, 2, 28)]):
        book.active.append(line)
    content = io.BytesIO()
    book.save(content)
    source = imported(client, campaign, content.getvalue(), name="list.xlsx")
    assert source.recipients.get().values == ["2026-02-28"]
    assert "Dates in variables are written as year-month-day: 1." in shown(client, campaign)
    assert "2026-02-28" in client.get(url("edit", campaign)).content.decode()


def test_a_person_who_uploads_without_end_is_told_to_wait(
    client: Client, campaign: Campaign, uploads: Path, settings: Any, colleague: Any,
    signed_in: Callable[..., Any],
) -> None:  # fmt: skip
    """U64"""
    settings.IMPORT_UPLOADS_A_MINUTE = 3
    answers = [send(client, campaign, LIST) for _try in range(5)]
    assert [answer.status_code for answer in answers] == [302, 302, 302, 429, 429]
    assert "3 times in a minute" in answers[-1].content.decode()
    assert answers[-1]["Retry-After"] == "60"
    assert len(list(uploads.iterdir())) == 3
    assert client.post(reverse("optouts:import")).status_code == 429
    assert signed_in(colleague).post(reverse("optouts:import")).status_code == 200
    Throttle.objects.update(since=timezone.now() - timedelta(minutes=2))
    assert send(client, campaign, LIST).status_code == 302


def test_a_workspace_keeps_only_so_many_bytes_of_files(
    client: Client, campaign: Campaign, uploads: Path, settings: Any
) -> None:
    """U64 SR36"""
    settings.IMPORT_STORED_BYTES = 2 * len(LIST) - 1
    assert send(client, campaign, LIST).status_code == 302
    assert "fill the 0 MB they have" in send(client, campaign, LIST).content.decode()
    assert len(list(uploads.iterdir())) == 1
    file = SimpleUploadedFile("out.csv", LIST.encode() * 3)
    given = {"reason": "Old list", "country": "", "file": file}
    assert "fill the" in client.post(reverse("optouts:import"), given).content.decode()
