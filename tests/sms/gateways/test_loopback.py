"""What only the loopback gateway promises; the rest is in test_contract.py."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sms.gateways.base import BadCallback, Callback, CarrierClass, Outcome, Reason, Receipt
from sms.gateways.loopback import LoopbackGateway
from tests.sms.gateways.rows.loopback import signed

SETTINGS = {"url": "http://127.0.0.1:1/", "token": "a token"}
GOOD = {
    "id": "P1",
    "reference": "r-1",
    "status": "undelivered",
    "code": "unreachable",
    "segments": 2,
    "at": "2030-01-02T03:04:05.678+08:00",
}


def read(*entries: Any, **settings: str) -> list[Receipt]:
    callback = signed(json.dumps(entries).encode(), SETTINGS["token"])
    return LoopbackGateway({**SETTINGS, **settings}).parse_receipts(callback)


def refusal_of(callback: Callback) -> int:
    with pytest.raises(BadCallback) as refused:
        LoopbackGateway(SETTINGS).parse_receipts(callback)
    return refused.value.status


def test_a_receipt_is_read_as_it_was_written() -> None:
    assert read(GOOD) == [
        Receipt(
            reference="r-1",
            carrier_id="P1",
            outcome=Outcome.UNDELIVERED,
            reason=Reason.UNREACHABLE,
            detail="undelivered: unreachable",
            done_at=datetime(2030, 1, 1, 19, 4, 5, 678000, tzinfo=UTC),
            segments=2,
        )
    ]


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "delivered",
        {},
        {**GOOD, "id": None},
        {**GOOD, "id": "with a blank"},
        {**GOOD, "reference": "<b>"},
        {**GOOD, "reference": ["r"]},
        {**GOOD, "status": ""},
        {**GOOD, "status": {"a": 1}},
        {**GOOD, "code": "a\x00b"},
        {**GOOD, "code": "x" * 201},
    ],
)
def test_one_bad_entry_is_left_out_and_the_rest_is_read(bad: object) -> None:
    assert [receipt.carrier_id for receipt in read(GOOD, bad, {**GOOD, "id": "P2"})] == ["P1", "P2"]


@pytest.mark.parametrize(
    ("changes", "outcome", "reason", "detail"),
    [
        ({"status": "delivered", "code": ""}, Outcome.DELIVERED, None, "delivered"),
        ({"status": "buffered", "code": None}, Outcome.PENDING, None, "buffered"),
        ({"status": "mislaid", "code": "x"}, Outcome.PENDING, None, "mislaid: x"),
        ({"code": "moon"}, Outcome.UNDELIVERED, Reason.UNKNOWN, "undelivered: moon"),
    ],
)
def test_words_are_translated_and_kept(
    changes: dict[str, Any], outcome: Outcome, reason: Reason | None, detail: str
) -> None:
    (receipt,) = read({**GOOD, **changes})
    assert (receipt.outcome, receipt.reason, receipt.detail) == (outcome, reason, detail)


@pytest.mark.parametrize(
    "time", ["2030-01-02T03:04:05", "soon", 5, None, "0001-01-01T00:00:00+23:59", "99999-01-01"]
)
def test_a_time_that_is_not_certain_is_no_time(time: object) -> None:
    (receipt,) = read({**GOOD, "at": time})
    assert receipt.done_at is None


@pytest.mark.parametrize("segments", [0, -1, 256, "2", True, 1.0, None])
def test_a_count_of_segments_that_cannot_be_is_none(segments: object) -> None:
    (receipt,) = read({**GOOD, "segments": segments})
    assert receipt.segments is None


def test_a_blind_carriers_receipt_has_no_reference() -> None:
    (receipt,) = read({**GOOD, "reference": None}, **{"class": "blind"})
    assert (receipt.reference, receipt.carrier_id) == ("", "P1")


def test_receipts_signed_with_the_previous_token_still_count() -> None:
    gateway = LoopbackGateway({**SETTINGS, "token": "new", "previous_token": "old"})
    for token in ("new", "old"):
        assert gateway.parse_receipts(signed(json.dumps([GOOD]).encode(), token))
    with pytest.raises(BadCallback):
        gateway.parse_receipts(signed(b"[]", "older"))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 400),
        (b"[", 400),
        (b"\xff", 400),
        (b'[{"id":"a","id":"b"}]', 400),
        (b"[" * 60_000, 400),
        (b"[" + b"null," * 500 + b"null]", 413),
        (b" " * 65_537, 413),
    ],
)
def test_a_signed_body_that_is_no_batch_is_refused(body: bytes, status: int) -> None:
    assert refusal_of(signed(body, SETTINGS["token"])) == status


def test_the_fullest_batch_is_read() -> None:
    callback = signed(b"[" + b"null," * 499 + b"null]", SETTINGS["token"])
    assert LoopbackGateway(SETTINGS).parse_receipts(callback) == []


@pytest.mark.parametrize(("age", "is_refused"), [(290, False), (310, True), (-310, True)])
def test_receipts_of_another_time_are_refused(age: int, is_refused: bool) -> None:
    callback = signed(b"[]", SETTINGS["token"], age=age)
    if is_refused:
        assert refusal_of(callback) == 403
    else:
        assert LoopbackGateway(SETTINGS).parse_receipts(callback) == []


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 405),
        ("POST", {"content-type": "text/plain"}, 415),
        ("POST", {"x-practice-signature": "é"}, 403),
        ("POST", {"x-practice-timestamp": "\N{ARABIC-INDIC DIGIT ONE}"}, 403),
    ],
)
def test_what_is_no_receipts_request_is_refused(
    method: str, headers: dict[str, str], status: int
) -> None:
    genuine = signed(b"[]", SETTINGS["token"])
    assert refusal_of(Callback(method, {**genuine.headers, **headers}, {}, b"[]")) == status


@pytest.mark.parametrize(
    "changes",
    [
        {"url": ""},
        {"url": "ftp://x"},
        {"url": "http://"},
        {"token": ""},
        {"token": "two\nlines"},
        {"class": "best"},
    ],
)
def test_options_that_cannot_work_are_refused_at_once(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        LoopbackGateway({**SETTINGS, **changes})


def test_the_class_of_the_carrier_is_an_option() -> None:
    assert LoopbackGateway(SETTINGS).carrier_class is CarrierClass.IDEMPOTENT
    queryable = LoopbackGateway({**SETTINGS, "class": "queryable"})
    assert queryable.carrier_class is CarrierClass.QUERYABLE
