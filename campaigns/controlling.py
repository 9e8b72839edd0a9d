"""Who is offered which act on a campaign, and why an act came too late."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import dates
from accounts.middleware import zone_of
from accounts.models import Membership
from billing.thresholds import Usage
from campaigns import clock
from campaigns.models import Batch, Campaign
from campaigns.states import CAMPAIGN_MOVES, RUNNING, CampaignState, Hold

S = CampaignState


@dataclass(frozen=True, slots=True)
class Act:
    """Something a person may do to a campaign in one of *states*, if their role holds it.

    *needs* names what is deleted by age, and without which there is nothing to do.
    """

    permission: str
    states: frozenset[str]
    needs: frozenset[str] = frozenset()


EVERY = frozenset(S)
TEXTS, NUMBERS = frozenset({"texts"}), frozenset({"numbers"})
ACTS = {
    "write": Act("campaigns.edit", frozenset({S.DRAFT})),
    "discard": Act("campaigns.cancel", frozenset({S.DRAFT})),
    "cancel": Act("campaigns.cancel", frozenset({S.SCHEDULED})),
    "take_back": Act("campaigns.edit", frozenset({S.SCHEDULED})),
    "pause": Act("campaigns.pause", frozenset({S.SENDING})),
    "resume": Act("campaigns.resume", frozenset({S.PAUSED})),
    "resume_suspended": Act("campaigns.resume_suspended", frozenset({S.SUSPENDED})),
    "stop": Act("campaigns.stop", frozenset(RUNNING)),
    "resolve": Act("campaigns.resolve", RUNNING | {S.COMPLETED, S.STOPPED}),
    "duplicate": Act("campaigns.read_text", EVERY - {S.DRAFT}, TEXTS),
    "resend": Act("campaigns.read_numbers", frozenset({S.COMPLETED, S.STOPPED}), TEXTS | NUMBERS),
    "export": Act("campaigns.view", EVERY - {S.DRAFT, S.SCHEDULED}),
    "export_numbers": Act("campaigns.export_numbers", EVERY - {S.DRAFT, S.SCHEDULED}, NUMBERS),
    "text": Act("campaigns.read_text", EVERY),
    "numbers": Act("campaigns.read_numbers", EVERY, NUMBERS),
}


def offered(campaign: Campaign, membership: Membership) -> frozenset[str]:
    """The names of the acts that make sense now and that this person may do."""
    gone = deleted(campaign)
    too_late = {"cancel", "take_back"} if campaign.is_starting else set()
    return frozenset(
        name
        for name, act in ACTS.items()
        if campaign.state in act.states and name not in too_late and not act.needs & gone
        and membership.can(act.permission, campaign.author_id)
    )  # fmt: skip


def deleted(campaign: Campaign) -> frozenset[str]:
    """Of its texts and numbers, those that were deleted when their time was over."""
    texts = TEXTS if campaign.texts_purged_at else frozenset[str]()
    return texts | NUMBERS if campaign.numbers_purged_at else texts


def is_due(campaign: Campaign, action: str) -> bool:
    """Would the move be allowed at this moment? The move itself checks again, with a lock."""
    if campaign.state not in CAMPAIGN_MOVES[action][0]:
        return False
    if action not in ("cancel", "edit") or campaign.state == S.DRAFT:
        return True
    until = campaign.cancel_until
    return until is not None and clock.now() <= until


def why_not(campaign: Campaign, action: str) -> str:
    """What happened instead, in a sentence: the state it is in, or the moment that has passed."""
    until = campaign.cancel_until
    if action in ("cancel", "edit") and campaign.state == S.SCHEDULED and until is not None:
        return _(
            "That was possible until %(until)s, 5 minutes before the start. It will start at "
            "%(start)s; once it sends, you can stop what has not left."
        ) % {"until": local(campaign, until), "start": local(campaign, campaign.send_at, "time")}
    if action in ("cancel", "edit") and campaign.state in RUNNING:
        return _("Sending has already begun. You can stop what has not left.")
    return _STATES[S(campaign.state)]()


def _over(word: str) -> str:
    return _("The campaign is already %(state)s, so nothing was changed.") % {"state": word}


_STATES = {
    S.DRAFT: lambda: _("The campaign is a draft. Submit it first."),
    S.SCHEDULED: lambda: _("The campaign has not begun to send. It is still scheduled."),
    S.SENDING: lambda: _("The campaign is sending again, so nothing was changed."),
    S.PAUSED: lambda: _over(_("paused")),
    S.SUSPENDED: lambda: _(
        "The campaign is suspended by a threshold. An admin can resume it, or you can stop it."
    ),
    S.COMPLETED: lambda: _("The campaign is completed: everything has left."),
    S.CANCELLED: lambda: _over(_("cancelled")),
    S.STOPPED: lambda: _over(_("stopped")),
}


def local(campaign: Campaign, at: object, style: str = "full") -> str:
    """A moment in the campaign's own zone, with the zone's name."""
    zone: ZoneInfo = zone_of(campaign.time_zone or "UTC")
    return f"{dates.write(timezone.localtime(at, zone), style)} {zone.key}"  # type: ignore[arg-type]


def free_held(campaign: Campaign, hold: Hold = Hold.THRESHOLD) -> int:
    """Let the batches go that are held by *hold*; answers how many. Call it with the resume."""
    rows = Batch.objects.filter(campaign=campaign, hold=hold)
    return rows.update(hold=Hold.NONE)


def segments_left(campaign: Campaign) -> dict[str, int]:
    """Segments by country of messages without an outcome: what a resume still needs room for."""
    rows = Batch.objects.filter(campaign=campaign, reserved_at=None).left()
    sums = rows.order_by().values_list("country").annotate(total=Sum("segments"))
    return dict(sums)


def room_for(left: Mapping[str, int], usage: Iterable[Usage]) -> int | None:
    """How many of these segments leave under what is used now; None where nothing limits them."""
    rooms = [(one.country, one.room) for one in usage if one.country in ("", *left)]
    if not rooms:
        return None
    granted = sum(
        min([segments, *(room for of, room in rooms if of == country)])
        for country, segments in left.items()
    )
    return min([granted, *(room for of, room in rooms if not of)])
