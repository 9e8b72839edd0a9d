"""Logs: masked, on one line, with the request they belong to. Row H26."""

from __future__ import annotations

import json
import logging
import sys
import time
import uuid
from typing import Any

import pytest
from django.test import Client

from accounts import reference
from sheets.spoken import without_numbers
from smsconsole import logs
from smsconsole.masking import LONGEST, masked

ID = str(uuid.UUID(int=0x12345678123456781234567812345678))


def a_record(message: str, *args: Any, exc_info: Any = None) -> logging.LogRecord:
    return logging.LogRecord("campaigns.sending", 20, "f.py", 1, message, args, exc_info)


@pytest.mark.parametrize(
    "written",
    [
        "+12025550123", "12025550123", "2025550123", "5550123", "+61491570006", "0491 570 006",
        "+1 202-555-0123", "(202) 555-0123", "202.555.0123", "'+12025550123'", "tel:+12025550123",
        "number=12025550123", "+12025550123,+12025550124", "u2025550123",
    ],
)  # fmt: skip
def test_a_phone_number_is_masked_however_it_is_written(written: str) -> None:
    said = masked(f"refused {written} at once")
    assert "555" not in said
    assert "570" not in said
    assert said.startswith("refused ")
    assert said.endswith(" at once")


@pytest.mark.parametrize(
    "kept",
    [
        "campaign 4711 took 0.123456789 s", f"import {ID} is ready", "2026-11-22 16:40:16,123",
        "2026-11-22T16:40:16.123456+00:00", "127.0.0.1:8000", "192.168.100.100", "5 of 1000 rows",
        "digest 9f86d081884c7d659a2feaa0c55ad015", "C-1042", "celery 5.5.3", "batch 123456",
    ],
)  # fmt: skip
def test_ids_times_and_addresses_stay(kept: str) -> None:
    assert masked(kept) == kept


@pytest.mark.parametrize(
    "written",
    [
        "password=hunter22", '{"password": "hunter22"}', "Authorization: Bearer hunter22",
        "Cookie: session=hunter22", "csrfmiddlewaretoken=hunter22&x=1", "token: 'hunter22'",
        "postgres://console:hunter22@db:5432/x", "/signin/hunter22/ was opened",
        "POST /receipts/hunter22/", "SECRET_KEY=hunter22",
        "duplicate key\nDETAIL:  Failing row contains (7, hunter22).",
        "x" * 60 + "_password=hunter22", "password=\"cut: hunter22",
    ],
)  # fmt: skip
def test_secrets_and_rows_are_masked(written: str) -> None:
    assert "hunter22" not in masked(written)


WORDS = [
    "a-", "0-", "a", "1", "1 ", "csrf", "csrf_", "csrf-", "password ", "password='", "token=\"",
    "2026-01-01", "://a:", "/signin/", "DETAIL: ", "0f", "1,000,", "USD 1,000", "+1", "1x", " ",
]  # fmt: skip


@pytest.mark.parametrize("take_out", [masked, without_numbers])
@pytest.mark.parametrize("word", WORDS)
def test_a_text_of_eight_times_the_length_takes_no_fifty_times_as_long(
    word: str, take_out: Any
) -> None:
    """A stranger chooses what is logged (a Host, a path): the work grows with its length only."""

    def seconds(length: int) -> float:
        text = (word * length)[:length]
        taken = []
        for _ in range(3):
            began = time.thread_time()
            take_out(text)
            taken.append(time.thread_time() - began)
        return min(taken)

    short = max(seconds(LONGEST // 8), 0.001)
    assert seconds(LONGEST) < 24 * short


def test_a_text_too_long_for_a_line_of_log_is_cut_between_two_words_and_says_so() -> None:
    said = masked("refused " * 10_000 + "at once")
    assert len(said) < LONGEST + 100
    assert said.startswith("refused refused ")
    assert said.endswith(" refused ... (cut: 80,007 characters)")


@pytest.mark.parametrize("secret", ["password=", "postgres://console:", "/signin/", "+1202555"])
def test_no_cut_leaves_half_a_secret_behind(secret: str) -> None:
    assert secret not in masked("x" * (LONGEST - len(secret) - 5) + f" {secret}0123456789 ")
    assert masked("x" * LONGEST) == "x" * LONGEST


def test_a_host_that_nobody_serves_is_logged_at_once(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["console.example"]
    assert client.get("/healthz", headers={"Host": "a-" * 4_000}).status_code == 400


@pytest.mark.parametrize("kind", [logs.Line, logs.Json])
def test_arguments_and_exceptions_are_masked_too(kind: Any) -> None:
    try:
        raise ValueError("no country for +12025550123")
    except ValueError:
        record = a_record("refused %s", "+12025550124", exc_info=sys.exc_info())
    said = kind().format(record)
    assert "2025550" not in said
    assert "ValueError" in said
    assert "test_logs" in said
    assert "2025550" not in kind().format(record)


@pytest.mark.parametrize("kind", [logs.Line, logs.Json])
@pytest.mark.parametrize("sign", ["\n", "\r\n", "\x1b[31m", "\u2028", "\x00", "\x85"])
def test_no_field_begins_a_line_of_its_own(kind: Any, sign: str) -> None:
    """H26: a name with a line feed or an escape sequence forges no line of log."""
    said = kind().format(a_record("saved %s", f"name{sign}2026-01-01 INFO forged"))
    assert len(said.splitlines()) == 1
    assert sign not in said


def test_an_exception_forges_no_line_either() -> None:
    try:
        raise ValueError("bad\n2026-01-01 00:00:00,000 INFO forged")
    except ValueError:
        said = logs.Line().format(a_record("failed", exc_info=sys.exc_info()))
    assert all(line.startswith("  | ") for line in said.splitlines()[1:])


def test_a_line_for_machines_is_one_object(client: Client) -> None:
    mark = reference.current.set("abcdef0123456789")
    try:
        said = json.loads(logs.Json().format(a_record("ready %s", 3)))
        line = logs.Line().format(a_record("ready"))
    finally:
        reference.current.reset(mark)
    assert (said["message"], said["level"], said["request"]) == (
        "ready 3", "INFO", "abcdef0123456789",
    )  # fmt: skip
    assert " [abcdef0123456789] ready" in line


def test_every_handler_of_the_console_masks(settings: Any) -> None:
    named = settings.LOGGING["formatters"]
    used = {handler["formatter"] for handler in settings.LOGGING["handlers"].values()}
    assert used <= named.keys()
    assert {named[name]["()"] for name in named} == {"smsconsole.logs.Line", "smsconsole.logs.Json"}
    assert settings.LOGGING["root"]["handlers"] == list(settings.LOGGING["handlers"])
