"""What countries ask of a sender ID, as far as somebody looked: facts, not code.

Rules are read from the pages of several providers and change without notice. They are a help
for the eye and no legal advice: the carrier that takes the messages has the last word.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CHECKED_ON = date(2026, 11, 22)


class Names(enum.StrEnum):
    """Whether a country shows names with letters."""

    YES = "yes"
    NO = "no"
    DOUBTFUL = "doubtful"


class Asked(enum.StrEnum):
    """Whether a country wants a sender ID registered before it is used."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    NO = "no"
    UNKNOWN = "unknown"


class Confidence(enum.StrEnum):
    """How sure a rule is: several or first-hand sources, one of them, or old and conflicting."""

    HIGH = "H"
    MEDIUM = "M"
    LOW = "L"


@dataclass(frozen=True, slots=True)
class Rule:
    """What one country asks for. ``prefix`` or ``suffix`` belongs to marketing names there and
    counts in the 11 characters.
    """

    country: str
    names: Names = Names.YES
    asked: Asked = Asked.UNKNOWN
    confidence: Confidence = Confidence.MEDIUM
    source: str = ""
    note: str | Promise = ""
    prefix: str = ""
    suffix: str = ""
    refuses_generic: bool = False
    checked_on: date = CHECKED_ON

    @property
    def affix(self) -> str:
        return self.prefix or self.suffix

    @property
    def asked_words(self) -> str | Promise:
        return ASKED_WORDS[self.asked]

    @property
    def names_words(self) -> str | Promise:
        return NAMES_WORDS[self.names]

    @property
    def confidence_words(self) -> str | Promise:
        return CONFIDENCE_WORDS[self.confidence]


ASKED_WORDS = {
    Asked.REQUIRED: _("Registration required"),
    Asked.RECOMMENDED: _("Registration recommended"),
    Asked.NO: _("No registration"),
    Asked.UNKNOWN: _("Registration not known"),
}
NAMES_WORDS = {
    Names.YES: _("Names are shown"),
    Names.NO: _("Names are not shown"),
    Names.DOUBTFUL: _("Names may be replaced"),
}
CONFIDENCE_WORDS = {
    Confidence.HIGH: _("High: several sources"),
    Confidence.MEDIUM: _("Medium: one present source"),
    Confidence.LOW: _("Low: old or conflicting"),
}

YES, NO, DOUBTFUL = Names.YES, Names.NO, Names.DOUBTFUL
REQUIRED, RECOMMENDED = Asked.REQUIRED, Asked.RECOMMENDED
NONE, UNKNOWN = Asked.NO, Asked.UNKNOWN
HIGH, MEDIUM, LOW = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW

_NUMERIC = _("Names are not shown: use a registered number. STOP must work.")
_LISTED = _("The name is registered before its first use.")
_TAIWAN = _("An old list says that names are not shown.")
_BRAND = _("Asks whether the brand is local or international.")
_MIXED = _("Sources disagree. Ask the carrier.")

_ROWS = (
    Rule("US", NO, REQUIRED, HIGH, "Telnyx, Twilio, Alibaba Cloud", _NUMERIC),
    Rule("CA", NO, REQUIRED, HIGH, "Telnyx, Alibaba Cloud", _NUMERIC),
    Rule("PR", NO, REQUIRED, MEDIUM, "Telnyx", _NUMERIC),
    Rule("HK", YES, NONE, MEDIUM, "AWS"),
    Rule("MO", YES, UNKNOWN, LOW, "Twilio, 2017"),
    Rule("TW", DOUBTFUL, UNKNOWN, LOW, "Twilio, 2017", _TAIWAN),
    Rule(
        "IN", DOUBTFUL, REQUIRED, MEDIUM, "Twilio, EnableX, Zensend",
        _("Only registered domestic senders keep their name; others become a short number."),
    ),
    Rule(
        "SA", YES, REQUIRED, HIGH, "Vonage, Twilio, AWS",
        _("A marketing name ends in -AD. Links in the text are registered too."),
        suffix="-AD", refuses_generic=True,
    ),
    Rule(
        "AE", YES, REQUIRED, HIGH, "Twilio, ClickSend, Vonage, AWS",
        _("A marketing name begins with AD-. One provider allows no links or numbers in the text."),
        prefix="AD-", refuses_generic=True,
    ),
    Rule(
        "SG", YES, REQUIRED, HIGH, "AWS, Alibaba Cloud",
        _("Unregistered names are shown as “Likely-SCAM”. Needs a local entity number (UEN)."),
    ),
    Rule(
        "VN", YES, REQUIRED, HIGH, "ClickSend, Vonage, sent.dm, AWS",
        _("Name and text are registered, and the brand must stand in the text."),
        refuses_generic=True,
    ),
    Rule(
        "ID", YES, REQUIRED, HIGH, "AWS, Alibaba Cloud",
        _("Registered with each network; asks for tax number and licences."),
    ),
    Rule(
        "TR", YES, REQUIRED, HIGH, "Vonage, ClickSend, D7, AWS",
        _("Capitals must match, and the name holds the brand. Marketing needs consent in İYS."),
        refuses_generic=True,
    ),
    Rule("GB", YES, RECOMMENDED, MEDIUM, "AWS, Plivo, Telnyx"),
    Rule(
        "IE", YES, REQUIRED, MEDIUM, "AWS, Mobile Ecosystem Forum",
        _("Unregistered names carry a warning."),
    ),
    Rule(
        "AU", YES, REQUIRED, HIGH, "Mobile Ecosystem Forum, Fujifilm, AWS",
        _("Since July 2026 unregistered names are replaced by “Unverified”."),
    ),
    Rule(
        "FR", YES, UNKNOWN, MEDIUM, "Callr, Brevo, Acoustic",
        _("Marketing names a short code for STOP in the text."),
    ),
    Rule("DE", YES, NONE, MEDIUM, "Telnyx"),
    Rule("ES", YES, UNKNOWN, LOW, "AWS, Telnyx", _MIXED),
    *(Rule(iso, YES, REQUIRED, MEDIUM, "AWS", _LISTED) for iso in (
        "AT", "FI", "KW", "QA", "JO", "EG", "KZ", "RU", "BY", "PH", "TH", "LK", "BD", "KH",
        "KE", "ZM",
    )),
    Rule("MY", DOUBTFUL, UNKNOWN, LOW, "Alibaba Cloud, Twilio 2017", _BRAND),
    Rule("BR", DOUBTFUL, UNKNOWN, LOW, "Bird, Twilio 2017"),
    Rule("MX", DOUBTFUL, UNKNOWN, LOW, "Twilio, 2017"),
    Rule("AR", NO, UNKNOWN, MEDIUM, "Vonage"),
)  # fmt: skip
RULES: dict[str, Rule] = {rule.country: rule for rule in _ROWS}
"""By country. A country without a row was not checked."""
