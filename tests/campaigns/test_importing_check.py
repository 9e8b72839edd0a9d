"""The database half of an import: complete or nothing, by one run at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from campaigns import clock, failpoints
from campaigns.importing import check, sources
from campaigns.importing.check import Superseded, Writer, manual_recipients, recover_imports
from campaigns.models import Campaign, ImportState, Recipient, RecipientImport
from senders.models import OptOut
from sheets import store
from sheets.events import Problem, Problems, Row, Rows
from sheets.store import clean_file_name

pytestmark = pytest.mark.django_db

GOOD = "phone_number,name\n+12025550123,Ann\n+61491570006,Bo\n"
MIXED = GOOD + "12345,Cy\n+12025550123,Ann\n+12025550124,\n"


@pytest.fixture
def upload(workspace: Any, operator: Any, tmp_path: Path, settings: Any) -> Callable[..., Any]:
    settings.UPLOADS = tmp_path

    def received(text: str, name: str = "list.csv", **fields: Any) -> RecipientImport:
        (tmp_path / "stored").write_text(text, encoding="utf-8")
        given = {"variables": ["name"], "state": ImportState.CHECKING, **fields}
        return RecipientImport.objects.create(
            workspace=workspace, created_by=operator, original_name=name, stored_name="stored",
            size=len(text), **given,
        )  # fmt: skip

    return received


def checked(source: RecipientImport) -> RecipientImport:
    check.check(source.pk)
    source.refresh_from_db()
    return source


def numbers_of(source: RecipientImport) -> list[str]:
    return list(source.recipients.order_by("row").values_list("number", flat=True))


def test_a_clean_file_becomes_a_ready_list(upload: Any) -> None:
    source = checked(upload(GOOD))
    assert source.state == ImportState.READY
    assert (source.rows_read, source.accepted, source.refused) == (2, 2, 0)
    assert source.countries == {"US": 1, "AU": 1}
    assert numbers_of(source) == ["+12025550123", "+61491570006"]
    assert [r.values for r in source.recipients.order_by("row")] == [["Ann"], ["Bo"]]
    assert len(source.digest) == 64
    assert source.lease_until is None


def test_refused_rows_are_kept_with_line_and_reason(upload: Any) -> None:
    source = checked(upload(MIXED))
    assert (source.accepted, source.refused) == (2, 3)
    found = [(p.row, p.code) for p in source.problems.order_by("row")]
    assert found == [(4, "too_short"), (5, "duplicate"), (6, "value_missing")]
    assert source.tally == {"too_short": 1, "duplicate": 1, "value_missing": 1}
    assert source.needs_confirmation


def test_opted_out_numbers_are_refused_except_for_codes(upload: Any, workspace: Any) -> None:
    OptOut.objects.create(workspace=workspace, number="+12025550123", source="reply")
    source = checked(upload(GOOD))
    assert (source.accepted, source.refused, source.tally) == (1, 1, {"opted_out": 1})
    kept = checked(upload(GOOD, options={"keeps_opted_out": True}))
    assert kept.accepted == 2


def test_another_workspace_s_opt_outs_do_not_count(upload: Any, other_workspace: Any) -> None:
    OptOut.objects.create(workspace=other_workspace, number="+12025550123", source="reply")
    assert checked(upload(GOOD)).accepted == 2


def test_the_same_rows_give_the_same_digest(upload: Any) -> None:
    first, second = checked(upload(GOOD)), checked(upload(GOOD))
    assert first.digest == second.digest
    assert checked(upload(GOOD.replace("Bo", "Bob"))).digest != first.digest


def test_a_second_run_of_a_finished_import_changes_nothing(upload: Any) -> None:
    source = checked(upload(MIXED))
    was = numbers_of(source)
    check.check(source.pk)
    assert numbers_of(source) == was
    assert source.problems.count() == 3


def test_a_refused_file_says_why_and_leaves_no_rows(upload: Any) -> None:
    source = checked(upload("phone_number,name\n"))
    assert source.state == ImportState.FAILED
    assert "No recipients found" in source.error
    assert not source.recipients.exists()


def test_a_question_waits_for_its_answer(upload: Any) -> None:
    text = "customer,name\n+12025550123,Ann\n"
    source = checked(upload(text))
    assert source.state == ImportState.ASKING
    assert source.about["question"]["answer"] == "number_column"
    assert "customer" in source.about["question"]["choices"]
    RecipientImport.objects.filter(pk=source.pk).update(
        state=ImportState.CHECKING, options={"answers": {"number_column": "customer"}}
    )
    assert checked(source).accepted == 1


def test_a_lost_file_is_an_answer_and_no_traceback(upload: Any, tmp_path: Path) -> None:
    source = upload(GOOD)
    (tmp_path / "stored").unlink()
    assert checked(source).state == ImportState.FAILED


def test_rows_over_the_limit_are_refused(upload: Any, settings: Any) -> None:
    settings.IMPORT_MAX_ROWS = 1
    source = checked(upload(GOOD))
    assert source.error_code == "too_many_rows"
    assert not source.recipients.exists()


# --- killed, frozen, doubled ------------------------------------------------------------------


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "CHUNK", 1)


class Killed(BaseException):
    """A kill: nothing of the run gets to say anything more."""


@pytest.mark.usefixtures("small_chunks")
def test_a_killed_run_leaves_nothing_that_a_new_run_would_double(
    upload: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = upload(GOOD)

    def kill(_name: str) -> None:
        raise Killed

    monkeypatch.setattr(failpoints, "hit", kill)
    with pytest.raises(Killed):
        check.check(source.pk)
    source.refresh_from_db()
    assert source.state == ImportState.CHECKING
    assert source.recipients.exists()
    assert source.pk not in recover_imports()  # its lease still runs
    monkeypatch.undo()
    RecipientImport.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert recover_imports() == [source.pk]
    source = checked(source)
    assert source.state == ImportState.READY
    assert numbers_of(source) == ["+12025550123", "+61491570006"]
    assert source.attempt == 2


def test_a_run_under_way_is_not_begun_twice(upload: Any) -> None:
    source = upload(GOOD, lease_until=clock.now() + timedelta(seconds=30), attempt=1)
    assert checked(source).state == ImportState.CHECKING
    assert source.attempt == 1


def test_a_frozen_run_that_wakes_up_writes_nothing(upload: Any) -> None:
    source = upload(GOOD, attempt=1, lease_until=clock.now() - timedelta(seconds=1))
    frozen = Writer(RecipientImport.objects.get(pk=source.pk))
    frozen.take(Rows((Row(2, "+12025550199", "US", ("Zoe",)),)))
    assert checked(source).state == ImportState.READY
    with pytest.raises(Superseded):
        frozen.flush()
    assert numbers_of(source) == ["+12025550123", "+61491570006"]


def test_an_import_whose_bell_was_lost_is_rung_for_again(upload: Any) -> None:
    source = upload(GOOD)
    assert recover_imports() == []
    RecipientImport.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert recover_imports() == [source.pk]


def test_more_rows_than_one_chunk_arrive_whole(upload: Any) -> None:
    rows = [f"+1202555{100 + at % 100:04d},n{at}" for at in range(4_500)]
    source = checked(upload("phone_number,name\n" + "\n".join(rows) + "\n"))
    assert (source.accepted, Recipient.objects.count()) == (4_500, 4_500)


# --- rows that come from no file ----------------------------------------------------------------


def test_typed_numbers_become_the_same_kind_of_list(make_campaign: Any) -> None:
    campaign = make_campaign(manual_numbers="+12025550123, +12025550123；+61 491 570 006")
    source = manual_recipients(campaign)
    assert source.is_ready
    assert (source.accepted, source.refused, source.tally) == (2, 1, {"duplicate": 1})
    assert numbers_of(source) == ["+12025550123", "+61491570006"]
    campaign.refresh_from_db()
    assert campaign.recipients == source
    assert manual_recipients(campaign) == source  # unchanged numbers, the same list


def test_typed_numbers_stay_one_list_whichever_way_their_lines_end(make_campaign: Any) -> None:
    campaign = make_campaign(manual_numbers="+12025550123\r\n+61491570006\r\n")
    source = manual_recipients(campaign)
    campaign.manual_numbers = "+12025550123\n+61491570006"
    assert manual_recipients(campaign) == source


def test_changed_typed_numbers_make_a_new_list(make_campaign: Any) -> None:
    campaign = make_campaign()
    first = manual_recipients(campaign)
    Campaign.objects.update(manual_numbers="+61491570006")
    campaign.refresh_from_db()
    second = manual_recipients(campaign)
    assert second != first
    assert numbers_of(second) == ["+61491570006"]


def test_rows_whose_text_does_not_fit_can_be_left_out(upload: Any) -> None:
    long = "x" * 200
    text = f"phone_number,name\n+12025550123,Ann\n+12025550124,{long}\n12345,Cy\n"
    origin = checked(upload(text))
    options = {"from": origin.pk, "fits": "${name}" * 8}
    source = checked(upload("", options=options))
    assert numbers_of(source) == ["+12025550123"]
    assert (source.accepted, source.refused) == (1, 2)
    assert source.tally == {"too_short": 1, "text_too_long": 1}
    origin.refresh_from_db()
    assert origin.accepted == 2  # a ready import never changes


def test_every_refused_entry_of_a_typed_list_is_told() -> None:
    events = list(sources.typed("+12025550123\nabc\n\n+12025550123"))
    problems = [p for e in events if isinstance(e, Problems) for p in e.problems]
    assert [(p.row, p.code) for p in problems] == [(2, "letters"), (3, "duplicate")]
    assert all(isinstance(problem, Problem) and problem.sentence for problem in problems)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\lists\\a.xlsx", "a.xlsx"),
        ("a\u202egpj.csv", "agpj.csv"),
        ("a\nb\x00.csv", "ab.csv"),
        ("for +61 491 570 006.csv", "for •••.csv"),
        ("0491570006.xlsx", "•••.xlsx"),
        ("sale 2026-11-22.csv", "sale 2026-11-22.csv"),
        ("\u200b", "list"),
        ("", "list"),
    ],
)
def test_a_file_name_is_only_a_label(name: str, shown: str) -> None:
    assert clean_file_name(name) == shown


def test_a_very_long_file_name_keeps_its_ending() -> None:
    shown = clean_file_name("x" * 400 + ".xlsx")
    assert len(shown) <= 120
    assert shown.endswith(".xlsx")


# --- files that nobody needs any more ---------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "days", "is_used", "is_kept"),
    [
        (ImportState.READY, 6, True, True),
        (ImportState.READY, 0, False, False),
        (ImportState.FAILED, 0, True, True),  # it may be read again in another way
        (ImportState.FAILED, 2, True, False),
        (ImportState.CHECKING, 8, True, True),
    ],
)
def test_a_file_is_kept_no_longer_than_it_is_needed(
    upload: Any, make_campaign: Any, state: str, days: int, is_used: bool, is_kept: bool
) -> None:
    now = timezone.now()
    source = upload(GOOD, state=state, finished_at=now - timedelta(days=days))
    if is_used:
        make_campaign(source="import", recipients=source)
    check.sweep(now)
    source.refresh_from_db()
    assert store.is_kept("stored") is is_kept
    assert bool(source.stored_name) is is_kept


def test_a_file_that_no_list_owns_is_removed_a_day_later(upload: Any, tmp_path: Path) -> None:
    upload(GOOD)
    (tmp_path / "stray").write_text("+12025550123")
    check.sweep(timezone.now())
    assert (tmp_path / "stray").exists()
    check.sweep(timezone.now() + timedelta(days=2))
    assert [path.name for path in tmp_path.iterdir()] == ["stored"]
