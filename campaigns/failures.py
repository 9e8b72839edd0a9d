"""Why messages fail, in words a person can act on: a table, one row for each reason.

The words stand beside the carrier's own code on every page; they never replace it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sms.gateways.base import Reason

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Failure:
    """One reason for people. ``billed`` is the rule; what was billed stands in the ledger.

    ``retryable``: a second try can succeed, so *Resend to failed* offers it.
    """

    code: str
    title: Words
    happened: Words
    todo: Words
    retryable: bool = False
    billed: bool = False


_TABLE = (
    Failure(
        Reason.INVALID_NUMBER,
        _("Not a valid number"),
        _("The carrier says that this is not a valid international number."),
        _("Check the number with its owner and correct it in your list. Do not resend as it is."),
    ),
    Failure(
        Reason.NOT_MOBILE,
        _("Cannot receive SMS"),
        _("The number is a landline, or another kind that cannot receive SMS."),
        _("Ask the person for a mobile number and remove this one from your list."),
    ),
    Failure(
        Reason.UNSUPPORTED_COUNTRY,
        _("Destination not served"),
        _("The carrier does not serve this destination."),
        _("Leave these numbers out, or ask an admin for a carrier that serves the country."),
    ),
    Failure(
        Reason.COUNTRY_BLOCKED,
        _("Destination switched off"),
        _("The destination is switched off, in this console or in the carrier account."),
        _("Ask an admin to open the country. Then resend."),
        retryable=True,
    ),
    Failure(
        Reason.OPTED_OUT,
        _("Recipient opted out"),
        _("The recipient asked not to receive messages."),
        _("Nothing to do. Do not write to this number again."),
    ),
    Failure(
        Reason.BLOCK_LISTED,
        _("On the block list"),
        _("The number is on the block list."),
        _("Remove it from your list, or ask an admin why it is blocked."),
    ),
    Failure(
        Reason.MISSING_VARIABLE,
        _("A value is missing"),
        _("The file has no value for a variable of the text."),
        _("Fill in the value in your file and import it into a new campaign."),
    ),
    Failure(
        Reason.CONTENT_TOO_LONG,
        _("Text too long"),
        _("The finished text is longer than the carrier takes."),
        _("Shorten the text or the values of its variables. Then send it as a new campaign."),
    ),
    Failure(
        Reason.CONTENT_REJECTED,
        _("Wording refused"),
        _("The carrier refused the wording of the text."),
        _("Remove links or words the carrier forbids. Then send it as a new campaign."),
    ),
    Failure(
        Reason.SENDER_NOT_APPROVED,
        _("Sender ID not registered"),
        _("The sender ID is not approved for this country, so nothing was sent."),
        _("Ask an admin to register it for the country. Once it is approved, resend."),
        retryable=True,
    ),
    Failure(
        Reason.SENDER_REJECTED,
        _("Sender ID refused"),
        _("The carrier refused the sender ID."),
        _("Ask an admin to settle the sender ID with the carrier. Then resend."),
        retryable=True,
    ),
    Failure(
        Reason.INSUFFICIENT_BALANCE,
        _("Carrier account has no credit"),
        _("The account at the carrier had no credit left."),
        _("Ask an admin to top up the carrier account. Then resend."),
        retryable=True,
    ),
    Failure(
        Reason.GATEWAY_AUTH,
        _("Carrier refused the account"),
        _("The carrier refused the credentials of this console."),
        _("Ask an admin to correct the carrier account. Then resend."),
        retryable=True,
    ),
    Failure(
        Reason.GATEWAY_REJECTED,
        _("Carrier refused the message"),
        _("The carrier refused the message with the code shown here."),
        _("Look the code up with the carrier before you send again."),
    ),
    Failure(
        Reason.RISK_CONTROL,
        _("Stopped by fraud control"),
        _("The fraud control of the carrier stopped the message."),
        _("Ask the carrier to check the campaign. Resend once it is cleared."),
        retryable=True,
    ),
    Failure(
        Reason.UNREACHABLE,
        _("Phone off or out of coverage"),
        _("The network looked for the phone and could not reach it."),
        _("Resend once, at another time of day. Drop the number if it fails again."),
        retryable=True,
        billed=True,
    ),
    Failure(
        Reason.UNKNOWN_SUBSCRIBER,
        _("Number not in use"),
        _("The number is well formed, but no network has it: it was given up or never issued."),
        _("Do not resend. Remove it from your list: each try is billed."),
        billed=True,
    ),
    Failure(
        Reason.BLOCKED_BY_CARRIER,
        _("Filtered by the network"),
        _("The network of the recipient filtered the message, often for a link or the sender ID."),
        _("Change the link or the wording and ask the carrier to allow it. Then send anew."),
        billed=True,
    ),
    Failure(
        Reason.EXPIRED,
        _("Not delivered in time"),
        _("The message was held until its validity ended and was never delivered."),
        _("Resend if the text still holds true."),
        retryable=True,
        billed=True,
    ),
    Failure(
        Reason.DELETED,
        _("Deleted by the network"),
        _("The network deleted the message before it reached the phone."),
        _("Resend once. If it happens again, ask the carrier why."),
        retryable=True,
        billed=True,
    ),
    Failure(
        Reason.NO_RECEIPT,
        _("No result was reported"),
        _("The carrier took the message and never reported what became of it."),
        _("It may have arrived: do not resend without asking the recipient."),
        billed=True,
    ),
    Failure(
        Reason.NUMBER_LIMIT,
        _("Enough for this number today"),
        _("The number had got as many messages today as this workspace sends to one number."),
        _("Resend tomorrow, or ask an admin to raise the daily limit for each number."),
        retryable=True,
    ),
    Failure(
        Reason.CANCELLED,
        _("Cancelled before sending"),
        _("The campaign was cancelled or stopped before this message left."),
        _("Nothing was sent. Duplicate the campaign to send it after all."),
    ),
    Failure(
        Reason.INTERNAL,
        _("The console could not send it"),
        _("Handing this message over broke the console five times; the carrier has not got it."),
        _("Tell the person who runs this console: its log says what broke. Then resend."),
        retryable=True,
    ),
    Failure(
        Reason.UNKNOWN,
        _("Reason not known"),
        _("The carrier reported a failure with a code this console does not know."),
        _("Look the code shown here up with the carrier."),
        billed=True,
    ),
)

FAILURES: dict[str, Failure] = {str(failure.code): failure for failure in _TABLE}
RETRYABLE = frozenset(code for code, failure in FAILURES.items() if failure.retryable)


def failure(code: str) -> Failure:
    """The words for a stored reason; one the table does not know is *unknown*."""
    return FAILURES.get(code, FAILURES[Reason.UNKNOWN])
