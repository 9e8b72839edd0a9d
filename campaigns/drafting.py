"""What happens to a draft and its list before it is submitted."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.http import Http404
from django.utils import timezone

from accounts import audit, notices
from accounts.models import User
from campaigns import announcing, clock, destinations
from campaigns.models import (
    Campaign,
    ImportState,
    Recipient,
    RecipientImport,
    WrongState,
)
from campaigns.models.campaign import NAME_MAX, Origin, Source
from campaigns.states import CampaignState, Scenario
from senders.models import OptOut
from sheets import store
from sms.display import hide_entry, mask
from sms.numbers import BadNumber, parse_number, split_numbers
from sms.template import TemplateError, compile
from sms.text import normalise

TESTS_A_DAY = 5
TEST_NUMBERS_MAX = 5


class Changed(Exception):
    """Somebody wrote the draft after the page was opened; nothing was stored."""


class CannotTest(Exception):
    """A test cannot be sent now; the sentence says why and what to do."""


def open_draft(user: Any, key: uuid.UUID, tab: str = "") -> Campaign:
    """The campaign with this key, made if there is none: a repeated POST makes one draft."""
    membership = user.membership
    rows = Campaign.objects.select_related("sender", "recipients")
    given = {
        "workspace_id": membership.workspace_id, "author": user, "time_zone": user.time_zone,
        "edited_by": user, "edited_in": tab,
    }  # fmt: skip
    with transaction.atomic():
        campaign, is_made = rows.get_or_create(key=key, defaults=given)
        if is_made:
            audit.record("campaign.create", campaign, user)
    if campaign.workspace_id != membership.workspace_id:
        raise Http404
    return campaign


def is_kept(key: uuid.UUID) -> bool:
    """Whether there is a campaign with this key, whoever may see it."""
    return Campaign.objects.filter(key=key).exists()


def save(
    campaign: Campaign,
    kept: dict[str, Any],
    by: User | None = None,
    *,
    seen: str | None = None,
    tab: str = "",
) -> None:
    """Write what was typed, unless the campaign has left the draft state: then WrongState.

    *seen* is the version the page was made from, *tab* the name of that page. Changed if
    another page wrote something else since; what a page wrote itself is never in its way.
    """
    rows = Campaign.objects.filter(pk=campaign.pk, state=CampaignState.DRAFT)
    free = rows if seen is None else rows.filter(_unchanged(campaign, seen, tab))
    told = {"edited_by": by, "edited_in": tab, "updated_at": timezone.now()}
    is_written = free.update(**kept, **told)
    campaign.refresh_from_db()
    if is_written:
        return
    if not campaign.is_editable:
        raise WrongState("edit")
    if any(getattr(campaign, name) != value for name, value in kept.items()):
        raise Changed


def version(campaign: Campaign) -> str:
    """Stands for the draft as it is stored now; empty before it is stored."""
    return campaign.updated_at.isoformat() if campaign.pk else ""


def _unchanged(campaign: Campaign, seen: str, tab: str) -> Q:
    """The row as *campaign* was loaded, if the page saw that; or as the page itself left it."""
    own = Q(edited_in=tab) if tab else Q(pk__in=())
    return own | Q(updated_at=campaign.updated_at) if seen == version(campaign) else own


def variables_of(content: str) -> list[str]:
    """The variables of a content, none while it cannot be read."""
    try:
        return list(compile(normalise(content)).names)
    except TemplateError:
        return []


# --- the list ---------------------------------------------------------------------------


@transaction.atomic
def start_import(campaign: Campaign, stored: store.Stored, by: User) -> RecipientImport:
    """A complete file becomes the draft's list; ring ``check_import`` for it on commit."""
    source = RecipientImport.objects.create(
        workspace_id=campaign.workspace_id, created_by=by, given_by=by,
        original_name=stored.original_name, stored_name=stored.name, size=stored.size,
        sha256=stored.sha256, variables=variables_of(campaign.content),
        options=_options(campaign), state=ImportState.CHECKING,
    )  # fmt: skip
    take(campaign, source, Source.IMPORT, by)
    audit.record("campaign.import", campaign, by, size=stored.size, sha256=stored.sha256)
    return source


def check_again(
    campaign: Campaign, by: User, default_country: str | None = None, **answers: Any
) -> RecipientImport | None:
    """The same file as a new import, read for the present content; the old one stays as it was.

    *answers* say how to read it: sheet, delimiter, whether hidden rows are left out. None if
    the file is not kept any more.
    """
    try:
        with transaction.atomic():
            return _check_again(campaign, by, default_country, answers)
    except FileNotFoundError:
        return None


def _check_again(
    campaign: Campaign, by: User, default_country: str | None, answers: dict[str, Any]
) -> RecipientImport | None:
    old = campaign.recipients
    if old is None or not store.is_kept(old.stored_name):
        return None
    source = RecipientImport.objects.create(
        workspace_id=old.workspace_id, created_by=by, given_by=old.given_by,
        original_name=old.original_name, stored_name=store.new_name(), size=old.size,
        sha256=old.sha256, variables=variables_of(campaign.content), state=ImportState.CHECKING,
        default_country=old.default_country if default_country is None else default_country,
        options={"answers": old.options.get("answers", {}) | answers, **_options(campaign)},
    )  # fmt: skip
    take(campaign, source, Source.IMPORT, by)
    audit.record("campaign.check_again", campaign, by, country=source.default_country)
    store.link(old.stored_name, source.stored_name)
    return source


@transaction.atomic
def leave_out(campaign: Campaign, by: User, country: str = "") -> RecipientImport | None:
    """The list without the rows of *country*, as a new import; without one, without the rows
    whose text is empty or too long. Typed numbers are left out where they stand.
    """
    if country and campaign.source == Source.MANUAL:
        kept = destinations.without(campaign.manual_numbers, country)
        save(campaign, {"manual_numbers": kept, "recipients": None}, by)
        audit.record("campaign.leave_out", campaign, by, country=country)
        return None
    old = campaign.recipients.lock() if campaign.recipients else None
    if old is None or not old.is_ready or _has_another(campaign, old):
        return None
    # Whoever leaves a country out has said what happens to its rows.
    said = (by, clock.now()) if country and not old.needs_confirmation else (None, None)
    source = RecipientImport.objects.create(
        workspace_id=old.workspace_id, created_by=by, given_by=old.given_by,
        original_name=old.original_name,
        stored_name=store.new_name() if store.is_kept(old.stored_name) else "",
        size=old.size, sha256=old.sha256, variables=old.variables,
        default_country=old.default_country, state=ImportState.CHECKING,
        confirmed_by=said[0], confirmed_at=said[1],
        options={
            "answers": old.options.get("answers", {}), **_kept_options(old), **_options(campaign),
            "from": old.pk, **({"without": country} if country else {"fits": campaign.content}),
        },
    )  # fmt: skip
    take(campaign, source, campaign.source, by)
    audit.record("campaign.leave_out", campaign, by, valid=old.accepted, country=country)
    if source.stored_name:
        with suppress(FileNotFoundError):  # only rows are read; the file is for later
            store.link(old.stored_name, source.stored_name)
    return source


def _has_another(campaign: Campaign, source: RecipientImport) -> bool:
    """Was another list taken in another tab, or the draft moved on? Its row is held from now on."""
    rows = Campaign.objects.select_for_update(no_key=True)
    return rows.get(pk=campaign.pk).recipients_id != source.pk


def needs_columns(campaign: Campaign) -> bool:
    """Whether the file has columns for variables that the content got after it was read."""
    source = campaign.recipients
    if campaign.source != Source.IMPORT or source is None or not source.is_ready:
        return False
    names = set(variables_of(campaign.content))
    known = set(source.variables)
    return not names <= known and names <= known | set(source.about.get("unused", ()))


def withheld(campaign: Campaign) -> int:
    """Messages to people who opted out after the list was checked: nothing is sent to them."""
    source = campaign.recipients
    if source is None or not source.is_ready or campaign.scenario == Scenario.OTP:
        return 0
    since = OptOut.objects.filter(workspace=source.workspace_id, at__gte=source.created_at)
    if not since.exists():
        return 0
    numbers = since.exclude(number="").values("number")
    return source.recipients.known().filter(number__in=numbers).count()


def needs_optouts(campaign: Campaign) -> bool:
    """Whether the list was checked for a verification code, which keeps opted-out numbers."""
    source = campaign.recipients
    is_kept = source is not None and bool(source.options.get("keeps_opted_out"))
    return is_kept and campaign.scenario != Scenario.OTP


def answer(campaign: Campaign, given: dict[str, Any], by: User) -> bool:
    """Answer the question an import asks; it is checked again from the start."""
    source = campaign.recipients
    if source is None or source.state != ImportState.ASKING:
        return False
    options = {**source.options, "answers": {**source.options.get("answers", {}), **given}}
    rows = RecipientImport.objects.filter(pk=source.pk, state=ImportState.ASKING)
    with transaction.atomic():
        changed = rows.update(
            state=ImportState.CHECKING, options=options, lease_until=None, error="",
            error_code="", created_at=clock.now(),
        )  # fmt: skip
        if changed:
            notices.settle(announcing.question(source))
            audit.record("campaign.answer_import", campaign, by, answers=sorted(given))
    return bool(changed)


def confirm(campaign: Campaign, by: User) -> bool:
    """Say "send to the valid ones" of a list with refused rows; once is enough."""
    source = campaign.recipients
    if source is None or not source.is_ready:
        return False
    rows = RecipientImport.objects.filter(pk=source.pk, confirmed_at=None)
    with transaction.atomic():
        if rows.update(confirmed_by=by, confirmed_at=clock.now()):
            audit.record(
                "campaign.confirm", campaign, by, valid=source.accepted, refused=source.refused
            )
    source.refresh_from_db()
    return True


def switch(campaign: Campaign, to: str, by: User) -> None:
    """Go over to the other way of giving numbers and drop what the first one held."""
    save(campaign, {"source": to, "recipients": None, "manual_numbers": ""}, by)


def take(campaign: Campaign, source: RecipientImport, way: str, by: User) -> None:
    """Make *source* the list of the draft."""
    save(campaign, {"recipients": source, "source": way}, by)


def masked_numbers(campaign: Campaign) -> list[str]:
    """The typed numbers of a draft as those see them who did not type them."""
    return [_masked(entry) for entry in split_numbers(campaign.manual_numbers)]


def _masked(entry: str) -> str:
    try:
        return mask(parse_number(entry).e164)
    except BadNumber:
        return hide_entry(entry)


def used_before(campaign: Campaign) -> Campaign | None:
    """Another campaign of the workspace that was made with the very same file."""
    source = campaign.recipients
    if source is None or source.is_manual or not source.sha256:
        return None
    others = Campaign.objects.filter(
        workspace_id=campaign.workspace_id, recipients__sha256=source.sha256
    )
    return others.exclude(pk=campaign.pk).order_by("pk").first()


def _kept_options(old: RecipientImport) -> dict[str, Any]:
    """What was sent through the practice carrier stays with it, however its rows are cut."""
    return {"practice_only": True} if old.options.get("practice_only") else {}


def _options(campaign: Campaign) -> dict[str, Any]:
    return {"keeps_opted_out": campaign.scenario == Scenario.OTP}


# --- a test to one's own phones -----------------------------------------------------------


@transaction.atomic
def test_campaign(campaign: Campaign, by: User) -> Campaign:
    """A campaign of its own to the person's own test numbers, with a real recipient's values."""
    User.objects.select_for_update().get(pk=by.pk)  # counted one at a time
    numbers = own_numbers(by)
    if not numbers:
        raise CannotTest("Add your own numbers to your profile first.")
    if tests_left(by) <= 0:
        raise CannotTest(f"You have sent {TESTS_A_DAY} tests in 24 hours. Wait, or submit.")
    names = variables_of(campaign.content)
    values = _values(campaign, names)
    source = RecipientImport.objects.create(
        workspace_id=campaign.workspace_id, created_by=by, is_manual=True, variables=names,
        state=ImportState.READY, accepted=len(numbers), rows_read=len(numbers),
        rows_total=len(numbers), finished_at=clock.now(), options={"test": True},
        countries=_countries(numbers),
    )  # fmt: skip
    Recipient.objects.bulk_create(
        Recipient(source=source, row=row, number=n.e164, country=n.country, values=values)
        for row, n in enumerate(numbers, 1)
    )
    audit.record("campaign.test", campaign, by, numbers=len(numbers))
    return Campaign.objects.create(
        workspace_id=campaign.workspace_id, author=by, origin=Origin.TEST, parent=campaign,
        scenario=campaign.scenario, name=f"Test: {campaign.name}"[:NAME_MAX],
        sender=campaign.sender, content=campaign.content, source=Source.IMPORT,
        recipients=source, cost_centre=campaign.cost_centre, time_zone=campaign.time_zone,
    )  # fmt: skip


def own_numbers(user: User) -> list[Any]:
    """The person's own test numbers, each read again."""
    return [parse_number(number) for number in user.test_numbers[:TEST_NUMBERS_MAX]]


def tests_left(user: User) -> int:
    """How many tests the person may still send within 24 hours."""
    since = clock.now() - timedelta(hours=24)
    sent = Campaign.objects.filter(author=user, origin=Origin.TEST, created_at__gte=since)
    return max(0, TESTS_A_DAY - sent.count())


def _values(campaign: Campaign, names: list[str]) -> list[str]:
    source = campaign.recipients
    known_ones = source.recipients.known() if source and source.is_ready else None
    first = None if known_ones is None else known_ones.order_by("pk").first()
    known = dict(zip(source.variables, first.values, strict=True)) if source and first else {}
    missing = [name for name in names if known.get(name) is None]
    if missing:
        raise CannotTest("Import the file first: its first row gives the values of the test.")
    return [known[name] for name in names]


def _countries(numbers: list[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for number in numbers:
        found[number.country] = found.get(number.country, 0) + 1
    return found
