from __future__ import annotations

import contextlib
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms import template
from sms.template import MissingValues, TemplateError, Unknown, placeholders
from sms.text import TEMPLATE_MAX, measure

EXAMPLE = "Hi ${name}, your parcel ${code} arrives today. Show ${code} at the desk."


def test_a_template_is_filled_in_order():
    compiled = template.compile(EXAMPLE)
    assert compiled.names == ("name", "code")
    expected = "Hi Ann, your parcel X7 arrives today. Show X7 at the desk."
    assert compiled.render({"name": "Ann", "code": "X7", "unused": "?"}) == expected
    assert compiled.render_list(["Ann", "X7"]) == expected


def test_a_text_without_placeholders_stays_as_it_is():
    compiled = template.compile("Doors open at 9.")
    assert compiled.names == ()
    assert compiled.render({}) == compiled.render_list([]) == "Doors open at 9."
    assert placeholders("") == []


@pytest.mark.parametrize(
    ("content", "position", "words"),
    [
        pytest.param("Hi ${", 3, "not closed", id="M1-unclosed-at-the-end"),
        pytest.param("Hi ${name", 3, "not closed", id="M1-unclosed-name"),
        pytest.param("${}", 0, "needs a name", id="M1-empty"),
        pytest.param("Hi ${ }", 3, "no spaces", id="M1-space"),
        pytest.param("Hi ${name }", 3, "no spaces", id="M1-space-after"),
        pytest.param("${a${b}}", 0, "inside another", id="M2-nested"),
        pytest.param("${a.b}", 0, "letters, digits", id="M7-dot"),
        pytest.param("${a!r}", 0, "letters, digits", id="M7-conversion"),
        pytest.param("${a:>99999999}", 0, "letters, digits", id="M7-format"),
        pytest.param("ok ${ok} ${1a}", 9, "begins with", id="M7-digit-first"),
        pytest.param("${\u0301a}", 0, "begins with", id="M5-mark-first"),
        pytest.param("${" + "n" * 33 + "}", 0, "at most 32", id="M5-33-characters"),
        pytest.param("${" + "n" * 9999, TEMPLATE_MAX, "at most 2000", id="M10-endless-name"),
        pytest.param("${a\u200bb}", 0, "letters, digits", id="M13-invisible-in-a-name"),
        pytest.param("${a\x00}", 0, "letters, digits", id="M13-NUL-in-a-name"),
        pytest.param("${name} ${n\u0430me}", 8, "look the same", id="M6-latin-and-cyrillic-a"),
        pytest.param("${\uff41} ${a}", 5, "look the same", id="M6-full-width"),
    ],
)
def test_a_malformed_placeholder_is_refused_with_its_position(content, position, words):
    with pytest.raises(TemplateError) as refusal:
        template.compile(content)
    assert refusal.value.position == position
    assert words in refusal.value.message


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(text, id=f"M7-{text}")
        for text in (
            "$",
            "$$",
            "$5",
            "$name",
            "{name}",
            "{{name}}",
            "%name%",
            "%s",
            "} $ {",
            "#{a}",
        )
    ],
)
def test_everything_else_is_literal_text(content):
    assert template.compile(content).render({"name": "Ann"}) == content


def test_M7_a_dollar_before_a_placeholder_stays():
    assert template.compile("$${price} $$").render({"price": "5"}) == "$5 $$"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("姓名", id="M5-chinese"),
        pytest.param("имя", id="M5-cyrillic"),
        pytest.param("नाम", id="M5-letters-with-marks"),
        pytest.param("_first_name2", id="M5-underscore"),
        pytest.param("n" * 32, id="M5-32-characters"),
        pytest.param("e\u0301" * 32, id="M5-32-after-NFC"),
    ],
)
def test_names_of_any_script_are_placeholders(name):
    compiled = template.compile("${" + name + "}!")
    composed = unicodedata.normalize("NFC", name)
    assert compiled.names == (composed,)
    assert compiled.render({composed: "x"}) == "x!"


def test_names_differing_in_case_are_two_names():
    assert placeholders("${Name} ${name} ${Name}") == ["Name", "name"]


def test_M3_a_variable_without_a_column_is_named():
    compiled = template.compile("${name} ${code}")
    assert compiled.unknown(["name", "town"]) == [Unknown("code", None)]
    assert compiled.unknown(["code", "name"]) == []


@pytest.mark.parametrize("column", ["name", "NAME", "N\u0430me"])
def test_M4_a_column_of_nearly_the_same_name_is_offered_and_never_taken(column):
    compiled = template.compile("Hi ${Name}")
    assert compiled.unknown([column]) == [Unknown("Name", column)]
    with pytest.raises(MissingValues):
        compiled.render({column: "Ann"})


@pytest.mark.parametrize("values", [{}, {"name": "Ann"}, {"name": "Ann", "code": None}])
def test_a_missing_value_is_refused_so_no_raw_variable_leaves(values):
    with pytest.raises(MissingValues) as refusal:
        template.compile(EXAMPLE).render(values)
    assert refusal.value.names[-1] == "code"


def test_U51_an_empty_value_is_a_value_where_the_list_allows_it():
    compiled = template.compile("Hello${name}! ${code}")
    assert compiled.render({"name": "", "code": "X7"}) == "Hello! X7"
    assert template.compile("${code}").render_list([""]) == ""


def test_a_list_of_the_wrong_length_is_an_error():
    with pytest.raises(ValueError, match="one value for each"):
        template.compile(EXAMPLE).render_list(["Ann"])


@pytest.mark.parametrize("value", ["${code}", "{name}", "{{ name }}", "%s", "$$", "\\1", "<b>'--"])
def test_U55_U56_a_value_is_inserted_literally_and_never_read_again(value):
    compiled = template.compile("${name}|${code}")
    assert compiled.render({"name": value, "code": "1"}) == f"{value}|1"


def test_M11_one_row_with_an_emoji_is_counted_as_unicode_and_the_others_are_not():
    compiled = template.compile("Hi ${name}, " + "a" * 80)
    costs = [measure(compiled.render_list([name])) for name in ("Ann", "Ann😀")]
    assert [(cost.encoding, cost.segments) for cost in costs] == [("GSM-7", 1), ("UCS-2", 2)]


@pytest.mark.parametrize("content", ["${a}" * 10_000, "x" * 100_000, "x" * (TEMPLATE_MAX + 1)])
def test_M10_a_body_too_long_is_refused_before_it_is_read(content):
    with pytest.raises(TemplateError) as refusal:
        template.compile(content)
    assert refusal.value.position == TEMPLATE_MAX


def test_M10_the_longest_template_is_accepted():
    assert len(placeholders("${a}" * (TEMPLATE_MAX // 4))) == 1


def fastest(content):
    """The best of several scans in seconds, whether or not the content is a template."""
    best = float("inf")
    for _ in range(7):
        start = time.perf_counter()
        with contextlib.suppress(TemplateError):
            template._scan(content)
        best = min(best, time.perf_counter() - start)
    return best


@pytest.mark.parametrize(
    "piece",
    [
        "${${${",
        "${a}",
        "$",
        "{",
        "${" + "a" * 40,
        "${" + "a" * 32 + "}",
        "${a" + "\u0301" * 60 + "}",
    ],
)
def test_M10_hostile_text_costs_time_in_proportion_to_its_length(piece):
    short = piece * (25_000 // len(piece))
    assert fastest(short * 4) <= 12 * max(fastest(short), 20e-6)


def test_M10_100_kb_of_unclosed_placeholders_cost_no_more_than_plain_text():
    plain = fastest("a" * 100_000)
    assert fastest("${${${" * 17_000) <= 50 * max(plain, 20e-6)


@given(st.text(st.sampled_from("${}ab_1 .\u0301\u0430e😀\x00"), max_size=60) | st.text())
def test_any_text_is_a_template_or_a_refusal_with_a_position_inside_it(content):
    try:
        compiled = template.compile(content)
    except TemplateError as refusal:
        assert 0 <= refusal.position < len(content)  # noqa: PT017
        return
    assert placeholders(content) == list(compiled.names)
    values = [f"<{place}>" for place in range(len(compiled.names))]
    rendered = compiled.render_list(values)
    assert "${" not in rendered
    assert compiled.render(dict(zip(compiled.names, values, strict=True))) == rendered


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2))
def test_any_values_stand_where_their_placeholders_stood(values):
    compiled = template.compile("a${x}b${y}c${x}d")
    assert compiled.render_list(values) == f"a{values[0]}b{values[1]}c{values[0]}d"
