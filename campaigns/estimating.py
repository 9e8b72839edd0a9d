"""What a campaign will cost, before anything is spent.

Counted for every recipient from the finished text, never from the template alone. Counts are
kept on the draft under a key made of what they were counted from; prices are read fresh,
because they change without the campaign.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from billing import rates
from campaigns import clock
from campaigns.models import Campaign, Recipient, RecipientImport, is_erased
from campaigns.models.campaign import MANUAL_MAX, Source
from campaigns.states import CampaignState
from sms.display import mask
from sms.numbers import BadNumber, parse_number, split_numbers
from sms.template import TemplateError, compile
from sms.text import MAX_SEGMENTS, is_blank, measure, normalise

INLINE_ROWS = 20_000
FETCH = 2_000
ROWS_SHOWN = 100
SAMPLES = 5
RING_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class CountryLine:
    """One country of the estimate. ``price`` is micro-units per segment, None where unknown."""

    country: str
    numbers: int
    segments_min: int
    segments_max: int
    billable: int
    price: int | None

    @property
    def cost(self) -> int | None:
        return None if self.price is None else self.price * self.billable


@dataclass(frozen=True, slots=True)
class Estimate:
    """Segments and money of every recipient; rows that cannot be sent are named, not counted."""

    lines: tuple[CountryLine, ...]
    currency: str
    unicode: int
    too_long: tuple[int, ...]
    too_long_count: int
    empty: tuple[int, ...]
    empty_count: int

    @property
    def numbers(self) -> int:
        return sum(line.numbers for line in self.lines)

    @property
    def billable(self) -> int:
        return sum(line.billable for line in self.lines)

    @property
    def segments_min(self) -> int:
        return min((line.segments_min for line in self.lines), default=0)

    @property
    def segments_max(self) -> int:
        return max((line.segments_max for line in self.lines), default=0)

    @property
    def cost(self) -> int | None:
        """The sum over the countries with a price; None when no country has one."""
        known = [line.cost for line in self.lines if line.cost is not None]
        return sum(known) if known else None

    @property
    def unpriced(self) -> tuple[str, ...]:
        return tuple(line.country for line in self.lines if line.price is None)

    @property
    def unfit(self) -> int:
        """Rows whose text is empty or too long."""
        return self.too_long_count + self.empty_count


# --- counting ---------------------------------------------------------------------------


def key_of(campaign: Campaign) -> str:
    """What counts depend on: the text as it is sent, and the rows it is sent to."""
    source = campaign.recipients
    of = f"{source.pk}:{source.digest}" if source else "-"
    return hashlib.sha256(f"{of}\n{normalise(campaign.content)}".encode()).hexdigest()


def estimate(campaign: Campaign) -> Estimate | None:
    """The estimate of a draft, or None while it cannot be known or is still being counted.

    A short list is counted here; a long one by ``count_campaign`` in a task.
    """
    source = campaign.recipients
    if source is None or not source.is_ready or not can_count(campaign):
        return None
    if campaign.estimate.get("of") != key_of(campaign):
        if needs_task(campaign):
            return None
        store(campaign, count(campaign))
    return _priced(campaign, campaign.estimate)


def estimate_typed(campaign: Campaign) -> Estimate | None:
    """The estimate of numbers that are still being typed: the valid ones, each once."""
    text = normalise(campaign.content)
    numbers = _valid(split_numbers(campaign.manual_numbers)[:MANUAL_MAX])
    if is_blank(text) or "${" in text or not numbers:
        return None
    tally = _Tally()
    tally.add_all(Counter(numbers.values()), text)
    return _priced(campaign, tally.kept())


def _valid(entries: list[str]) -> dict[str, str]:
    found = {}
    for entry in entries:
        with suppress(BadNumber):
            number = parse_number(entry)
            found[number.e164] = number.country
    return found


def can_count(campaign: Campaign) -> bool:
    """Whether every variable of a well-formed content has a column in the list."""
    try:
        names = compile(normalise(campaign.content)).names
    except TemplateError:
        return False
    columns = campaign.recipients.variables if campaign.recipients else []
    return bool(campaign.content.strip()) and set(names) <= set(columns)


def needs_task(campaign: Campaign) -> bool:
    """Whether the count is out of date and too long to make while a person waits."""
    source = campaign.recipients
    if source is None or not source.is_ready or not can_count(campaign):
        return False
    is_long = source.accepted > INLINE_ROWS and bool(compile(normalise(campaign.content)).names)
    return is_long and campaign.estimate.get("of") != key_of(campaign)


def should_ring(campaign: Campaign) -> bool:
    """Whether to ask for a count: it is needed, and nobody was asked for it just now."""
    if not needs_task(campaign):
        return False
    asked = campaign.estimate.get("asked", {})
    at = parse_datetime(asked.get("at", "")) if asked.get("of") == key_of(campaign) else None
    if at is not None and clock.now() - at < RING_AGAIN:
        return False
    mark = {"of": key_of(campaign), "at": clock.now().isoformat()}
    campaign.estimate = {**campaign.estimate, "asked": mark}
    _drafts(campaign).update(estimate=campaign.estimate)
    return True


def count_campaign(campaign_id: int) -> None:
    """Count a draft and keep the result, unless it changed meanwhile."""
    rows = Campaign.objects.select_related("recipients", "workspace")
    campaign = rows.filter(pk=campaign_id).first()
    if campaign is None or not campaign.is_editable or not needs_task(campaign):
        return
    counted = count(campaign)
    fresh = rows.get(pk=campaign_id)
    if key_of(fresh) == counted["of"]:
        store(fresh, counted)


def store(campaign: Campaign, counted: dict[str, Any]) -> None:
    """Keep *counted* on the draft; a campaign that was submitted meanwhile stays as it is."""
    campaign.estimate = counted
    _drafts(campaign).update(estimate=counted)


def _drafts(campaign: Campaign) -> Any:
    return Campaign.objects.filter(pk=campaign.pk, state=CampaignState.DRAFT)


def count(campaign: Campaign) -> dict[str, Any]:
    """Counts of every recipient's finished text, as they are kept."""
    source = campaign.recipients
    if source is None:
        raise ValueError("a count needs recipients")
    tally = _Tally()
    template = compile(normalise(campaign.content))
    if template.names:
        places = [source.variables.index(name) for name in template.names]
        for row, country, values in _rows(source):
            if values is None:
                tally.add_erased(country)
                continue
            text = normalise(template.render_list([values[place] for place in places]))
            tally.add(country, row, text)
    else:
        tally.add_all(source.countries, normalise(campaign.content))
    return {"of": key_of(campaign), **tally.kept()}


def _rows(source: RecipientImport) -> Iterator[tuple[int, str, list[str] | None]]:
    """Every row a message is written for; without values where it was erased."""
    last = 0
    fields = ("pk", "row", "country", "values", "number")
    chosen = Recipient.objects.filter(source=source).order_by("pk").values_list(*fields)
    while found := list(chosen.filter(pk__gt=last)[:FETCH]):
        last = found[-1][0]
        for _pk, row, country, values, number in found:
            yield row, country, None if is_erased(number, values) else values


class _Tally:
    def __init__(self) -> None:
        # country -> numbers, fewest segments, most segments, all segments
        self.countries: dict[str, list[int]] = defaultdict(lambda: [0, MAX_SEGMENTS, 0, 0])
        self.unicode = 0
        self.unfit: dict[str, list[int]] = {"too_long": [], "empty": []}

    def add(self, country: str, row: int, text: str) -> None:
        size = measure(text)
        if size.segments > MAX_SEGMENTS:
            self.unfit["too_long"].append(row)
        elif is_blank(text):
            self.unfit["empty"].append(row)
        else:
            self._take(country, 1, size.segments, size.encoding == "UCS-2")

    def add_erased(self, country: str) -> None:
        """Its message is written without a text, costs nothing and is refused by us."""
        self.countries[country][0] += 1

    def add_all(self, countries: dict[str, int], text: str) -> None:
        """One text for everybody: nothing is counted row by row."""
        size = measure(text)
        for country, numbers in countries.items():
            self._take(country, numbers, size.segments, size.encoding == "UCS-2")

    def _take(self, country: str, numbers: int, segments: int, is_unicode: bool) -> None:
        line = self.countries[country]
        line[0] += numbers
        line[1] = min(line[1], segments)
        line[2] = max(line[2], segments)
        line[3] += numbers * segments
        self.unicode += numbers if is_unicode else 0

    def kept(self) -> dict[str, Any]:
        for line in self.countries.values():
            line[1] = min(line[1], line[2])
        lines = sorted(self.countries.items(), key=lambda item: -item[1][0])
        return {
            "countries": dict(lines),
            "numbers": sum(line[0] for _country, line in lines),
            "billable": sum(line[3] for _country, line in lines),
            "unicode": self.unicode,
            "unfit": {code: rows[:ROWS_SHOWN] for code, rows in self.unfit.items()},
            "unfit_counts": {code: len(rows) for code, rows in self.unfit.items()},
        }


def _priced(campaign: Campaign, kept: dict[str, Any]) -> Estimate:
    prices, currency = campaign.prices, campaign.currency or campaign.workspace.currency
    if not campaign.is_frozen:
        currency = campaign.workspace.currency
        day = clock.day_of(campaign.workspace, campaign.send_at or clock.now())
        prices = rates.prices(campaign.workspace, kept["countries"], day)
    lines = sorted(kept["countries"].items(), key=lambda item: -item[1][0])
    return Estimate(
        lines=tuple(
            CountryLine(country, numbers, least, most, billable, prices.get(country))
            for country, (numbers, least, most, billable) in lines
        ),
        currency=currency,
        unicode=kept["unicode"],
        too_long=tuple(kept["unfit"]["too_long"]),
        too_long_count=kept["unfit_counts"]["too_long"],
        empty=tuple(kept["unfit"]["empty"]),
        empty_count=kept["unfit_counts"]["empty"],
    )


# --- people to show the text with -----------------------------------------------------------


def samples(campaign: Campaign) -> list[dict[str, Any]]:
    """A few real recipients of different countries, masked, with their values."""
    source = campaign.recipients
    is_typed = campaign.source == Source.MANUAL
    if source is None or not source.is_ready or source.is_manual != is_typed:
        return []
    found = []
    for country, _numbers in source.by_country[:SAMPLES]:
        first = source.recipients.known().filter(country=country).order_by("row").first()
        if first is not None:
            values = dict(zip(source.variables, first.values, strict=True))
            about = {"who": mask(first.number), "row": first.row, "country": country}
            found.append({**about, "values": values})
    return found
