"""Rates from a sheet: looked at first, kept all together, never twice, never stale."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from accounts.models import AuditEvent, User, Workspace
from billing import ratesheets, tariffs
from billing.models import Rate
from billing.rates import prices
from billing.ratesheets import parse_country

Clients = Callable[[User], Client]
IMPORT, KEEP = "/billing/rates/import/", "/billing/rates/import/keep/"
TODAY = timezone.now().date()
HIDDEN = re.compile(r'name="(sheet|digest|sure)" value="([^"]+)"')


def upload(client: Client, content: str | bytes, name: str = "rates.csv", **given: str) -> str:
    """The page that answers a sheet."""
    raw = content.encode() if isinstance(content, str) else content
    day = given.pop("valid_from", TODAY.isoformat())
    answer = client.post(IMPORT, {"file": SimpleUploadedFile(name, raw), "valid_from": day})
    assert answer.status_code == 200
    return answer.content.decode()


def keep(client: Client, page: str, *, sure: bool = False) -> Any:
    fields = dict(HIDDEN.findall(page))
    if not sure:
        fields.pop("sure", None)
    return client.post(KEEP, fields, follow=True)


def kept(workspace: Workspace) -> dict[str, int | None]:
    countries = sorted(set(Rate.objects.values_list("country", flat=True)))
    return prices(workspace, countries, TODAY)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("MY", "MY"), ("my", "MY"), ("Malaysia", "MY"), ("united states", "US"), ("USA", "US"),
        ("Côte d'Ivoire", "CI"), ("Cote d’Ivoire", "CI"), ("UK", "GB"), ("Åland Islands", "AX"),
        ("Netherlands", "NL"), ("The Netherlands", "NL"), ("Korea, Republic", None),
        ("", None), ("XX", None), ("CN", None), ("China", None), ("Mala", None), ("1", None),
    ],
)  # fmt: skip
def test_a_country_is_a_code_or_a_name(written: str, code: str | None) -> None:
    if code is not None:
        assert parse_country(written) == code
        return
    with pytest.raises(ValueError, match=r"[.]"):
        parse_country(written)


def test_a_preview_writes_nothing_and_says_what_is_new_changed_unchanged_and_refused(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    tariffs.enter(workspace, "MY", 30_000, TODAY, finance)
    tariffs.enter(workspace, "US", 7_900, TODAY, finance)
    sheet = "country;price\nMalaysia;0,0315\nUS;0,0079\nPH;0,0295\nNowhere;1\nDE;-1\nPH;2\n"
    page = upload(signed_in(finance), sheet)
    assert "1 new, 1 changed, 1 unchanged, 3 refused" in page
    assert "+5.0%" in page
    assert "No country has this name" in page
    assert "A price cannot be below 0." in page
    assert "The same country and day as in row 4" in page
    assert "Keep 2 rates" in page
    assert Rate.objects.count() == 2
    assert not AuditEvent.objects.filter(action="rate.import").exists()


def test_a_confirmed_sheet_is_kept_and_audited_with_its_counts(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    tariffs.enter(workspace, "MY", 30_000, TODAY, finance)
    client = signed_in(finance)
    answer = keep(client, upload(client, "country,price\nMY,0.0315\nPH,0.0295\nXX,1\n"))
    assert "Rates kept: 2." in answer.content.decode()
    assert kept(workspace) == {"MY": 31_500, "PH": 29_500}
    event = AuditEvent.objects.get(action="rate.import")
    assert event.data == {"added": 1, "replaced": 1, "same": 0, "refused": 1}
    assert (event.actor, event.workspace) == (finance, workspace)
    assert set(Rate.objects.values_list("entered_by", flat=True)) == {finance.pk}


def test_a_double_submit_is_harmless(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    """H16: the second press, the way back and a second tab keep nothing more."""
    client = signed_in(finance)
    page = upload(client, "country,price\nMY,0.0315\n")
    keep(client, page)
    assert "kept already" in keep(client, page).content.decode()
    assert Rate.objects.count() == 1
    assert AuditEvent.objects.filter(action="rate.import").count() == 1


def test_a_preview_that_became_stale_is_shown_again(
    signed_in: Clients, workspace: Workspace, finance: User, admin: User
) -> None:
    client = signed_in(finance)
    page = upload(client, "country,price\nMY,0.0315\n")
    tariffs.enter(workspace, "MY", 20_000, TODAY, admin)
    page = keep(client, page).content.decode()
    assert "The rates changed since you looked." in page
    assert "+57.5%" in page
    assert Rate.objects.count() == 1
    keep(client, page)
    assert kept(workspace) == {"MY": 31_500}


def test_a_price_above_1_is_asked_about(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    client = signed_in(finance)
    page = upload(client, "country,price\nMY,345\nUS,1\n")
    assert "1 price is above 1 USD per segment." in page
    page = keep(client, page).content.decode()
    assert "Say that the prices above 1 are meant so" in page
    assert not Rate.objects.exists()
    keep(client, page, sure=True)
    assert kept(workspace) == {"MY": 345_000_000, "US": 1_000_000}


def test_0_is_a_price_with_a_warning(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    client = signed_in(finance)
    page = upload(client, "country,price\nMY,0\n")
    assert "1 price is 0: sending there will cost nothing." in page
    keep(client, page)
    assert kept(workspace) == {"MY": 0}


def test_days_come_from_the_sheet_or_from_the_form(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    client = signed_in(finance)
    later = TODAY + timedelta(days=40)
    sheet = (
        f"country,price,valid_from\nMY,0.01,{later}\nMY,0.02,\nUS,0.03,31.12.2026\n"
        "DE,0.03,1999-01-01\nFR,0.03,2026-13-01\n"
    )
    page = upload(client, sheet, valid_from=(TODAY + timedelta(days=3)).isoformat())
    assert page.count("The day cannot be read.") == 2
    assert "more than 5 years away" in page
    keep(client, page)
    days = Rate.objects.order_by("valid_from").values_list("country", "price", "valid_from")
    assert list(days) == [("MY", 20_000, TODAY + timedelta(days=3)), ("MY", 10_000, later)]


def test_another_currency_is_refused_row_by_row(signed_in: Clients, finance: User) -> None:
    page = upload(signed_in(finance), "country,price,currency\nMY,1,EUR\nUS,0.5,usd\n")
    assert "The price is in EUR; this workspace counts in USD." in page
    assert "1 new, 0 changed, 0 unchanged, 1 refused" in page


def test_an_entry_of_the_sheet_counts_for_the_next_one(workspace: Workspace) -> None:
    entries = [
        ratesheets.Entry(2, "MY", 5, date(2026, 1, 1)),
        ratesheets.Entry(3, "MY", 5, date(2026, 2, 1)),
        ratesheets.Entry(4, "MY", 6, date(2026, 3, 1)),
    ]
    assert [line.kind for line in ratesheets.plan(workspace, entries).lines] == [
        "new", "unchanged", "changed",
    ]  # fmt: skip


def test_a_workbook_and_a_wrong_name_are_read(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    book, file = Workbook(), io.BytesIO()
    for row in (["Country", "Price per segment"], ["MY", 0.1 + 0.2], ["US", 0.0079],
                ["JP", 8.125]):  # fmt: skip
        book.active.append(row)
    book.save(file)
    client = signed_in(finance)
    keep(client, upload(client, file.getvalue(), "rates.csv"), sure=True)
    assert kept(workspace) == {"MY": 300_000, "US": 7_900, "JP": 8_125_000}


def test_an_older_encoding_is_guessed_as_the_preview_shows_it(
    signed_in: Clients, workspace: Workspace, finance: User
) -> None:
    client = signed_in(finance)
    keep(client, upload(client, "country;price\nRéunion;0,12\n".encode("cp1252")))
    assert kept(workspace) == {"RE": 120_000}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty"),
        (b"MZ\0\0", "not"),
        (b"country\nMY\n", "There is no column named price."),
        (b"country,price\n", "The sheet has no row below its header row."),
        (b"\n\n", "The sheet has no row below its header row."),
        (b"country,price\n" + b"MY,1\n" * 1_001, "more than 1000 rows"),
        (b"x" * (2 * 1024 * 1024 + 1), "larger than 2 MB"),
    ],
)
def test_a_sheet_that_cannot_be_used_says_why(
    signed_in: Clients, finance: User, content: bytes, sentence: str
) -> None:
    page = upload(signed_in(finance), content)
    assert "1 thing to fix" in page
    assert sentence in page


def test_no_file_and_no_day_are_both_said(signed_in: Clients, finance: User) -> None:
    page = signed_in(finance).post(IMPORT, {"valid_from": "soon"}).content.decode()
    assert "2 things to fix" in page
    assert "Choose a file first." in page


def test_only_a_sheet_that_was_looked_at_is_kept(
    signed_in: Clients, workspace: Workspace, finance: User, admin: User, stranger: User
) -> None:
    """H5, H3: fields of one's own making, another person's and another workspace's do nothing."""
    client = signed_in(finance)
    page = upload(client, "country,price\nMY,0.0315\n")
    for other in (signed_in(admin), signed_in(stranger)):
        assert "The preview is too old." in keep(other, page).content.decode()
    made = {"sheet": "eyJuYW1lIjoieCJ9:x:x", "digest": "x"}
    assert "The preview is too old." in client.post(KEEP, made, follow=True).content.decode()
    assert client.post(KEEP).status_code == 302
    assert not Rate.objects.exists()


def test_an_hour_later_it_is_looked_at_again(
    signed_in: Clients, finance: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from billing.views import rate_sheets

    client = signed_in(finance)
    page = upload(client, "country,price\nMY,0.0315\n")
    monkeypatch.setattr(rate_sheets, "LOOKED_AT_SECONDS", -1)
    assert "The preview is too old." in keep(client, page).content.decode()


@pytest.mark.parametrize("who", ["operator", "viewer"])
def test_who_may_not_change_rates_imports_none(
    request: pytest.FixtureRequest, signed_in: Clients, who: str
) -> None:
    client = signed_in(request.getfixturevalue(who))
    assert client.get(IMPORT).status_code == 403
    assert client.post(IMPORT, {"file": SimpleUploadedFile("r.csv", b"x")}).status_code == 403
    assert client.post(KEEP, {"sheet": "x"}).status_code == 403
    assert client.get("/billing/rates/sample.csv").status_code == 403
    assert IMPORT not in client.get("/billing/rates/").content.decode()


def test_a_stale_token_is_refused(finance: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(finance)
    assert client.post(IMPORT, {"valid_from": TODAY.isoformat()}).status_code == 403
    assert client.post(KEEP, {"sheet": "x"}).status_code == 403


def test_nothing_of_an_upload_stays_on_disk(
    signed_in: Clients, finance: User, settings: Any, tmp_path: Any
) -> None:
    settings.UPLOADS = tmp_path / "uploads"
    upload(signed_in(finance), "country,price\nMY,0.0315\n")
    assert list(settings.UPLOADS.iterdir()) == []


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_rates_taken_away_are_read_again_without_a_change(
    signed_in: Clients, workspace: Workspace, finance: User, viewer: User, form: str
) -> None:
    tariffs.enter(workspace, "MY", 31_500, TODAY - timedelta(days=9), finance)
    tariffs.enter(workspace, "MY", 29_999, TODAY + timedelta(days=9), finance)
    tariffs.enter(workspace, "CI", 34_567, TODAY, finance)
    assert signed_in(viewer).get(f"/billing/rates/rates.{form}").status_code == 200
    client = signed_in(finance)
    file = client.get(f"/billing/rates/rates.{form}").content
    assert "0 new, 0 changed, 3 unchanged, 0 refused" in upload(client, file, f"rates.{form}")
    assert client.get("/billing/rates/rates.pdf").status_code == 404


def test_rates_taken_away_are_those_of_the_workspace(
    signed_in: Clients, workspace: Workspace, finance: User, stranger: User
) -> None:
    tariffs.enter(workspace, "MY", 31_500, TODAY, finance)
    file = signed_in(stranger).get("/billing/rates/rates.xlsx").content
    assert load_workbook(io.BytesIO(file)).active.max_row == 1


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_sample_is_a_sheet_the_import_reads(
    signed_in: Clients, finance: User, form: str
) -> None:
    client = signed_in(finance)
    sample = client.get(f"/billing/rates/sample.{form}").content
    assert "2 new, 0 changed, 0 unchanged, 0 refused" in upload(client, sample, f"s.{form}")
    assert client.get("/billing/rates/sample.exe").status_code == 404


def test_a_rate_typed_twice_is_kept_once(
    signed_in: Clients, finance: User, workspace: Workspace
) -> None:
    client = signed_in(finance)
    given = {"country": "GB", "price": "0.04", "valid_from": TODAY.isoformat()}
    for said in ("Rate kept.", "This rate is kept already."):
        answer = client.post("/billing/rates/add/", given, follow=True)
        assert said in answer.content.decode()
    assert Rate.objects.count() == 1
    for price in ("0.05", "0.04"):
        holds = Rate.objects.latest("pk").pk
        client.post("/billing/rates/add/", {**given, "price": price, "replaces": holds})
    assert kept(workspace) == {"GB": 40_000}
    assert AuditEvent.objects.filter(action="rate.enter").count() == 3


def test_a_preview_in_another_currency_is_stale(
    signed_in: Clients, finance: User, workspace: Workspace
) -> None:
    client = signed_in(finance)
    page = upload(client, "country,price\nGB,0.04\nJP,0.07\n")
    Workspace.objects.filter(pk=workspace.pk).update(currency="KRW")
    keep(client, page)
    assert not Rate.objects.filter(workspace=workspace).exists()


def test_a_rate_typed_in_another_currency_is_not_kept(
    signed_in: Clients, finance: User, workspace: Workspace
) -> None:
    client = signed_in(finance)
    given = {"country": "GB", "price": "0.04", "valid_from": TODAY.isoformat(), "currency": "USD"}
    Workspace.objects.filter(pk=workspace.pk).update(currency="KRW")
    answer = client.post("/billing/rates/add/", given)
    assert "counts in KRW now" in answer.content.decode()
    assert not Rate.objects.filter(workspace=workspace).exists()
