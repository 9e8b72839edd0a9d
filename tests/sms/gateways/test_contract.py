"""The same questions to every gateway. ``contract.py`` says how a gateway gets its row."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sms.gateways
from sms.gateways.base import (
    Accepted,
    BadCallback,
    Callback,
    CarrierClass,
    Gateway,
    InDoubt,
    Outbound,
    Receipt,
    Refused,
    Throttled,
    Unavailable,
)
from tests.sms.gateways.contract import Party, Row, nobody, rows

ROWS = rows()
NOT_GATEWAYS = {"__init__", "base", "wire"}

every_row = pytest.mark.parametrize("row_name", ROWS)
receipts_rows = pytest.mark.parametrize(
    "row_name", [name for name, row in ROWS.items() if row.gateway.gives_receipts]
)


def each(answers: str) -> pytest.MarkDecorator:
    """Every answer of one kind of every row."""
    return pytest.mark.parametrize(
        ("row_name", "answer"),
        [(name, answer) for name, row in ROWS.items() for answer in getattr(row, answers)],
    )


def ask(question: Callable[[aiohttp.ClientSession], Awaitable[Any]], patience: float = 10.0) -> Any:
    """Ask with a session like the engine's: it alone holds the time limits."""

    async def asking() -> Any:
        limits = aiohttp.ClientTimeout(total=patience, connect=3)
        async with aiohttp.ClientSession(timeout=limits) as session:
            return await question(session)

    return asyncio.run(asking())


def submit(gateway: Gateway, message: Outbound, patience: float = 10.0) -> Accepted | Refused:
    return ask(lambda session: gateway.submit(session, message), patience)


def test_every_gateway_module_has_a_row() -> None:
    modules = {path.stem for path in Path(sms.gateways.__path__[0]).glob("*.py")}
    assert modules - NOT_GATEWAYS <= set(ROWS)


@every_row
def test_it_declares_what_it_is(row: Row, row_name: str, party: Party) -> None:
    gateway = row.gateway(party.settings)
    names = [option.name for option in gateway.options]
    assert gateway.name == row_name
    assert isinstance(gateway.carrier_class, CarrierClass)
    assert isinstance(gateway.gives_receipts, bool)
    assert len(names) == len(set(names))
    assert set(party.settings) <= set(names)
    assert any(option.secret for option in gateway.options)


@every_row
def test_an_accepted_message_has_the_carriers_id(row: Row, party: Party) -> None:
    message = party.provoke(row.accepted)
    answer = submit(row.gateway(party.settings), message)
    assert isinstance(answer, Accepted)
    assert answer.carrier_id
    assert answer.segments in (None, message.segments)
    assert party.seen(message.reference) == 1


@each("refusals")
def test_a_documented_no_is_a_refusal_with_a_reason(row: Row, party: Party, answer: str) -> None:
    refused = submit(row.gateway(party.settings), party.provoke(answer))
    assert isinstance(refused, Refused)
    assert refused.reason is row.refusals[answer]
    assert refused.detail


@every_row
def test_wrong_credentials_are_refused_for_the_whole_account(row: Row, party: Party) -> None:
    gateway = row.gateway({**party.settings, **row.wrong})
    refused = submit(gateway, party.provoke(row.accepted))
    assert isinstance(refused, Refused)
    assert refused.account_wide


@each("throttles")
def test_a_throttle_is_certainly_not_sent_and_says_when(
    row: Row, party: Party, answer: str
) -> None:
    with pytest.raises(Throttled) as throttled:
        submit(row.gateway(party.settings), party.provoke(answer))
    assert throttled.value.retry_after > 0


@every_row
@pytest.mark.parametrize("address", ["nobody", "http://no-such-host.invalid"])
def test_no_connection_is_certainly_not_sent(row: Row, party: Party, address: str) -> None:
    url = nobody() if address == "nobody" else address
    with pytest.raises(Unavailable):
        submit(row.gateway({**party.settings, "url": url}), party.provoke(row.accepted))


@each("doubts")
def test_an_answer_off_the_white_list_leaves_the_message_in_doubt(
    row: Row, party: Party, answer: str
) -> None:
    """And it is asked once: whether it may be repeated is not for a gateway to decide."""
    message = party.provoke(answer)
    with pytest.raises(InDoubt):
        submit(row.gateway(party.settings), message)
    assert party.seen(message.reference) <= 1


@each("silences")
def test_silence_leaves_the_message_in_doubt(row: Row, party: Party, answer: str) -> None:
    message = party.provoke(answer)
    with pytest.raises(InDoubt):
        submit(row.gateway(party.settings), message, patience=0.6)
    assert party.seen(message.reference) <= 1


@every_row
def test_a_submit_that_is_cancelled_ends_as_cancelled(row: Row, party: Party) -> None:
    gateway, message = row.gateway(party.settings), party.provoke(row.silences[0])

    async def cancelled(session: aiohttp.ClientSession) -> bool:
        call = asyncio.ensure_future(gateway.submit(session, message))
        await asyncio.sleep(0.2)
        call.cancel()
        await asyncio.wait([call])
        return call.cancelled()

    assert ask(cancelled)


@every_row
def test_a_look_up_finds_what_was_accepted_and_nothing_else(row: Row, party: Party) -> None:
    gateway = row.gateway(party.settings)
    if gateway.carrier_class not in (CarrierClass.IDEMPOTENT, CarrierClass.QUERYABLE):
        with pytest.raises(Unavailable):
            ask(lambda session: gateway.query(session, "any"))
        return
    message = party.provoke(row.accepted)
    assert ask(lambda session: gateway.query(session, message.reference)) is None
    accepted = submit(gateway, message)
    assert ask(lambda session: gateway.query(session, message.reference)) == accepted


@every_row
def test_a_look_up_without_a_certain_answer_says_so(row: Row, party: Party) -> None:
    for changed in ({"url": nobody()}, row.wrong):
        gateway = row.gateway({**party.settings, **changed})
        with pytest.raises(Unavailable):
            ask(lambda session, gateway=gateway: gateway.query(session, "any"))


@each("receipts")
def test_a_receipt_is_translated(row: Row, party: Party, answer: str) -> None:
    gateway, message = row.gateway(party.settings), party.provoke(answer)
    accepted = submit(gateway, message)
    receipts = gateway.parse_receipts(party.receipts(message.reference))
    (receipt,) = (one for one in receipts if one.carrier_id == accepted.carrier_id)
    assert receipt.reference in ("", message.reference)
    assert (receipt.outcome, receipt.reason) == row.receipts[answer]
    assert receipt.detail
    assert receipt.done_at is None or receipt.done_at.tzinfo


@receipts_rows
def test_a_receipts_request_that_was_changed_is_refused(row: Row, party: Party) -> None:
    gateway, message = row.gateway(party.settings), party.provoke(row.accepted)
    submit(gateway, message)
    genuine = party.receipts(message.reference)
    changed = Callback(genuine.method, genuine.headers, genuine.query, genuine.body + b" ")
    bare = Callback(genuine.method, {"content-type": "application/json"}, {}, genuine.body)
    for forged in (changed, bare):
        with pytest.raises(BadCallback) as refused:
            gateway.parse_receipts(forged)
        assert refused.value.status == 403


@every_row
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["id", "reference", "status", "code", "at", "segments"]), inner
            )
        ),
    ),
    is_signed=st.booleans(),
)
def test_wild_receipts_are_read_or_refused_and_nothing_else(
    row: Row, party: Party, body: Any, is_signed: bool
) -> None:
    raw = body if isinstance(body, bytes) else json.dumps([body]).encode()
    callback = party.authentic(raw) if is_signed else Callback("POST", {}, {}, raw)
    read = _read_or_refusal(row.gateway(party.settings), callback)
    if isinstance(read, int):
        assert 400 <= read < 500
    else:
        assert all(receipt.carrier_id or receipt.reference for receipt in read)


def _read_or_refusal(gateway: Gateway, callback: Callback) -> list[Receipt] | int:
    try:
        return gateway.parse_receipts(callback)
    except BadCallback as refused:
        return refused.status


@every_row
def test_it_has_an_acknowledgement_for_stored_receipts(row: Row, party: Party) -> None:
    assert 200 <= row.gateway(party.settings).acknowledge().status < 300
