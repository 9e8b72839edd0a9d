"""Refused rows are taken away as they stand, mended, and brought again."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from campaigns.importing.check import check
from campaigns.importing.rejects import HEADINGS
from sheets import store

pytestmark = pytest.mark.django_db
CSV = (
    "phone_number;city;name\n+12025550123;Oslo;Ann\n+1234;Rome;-5\n+12025550124;Bonn;\n"
    '+12025550125;Nice;Li;beyond\n+12025550126;"Ulm"x;Cy\n+12025550123;Oslo;Ann\n'
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


def imported(client: Any, campaign: Any, content: bytes | str, name: str = "list.csv") -> Any:
    raw = content.encode() if isinstance(content, str) else content
    data = {
        "name": campaign.name, "content": campaign.content, "scenario": campaign.scenario,
        "sender": str(campaign.sender.key), "source": "import",
        "file": SimpleUploadedFile(name, raw),
    }  # fmt: skip
    client.post(reverse("campaigns:upload", args=[campaign.key]), data)
    campaign.refresh_from_db()
    check(campaign.recipients_id)
    campaign.recipients.refresh_from_db()
    return campaign.recipients


def taken(client: Any, campaign: Any, kind: str = "csv") -> list[list[str]]:
    answer = client.post(reverse("campaigns:refused", args=[campaign.key, kind]))
    content = b"".join(answer)
    if kind == "csv":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    sheet = load_workbook(io.BytesIO(content)).active
    return [[cell.value or "" for cell in row] for row in sheet]


def brought(client: Any, campaign: Any, rows: list[list[str]]) -> Any:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return imported(client, campaign, text.getvalue(), "mended.csv")


def test_refused_rows_have_their_own_header_their_cells_and_what_is_wrong(
    client: Any, campaign: Any
) -> None:
    imported(client, campaign, CSV)
    header, *rows = taken(client, campaign)
    assert header == ["phone_number", "city", "name", "problem"]
    assert [row[:3] for row in rows] == [
        ["'+1234", "Rome", "'-5"], ["'+12025550124", "Bonn", ""], ["'+12025550125", "Nice", "Li"],
        ["'+12025550126", '"Ulm"x', "Cy"], ["'+12025550123", "Oslo", "Ann"],
    ]  # fmt: skip
    said = [row[3] for row in rows]
    assert "too short" in said[0]
    assert "The value of name is missing" in said[1]
    assert said[2].endswith("[beyond]")
    assert "quotation mark" in said[3]
    assert "The same as row 2" in said[4]


def test_mended_rows_are_accepted_as_they_were_meant(client: Any, campaign: Any) -> None:
    imported(client, campaign, CSV)
    rows = taken(client, campaign)
    rows[1][0], rows[2][2] = "+12025550130", "Bo"
    source = brought(client, campaign, rows[:4])
    assert (source.accepted, source.refused, source.about["unused"]) == (3, 0, ["city", "problem"])
    found = {r.number: r.values for r in source.recipients.all()}
    assert found == {
        "+12025550130": ["-5"], "+12025550124": ["Bo"], "+12025550125": ["Li"]
    }  # fmt: skip


def test_values_that_would_calculate_come_back_as_they_were(client: Any, campaign: Any) -> None:
    wild = ["x;=1", "'=1", "x\n-1", '"=1";+2', "x|@a"]
    bad = [["phone_number", "name"], *(["+1234", value] for value in wild)]
    brought(client, campaign, bad)
    header, *rows = taken(client, campaign)
    for count, row in enumerate(rows):
        row[0] = f"+1202555013{count}"
    source = brought(client, campaign, [header, *rows])
    assert [r.values for r in source.recipients.order_by("number")] == [[value] for value in wild]


def test_a_row_whose_quotation_marks_are_wrong_twice_keeps_its_values(
    client: Any, campaign: Any
) -> None:
    text = '"phone_number","name","city","problem"\n"\'+1234","\'-5","Ulm"x,"?"\n'
    imported(client, campaign, text)
    assert taken(client, campaign)[1][:3] == ["'+1234", "'-5", '"Ulm"x']


def test_a_file_mended_twice_has_one_column_of_problems(client: Any, campaign: Any) -> None:
    imported(client, campaign, CSV)
    brought(client, campaign, taken(client, campaign)[:2])
    header, row = taken(client, campaign)
    assert header == ["phone_number", "city", "name", "problem"]
    assert row[:3] == ["'+1234", "Rome", "'-5"]


def test_a_value_keeps_its_apostrophe_in_a_file_that_is_not_ours(
    client: Any, campaign: Any
) -> None:
    source = imported(client, campaign, "phone_number,name\n+12025550123,'@home'\n")
    assert source.recipients.get().values == ["'@home'"]


def test_a_workbook_gives_its_rows_as_text_that_calculates_nothing(
    client: Any, campaign: Any
) -> None:
    book = Workbook()
    for row in (["phone_number", "name"], ["+12025550123", "Ann"], [1234, "=1+1"], [None, 0.5]):
        book.active.append(row)
    book.active["B3"].data_type = "s"
    content = io.BytesIO()
    book.save(content)
    imported(client, campaign, content.getvalue(), "list.xlsx")
    rows = taken(client, campaign, "xlsx")
    assert [row[:2] for row in rows] == [["phone_number", "name"], ["1234", "=1+1"], ["", "0.5"]]


def test_a_file_without_a_header_gets_one(client: Any, campaign: Any) -> None:
    campaign.content = "Hi"
    campaign.save()
    imported(client, campaign, "+12025550123\n+1234\n")
    client.post(reverse("campaigns:answer", args=[campaign.key]), {"choice": "no"})
    campaign.refresh_from_db()
    check(campaign.recipients_id)
    assert taken(client, campaign)[0] == ["phone_number", "problem"]


def test_without_its_file_an_import_tells_row_column_and_problem(
    client: Any, campaign: Any
) -> None:
    source = imported(client, campaign, CSV)
    store.delete(source.stored_name)
    header, row, *_rest = taken(client, campaign)
    assert header == list(HEADINGS)
    assert row[:3] == ["3", "phone_number", "'+1234"]
