from __future__ import annotations

import csv
import io
import stat
from datetime import timedelta

import openpyxl
import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Job, Membership
from campaigns import exports, tasks
from campaigns.lookup import Filter
from campaigns.models import Campaign, Message, Reveal
from sheets import writing
from tests.campaigns.building import EVERY_STATE, Made, make_sent_campaign, revealed

WILD = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "＝1", "＋1", "－1", "＠1",
    "=cmd|' /C calc'!A1", '=HYPERLINK("x")',
]  # fmt: skip
SIGNS = tuple("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20")


@pytest.fixture
def sent(make_campaign, practice):
    def make(made=EVERY_STATE, **fields):
        return make_sent_campaign(make_campaign(), made, carrier=practice, **fields)

    return make


@pytest.fixture
def rung(monkeypatch):
    ids = []
    monkeypatch.setattr(tasks.export_numbers, "delay", ids.append)
    return ids


def url(campaign):
    return reverse("campaigns:export", args=[campaign.key])


def body(answer):
    return b"".join(answer.streaming_content)


def rows_of_csv(answer):
    return list(csv.DictReader(io.StringIO(body(answer).decode("utf-8-sig"))))


def sheet_of(data):
    return openpyxl.load_workbook(io.BytesIO(data)).active


@pytest.mark.parametrize("value", WILD)
def test_no_csv_cell_is_a_formula(value):
    """H19"""
    text = "".join(writing.csv_lines(["a"], [[value]]))
    cell = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))[1][0]
    assert not cell.startswith(SIGNS)
    assert writing.as_meant(cell) == value.replace("\0", "")


@pytest.mark.parametrize("value", WILD)
def test_every_text_cell_of_a_workbook_is_text(value):
    """H19"""
    file = io.BytesIO()
    writing.write_xlsx(file, ["a", "b"], [[value, 3]])
    row = sheet_of(file.getvalue())[2]
    assert row[0].data_type in ("s", "n")
    assert not isinstance(row[0].value, int)
    assert row[0].data_type != "f"
    assert row[1].value == 3


def test_the_csv_holds_every_message_with_result_reason_and_money(signed_in, operator, sent):
    campaign = revealed(sent(), operator)
    answer = signed_in(operator).post(url(campaign), {"form": "csv", "numbers": "whole"})
    assert f"{campaign.label}-messages.csv" in answer["Content-Disposition"]
    rows = rows_of_csv(answer)
    assert len(rows) == len(EVERY_STATE)
    second = rows[1]
    assert second["phone_number"] == "'+61491570006"
    assert (second["result"], second["segments"], second["cost"]) == ("sent", "2", "0.108000")
    assert second["receipt_time_utc"] == "2026-11-21 09:00:07"
    failed = rows[3]
    assert failed["reason"] == "Phone off or out of coverage"
    assert failed["carrier_code"] == "stat:UNDELIV err:027"
    assert {row["message_id"] for row in rows} == {
        str(m.reference) for m in Message.objects.filter(campaign=campaign)
    }


def test_the_workbook_keeps_the_plus_and_is_text(signed_in, operator, sent):
    given = {"form": "xlsx", "numbers": "whole"}
    answer = signed_in(operator).post(url(revealed(sent(), operator)), given)
    sheet = sheet_of(body(answer))
    assert sheet["A3"].value == "+61491570006"
    assert sheet["A3"].data_type == "s"
    assert sheet.max_row == len(EVERY_STATE) + 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"is": "failed"}, 4),
        ({"is": "failed", "reason": "unreachable"}, 1),
        ({"country": "AU"}, 3),
        ({"is": "sent", "country": "AU"}, 1),
    ],
)
def test_an_export_holds_what_the_filters_leave(given, expected, signed_in, operator, sent):
    answer = signed_in(operator).post(url(sent()), given | {"form": "csv"})
    assert len(rows_of_csv(answer)) == expected
    event = AuditEvent.objects.get(action="campaign.export")
    assert event.data["rows"] == expected
    assert event.actor == operator


@pytest.mark.parametrize(
    ("who", "expected"),
    [("operator", 200), ("admin", 200), ("colleague", 403), ("finance", 403), ("viewer", 403),
     ("stranger", 404)],
)  # fmt: skip
def test_whole_numbers_leave_only_with_those_who_may(who, expected, request, signed_in, sent):
    campaign, person = sent(), request.getfixturevalue(who)
    if expected == 200:
        revealed(campaign, person)
    answer = signed_in(person).post(url(campaign), {"form": "csv", "numbers": "whole"})
    assert answer.status_code == expected
    assert AuditEvent.objects.filter(action="campaign.export").count() == (expected == 200)


def test_whole_numbers_leave_only_while_they_are_revealed(signed_in, operator, admin, sent):
    campaign = revealed(sent(), admin)
    given = {"form": "csv", "numbers": "whole"}
    answer = signed_in(operator).post(url(campaign), given)
    assert answer.url == reverse("campaigns:reveal", args=[campaign.key])
    Reveal.objects.update(until=timezone.now())
    assert signed_in(admin).post(url(campaign), given).status_code == 302
    assert not AuditEvent.objects.filter(action="campaign.export").exists()


@pytest.mark.parametrize("who", ["operator", "admin", "colleague", "finance", "viewer"])
def test_the_table_is_taken_with_masked_numbers_by_whoever_sees_it(who, request, signed_in, sent):
    campaign = sent()
    answer = signed_in(request.getfixturevalue(who)).post(url(campaign), {"form": "csv"})
    assert f"{campaign.label}-messages-masked.csv" in answer["Content-Disposition"]
    rows = rows_of_csv(answer)
    assert rows[1]["phone_number"] == "'+61 49 ••• 0006"
    assert AuditEvent.objects.get(action="campaign.export").data["whole"] is False


def test_a_masked_export_shows_no_number_that_the_carrier_repeated(signed_in, viewer, sent):
    made = [Made("rejected", "unknown", number="+12025550123", detail="bad to=12025550123 e30007")]
    row = rows_of_csv(signed_in(viewer).post(url(sent(made)), {"form": "csv"}))[0]
    assert row["carrier_code"] == "bad to=12\u00a0•••\u00a00123 e30007"


def test_an_export_is_never_made_by_following_a_link(signed_in, operator, sent):
    assert signed_in(operator).get(url(sent())).status_code == 405


def test_an_unknown_form_is_not_found(signed_in, operator, sent):
    assert signed_in(operator).post(url(sent()), {"form": "exe"}).status_code == 404


@pytest.fixture
def job_of(signed_in, operator, sent, settings, tmp_path, monkeypatch, rung,
           django_capture_on_commit_callbacks):  # fmt: skip
    """A large export as it was asked for: the client, its job."""
    settings.EXPORTS = tmp_path / "exports"
    monkeypatch.setattr(exports, "INLINE_ROWS", 5)
    monkeypatch.setattr(exports, "CHUNK", 5)
    client = signed_in(operator)
    given = {"form": "xlsx", "numbers": "whole"}
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(url(revealed(sent(), operator)), given)
    job = Job.objects.get()
    assert answer.url == reverse("campaigns:job", args=[job.key])
    assert rung == [job.pk]
    return client, job


def download(job):
    return reverse("campaigns:download", args=[job.key])


def test_a_large_workbook_is_made_in_the_background(job_of, settings):
    """H18: the page answers at once, the rows are written by a job."""
    client, job = job_of
    page = client.get(reverse("campaigns:job", args=[job.key])).content.decode()
    assert f"0 of {len(EVERY_STATE)} rows written" in page
    assert client.get(download(job)).status_code == 404
    exports.run(job.pk)
    page = client.get(reverse("campaigns:job", args=[job.key])).content.decode()
    assert download(job) in page
    assert "hx-trigger" not in page.partition('id="job"')[2].partition(">")[0]
    answer = client.get(download(job))
    assert sheet_of(body(answer)).max_row == len(EVERY_STATE) + 1
    file = settings.EXPORTS / Job.objects.get().file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_large_csv_is_made_in_the_background_too(
    signed_in, operator, sent, settings, tmp_path, monkeypatch, rung
):
    """A request that streams a million rows cannot be watched, and is lost with its connection."""
    settings.EXPORTS = tmp_path / "exports"
    given, campaign = {"form": "csv", "numbers": "whole"}, revealed(sent(), operator)
    client = signed_in(operator)
    inline = body(client.post(url(campaign), given))
    monkeypatch.setattr(exports, "INLINE_ROWS", 5)
    monkeypatch.setattr(exports, "LARGEST_SHEET", 3)  # of a workbook, not of a CSV file
    answer = client.post(url(campaign), given)
    job = Job.objects.get()
    assert answer.url == reverse("campaigns:job", args=[job.key])
    exports.run(job.pk)
    answer = client.get(download(job))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert f"{campaign.label}-messages.csv" in answer["Content-Disposition"]
    assert body(answer) == inline
    exports.sweep(timezone.now() + exports.KEPT + timedelta(minutes=1))
    assert list(settings.EXPORTS.iterdir()) == []


def test_a_job_that_runs_twice_ends_with_one_whole_file(job_of, settings):
    _client, job = job_of
    exports.run(job.pk)
    exports.run(job.pk)
    Job.objects.update(state="running", done=5)
    assert exports.unfinished(timezone.now() + timedelta(minutes=5)) == [job.pk]
    exports.run(job.pk)
    assert Job.objects.get().state == "done"
    assert len(list(settings.EXPORTS.iterdir())) == 1


def test_a_second_bell_does_not_start_the_file_again(job_of, monkeypatch):
    """Two workers never write the same workbook: the later one leaves a living run alone."""
    _client, job = job_of
    written = in_the_middle_of(monkeypatch, lambda: exports.run(job.pk))
    exports.run(job.pk)
    assert (written, Job.objects.get().state) == ([len(EVERY_STATE)], "done")


def test_a_run_that_was_thought_dead_drops_out(job_of, settings, monkeypatch):
    """It was silent, so another run made the file; what it held itself is thrown away."""
    client, job = job_of

    def overtaken():
        assert exports.unfinished(timezone.now() + timedelta(minutes=5)) == [job.pk]
        exports.run(job.pk)

    written = in_the_middle_of(monkeypatch, overtaken)
    exports.run(job.pk)
    assert written == [len(EVERY_STATE)], "only the other run came to its end"
    assert [file.name for file in settings.EXPORTS.iterdir()] == [f"{job.key}.xlsx"]
    assert sheet_of(body(client.get(download(job)))).max_row == len(EVERY_STATE) + 1


def in_the_middle_of(monkeypatch, happens):
    """Do something when the first run has written some rows; how many rows each run has ended."""
    rows, once, written = exports.message_rows, [happens], []

    def read(*given, **more):
        count = 0
        for count, row in enumerate(rows(*given, **more), 1):
            if count == 2 and once:
                once.pop()()
            yield row
        written.append(count)

    monkeypatch.setattr(exports, "message_rows", read)
    return written


def test_what_a_killed_run_had_written_goes_with_the_next(job_of, settings, monkeypatch):
    """Half a file with whole numbers stays nowhere."""
    _client, job = job_of
    settings.EXPORTS.mkdir()
    half = settings.EXPORTS / f"{job.key}.1.part"
    half.write_text("killed")
    exports.run(job.pk)
    assert not half.exists()
    half.write_text("killed")
    Job.objects.update(created_at=timezone.now() - timedelta(hours=25))
    exports.sweep(timezone.now())
    assert not list(settings.EXPORTS.iterdir())


def test_the_right_is_checked_again_at_the_download(job_of, operator, signed_in, admin):
    """H17: an export's address is of use to nobody else, and to nobody without the role."""
    client, job = job_of
    exports.run(job.pk)
    assert signed_in(admin).get(download(job)).status_code == 404
    Membership.objects.filter(user=operator).update(role="viewer")
    assert client.get(download(job)).status_code == 403


def test_a_file_with_whole_numbers_is_fetched_only_while_they_are_revealed(job_of):
    """H17: the reveal under which the file was asked for does not cover its download."""
    client, job = job_of
    exports.run(job.pk)
    assert Job.objects.get().file_name.endswith("-messages.xlsx")
    Reveal.objects.update(until=timezone.now())
    answer = client.get(download(job))
    assert answer.status_code == 302
    assert answer.url.endswith(f"/reveal/?to={job.key}")
    again = client.post(answer.url, {"reason": "A customer complains"})
    assert again.url == reverse("campaigns:job", args=[job.key])
    assert body(client.get(download(job)))


def test_a_masked_file_needs_no_reveal_and_stays_with_who_asked(
    job_of, viewer, operator, signed_in, django_capture_on_commit_callbacks
):
    client = signed_in(viewer)
    campaign = Campaign.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(url(campaign), {"form": "xlsx"})
    job = Job.objects.get(user=viewer)
    exports.run(job.pk)
    sheet = sheet_of(body(client.get(download(job))))
    assert sheet["A3"].value == "+61 49 ••• 0006"
    assert signed_in(operator).get(download(job)).status_code == 404


def test_a_file_is_kept_for_a_day(job_of, settings):
    """H17: an old address leads nowhere."""
    client, job = job_of
    exports.run(job.pk)
    Job.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert client.get(download(job)).status_code == 404
    exports.sweep(timezone.now())
    assert not Job.objects.exists()
    assert not list(settings.EXPORTS.iterdir())


def test_a_job_whose_bell_was_lost_is_found(job_of):
    _client, job = job_of
    now = timezone.now()
    assert exports.unfinished(now) == []
    later = now + timedelta(minutes=1)
    assert exports.unfinished(later) == [job.pk]
    assert exports.unfinished(later + timedelta(seconds=10)) == [], "not with every tick"
    assert exports.unfinished(later + timedelta(seconds=40)) == [job.pk]
    exports.run(job.pk)
    assert exports.unfinished(now + timedelta(hours=2)) == []


def test_a_long_run_that_lives_is_left_alone(job_of, monkeypatch):
    """It began hours ago; what counts is when it last said that it lives."""
    _client, job = job_of
    Job.objects.update(created_at=timezone.now() - timedelta(hours=3))
    stuck = []
    in_the_middle_of(monkeypatch, lambda: stuck.extend(exports.unfinished(timezone.now())))
    exports.run(job.pk)
    assert stuck == []


def test_messages_are_read_in_chunks_and_in_order(sent, monkeypatch, django_assert_num_queries):
    campaign = sent([Made("delivered")] * 12)
    monkeypatch.setattr(exports, "CHUNK", 5)
    campaign.carrier.gives_receipts  # noqa: B018 - loaded before the queries are counted
    with django_assert_num_queries(4):
        rows = list(exports.message_rows(campaign, Filter(), whole=True))
    assert [row[0] for row in rows] == [f"+1202555{100 + n:04}" for n in range(12)]
