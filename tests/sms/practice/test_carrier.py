"""The practice carrier as a process: what it keeps across kills, and what it owes."""

from __future__ import annotations

import hmac
import os
import signal
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest

from sms.practice.receipts import MAX_BATCH, Owed, encode_batch
from tests.sms.practice.carrier import PracticeCarrier, Receiver, eventually


def test_a_message_is_in_the_ledger_before_it_is_answered(carrier: PracticeCarrier) -> None:
    carrier.change(latency_ms=60_000)
    asking = threading.Thread(target=_submit_and_lose, args=(carrier, "slow"), daemon=True)
    asking.start()
    (line,) = eventually(lambda: carrier.ledger("slow"))
    assert asking.is_alive()
    assert line["kind"] == "accepted"
    key = (carrier.home / "ledger.key").read_bytes()
    assert line["hmac_to"] == hmac.new(key, b"+12025550180", sha256).hexdigest()
    carrier.kill()
    asking.join()


def _submit_and_lose(carrier: PracticeCarrier, reference: str) -> None:
    try:
        carrier.submit(reference)
    except (OSError, ValueError):
        return


def test_the_ledger_holds_no_number_and_no_text(carrier: PracticeCarrier) -> None:
    carrier.submit("a", "+12025550180", "The secret word")
    raw = (carrier.home / "ledger.jsonl").read_text()
    assert "2025550180" not in raw
    assert "secret" not in raw


def test_a_number_is_told_by_a_key_of_the_folder_that_outlives_a_kill(
    carrier: PracticeCarrier, tmp_path: Path
) -> None:
    """Nobody who has the ledger alone can try all numbers."""
    carrier.submit("a", "+12025550180")
    carrier.kill()
    carrier.start()
    carrier.submit("b", "+12025550180")
    first, second = carrier.ledger()
    assert first["hmac_to"] == second["hmac_to"] != sha256(b"+12025550180").hexdigest()
    assert (carrier.home / "ledger.key").stat().st_mode & 0o777 == 0o600
    with PracticeCarrier(tmp_path / "another") as another:
        another.submit("a", "+12025550180")
        assert another.ledger()[0]["hmac_to"] != first["hmac_to"]


def test_a_known_key_gets_the_same_answer_and_is_billed_once(carrier: PracticeCarrier) -> None:
    answers = {repr(carrier.submit("same")[:2]) for _ in range(3)}
    assert len(answers) == 1
    kinds = [(line["kind"], line["attempt"]) for line in carrier.ledger("same")]
    assert kinds == [("accepted", 1), ("repeat", 2), ("repeat", 3)]
    assert carrier.stats()["accepted"] == carrier.stats()["segments"] == 1


@pytest.mark.parametrize("carrier_class", ["queryable", "receipts", "blind"])
def test_a_carrier_without_keys_takes_a_repeated_message_again(
    carrier: PracticeCarrier, carrier_class: str
) -> None:
    carrier.change(carrier_class=carrier_class)
    first, second = (carrier.submit("again")[1]["id"] for _ in range(2))
    assert first != second
    lines = carrier.ledger("again")
    assert [(line["kind"], line["attempt"]) for line in lines] == [("accepted", 1), ("accepted", 2)]


@pytest.mark.parametrize(
    ("carrier_class", "known", "unknown"),
    [
        ("idempotent", (200, "P000000001"), (404, "not_found")),
        ("queryable", (200, "P000000001"), (404, "not_found")),
        ("receipts", (404, "no_look_up"), (404, "no_look_up")),
        ("blind", (404, "no_look_up"), (404, "no_look_up")),
    ],
)
def test_only_some_classes_can_be_asked_about_a_reference(
    carrier: PracticeCarrier, carrier_class: str, known: object, unknown: object
) -> None:
    carrier.change(carrier_class=carrier_class)
    carrier.submit("here")
    for reference, expected in (("here", known), ("there", unknown)):
        status, answer, _ = carrier.ask("GET", f"/messages/{reference}")
        assert (status, answer.get("id") or answer["error"]) == expected


def test_kill_9_costs_neither_the_memory_of_keys_nor_an_owed_receipt(
    carrier: PracticeCarrier, receiver: Receiver
) -> None:
    """Killed while the receiver is away, twice, with a line cut short in between."""
    receiver.status = 503
    carrier.change(receipts_url=receiver.url)
    answers = {f"m{n}": carrier.submit(f"m{n}")[1] for n in range(50)}
    eventually(lambda: receiver.posts)
    carrier.kill()
    with (carrier.home / "ledger.jsonl").open("a") as ledger:
        ledger.write('{"kind":"accepted","at":1,"id":"P0000')
    carrier.start("--receipts-url", receiver.url)
    assert carrier.submit("new")[0] == 202
    for reference, answer in answers.items():
        assert carrier.submit(reference)[1] == answer
    carrier.kill()
    receiver.posts.clear()
    receiver.status = 200
    carrier.start("--receipts-url", receiver.url)
    eventually(lambda: carrier.stats()["receipts_pending"] == 0)
    assert {receipt["reference"] for receipt in receiver.receipts()} == {*answers, "new"}
    assert carrier.stats()["accepted"] == 51


def test_an_acknowledged_receipt_is_not_posted_again_after_a_restart(
    carrier: PracticeCarrier, receiver: Receiver
) -> None:
    carrier.change(receipts_url=receiver.url)
    carrier.submit("once")
    eventually(lambda: carrier.stats()["receipts_pending"] == 0)
    carrier.kill()
    carrier.start("--receipts-url", receiver.url)
    assert carrier.stats()["receipts_pending"] == 0
    assert len(receiver.receipts()) == 1


def test_a_receipt_the_receiver_never_takes_does_not_hold_up_the_others(
    carrier: PracticeCarrier, receiver: Receiver
) -> None:
    receiver.dislikes = b'"poison"'
    carrier.change(receipts_url=receiver.url)
    for reference in ("poison", "a", "b", "c"):
        carrier.submit(reference)
    eventually(lambda: {"a", "b", "c"} <= {one["reference"] for one in receiver.receipts()})
    assert carrier.stats()["receipts_pending"] == 1
    receiver.dislikes = b""
    eventually(lambda: carrier.stats()["receipts_pending"] == 0)


def test_receipts_are_signed_over_time_and_body(
    carrier: PracticeCarrier, receiver: Receiver
) -> None:
    carrier.change(receipts_url=receiver.url)
    carrier.submit("signed")
    (post,) = eventually(lambda: receiver.posts)
    timestamp = post.headers["x-practice-timestamp"]
    expected = hmac.new(carrier.token.encode(), timestamp.encode() + b"." + post.body, sha256)
    assert post.headers["x-practice-signature"] == expected.hexdigest()
    assert abs(time.time() - int(timestamp)) < 30


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("0180", [("delivered", "")]),
        ("0181", [("undelivered", "unreachable")]),
        ("0184", [("expired", "expired")]),
        ("0188", []),
        ("0189", [("buffered", ""), ("delivered", "")]),
        ("0190", [("undelivered", "unreachable"), ("delivered", "")]),
        ("0191", [("delivered", ""), ("delivered", "")]),
        ("0192", [("mislaid", "odd_word")]),
    ],
)
def test_the_number_chooses_what_its_receipts_say(
    carrier: PracticeCarrier, receiver: Receiver, ending: str, said: object
) -> None:
    carrier.change(receipts_url=receiver.url)
    assert carrier.submit("chosen", f"+1202555{ending}")[0] == 202
    eventually(lambda: carrier.stats()["receipts_pending"] == 0)
    assert [(r["status"], r["code"]) for r in receiver.receipts()] == said


def test_a_receipt_can_overtake_the_answer(carrier: PracticeCarrier, receiver: Receiver) -> None:
    carrier.change(receipts_url=receiver.url)
    answered: list[int] = []
    asking = threading.Thread(
        target=lambda: answered.append(carrier.submit("early", "+12025550195")[0])
    )
    asking.start()
    eventually(lambda: receiver.posts)
    overtaken = not answered
    asking.join()
    assert overtaken
    assert answered == [202]


def test_a_blind_carrier_names_no_reference_of_ours(
    carrier: PracticeCarrier, receiver: Receiver
) -> None:
    carrier.change(carrier_class="blind", receipts_url=receiver.url)
    carrier_id = carrier.submit("ours")[1]["id"]
    (receipt,) = eventually(receiver.receipts)
    assert (receipt["id"], receipt["reference"]) == (carrier_id, None)


def test_the_fullest_batch_stays_below_what_receivers_allow() -> None:
    longest = Owed(
        2e9, 2e9, "k", "r" * 64, "P" + "9" * 12, 255, "undelivered", "blocked_by_carrier"
    )
    assert len(encode_batch([longest] * MAX_BATCH, with_reference=True)) < 64 * 1024


def test_the_rate_is_kept_in_segments(carrier: PracticeCarrier) -> None:
    carrier.change(rate=20)
    answers = [carrier.submit(f"r{n}", text="a" * 400) for n in range(12)]
    status, answer, headers = answers[-1]
    assert (status, answer, headers["Retry-After"]) == (429, {"error": "throttled"}, "1")
    assert carrier.stats()["accepted"] < 12
    carrier.change(rate=0)
    assert carrier.submit("free")[0] == 202


def test_faults_before_accepting_leave_no_line_and_faults_after_leave_one(
    carrier: PracticeCarrier,
) -> None:
    carrier.change(faults={"error_before": 1})
    assert carrier.submit("b")[0] == 503
    carrier.change(faults={"error_after": 1})
    assert carrier.submit("a")[0] == 500
    carrier.change(faults={"refused": 1})
    assert carrier.submit("r")[:2] == (422, {"error": "content"})
    assert carrier.submit("a")[0] == 202
    carrier.change(faults={"reset_after": 1})
    with pytest.raises(ConnectionResetError):
        carrier.submit("x")
    assert [line["reference"] for line in carrier.ledger()] == ["a", "a", "x"]


@pytest.mark.parametrize(
    ("fields", "key", "answer"),
    [
        ({"reference": 'a"b'}, 'a"b', (400, "bad_request")),
        ({"reference": "a"}, "b", (400, "bad_request")),
        ({"to": "12025550180"}, "a", (422, "bad_number")),
        ({"from": ""}, "a", (422, "sender")),
        ({"text": ""}, "a", (422, "content")),
        ({"text": "a" * 10_001}, "a", (422, "too_long")),
    ],
)
def test_a_message_that_makes_no_sense_is_refused_with_a_word(
    standing_carrier: PracticeCarrier, fields: dict[str, str], key: str, answer: object
) -> None:
    body = {"reference": "a", "to": "+12025550180", "from": "Acme", "text": "Hello", **fields}
    status, said, _ = standing_carrier.ask("POST", "/messages", body, {"Idempotency-Key": key})
    assert (status, said["error"]) == answer
    assert standing_carrier.ledger("a") == []


@pytest.mark.parametrize("path", ["/messages", "/faults", "/stats", "/messages/a", "/"])
def test_nothing_is_answered_without_the_token(
    standing_carrier: PracticeCarrier, path: str
) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    assert standing_carrier.ask("GET", path, headers=wrong)[:2] == (401, {"error": "unauthorised"})


@pytest.mark.parametrize(
    "settings",
    [{"colour": 1}, {"class": "best"}, {"rate": -1}, {"receipts_url": "ftp://x"}, {"seed": "1"}],
)
def test_a_setting_that_makes_no_sense_changes_nothing(
    standing_carrier: PracticeCarrier, settings: dict[str, object]
) -> None:
    assert standing_carrier.ask("POST", "/faults", {"latency_ms": 60_000, **settings})[0] == 400
    assert standing_carrier.submit("quick")[0] == 202


def test_it_stops_when_told_and_keeps_its_token_to_itself(carrier: PracticeCarrier) -> None:
    assert (carrier.home / "token").stat().st_mode & 0o777 == 0o600
    assert carrier.stop() == 0


def test_two_carriers_never_share_a_folder(carrier: PracticeCarrier) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "sms.practice", "--home", str(carrier.home)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.startswith("Another practice carrier works in")


def test_it_ends_by_itself_when_its_parent_is_killed(tmp_path: Path) -> None:
    """The parent prints the child's id and is killed the hard way."""
    start = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-m', 'sms.practice', '--home', sys.argv[1],"
        " '--with-parent'], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        child = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    eventually(lambda: not _runs(child), within=5)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"  # nobody may be there to bury an orphan inside a container
