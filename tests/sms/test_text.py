from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest
import smsutil
from hypothesis import example, given
from hypothesis import strategies as st

from sms.text import (
    EACH,
    GSM_BASIC,
    GSM_EXTENSION,
    MAX_SEGMENTS,
    PLAIN,
    SINGLE,
    BadText,
    clean_name,
    clean_value,
    encoding_of,
    forces_unicode,
    is_blank,
    measure,
    normalise,
    plain,
    split,
    unwanted,
)

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))["segments"]
FAMILY = "👨\u200d👩\u200d👧"


def written_out(runs):
    return "".join(piece * times for piece, times in runs)


# --- counting ---------------------------------------------------------------------------


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["name"])
def test_a_text_is_counted_as_carriers_bill_it(row):
    text = written_out(row["text"])
    counted = measure(text)
    assert (counted.encoding, counted.units) == (row["encoding"], row["units"])
    assert split(text) == row["split"]
    assert counted.segments == len(row["split"])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("a" * 152 + "€" + "a" * 152, [152, 153, 1], id="M12-escape-pair"),
        pytest.param("你" * 66 + "😀" + "你" * 66, [66, 67, 1], id="M12-surrogate-pair"),
        pytest.param("€" * 153, [152, 152, 2], id="M12-only-escape-pairs"),
        pytest.param("😀" * 67, [66, 66, 2], id="M12-only-surrogate-pairs"),
    ],
)
def test_a_pair_is_never_cut_in_half(text, parts):
    assert split(text) == parts
    assert measure(text).segments == len(parts)


@pytest.mark.parametrize(
    ("text", "room"),
    [
        ("", 160),
        ("a", 159),
        ("a" * 160, 0),
        ("a" * 161, 145),
        ("a" * 306, 0),
        ("€" * 81, 143),
        ("你" * 69, 1),
        ("你" * 71, 63),
        ("😀" * 36, 61),
    ],
)
def test_the_room_left_in_the_last_segment_is_told(text, room):
    assert measure(text).room == room


def test_the_alphabet_is_whole():
    assert len(set(GSM_BASIC)) == 127  # 128 less the escape
    assert len(set(GSM_EXTENSION)) == 10
    assert not set(GSM_BASIC) & set(GSM_EXTENSION)


@pytest.mark.parametrize("character", "ç`\t\u00a0’“–…áíóúâêîôûãõëïÿ\x1bΑ")
def test_one_character_outside_the_alphabet_makes_the_whole_message_unicode(character):
    assert encoding_of("a" * 100 + character) == "UCS-2"


@pytest.mark.parametrize(
    ("segments", "text"),
    [
        pytest.param(MAX_SEGMENTS, "a" * 1530, id="M9-ten-segments"),
        pytest.param(MAX_SEGMENTS + 1, "a" * 1531, id="M9-eleven-segments"),
        pytest.param(MAX_SEGMENTS, "你" * 670, id="M9-ten-unicode-segments"),
        pytest.param(MAX_SEGMENTS + 1, "你" * 671, id="M9-eleven-unicode-segments"),
    ],
)
def test_the_longest_message_is_ten_segments(segments, text):
    assert measure(text).segments == segments


# Mostly the borders: runs of one character, of both alphabets and widths.
PIECES = st.sampled_from(["a", "é", "€", "{", "\n", "你", "😀", "ç", FAMILY, "\u0301", "Δ"])
TEXTS = st.lists(st.tuples(PIECES, st.integers(1, 160)), min_size=1, max_size=5).map(written_out)


@given(TEXTS | st.text(min_size=1, max_size=400))
@example("a" * 152 + "€" + "a" * 152)
def test_an_independent_counter_agrees_on_every_text(text):
    """The other counter calls an empty text one segment, and takes the bare escape for a letter.

    Both are refused here before they are counted, so neither is compared.
    """
    text = text.replace("\x1b", "") or "a"
    theirs = smsutil.split(text)
    width = 1 if theirs.encoding == "gsm0338" else 2
    assert encoding_of(text) == ("GSM-7" if width == 1 else "UCS-2")
    assert split(text) == [part.bytes // width for part in theirs.parts]
    assert measure(text).segments == len(theirs.parts)


@given(st.text())
def test_the_measure_is_that_of_the_split(text):
    counted, parts = measure(text), split(text)
    capacity = SINGLE[counted.encoding] if len(parts) < 2 else EACH[counted.encoding]
    assert counted.units == sum(parts)
    assert counted.segments == len(parts)
    assert counted.room == capacity - (parts[-1] if parts else 0)


# --- normalising ------------------------------------------------------------------------


@pytest.mark.parametrize("raw", ["a\r\nb", "a\rb", "a\nb"])
def test_M14_every_line_break_becomes_one_line_feed(raw):
    assert normalise(raw) == "a\nb"


def test_a_line_break_of_a_form_costs_one_septet():
    assert measure(normalise("\r\n" * 80)).units == 80


def test_a_letter_typed_in_two_parts_is_joined_and_stays_cheap():
    assert measure(normalise("cafe\u0301")).encoding == "GSM-7"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="M8-empty"),
        pytest.param(" \n\u00a0\u3000", id="M8-only-spaces"),
        pytest.param("\u200b\ufeff\u200d\u202e", id="M8-only-invisible"),
    ],
)
def test_a_text_that_shows_nothing_is_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", " .", "😀", "\u0301"])
def test_a_text_that_shows_something_is_not_blank(text):
    assert not is_blank(text)


# --- what forces Unicode ----------------------------------------------------------------


def test_the_characters_that_force_unicode_are_named_with_what_could_replace_them():
    found = forces_unicode("Don’t miss ça… 你")
    assert [(f.position, f.character, f.plain, f.spelling) for f in found] == [
        (3, "’", "'", False),
        (11, "ç", "c", True),
        (13, "…", "...", False),
        (15, "你", None, False),
    ]
    assert found[0].name == "Right single quotation mark"


def test_a_text_in_the_alphabet_forces_nothing():
    assert forces_unicode(GSM_BASIC + GSM_EXTENSION) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("‘a’ ‚b‛ ′c` ´", "'a' 'b' 'c' '"),
        ("“a” „b‟ ″ «c»", '"a" "b" " "c"'),
        ("a‐b‑c‒d–e—f―g−h", "a-b-c-d-e-f-g-h"),
        ("wait…", "wait..."),
        ("a\u00a0b\u202fc\u2009d\u200ae\u2007f\tg", "a b c d e f g"),
        ("a\u200bb\u200cc\u200dd\u2060e\ufefff\u180eg\u00adh", "abcdefgh"),
        ("a\u2028b\u2029c", "a\nb\nc"),
        ("ça déjà naïve", "ça déjà naïve"),
        ("你好 😀", "你好 😀"),
        ("a ≠ b", "a ≠ b"),
    ],
)
def test_typographic_characters_have_plain_ones_of_the_same_meaning(text, expected):
    assert plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ça á í ó ú ê ã õ ł Ł", "ca a i o u e a o l L"),
        ("tiếng Việt", "tieng Viet"),
        ("à é ü ñ å Ç stay", "à é ü ñ å Ç stay"),
        ("ΑΘΗΝΑ", "AΘHNA"),
        ("a ≠ 你", "a ≠ 你"),
    ],
)
def test_letters_lose_their_accents_only_when_asked(text, expected):
    assert plain(text, spelling=True) == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(FAMILY, id="emoji"),
        pytest.param("❤️\u200d🔥", id="emoji-with-a-selector"),
        pytest.param("क्\u200dष", id="hindi"),
        pytest.param("می\u200cخواهم", id="persian"),
        pytest.param("ශ්\u200dරී", id="sinhala"),
    ],
)
def test_a_joiner_that_carries_meaning_is_kept(text):
    assert plain(text, spelling=True) == text
    assert not [found for found in forces_unicode(text) if found.plain == ""]


@given(st.text())
def test_a_plain_text_is_never_dearer_in_kind_and_nothing_becomes_a_question_mark(text):
    for spelling in (False, True):
        better = plain(text, spelling)
        assert plain(better, spelling) == better
        assert better.count("?") == text.count("?")
        assert not (encoding_of(text) == "GSM-7" and better != text)


@given(st.text())
def test_the_replacements_offered_are_those_that_are_made(text):
    modest, full = list(text), list(text)
    for found in forces_unicode(text):
        if found.plain is not None:
            full[found.position] = found.plain
            if not found.spelling:
                modest[found.position] = found.plain
    assert "".join(full) == plain(text, spelling=True)
    assert "".join(modest) == plain(text)


def test_every_replacement_is_in_the_alphabet_and_replaces_nothing_in_it():
    for character, by in PLAIN.items():
        assert encoding_of(character) == "UCS-2"
        assert encoding_of(by) == "GSM-7"


# --- what may not be sent ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("character", "kind"),
    [
        pytest.param("\x00", "refused", id="M13-NUL"),
        pytest.param("\t", "refused", id="M13-tab"),
        pytest.param("\x0c", "refused", id="M13-form-feed"),
        pytest.param("\x1b", "refused", id="M13-escape"),
        pytest.param("\x7f", "refused", id="M13-delete"),
        pytest.param("\x85", "refused", id="M13-C1"),
        pytest.param("\ud800", "refused", id="U54-lone-surrogate"),
        pytest.param("\uffff", "refused", id="M13-noncharacter"),
        pytest.param("\u202e", "warned", id="M13-bidi-override"),
        pytest.param("\u2066", "warned", id="M13-bidi-isolate"),
        pytest.param("\ufeff", "warned", id="M13-byte-order-mark"),
    ],
)
def test_a_character_that_may_not_be_sent_is_found_where_it_stands(character, kind):
    (found,) = unwanted("ab" + character + "c")
    assert (found.position, found.character, found.kind) == (2, character, kind)
    assert found.name.isprintable()


@pytest.mark.parametrize("text", ["a\nb", "你好 😀", FAMILY, "שלום \u200f123", "é€{}"])
def test_M13_what_people_write_is_wanted(text):
    assert unwanted(text) == []


@given(st.text())
def test_every_control_character_but_the_line_feed_is_refused(text):
    refused = {found.position for found in unwanted(text) if found.kind == "refused"}
    controls = {
        place
        for place, character in enumerate(text)
        if unicodedata.category(character) in ("Cc", "Cs") and character != "\n"
    }
    assert controls <= refused


# --- names and values -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        pytest.param("😀" * 30, "😀" * 30, id="M16-30-emoji"),
        pytest.param("  " + "名" * 30 + "\n", "名" * 30, id="M16-trimmed"),
        pytest.param("e\u0301" * 30, "é" * 30, id="M16-combining-marks"),
    ],
)
def test_a_name_of_30_characters_is_accepted(raw, name):
    assert clean_name(raw) == name


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        pytest.param("😀" * 31, "too_long", id="M16-31-emoji"),
        pytest.param("x\u0301" * 16, "too_long", id="M16-marks-that-stay"),
        pytest.param("", "empty", id="M16-blank"),
        pytest.param(" \u00a0 ", "empty", id="M16-only-spaces"),
        pytest.param("\u200b", "empty", id="M16-only-invisible"),
        pytest.param("a\nb", "control", id="M16-two-lines"),
        pytest.param("a\x00b", "control", id="M16-NUL"),
        pytest.param("a\u202eb", "direction", id="M16-turned"),
        pytest.param("a\u2066b", "direction", id="M16-isolated"),
    ],
)
def test_other_names_are_refused(raw, problem):
    with pytest.raises(BadText) as refusal:
        clean_name(raw)
    assert refusal.value.problem == problem


def test_a_value_is_normalised_and_trimmed_and_may_hold_line_breaks():
    assert clean_value(" 12 Main St\r\nCafe\u0301 ") == "12 Main St\nCafé"
    assert clean_value("a" * 200) == "a" * 200
    assert clean_value(" ") == ""


@pytest.mark.parametrize(
    ("raw", "problem"), [("a" * 201, "too_long"), ("a\x1bb", "control"), ("\udc00", "control")]
)
def test_a_value_too_long_or_with_control_characters_is_refused(raw, problem):
    with pytest.raises(BadText) as refusal:
        clean_value(raw)
    assert refusal.value.problem == problem
