"""Where a campaign goes, and how its sender ID stands in each of those countries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from campaigns import clock
from campaigns.models import Campaign
from campaigns.models.campaign import MANUAL_MAX, Source
from senders.models import Registration
from senders.validity import Validity, validities
from sms.numbers import BadNumber, parse_number, split_numbers

Standing = list[tuple[Validity, int]]


def countries(campaign: Campaign) -> dict[str, int]:
    """Numbers by country: of the checked list, or of the valid typed entries, each once."""
    if campaign.source == Source.MANUAL:
        return _typed(campaign.manual_numbers)
    source = campaign.recipients
    return dict(source.countries) if source is not None and source.is_ready else {}


def standing(campaign: Campaign, counts: Mapping[str, int]) -> Standing:
    """The chosen sender ID in each country of *counts* on the day of sending, the worst first."""
    sender = campaign.sender
    if sender is None or not counts:
        return []
    found = Registration.objects.filter(sender=sender, country__in=list(counts))
    now = clock.now()
    today = clock.day_of(campaign.workspace, now)
    day = clock.day_of(campaign.workspace, campaign.send_at) if campaign.send_at else today
    known = {row.country: row for row in found}
    return validities(sender.value, campaign.scenario, counts, known, today, day)


def without(text: str, country: str) -> str:
    """A typed list without the valid numbers of *country*; the rest stays as it was typed."""
    return "\n".join(entry for entry in split_numbers(text) if _country(entry) != country)


def _typed(text: str) -> dict[str, int]:
    found = {}
    for entry in split_numbers(text)[:MANUAL_MAX]:
        try:
            number = parse_number(entry)
        except BadNumber:
            continue
        found[number.e164] = number.country
    return dict(Counter(found.values()).most_common())


def _country(entry: str) -> str | None:
    try:
        return parse_number(entry).country
    except BadNumber:
        return None
