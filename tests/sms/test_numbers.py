"""Sample numbers are those reserved for fiction; others are made from the metadata at run time."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from sms.display import grouped, mask
from sms.numbers import (
    HINTS,
    SENDABLE_KINDS,
    BadNumber,
    Number,
    NumberProblem,
    parse_number,
    split_numbers,
)

US = "+12025550123"
AU = "+61491570006"


def sample(region, kind=PhoneNumberType.MOBILE):
    """A valid number of that kind, in E.164."""
    number = phonenumbers.example_number_for_type(region, kind)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def world_sample(code):
    number = phonenumbers.example_number_for_non_geo_entity(code)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def national(region):
    """As people of that country write a mobile number, and its E.164 form."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)


def problem_of(raw, country=None):
    with pytest.raises(BadNumber) as refusal:
        parse_number(raw, country)
    assert refusal.value.hint
    return refusal.value.problem


# --- read -------------------------------------------------------------------------------

GB, FR, SG = sample("GB"), sample("FR"), sample("SG")


@pytest.mark.parametrize(
    ("raw", "country", "e164", "assumed"),
    [
        pytest.param(US, None, US, False, id="plus"),
        pytest.param("+1 (202) 555-0123", None, US, False, id="written-with-signs"),
        pytest.param("(+61) 491 570 006", None, AU, False, id="code-in-brackets"),
        pytest.param("12025550123", None, US, True, id="N1-digits-without-plus"),
        pytest.param("6149157 0006", None, AU, True, id="N1-digits-with-a-space"),
        pytest.param("0012025550123", None, US, False, id="6.2-leading-00"),
        pytest.param("00" + GB[1:], "US", GB, False, id="N3-00-with-country-US"),
        pytest.param("0011" + GB[1:], "AU", GB, False, id="N3-own-exit-code"),
        pytest.param("0491 570 006", "AU", AU, False, id="6.2-national"),
        pytest.param("491570006", "AU", AU, False, id="U29-leading-zero-lost"),
        pytest.param("61491570006", "AU", AU, True, id="6.2-international-with-country"),
        pytest.param(SG[1:], "GB", SG, True, id="6.2-international-where-national-fails"),
        pytest.param("2025550123", "us", US, False, id="country-in-small-letters"),
        pytest.param("+٦١٤٩١٥٧٠٠٠٦", None, AU, False, id="N4-arabic-indic"),
        pytest.param(
            "\uff0b" + "".join(chr(ord(c) + 0xFEE0) for c in AU[1:]), None, AU, False,
            id="N4-full-width",
        ),
        pytest.param("tel:+1-202-555-0123", None, US, False, id="N7-tel"),
        pytest.param("TEL: " + AU, None, AU, False, id="N7-TEL"),
        pytest.param(12025550123, None, US, True, id="U23-integer-cell"),
        pytest.param(491570006, "AU", AU, False, id="U23-integer-cell-with-country"),
        pytest.param(12025550123.0, None, US, True, id="U24-integral-float"),
        pytest.param(1.2025550123e10, None, US, True, id="U25-value-behind-the-display"),
        pytest.param("12025550123.0", None, US, True, id="6.2-text-of-an-integral-float"),
        pytest.param("'+12025550123", None, US, False, id="U32-apostrophe"),
        pytest.param("\u2019+12025550123", None, US, False, id="U32-curly-apostrophe"),
        pytest.param("  +1202\u00a0555\u202f0123 ", None, US, False, id="U31-spaces"),
        pytest.param("\ufeff\u202a+1202555\u200b0123\u202c", None, US, False, id="U31-invisible"),
    ],
)  # fmt: skip
def test_a_number_is_read_however_it_was_written(raw, country, e164, assumed):
    number = parse_number(raw, country)
    assert (number.e164, number.assumed) == (e164, assumed)


@pytest.mark.parametrize("region", ["HK", "MO", "TW", "SG", "GB", "DE", "BR", "IN", "ZA", "AR"])
def test_a_mobile_number_of_every_served_country_is_accepted(region):
    number = parse_number(sample(region))
    assert number.country == region
    assert number.kind in SENDABLE_KINDS
    assert parse_number(national(region), region).e164 == number.e164


@pytest.mark.parametrize("region", ["US", "CA", "PR", "JM", "GG", "JE", "KZ", "RU"])
def test_countries_that_share_a_code_are_told_apart(region):
    assert parse_number(sample(region)).country == region


def test_the_kind_where_a_plan_does_not_tell_mobiles_apart_is_accepted():
    assert parse_number(US).kind == "fixed_line_or_mobile"


@pytest.mark.parametrize("start", ["+33 (0)", "0033 0", "330"])
def test_a_trunk_zero_after_the_country_code_is_left_out_and_told(start):
    number = parse_number(start + FR[3:])
    assert number.e164 == FR
    assert number.note == "The 0 after +33 was removed."


def test_what_was_removed_is_told_and_counted():
    assert parse_number("\u200b" + US + "\u202c").note == "Invisible characters removed: 2."
    assert "decimal zero" in parse_number("12025550123.00").note
    assert parse_number(US).note == ""


# --- refused ----------------------------------------------------------------------------

P = NumberProblem


@pytest.mark.parametrize(
    ("raw", "country", "problem"),
    [
        pytest.param("", None, P.EMPTY, id="empty"),
        pytest.param(" \u200b\u00a0", None, P.EMPTY, id="only-spaces"),
        pytest.param("'", None, P.EMPTY, id="only-an-apostrophe"),
        pytest.param("-", None, P.NOT_A_NUMBER, id="only-signs"),
        pytest.param(f"{US},{AU}", None, P.NOT_A_NUMBER, id="two-numbers-in-a-cell"),
        pytest.param(f"{US}\n{AU}", None, P.NOT_A_NUMBER, id="two-lines-in-a-cell"),
        pytest.param("+1+2025550123", None, P.NOT_A_NUMBER, id="two-plus"),
        pytest.param("+1202555\x000123", None, P.NOT_A_NUMBER, id="NUL"),
        pytest.param("+1202555²0123", None, P.NOT_A_NUMBER, id="superscript"),
        pytest.param(True, None, P.NOT_A_NUMBER, id="U30-boolean"),
        pytest.param(float("nan"), None, P.NOT_A_NUMBER, id="nan"),
        pytest.param(float("-inf"), None, P.NOT_A_NUMBER, id="infinity"),
        pytest.param(-12025550123, None, P.NOT_A_NUMBER, id="negative"),
        pytest.param("0491570006", None, P.NO_COUNTRY_CODE, id="N1-national-without-country"),
        pytest.param("+0491570006", None, P.NO_COUNTRY_CODE, id="code-begins-with-0"),
        pytest.param("+999123456789", None, P.NO_COUNTRY_CODE, id="no-such-code"),
        pytest.param("1800FLOWERS", None, P.LETTERS, id="N5-vanity"),
        pytest.param("1800FLOWERS", "US", P.LETTERS, id="N5-vanity-with-country"),
        pytest.param("+1202555O123", None, P.LETTERS, id="N5-letter-O"),
        pytest.param(f"{US} ext. 5", None, P.EXTENSION, id="N6-ext"),
        pytest.param(f"{US}x5", None, P.EXTENSION, id="N6-x"),
        pytest.param(f"{US}#5", None, P.EXTENSION, id="N6-hash"),
        pytest.param(f"tel:{US};ext=5", None, P.EXTENSION, id="N6-tel-ext"),
        pytest.param(f"tel:{US};isub=5", None, P.EXTENSION, id="N6-isub"),
        pytest.param(f"whatsapp:{US}", None, P.SCHEME, id="N7-whatsapp"),
        pytest.param(f"sms:{US}", None, P.SCHEME, id="N7-sms"),
        pytest.param("+10025550123", None, P.NOT_VALID, id="N11-not-in-the-plan"),
        pytest.param("12345", None, P.TOO_SHORT, id="N10-five-digits"),
        pytest.param("12345", "US", P.TOO_SHORT, id="N8-short-code"),
        pytest.param("1" * 16, None, P.TOO_LONG, id="N10-sixteen-digits"),
        pytest.param("+" + "1" * 300, None, P.TOO_LONG, id="N10-300-digits"),
        pytest.param("+" + "1" * 200, "GB", P.TOO_LONG, id="N10-200-digits"),
        pytest.param("+12025550", None, P.TOO_SHORT, id="N10-too-short-for-its-country"),
        pytest.param("4.47401E+11", None, P.SPREADSHEET_DAMAGE, id="6.2-scientific"),
        pytest.param("8.61E+12", None, P.SPREADSHEET_DAMAGE, id="U26-point-plus"),
        pytest.param("8.61E12", None, P.SPREADSHEET_DAMAGE, id="U26-point"),
        pytest.param("8,61E+12", None, P.SPREADSHEET_DAMAGE, id="U26-comma"),
        pytest.param(" '8,61e+12", "GB", P.SPREADSHEET_DAMAGE, id="U26-small-e"),
        pytest.param(12025550123.5, None, P.SPREADSHEET_DAMAGE, id="U24-fraction"),
        pytest.param("12025550123.5", None, P.SPREADSHEET_DAMAGE, id="U24-fraction-in-text"),
        pytest.param(4.47911123456789e16, None, P.PRECISION_LOST, id="U27-17-digit-float"),
        pytest.param(4479111234567891, None, P.PRECISION_LOST, id="U27-16-digit-integer"),
        pytest.param(10**5000, None, P.PRECISION_LOST, id="U27-endless-integer"),
    ],
)  # fmt: skip
def test_what_is_no_number_to_send_to_is_refused_by_name(raw, country, problem):
    assert problem_of(raw, country) is problem


T = PhoneNumberType


@pytest.mark.parametrize(
    ("region", "kind", "problem"),
    [
        pytest.param("GB", T.FIXED_LINE, P.NOT_MOBILE, id="N8-landline"),
        pytest.param("US", T.TOLL_FREE, P.NOT_MOBILE, id="N8-toll-free"),
        pytest.param("US", T.PREMIUM_RATE, P.PREMIUM, id="N8-premium-900"),
        pytest.param("GB", T.PREMIUM_RATE, P.PREMIUM, id="N8-premium"),
        pytest.param("DE", T.SHARED_COST, P.NOT_MOBILE, id="N8-shared-cost"),
        pytest.param("GB", T.PAGER, P.NOT_MOBILE, id="N8-pager"),
        pytest.param("GB", T.UAN, P.NOT_MOBILE, id="N8-company-number"),
        pytest.param("CH", T.VOICEMAIL, P.NOT_MOBILE, id="N8-voicemail"),
        pytest.param("GB", T.VOIP, P.NOT_MOBILE, id="N8-internet-telephone"),
        pytest.param("GB", T.PERSONAL_NUMBER, P.NOT_MOBILE, id="N8-personal-number"),
    ],
)
def test_a_number_that_cannot_or_may_not_get_a_message_is_refused_by_its_kind(
    region, kind, problem
):
    assert problem_of(sample(region, kind)) is problem


@pytest.mark.parametrize("code", [870, 878, 881, 882, 883, 979], ids=lambda code: f"N9-{code}")
def test_satellite_and_global_numbers_are_refused(code):
    expected = P.PREMIUM if code == 979 else P.SATELLITE
    assert problem_of(world_sample(code)) is expected


def test_other_kinds_are_sent_to_only_where_they_are_allowed_and_premium_never():
    landline, premium = sample("GB", T.FIXED_LINE), sample("GB", T.PREMIUM_RATE)
    kinds = SENDABLE_KINDS | {"fixed_line", "satellite", "premium_rate"}
    assert parse_number(landline, kinds=kinds).kind == "fixed_line"
    satellite = parse_number(world_sample(881), kinds=kinds)
    assert (satellite.country, satellite.kind) == ("001", "satellite")
    with pytest.raises(BadNumber):
        parse_number(premium, kinds=kinds)


@pytest.mark.parametrize("country", [None, "GB", "CN"], ids=lambda country: f"N2-S6-{country}")
@pytest.mark.parametrize("form", [str, lambda text: text[1:], lambda text: float(text[1:])])
def test_mainland_china_is_refused_with_its_code_named(form, country):
    with pytest.raises(BadNumber) as refusal:
        parse_number(form(sample("CN")), country)
    assert refusal.value.problem is P.MAINLAND_CHINA
    assert "+86" in refusal.value.hint


def test_the_old_mexican_mobile_form_is_refused_with_the_repair():
    new = sample("MX")
    for old in ("+521" + new[3:], "521" + new[3:]):
        with pytest.raises(BadNumber) as refusal:
            parse_number(old)
        assert refusal.value.problem is P.NOT_VALID
        assert refusal.value.hint == f"Remove the 1 after 52: {new}"


@pytest.mark.parametrize(
    ("abroad", "country"),
    [
        pytest.param("IS", "US", id="6.2-ambiguous-two-mobiles"),
        pytest.param("GB", "DE", id="6.2-ambiguous-landline-or-mobile-abroad"),
    ],
)
def test_digits_that_are_two_numbers_are_not_guessed(abroad, country):
    digits = sample(abroad)[1:]
    assert problem_of(digits, country) is P.AMBIGUOUS
    assert parse_number("+" + digits, country).country == abroad


def kind_of(e164):
    try:
        return phonenumbers.number_type(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return T.UNKNOWN


def test_a_landline_abroad_is_no_rival_to_a_mobile_of_the_chosen_country():
    """A tenth of the national numbers of the United States are somebody's landline abroad."""
    rivals = [f"{area}5550123" for area in range(201, 990)]
    digits = next(
        digits
        for digits in rivals
        if kind_of("+1" + digits) == T.FIXED_LINE_OR_MOBILE
        and kind_of("+" + digits) == T.FIXED_LINE
    )
    assert parse_number(digits, "US").e164 == "+1" + digits


@pytest.mark.parametrize("problem", list(NumberProblem))
def test_every_problem_says_what_to_do(problem):
    assert HINTS[problem].endswith(".")
    assert "!" not in HINTS[problem]


def test_an_unknown_default_country_is_the_callers_error():
    with pytest.raises(ValueError, match="unknown country"):
        parse_number(US, "XX")


CELLS = (
    st.text()
    | st.text(st.sampled_from("0123456789+ ()-./'xEe,;:#\u200b٤tel"), max_size=40)
    | st.from_regex(r"\+?[0-9]{5,18}", fullmatch=True)
    | st.integers()
    | st.floats()
)


@given(CELLS, st.sampled_from([None, "US", "GB", "AU", "MX", "IT", "CN", "BR"]))
def test_any_cell_is_a_number_or_a_named_problem(raw, country):
    try:
        number = parse_number(raw, country)
    except BadNumber as refusal:
        assert refusal.problem in NumberProblem  # noqa: PT017
        assert refusal.hint  # noqa: PT017
        return
    assert isinstance(number, Number)
    assert phonenumbers.is_valid_number(phonenumbers.parse(number.e164))
    assert number.kind in SENDABLE_KINDS
    again = parse_number(number.e164, country)
    assert (again.e164, again.country, again.note) == (number.e164, number.country, "")


# --- showing and splitting --------------------------------------------------------------


@pytest.mark.parametrize(
    ("e164", "shown"),
    [
        (US, "+1 20 ••• 0123"),
        (AU, "+61 49 ••• 0006"),
        ("+60000004821", "+60 00 ••• 4821"),
        ("+6500004567", "+65 0 ••• 4567"),
        ("+29012345", "+290 ••• 45"),
        ("", "+ •••"),
    ],
)
def test_a_masked_number_hides_its_middle(e164, shown):
    assert mask(e164) == shown


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_a_masked_number_hides_at_least_three_digits(e164):
    hidden = len(e164) - len(mask(e164).replace(" ", "").replace("•••", ""))
    assert hidden >= 3


@pytest.mark.parametrize(
    "separator",
    [
        pytest.param(separator, id=f"N14-A10-{name}")
        for name, separator in {
            "newline": "\n", "crlf": "\r\n", "comma": ",", "semicolon": ";", "tab": "\t",
            "full-width-comma": "，", "full-width-semicolon": "；", "ideographic-comma": "、",
            "comma-space": ", ", "several": " ;\n\n, ",
        }.items()
    ],
)  # fmt: skip
def test_a_list_is_split_at_every_separator_people_use(separator):
    assert split_numbers(separator.join([US, AU, US])) == [US, AU, US]


def test_a_space_separates_nothing_and_blank_entries_do_not_count():
    assert split_numbers("\n +61 491 570 006 ,, \u200b,\n") == ["+61 491 570 006"]
    assert split_numbers("") == split_numbers(" \n;") == []


@pytest.mark.parametrize(
    ("e164", "shown"),
    [("+12025550123", "+1 202-555-0123"), ("+61491570158", "+61 491 570 158"), ("+999", "+999")],
)
def test_a_number_is_shown_in_the_groups_of_its_country(e164, shown):
    assert grouped(e164) == shown
