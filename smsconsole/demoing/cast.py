"""Who plays: a workspace with four people, its sender IDs, rates, thresholds and opt-outs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from billing import tariffs, thresholds
from billing.models import MICRO, Period, Rate
from campaigns.models import Campaign
from carriers.models import Carrier
from senders import optouts, registering, reviewing
from senders.models import SenderID, SenderState
from smsconsole import first_run
from smsconsole.demoing.numbers import numbers

PEOPLE = {
    Role.ADMIN: ("Jonas Weber", "jonas.weber@example.com", "Europe/Berlin"),
    Role.OPERATOR: ("Mei Lin Tan", "mei.lin.tan@example.com", "Asia/Singapore"),
    Role.FINANCE: ("Aisha Bello", "aisha.bello@example.com", "Africa/Lagos"),
    Role.VIEWER: ("Priya Nair", "priya.nair@example.com", "Asia/Kolkata"),
}
SENDERS = {
    "PARCELWAY": ("approve", "Order and delivery news of the shop"),
    "PWAYCARE": ("approve", "Member care: offers and invitations"),
    "12025550100": ("approve", "Number for countries that show no names"),
    "PARCELNEWS": ("", "Monthly newsletter by text"),
    "INFO": ("reject", "General information"),
}
REGISTRATIONS = {  # what the registries said, as far as the admin has written it down
    "PARCELWAY": {"AU": "approve", "SG": "approve", "GB": "review", "AE": "reject", "DE": ""},
    "PWAYCARE": {"AU": "approve", "SA": "submit"},
    "12025550100": {"US": "approve", "CA": "approve"},
}
UNSIGNED = "The letter of consent is not signed."
REJECTION = (
    "Several countries refuse a name that does not say who writes. Register the shop's name."
)
PRICES = {"US": 7_900, "CA": 6_600, "AU": 41_500}  # micro-units a segment
DAY_LIMIT, MONTH_LIMIT = 20_000, 200_000


class NotHere(Exception):
    """The demo must not be filled in here; the text says why and what to do."""


@dataclass(frozen=True)
class Cast:
    workspace: Workspace
    admin: User
    operator: User
    finance: User
    viewer: User

    @property
    def people(self) -> list[User]:
        return [self.operator, self.admin, self.finance, self.viewer]


def check(again: bool) -> None:
    """Refuse where the demo could mix with real work or leave through a real carrier."""
    if Carrier.objects.exclude(gateway="loopback").filter(is_on=True).exists():
        raise NotHere("An account at a real carrier is in use here. The demo needs a fresh folder.")
    if Campaign.objects.exists() and not again:
        raise NotHere(
            "There are campaigns here already. Set SMSCONSOLE_HOME to a fresh folder, or add "
            "the demo to them with --again."
        )


def gather() -> Cast:
    """Make whoever and whatever is missing; what is there already stays."""
    first_run.prepare()
    workspace = Workspace.objects.order_by("pk").get()
    Workspace.objects.filter(pk=workspace.pk, name="My workspace").update(name="Parcelway")
    if not Carrier.objects.practice().filter(workspace=workspace).exists():
        first_run.add_practice_carrier(workspace)
    people = {role: _person(workspace, role) for role in PEOPLE}
    cast = Cast(
        workspace, people[Role.ADMIN], people[Role.OPERATOR], people[Role.FINANCE],
        people[Role.VIEWER],
    )  # fmt: skip
    _senders(cast)
    _money(cast)
    _opt_outs(cast)
    return cast


def _person(workspace: Workspace, role: Role) -> User:
    name, email, zone = PEOPLE[role]
    person = User.objects.filter(email=email).first()
    if person is None and role == Role.ADMIN:
        person = User.objects.filter(email=first_run.ADMIN_EMAIL, last_login=None).first()
    if person is None:
        person = User.objects.create_user(email)
    person.name, person.email, person.time_zone = name, email, zone
    person.save()
    found, _made = Membership.objects.get_or_create(
        user=person, workspace=workspace, defaults={"role": role}
    )
    person.membership = found  # type: ignore[attr-defined]  # as the middleware does
    return person


def _senders(cast: Cast) -> None:
    for value, (decision, note) in SENDERS.items():
        if SenderID.objects.filter(workspace=cast.workspace, value=value).exists():
            continue
        sender = SenderID(
            value=value, company="Parcelway Ltd", website="parcelway.example",
            note=f"{note}. Sample: Your parcel arrives today.", state=SenderState.PENDING,
        )  # fmt: skip
        reviewing.register(sender, cast.workspace, cast.operator)
        if decision:
            reason = REJECTION if decision == "reject" else ""
            reviewing.decide(sender, decision, cast.admin, reason)
        _registrations(cast, sender)


def _registrations(cast: Cast, sender: SenderID) -> None:
    """Countries as far as they got; the first that was approved runs out within the month."""
    today = thresholds.today(cast.workspace)
    for at, (country, answer) in enumerate(REGISTRATIONS.get(sender.value, {}).items()):
        registering.add(sender, [country], cast.operator)
        if not answer:
            continue
        registering.submit_drafts(sender, cast.operator, [country])
        registration = sender.registrations.get(country=country)
        if answer == "reject":
            registering.move(registration, "reject", cast.admin, reason=UNSIGNED)
        elif answer == "approve":
            until = today + timedelta(days=340 if at else 25)
            reference = f"{country}-2026-{417 + at}"
            registering.move(
                registration, "approve", cast.admin, reference=reference, expires_on=until
            )
        elif answer == "review":
            registering.move(registration, "review", cast.admin)


def _money(cast: Cast) -> None:
    if Rate.objects.filter(workspace=cast.workspace).exists():
        return
    today = thresholds.today(cast.workspace)
    for country, price in PRICES.items():
        past = today - timedelta(days=60)
        tariffs.enter(cast.workspace, country, price + MICRO // 1000, past, cast.finance)
        tariffs.enter(cast.workspace, country, price, today.replace(day=1), cast.finance)
    thresholds.set_limit(cast.workspace, Period.DAY, DAY_LIMIT, 80, cast.admin)
    thresholds.set_limit(cast.workspace, Period.MONTH, MONTH_LIMIT, 80, cast.admin)


def _opt_outs(cast: Cast) -> None:
    optouts.add(cast.workspace, numbers(3, seed=7), "Replied STOP", cast.operator)
