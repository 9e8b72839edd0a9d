"""What the template tags of every page write."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from django.template import Context, Template
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns.states import Bucket, CampaignState, MessageState
from sms.countries import COUNTRIES, country_name
from smsconsole import icons, wording
from smsconsole.templatetags.console import FLAGLESS, STATES

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 11, 27, 11, 0, tzinfo=UTC)


def render(source: str, **names: Any) -> str:
    return Template("{% load console %}" + source).render(Context(names))


@pytest.mark.parametrize("state", [*CampaignState, *MessageState, *Bucket])
def test_every_state_has_its_own_icon_and_word(state: str) -> None:
    html = render("{% chip state %}", state=state)
    assert f'data-s="{state}"' in html
    assert str(STATES[state][1]) in html


def test_every_state_names_an_icon_that_exists() -> None:
    for picture, _word in STATES.values():
        assert "<path" in icons.body(picture)


def test_a_chip_can_say_another_word_and_escapes_it() -> None:
    assert "&lt;b&gt;" in render("{% chip 'ok' text %}", text="<b>")


def test_every_icon_named_in_a_template_exists() -> None:
    known = icons.bodies()
    pattern = re.compile(r'\{%\s*icon\s+"([^"]+)"')
    named = {
        name
        for path in (ROOT / "templates").rglob("*.html")
        for name in pattern.findall(path.read_text("utf-8"))
    }
    assert named - set(known) == set()


def test_an_icon_alone_has_a_name_and_as_decoration_none() -> None:
    assert 'role="img" aria-label="&lt;Menu&gt;"' in render(
        "{% icon 'menu-2' label=label %}", label="<Menu>"
    )
    assert 'aria-hidden="true"' in render("{% icon 'menu-2' %}")


def test_every_region_of_the_numbering_data_has_a_name_and_a_flag_or_none() -> None:
    flags = {p.stem.upper() for p in (ROOT / "static/vendor/tabler/img/flags").glob("??.svg")}
    assert set(phonenumbers.SUPPORTED_REGIONS) - set(COUNTRIES) == set()
    assert set(COUNTRIES) - flags == FLAGLESS


def test_a_country_without_its_name_on_screen_is_still_read_aloud() -> None:
    html = render("{% country 'MY' False %}")
    assert "flag-country-my" in html
    assert '<span class="visually-hidden">Malaysia</span>' in html


def test_an_unknown_country_code_is_shown_as_it_is() -> None:
    assert country_name("zz") == "ZZ"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ 1125350000|money:'USD' }}", "$1,125.35"),
        ("{{ 1125350000|money:'MYR' }}", "MYR 1,125.35"),
        ("{{ 5000|money }}", "$0.01"),
        ("{{ minus|money }}", "−$0.50"),
        ("{{ 4999|money }}", "&lt;$0.01"),
        ("{{ 0|money }}", "$0.00"),
        ("{{ 49|price }}", "&lt;$0.0001"),
        ("{{ sums|amounts }}", "$12.30 + MYR\u00a04.10"),
        ("{{ 31000|price:'USD' }}", "$0.0310"),
        ("{{ none|money }}", "–"),
        ("{{ 1234567|number }}", "1,234,567"),
        ("{{ none|number }}", "–"),
        ("{{ 1|pct:3 }}", "33.3%"),
        ("{{ 9999|pct:10000 }}", "99.9%"),
        ("{{ 5|pct:5 }}", "100.0%"),
        ("{{ 0|pct:0 }}", "–"),
        ("{{ 95|rate:5 }}", "95.0%"),
        ("{{ 45|duration }}", "45 s"),
        ("{{ 480|duration }}", "8 min"),
        ("{{ 9660|duration }}", "2 h 41 min"),
        ("{{ 273600|duration }}", "3 d 4 h"),
    ],
)
def test_a_value_is_written_one_way(source: str, expected: str) -> None:
    sums = (("USD", 12_300_000), ("MYR", 4_100_000))
    assert render(source, minus=-500000, none=None, sums=sums) == expected


def test_a_duration_may_be_a_timedelta() -> None:
    assert wording.duration(timedelta(hours=2)) == "2 h"


def test_a_time_is_in_the_viewers_zone_with_utc_in_the_tooltip() -> None:
    with timezone.override(ZoneInfo("Asia/Kuala_Lumpur")):
        html = render("{% when at %}", at=AT)
    assert ">Fri 27 Nov 2026, 19:00<" in html
    assert 'datetime="2026-11-27T11:00:00Z"' in html
    assert 'title="Fri 27 Nov 2026, 11:00:00 UTC"' in html


def test_a_time_of_another_zone_is_named_and_may_show_utc_below() -> None:
    html = render("{% when at 'full' 'America/New_York' True %}", at=AT)
    assert "Fri 27 Nov 2026, 06:00 America/New_York" in html
    assert '<span class="sub">Fri 27 Nov 2026, 11:00 UTC</span>' in html


def test_a_day_has_no_zone_and_no_time_is_a_dash() -> None:
    assert ">Fri 27 Nov 2026<" in render("{% when day %}", day=date(2026, 11, 27))
    assert render("{% when none %}", none=None) == "–"


def test_message_content_is_escaped_and_its_variables_are_tinted() -> None:
    html = render("{{ text|marked }}", text="Hi ${name} <script>")
    assert html == "Hi <mark>${name}</mark> &lt;script&gt;"


@given(st.lists(st.integers(0, 10**6), min_size=3, max_size=3), st.integers(0, 10**6))
def test_a_bar_stays_finite_for_any_counts(parts: list[int], rest: int) -> None:
    total = sum(parts) + rest
    html = render(
        "{% stack t a b c %}{% donut a b c %}", t=total, a=parts[0], b=parts[1], c=parts[2]
    )
    assert "nan" not in html
    assert "style=" not in html
    assert html.count('<rect class="f-') == sum(1 for part in parts if part)


def test_a_limit_is_a_meter_with_a_level() -> None:
    html = render("{% limit 91 100 'Philippines' %}")
    assert 'role="meter"' in html
    assert 'aria-label="Philippines"' in html
    assert 'class="f-warn"' in html
    assert 'class="f-stop"' in render("{% limit 0 0 'Closed' %}")


def test_initials_stay_the_same_for_a_name() -> None:
    assert ">MT<" in render("{% face 'Mei Lin Tan' %}")
    assert render("{% face 'Mei Lin Tan' %}") == render("{% face 'Mei Lin Tan' %}")
    assert ">?<" in render("{% face '' %}")


def test_the_icons_are_those_of_the_locked_package() -> None:
    lock = json.loads((ROOT / "assets" / "package-lock.json").read_text("utf-8"))
    assert "node_modules/@tabler/icons" in lock["packages"]
    assert len(icons.bodies()) > 4000
