"""Dates are written as a person chose, and nothing else of a page changes with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.template import Context, Template
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from accounts import audit, dates
from accounts.models import AuditEvent, User, Workspace
from tests.house.reading import APPS, ROOT, python_files

AT = datetime(2026, 11, 22, 14, 5, 9, tzinfo=UTC)
Clients = Callable[..., Client]
PROFILE = {
    "name": "Mei Lin Tan", "time_zone": "UTC", "date_language": "en", "mails_notices": "on",
    "test_numbers": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "full", "short", "month"),
    [
        ("en", "Sun 22 Nov 2026, 14:05", "22 Nov, 14:05", "November 2026"),
        ("en-us", "Sun, Nov 22, 2026, 2:05 PM", "Nov 22, 2:05 PM", "November 2026"),
        ("de", "So, 22. Nov. 2026, 14:05", "22. Nov., 14:05", "November 2026"),
        ("fr", "dim 22 nov. 2026, 14:05", "22 nov., 14:05", "novembre 2026"),
        ("es", "dom 22 nov. 2026, 14:05", "22 nov., 14:05", "noviembre 2026"),
        ("pt", "dom 22 nov. 2026, 14:05", "22 nov., 14:05", "novembro 2026"),
        ("zh-hans", "2026年11月22日 星期日 14:05", "11月22日 14:05", "2026年11月"),
        ("ja", "2026年11月22日(日) 14:05", "11月22日 14:05", "2026年11月"),
        ("ar", "الأحد 22 نوفمبر 2026، 14:05", "22 نوفمبر، 14:05", "نوفمبر 2026"),
        ("iso", "2026-11-22 14:05", "2026-11-22 14:05", "2026-11"),
        ("xx", "Sun 22 Nov 2026, 14:05", "22 Nov, 14:05", "November 2026"),
    ],
)
def test_each_choice_writes_dates_its_way(code: str, full: str, short: str, month: str) -> None:
    with dates.written(code):
        said = [dates.write(AT, style) for style in ("full", "short", "month")]
    assert said == [full, short, month]


@pytest.mark.parametrize("code", dates.MANNERS)
@pytest.mark.parametrize("style", dates.STYLES)
def test_every_style_is_written_in_every_language(code: str, style: str) -> None:
    with dates.written(code):
        day = AT.date() if style in dates.DAYS else AT
        assert dates.write(day, style).strip()


def test_a_date_borrows_a_language_and_gives_it_back() -> None:
    with dates.written("de"):
        assert dates.write(AT, "day").startswith("So")
        assert translation.get_language() == "en"
        assert gettext("This field is required.") == "This field is required."
    assert dates.write(AT, "day").startswith("Sun")


def test_a_date_in_another_language_tells_a_reader_aloud_which() -> None:
    page = Template("{% load console %}{% when at 'short' utc=True %}")
    with dates.written("ar"):
        html = page.render(Context({"at": AT}))
    assert html.count('lang="ar" dir="rtl"') == 2
    assert "lang=" not in page.render(Context({"at": AT}))


def test_a_person_chooses_how_dates_are_written(signed_in: Clients, operator: User) -> None:
    client = signed_in(operator)
    assert "22. Nov. 2026, 14:05" in client.get("/profile/").content.decode()
    answer = client.post("/profile/", {**PROFILE, "date_language": "de"})
    assert answer.status_code == 302
    operator.refresh_from_db()
    assert operator.date_language == "de"
    changed = AuditEvent.objects.get(action="user.profile").data["changed"]
    assert "date_language" in changed
    page = client.get("/sessions/").content.decode()
    assert '<time datetime="' in page
    assert 'lang="de" dir="ltr">' in page
    assert '<html lang="en"' in page


@pytest.mark.parametrize("wrong", ["", "xx", "de ", "../de", "DE"])
def test_a_language_that_is_not_offered_is_not_kept(
    signed_in: Clients, operator: User, wrong: str
) -> None:
    answer = signed_in(operator).post("/profile/", {**PROFILE, "date_language": wrong})
    assert "1 thing to fix" in answer.content.decode()
    operator.refresh_from_db()
    assert operator.date_language == "en"


def test_a_file_keeps_its_dates(signed_in: Clients, admin: User, workspace: Workspace) -> None:
    audit.record("rate.import", workspace, admin, begins_at=AT.isoformat())
    User.objects.filter(pk=admin.pk).update(date_language="ja", time_zone="Asia/Tokyo")
    client = signed_in(admin)
    file = client.post("/audit/export/", {"form": "csv"}).getvalue().decode()
    assert "2026-11-22 14:05 UTC" in file
    assert "年" not in file


def test_no_page_and_no_module_writes_a_date_by_itself() -> None:
    for name in python_files(*APPS):
        if name != "accounts/dates.py":
            assert "dateformat" not in (ROOT / name).read_text("utf-8"), name
    for path in (ROOT / "templates").rglob("*.html"):
        formats = re.findall(r"\|\s*(?:date|time):\s*[\"']([^\"']*)", path.read_text("utf-8"))
        assert set(formats) <= {"Y-m-d", "H:i", "c"}, path.name  # what a machine reads
