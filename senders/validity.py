"""Whether a sender ID works in a country, in words: pure, from the rules and the registration."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _

from accounts import dates
from senders.models import ENDED, Registration, RegistrationState
from senders.rules import RULES, Asked, Names, Rule
from sms.sender_id import ALPHA_MAX, is_generic

SOON = timedelta(days=30)


class Level(enum.StrEnum):
    """How a sender ID stands in a country. Only what is certain not to work is *blocked*."""

    BLOCKED = "blocked"
    WARNING = "warning"
    UNKNOWN = "unknown"
    OK = "ok"


ORDER = list(Level)


@dataclass(frozen=True, slots=True)
class Validity:
    """One sender ID in one country: how it stands, why, and what to do. *word* fits a chip."""

    country: str
    level: Level
    word: str
    sentence: str
    todo: str = ""

    @property
    def is_blocked(self) -> bool:
        return self.level == Level.BLOCKED


@dataclass(frozen=True, slots=True)
class Asking:
    """A name, what it is to say there, and the day it says it."""

    value: str
    is_marketing: bool
    rule: Rule | None
    registration: Registration | None
    today: date
    day: date

    @property
    def state(self) -> str:
        """The registration as it is to be read today; empty without one."""
        found = self.registration
        return "" if found is None else found.state_on(self.today)

    @property
    def ends_before(self) -> date | None:
        """Its last valid day, where that comes before the day of sending."""
        until = None if self.registration is None else self.registration.expires_on
        return until if until is not None and until < self.day else None


def validity(
    value: str, scenario: str, country: str, registration: Registration | None,
    today: date, day: date,
) -> Validity:  # fmt: skip
    """How *value* stands in *country*, asked *today* for a campaign of *day*: the first of the
    checks that has a say.
    """
    asking = Asking(value, scenario == "marketing", RULES.get(country), registration, today, day)
    for check in (_ended, _ends_before, _affix, _approved, _generic, _names, _registration):
        if found := check(asking):
            level, word, sentence, todo = found
            return Validity(country, level, word, sentence % {"value": value}, todo)
    if asking.rule is None:
        unsaid = _("The rules of this country were not checked."), _("Ask the carrier.")
        return Validity(country, Level.UNKNOWN, _("not checked"), *unsaid)
    return Validity(country, Level.OK, _("no objection known"), _("No objection is known."))


def validities(
    value: str, scenario: str, countries: Mapping[str, int],
    registrations: Mapping[str, Registration], today: date, day: date,
) -> list[tuple[Validity, int]]:  # fmt: skip
    """Each of *countries* with its count: what is blocked first, then the most numbers first."""
    found = [
        (validity(value, scenario, country, registrations.get(country), today, day), numbers)
        for country, numbers in countries.items()
    ]
    return sorted(found, key=lambda one: (ORDER.index(one[0].level), -one[1], one[0].country))


Found = tuple[Level, str, str, str]


def _ended(asking: Asking) -> Found | None:
    """Certain: the registry said no, or its yes has run out."""
    if asking.state not in ENDED:
        return None
    sentences = {
        RegistrationState.REJECTED: _("The registration of %(value)s was rejected."),
        RegistrationState.REVOKED: _("The registration of %(value)s was revoked."),
        RegistrationState.EXPIRED: _("The registration of %(value)s has expired."),
    }
    state = RegistrationState(asking.state)
    todo = _("Leave this country out, choose another sender ID, or have it registered again.")
    return Level.BLOCKED, str(state.label).lower(), sentences[state], todo


def _ends_before(asking: Asking) -> Found | None:
    """Not certain: what runs out before the day of sending may be renewed until then."""
    if asking.state != RegistrationState.APPROVED or asking.ends_before is None:
        return None
    until = _day(asking.ends_before)
    words = _("The registration of %(value)s ends on {until}, before this campaign starts.")
    todo = _("Have it renewed before then: nothing is sent to this country once it has ended.")
    return Level.WARNING, _("until %(day)s") % {"day": until}, words.format(until=until), todo


def _affix(asking: Asking) -> Found | None:
    rule = asking.rule
    if rule is None or not rule.affix or not asking.is_marketing:
        return None
    whole = f"{rule.prefix}{asking.value}{rule.suffix}"
    if len(whole) <= ALPHA_MAX:
        return None
    words = _("Marketing is sent as {whole} there: {n} characters, and at most {most} are shown.")
    todo = _("Choose a shorter sender ID for this country.")
    said = words.format(whole=whole, n=len(whole), most=ALPHA_MAX)
    return Level.WARNING, _("too long with %(affix)s") % {"affix": rule.affix}, said, todo


def _approved(asking: Asking) -> Found | None:
    found = asking.registration
    if found is None or asking.state != RegistrationState.APPROVED:
        return None
    if found.expires_on is None or found.expires_on - asking.day > SOON:
        return Level.OK, _("registered"), _("%(value)s is registered."), ""
    until = _day(found.expires_on)
    words = _("%(value)s is registered until {until}.").format(until=until)
    return Level.WARNING, _("until %(day)s") % {"day": until}, words, _("Have it renewed in time.")


def _generic(asking: Asking) -> Found | None:
    if asking.rule is None or not asking.rule.refuses_generic or not is_generic(asking.value):
        return None
    words = _("General words such as %(value)s are refused there.")
    return Level.WARNING, _("general word"), words, _("Use the name of your app, site or company.")


def _names(asking: Asking) -> Found | None:
    rule = asking.rule
    if rule is None or rule.names == Names.YES or asking.value.isdigit():
        return None
    todo = _("Use a registered number, or ask the carrier what is shown in its place.")
    if rule.names == Names.NO:
        words = _("Names with letters are not shown there: %(value)s is refused or replaced.")
        return Level.WARNING, _("no names"), words, todo
    words = _("Whether %(value)s is shown there is not sure: some networks replace names.")
    return Level.WARNING, _("may be replaced"), words, todo


def _registration(asking: Asking) -> Found | None:
    rule = asking.rule
    if asking.state in (RegistrationState.SUBMITTED, RegistrationState.IN_REVIEW):
        words = _("The registration of %(value)s is not decided yet.")
        todo = _("Wait for the registry, or expect the network to refuse or replace the name.")
        return Level.WARNING, _("under review"), words, todo
    if rule is None:
        return None
    if rule.asked == Asked.REQUIRED:
        words = _("Names must be registered there, and %(value)s is not.")
        todo = _("Register it for this country: the network may refuse or replace the name.")
        return Level.WARNING, _("not registered"), words, todo
    if rule.asked == Asked.RECOMMENDED:
        words = _("Works unregistered; registering %(value)s is recommended.")
        return Level.OK, _("not registered, allowed"), words, ""
    return None


def _day(day: date) -> str:
    return dates.write(day, "date")
