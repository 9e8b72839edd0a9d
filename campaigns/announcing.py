"""Tell the author and the admins what happened to a campaign."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Sum
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import User, Workspace
from accounts.notices import notify, people_to_tell
from billing import wording
from billing.models import ThresholdWindow
from campaigns import clock, tightness, trail
from campaigns.models import Batch, Campaign, Message, MessageEvent, PauseReason, RecipientImport
from campaigns.states import MessageState
from senders.models import SenderState
from sms.countries import country_name

DOUBT_TOLD_AFTER = timedelta(minutes=10)
DOUBT_IS_OLD = timedelta(hours=24)

# What to do about a pause that no person asked for.
ADVICE = {
    PauseReason.CARRIER_REFUSED: gettext_lazy(
        "Every further message would be refused too. Look with the carrier at the account: is it "
        "open, is there credit, is the password still the one that is set here? Then resume the "
        "campaign on its page, or stop it."
    ),
    PauseReason.LATE_START: gettext_lazy(
        "Read on its page whether the text still holds true. Then resume the campaign, or stop it."
    ),
}


def announce(campaign: Campaign, kind: str) -> None:
    """A notice of *kind* (completed, paused, suspended), called by whoever made the move."""
    title, body = _words(campaign, kind)
    notify(
        people_to_tell(campaign.workspace, campaign.author),
        campaign.workspace,
        kind=f"campaign.{kind}",
        title=title,
        body=body,
        path=reverse("campaigns:detail", args=[campaign.key]),
        dedupe=f"campaign-{campaign.pk}-{kind}-{clock.now():%Y%m%d%H%M%S%f}",
    )


def _words(campaign: Campaign, kind: str) -> tuple[str, str]:
    name = f"{campaign.name} ({campaign.label})"
    if kind == "completed":
        return (
            _("%(name)s is completed") % {"name": name},
            _("Every message has been handed to the carrier. Receipts may keep arriving."),
        )
    if kind == "suspended":
        return (
            _("%(name)s is suspended by a threshold") % {"name": name},
            _suspension_words(campaign),
        )
    if campaign.pause_reason == PauseReason.SENDER:
        return _("%(name)s is paused") % {"name": name}, _sender_words(campaign)
    said = _("Reason: %(reason)s. Nothing more leaves until a person resumes it.") % {
        "reason": campaign.get_pause_reason_display()
    }
    todo = ADVICE.get(PauseReason(campaign.pause_reason), "") if campaign.pause_reason else ""
    return _("%(name)s is paused") % {"name": name}, f"{said} {todo}".strip()


def _suspension_words(campaign: Campaign) -> str:
    """Which threshold with its limit, how many messages wait, and what to do."""
    rows = Batch.objects.filter(campaign=campaign).left()
    left = rows.aggregate(total=Sum("left"))["total"] or 0
    tight = tightness.reached(campaign)
    which = (
        trail.threshold(tight.period, tight.limit, tight.country)
        if tight
        else _("A suspension threshold")
    )
    said = ngettext(
        "%(threshold)s is reached: %(left)s message waits.",
        "%(threshold)s is reached: %(left)s messages wait.",
        left,
    )
    said %= {"threshold": which, "left": f"{left:,}"}
    todo = _("An admin can raise the threshold and resume, or stop the campaign.")
    return f"{said} {todo}"


def _sender_words(campaign: Campaign) -> str:
    """Which sender ID, what became of it, and what to do."""
    value = campaign.sender_value
    sender = campaign.sender
    if sender is not None and sender.state != SenderState.APPROVED:
        said = _("The sender ID %(value)s is not approved any more (%(state)s).") % {
            "value": value, "state": str(sender.get_state_display()).lower()
        }  # fmt: skip
    else:
        said = _("The registration of %(value)s has ended in every country that is left.")
        said %= {"value": value}
    todo = _(
        "Nothing more leaves, and nothing is sent under another name. When it is in order again, "
        "resume the campaign; or stop it."
    )
    return f"{said} {todo}"


def announce_held(campaign: Campaign, countries: list[str]) -> None:
    """The registration ended in *countries*: what goes there waits, the rest goes on."""
    given = {
        "name": f"{campaign.name} ({campaign.label})",
        "value": campaign.sender_value,
        "countries": ", ".join(_(country_name(country)) for country in countries),
    }
    notify(
        people_to_tell(campaign.workspace, campaign.author),
        campaign.workspace,
        kind="campaign.held",
        title=_("%(name)s: nothing more is sent to %(countries)s") % given,
        body=_(
            "The registration of %(value)s has ended there. These messages wait, and nothing is "
            "sent under another name; other countries go on. When it is registered again, pause "
            "and resume the campaign; or stop it."
        )
        % given,
        path=reverse("campaigns:detail", args=[campaign.key]),
        dedupe=f"campaign-{campaign.pk}-held-{clock.now():%Y%m%d%H%M%S%f}",
    )


def announce_doubt(campaign: Campaign) -> None:
    """Once a day: messages came into doubt and ten minutes later nobody knows more of them."""
    now = clock.now()
    since, until = now - DOUBT_IS_OLD, now - DOUBT_TOLD_AFTER
    rows = Message.objects.filter(campaign=campaign, state=MessageState.IN_DOUBT)
    doubts = MessageEvent.objects.filter(kind="in_doubt", at__gte=since, at__lt=until)
    if not doubts.filter(message__in=rows).exists():
        return
    count = rows.count()
    title = ngettext(
        "%(name)s has %(n)s message in doubt", "%(name)s has %(n)s messages in doubt", count
    )
    notify(
        people_to_tell(campaign.workspace, campaign.author),
        campaign.workspace,
        kind="campaign.attention",
        title=title % {"name": f"{campaign.name} ({campaign.label})", "n": f"{count:,}"},
        body=_(
            "Nobody knows whether the carrier took them, so nothing is sent a second time. A "
            "receipt may still tell. If they are urgent, ask the carrier about their references, "
            "which stand on the campaign's page under Other, and decide what they count as."
        ),
        path=reverse("campaigns:resolve", args=[campaign.key]),
        dedupe=f"campaign-{campaign.pk}-in_doubt-{now:%Y%m%d}",
    )


def announce_resolved(campaign: Campaign, person: User, key: UUID) -> None:
    """To who decided about many messages in doubt: it is carried out."""
    left = Message.objects.filter(campaign=campaign, state=MessageState.IN_DOUBT).count()
    words = ngettext("%(n)s message is still in doubt.", "%(n)s messages are still in doubt.", left)
    notify(
        [person],
        campaign.workspace,
        kind="campaign.attention",
        title=_("%(name)s: your decision about messages in doubt is carried out")
        % {"name": f"{campaign.name} ({campaign.label})"},
        body=words % {"n": f"{left:,}"},
        path=reverse("campaigns:detail", args=[campaign.key]),
        dedupe=f"campaign-{campaign.pk}-resolved-{key}",
    )


def announce_refused(source: RecipientImport) -> None:
    """Once a day for a campaign: the file its author gave was refused as a whole."""
    campaign = Campaign.objects.filter(recipients=source).first()
    if campaign is None:
        return
    notify(
        [source.created_by],
        source.workspace,
        kind="campaign.attention",
        title=_("%(name)s: the file cannot be imported") % {"name": campaign.name or _("Draft")},
        body=_("The draft says why and what to do. Nothing of the file was imported."),
        path=reverse("campaigns:edit", args=[campaign.key]),
        dedupe=f"campaign-{campaign.pk}-refused-{clock.now():%Y%m%d}",
    )


def announce_question(source: RecipientImport) -> None:
    """The file cannot be read on before its author has answered; the import's page asks."""
    campaign = Campaign.objects.filter(recipients=source).first()
    if campaign is None:
        return
    notify(
        [source.created_by],
        source.workspace,
        kind="campaign.question",
        title=_("%(name)s: the file needs an answer") % {"name": campaign.name or _("Draft")},
        body=_("Nothing is imported before. Answer on the import's page, or give another file."),
        path=reverse("campaigns:numbers", args=[campaign.key]),
        dedupe=question(source),
    )


def question(source: RecipientImport) -> str:
    """The one question that a file asks now: each answer begins the check anew."""
    answered = len(source.options.get("answers", {}))
    return f"import-{source.pk}-question-{answered}"


def warn_threshold(workspace: Workspace, window: ThresholdWindow) -> None:
    """Tell the admins, once a window, that a threshold's warning value was passed."""
    notify(
        people_to_tell(workspace),
        workspace,
        kind="threshold.warning",
        title=_("%(which)s: %(used)s of %(limit)s segments used")
        % {
            "which": wording.name(window.threshold.place),
            "used": f"{window.used:,}",
            "limit": f"{window.limit:,}",
        },
        body=_("Campaigns are suspended when it is reached. Raise it in time or slow down."),
        path=reverse("billing:thresholds"),
        dedupe=f"window-{window.pk}-warning",
    )
