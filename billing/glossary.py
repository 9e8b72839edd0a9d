"""What the words of a statement mean, for its page and for the sheet About of its workbook."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the page, what it means, and the columns of the file that hold it."""

    name: Promise
    meaning: Promise
    columns: tuple[str, ...] = ()


TERMS = (
    Term(
        _("Billable messages"),
        _(
            "Segments that a carrier accepted: what carriers bill. A long text is sent in several "
            "segments, so one message can be several billable messages."
        ),
        ("billable_messages",),
    ),
    Term(
        _("Messages"),
        _("Texts to one number each that a carrier accepted, however many segments they have."),
        ("messages",),
    ),
    Term(
        _("Failed but billed"),
        _(
            "Those of the billable messages that did not arrive: the carrier had accepted them, "
            "so it bills them. Receipts that come later still move this figure, never the cost."
        ),
        ("failed_but_billed", "failed_but_billed_messages"),
    ),
    Term(
        _("Cost"),
        _(
            "Billable messages times the price of their country, as it stood for the day of the "
            "start when the campaign was submitted. Sums are made of unrounded amounts and rounded "
            "once: what is shown of the lines may add up to a cent more or less than the total."
        ),
        ("cost", "currency"),
    ),
    Term(
        _("Paid for failed"),
        _("The part of the cost that is for messages that failed but are billed."),
        ("failed_but_billed_cost",),
    ),
    Term(
        _("Without a price"),
        _(
            "Billable messages to countries for which nobody had entered a price. They are counted "
            "and are in no sum of money."
        ),
        ("billable_messages_without_price", "failed_but_billed_without_price"),
    ),
    Term(
        _("Average price"),
        _("The cost divided by the billable messages that have a price."),
    ),
    Term(_("Share"), _("How much of all billable messages of the statement this line is.")),
)
CHARGES_UP_TO = _(
    "Every charge has a number that only rises. This statement was read up to this one: a file "
    "with the same two numbers says the same, one with a higher number was made after more was "
    "charged."
)
FAILED_UP_TO = _(
    "The same for what receipts report as failed after it was billed: a higher number means that "
    "later receipts are in the file."
)
