"""Campaigns for load and fault tests: made-up recipients through the real code.

The numbers are valid in form and made by a seeded generator; they may belong to somebody, so
only the practice carrier ever gets them.
"""

from __future__ import annotations

import csv
import hashlib
import io
import random
import uuid
from collections.abc import Iterator

import phonenumbers
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from campaigns import drafting, estimating, submitting
from campaigns.importing import check
from campaigns.models import Campaign
from campaigns.states import Scenario
from carriers.models import Carrier
from senders.models import SenderID, SenderState
from sheets.store import Stored
from sms.numbers import BadNumber, parse_number

COUNTRIES = (
    "US", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "SE", "IN", "ID", "MY", "PH", "TH", "VN", "SG",
    "BR", "MX", "ZA", "AE",
)  # fmt: skip
CONTENT = "Hi ${name}, your parcel ${code} arrives today."


def made_up_numbers(count: int, seed: int) -> Iterator[str]:
    """*count* different numbers, valid in form, spread over ``COUNTRIES``."""
    dice = random.Random(seed)  # noqa: S311 - repeatable test data, no secret
    seen: set[str] = set()
    while len(seen) < count:
        country = COUNTRIES[len(seen) % len(COUNTRIES)]
        mobile = phonenumbers.PhoneNumberType.MOBILE
        example = phonenumbers.example_number_for_type(country, mobile)
        if example is None:
            raise LookupError(country)
        national = str(example.national_number)
        tail = "".join(dice.choice("0123456789") for _ in range(6))
        number = f"+{example.country_code}{national[:-6]}{tail}"
        try:
            parsed = parse_number(number)
        except BadNumber:
            continue
        if parsed.e164 not in seen:
            seen.add(parsed.e164)
            yield parsed.e164


def rows_file(count: int, seed: int) -> bytes:
    """A CSV file of *count* recipients with values for ``CONTENT``."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["phone_number", "name", "code"])
    for position, number in enumerate(made_up_numbers(count, seed), 1):
        writer.writerow([number, f"Person {position}", f"P{position:06d}"])
    return buffer.getvalue().encode()


def seed_campaign(rows: int, seed: int, carrier: Carrier, wall_time: str = "") -> Campaign:
    """An imported, confirmed and submitted campaign; it starts at *wall_time* (UTC, to the
    minute: 2026-11-27T19:00), or at the next tick.
    """
    author = User.objects.filter(
        memberships__workspace=carrier.workspace,
        memberships__role=Role.ADMIN,
        memberships__is_active=True,
        memberships__accepted_at__isnull=False,
    ).earliest("pk")
    sender, _new = SenderID.objects.get_or_create(
        workspace=carrier.workspace, value="PRACTICE",
        defaults={
            "requested_by": author, "company": "Practice", "note": "Load tests",
            "state": SenderState.APPROVED,
        },
    )  # fmt: skip
    campaign = Campaign.objects.create(
        workspace=carrier.workspace, author=author, scenario=Scenario.NOTIFICATION,
        name=f"Seed {seed}, {rows} rows"[:30], sender=sender, content=CONTENT,
        is_scheduled=bool(wall_time), wall_time=wall_time, time_zone="UTC" if wall_time else "",
    )  # fmt: skip
    source = drafting.start_import(campaign, _store(rows_file(rows, seed)), author)
    check.check(source.pk)
    estimating.count_campaign(campaign.pk)
    campaign.refresh_from_db()
    with transaction.atomic():
        drafting.confirm(campaign, author)
        submitting.submit(campaign, author, partial_ok=True)
    return campaign


def _store(content: bytes) -> Stored:
    settings.UPLOADS.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = uuid.uuid4().hex
    path = settings.UPLOADS / name
    path.touch(mode=0o600)
    path.write_bytes(content)
    stamp = f"{timezone.now():%Y%m%d}"
    return Stored(name, f"seed-{stamp}.csv", len(content), hashlib.sha256(content).hexdigest())
