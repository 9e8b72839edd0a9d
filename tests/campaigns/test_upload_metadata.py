"""SR57: of an uploaded file its rows and its cleaned name are kept, and nothing else it tells."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from openpyxl import Workbook
from openpyxl.comments import Comment

from campaigns.importing import check
from campaigns.models import ImportState, RecipientImport

pytestmark = pytest.mark.django_db

WORD = "Wintermute"


def workbook() -> bytes:
    """A list whose author, title, path and comments say the word."""
    book = Workbook()
    book.properties.creator = book.properties.lastModifiedBy = book.properties.title = WORD
    sheet = book.active
    sheet.append(["phone_number", "name"])
    sheet.append(["+12025550123", "Ann"])
    sheet["A2"].comment = Comment(WORD, WORD)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_author_path_and_comments_of_a_file_are_kept_nowhere(
    signed_in: Any, make_campaign: Any, operator: Any, settings: Any, tmp_path: Path
) -> None:
    settings.UPLOADS = tmp_path
    campaign = make_campaign(source="import", content="Hi ${name}", recipients=None)
    data = {
        "name": campaign.name, "content": campaign.content, "scenario": campaign.scenario,
        "sender": str(campaign.sender.key), "source": "import",
        "file": SimpleUploadedFile(f"C:\\Users\\{WORD}\\customers.xlsx", workbook()),
    }  # fmt: skip
    signed_in(operator).post(f"/campaigns/{campaign.key}/upload/", data)
    source = RecipientImport.objects.latest("pk")
    if source.state == ImportState.CHECKING:
        check.check(source.pk)
        source.refresh_from_db()
    assert (source.original_name, source.state, source.accepted) == ("customers.xlsx", "ready", 1)
    assert list(tmp_path.iterdir()) == [tmp_path / source.stored_name]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            assert WORD not in str(cursor.fetchall()), table
