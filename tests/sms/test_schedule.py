from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms.schedule import (
    BadWallTime,
    NotAhead,
    TooFarAhead,
    UnknownZone,
    WallTimeMissing,
    WallTimeTwice,
    check_ahead,
    find_zone,
    offset_label,
    resolve,
    wall_time,
    zones,
)

ROWS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))["dst"]
NOW = datetime(2027, 1, 15, 12, tzinfo=UTC)
WALL = NOW.replace(tzinfo=None)


def rows(kind):
    return [
        pytest.param(row, id=f"{row.get('id', 'row')}-{row['zone']}-{row['wall']}")
        for row in ROWS
        if kind in row
    ]


@pytest.mark.parametrize("row", rows("after"))
def test_a_wall_time_that_does_not_exist_is_refused_with_the_two_nearest(row):
    with pytest.raises(WallTimeMissing) as refusal:
        resolve(datetime.fromisoformat(row["wall"]), row["zone"])
    assert refusal.value.before == datetime.fromisoformat(row["before"])
    assert refusal.value.after == datetime.fromisoformat(row["after"])
    for offered in (refusal.value.before, refusal.value.after):
        resolve(offered, row["zone"])


@pytest.mark.parametrize("row", rows("after"))
@pytest.mark.parametrize("fold", [0, 1])
def test_choosing_an_offset_does_not_make_a_missing_wall_time_exist(row, fold):
    with pytest.raises(WallTimeMissing):
        resolve(datetime.fromisoformat(row["wall"]), row["zone"], fold)


@pytest.mark.parametrize("row", rows("utc"))
def test_a_wall_time_that_comes_twice_is_asked_about(row):
    wall = datetime.fromisoformat(row["wall"])
    both = [datetime.fromisoformat(moment) for moment in row["utc"]]
    with pytest.raises(WallTimeTwice) as question:
        resolve(wall, row["zone"])
    assert [question.value.first_utc, question.value.second_utc] == both
    assert [resolve(wall, row["zone"], 0), resolve(wall, row["zone"], 1)] == both


@pytest.mark.parametrize(
    ("at", "refusal"),
    [
        pytest.param(NOW - timedelta(seconds=1), NotAhead, id="SC1-past"),
        pytest.param(NOW, NotAhead, id="SC1-now"),
        pytest.param(NOW + timedelta(days=90, seconds=1), TooFarAhead, id="SC9-over-90-days"),
    ],
)
def test_a_time_that_has_come_or_is_too_far_is_refused(at, refusal):
    with pytest.raises(refusal):
        check_ahead(at, NOW)


@pytest.mark.parametrize(
    "ahead",
    [
        pytest.param(timedelta(minutes=4, seconds=59), id="SC1-under-five-minutes"),
        pytest.param(timedelta(days=90), id="SC9-exactly-90-days"),
    ],
)
def test_a_time_ahead_is_accepted(ahead):
    check_ahead(NOW + ahead, NOW)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("Mars/Base", id="SC6-no-such-place"),
        pytest.param("", id="SC6-empty"),
        pytest.param("../../etc/passwd", id="SC6-path"),
        pytest.param("GMT+8", id="SC6-offset"),
        pytest.param("America", id="SC6-folder"),
        pytest.param("Etc/GMT+8", id="SC7-reversed-sign"),
        pytest.param("posix/Europe/Paris", id="SC7-posix"),
        pytest.param("Europe/Par\x00is", id="SC6-NUL"),
    ],
)
def test_a_zone_that_is_none_is_refused(name):
    with pytest.raises(UnknownZone):
        resolve(WALL, name)
    assert name not in zones()


def test_every_offered_zone_can_be_used_and_none_misleads():
    assert {"UTC", "Asia/Kuala_Lumpur", "Europe/London"} <= set(zones())
    assert not [name for name in zones() if "GMT" in name]
    for name in zones():
        find_zone(name)


def test_an_old_name_of_a_zone_still_works():
    moment = resolve(datetime.fromisoformat("2027-01-15T12:00"), "Asia/Calcutta")
    assert moment == datetime(2027, 1, 15, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "time"),
    [
        pytest.param("2027-02-29", "10:00", id="SC8-29-february"),
        pytest.param("2027-04-31", "10:00", id="SC8-31-april"),
        pytest.param("2027-04-30", "25:00", id="SC8-25-hours"),
        pytest.param("2027-04-30", "24:00", id="SC8-24-hours"),
        pytest.param("2027-04-30", "", id="SC8-no-time"),
        pytest.param("30.04.2027", "10:00", id="SC8-other-order"),
        pytest.param("٢٠٢٧-04-30", "10:00", id="SC8-other-digits"),
        pytest.param("0000-01-01", "10:00", id="SC8-year-0"),
    ],
)
def test_a_date_or_time_that_the_calendar_lacks_is_refused(date, time):
    with pytest.raises(BadWallTime):
        wall_time(date, time)


@pytest.mark.parametrize(
    ("wall", "zone"),
    [
        pytest.param("9999-12-31T23:00", "America/New_York", id="SC8-year-9999"),
        pytest.param("0001-01-01T00:00", "Asia/Tokyo", id="SC8-year-1"),
    ],
)
def test_the_ends_of_the_calendar_are_refused(wall, zone):
    with pytest.raises(BadWallTime):
        resolve(datetime.fromisoformat(wall), zone)


def test_a_date_and_a_time_of_a_form_become_a_wall_time():
    assert wall_time(" 2028-02-29 ", "09:30") == datetime.fromisoformat("2028-02-29T09:30")


@pytest.mark.parametrize(
    ("zone", "label"),
    [
        ("UTC", "UTC+0"),
        ("Asia/Kuala_Lumpur", "UTC+8"),
        ("Asia/Kathmandu", "UTC+5:45"),
        ("America/St_Johns", "UTC-3:30"),
        ("America/New_York", "UTC-5"),
    ],
)
def test_SC13_an_offset_is_shown_as_people_write_it(zone, label):
    assert offset_label(zone, NOW) == label


def test_SC13_an_offset_follows_summer_time():
    assert offset_label("America/New_York", datetime(2027, 7, 1, tzinfo=UTC)) == "UTC-4"


@pytest.mark.parametrize("ask", [lambda: resolve(NOW, "UTC"), lambda: offset_label("UTC", WALL)])
def test_mixing_up_wall_times_and_moments_is_an_error(ask):
    with pytest.raises(ValueError, match="zone"):
        ask()


@given(
    st.datetimes(WALL - timedelta(days=20_000), WALL + timedelta(days=20_000)),
    st.sampled_from(zones()),
)
def test_any_wall_time_has_one_moment_or_an_honest_question(wall, zone):
    try:
        moments = [resolve(wall, zone)]
    except WallTimeTwice as question:
        moments = [question.first_utc, question.second_utc]
    except WallTimeMissing as missing:
        moments = []
        resolve(missing.before, zone, 0)
        resolve(missing.after, zone, 0)
    for moment in moments:
        assert moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) == wall
