"""The figures of the overview: from tallies and the ledger, never by counting messages.

Days are the workspace's, as thresholds and statements count them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import dates
from accounts.middleware import zone_of
from accounts.models import Membership, User, Workspace
from billing import headroom, thresholds
from billing.models import Rate
from campaigns import reading, statistics
from campaigns.models import Campaign, CampaignTally, DeliveryReceipt, HourTally
from campaigns.states import RUNNING, CampaignState, MessageState
from carriers.models import Carrier
from senders.models import SenderID, SenderState
from sms.countries import country_name

PERIODS = {
    "today": (1, gettext_lazy("Today")),
    "7": (7, gettext_lazy("7 days")),
    "30": (30, gettext_lazy("30 days")),
}
WITHOUT_RESULT = (MessageState.QUEUED, MessageState.ACCEPTED, MessageState.IN_DOUBT)
RECEIPTS_ARRIVE_FOR = timedelta(days=10)
SHOWN = 10
DOUBTS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Period:
    """Days up to and including today, in the workspace's zone."""

    name: str
    label: str
    first: date
    since: datetime

    @property
    def is_today(self) -> bool:
        return self.name == "today"


@dataclass(frozen=True, slots=True)
class Figures:
    """The strip on top. ``pending`` is what waits now, whatever the period."""

    sent: int
    failed: int
    pending: int
    spend: headroom.Spend
    day: headroom.Meter


@dataclass(frozen=True, slots=True)
class Chart:
    """Rows of (label, numbers) as components/chart_table.html takes them."""

    rows: list[tuple[str, tuple[int, int, int]]]
    spoken: str

    @property
    def series(self) -> list[tuple[str, str]]:
        return [("sent", _("Sent")), ("failed", _("Failed")), ("other", _("Other"))]


@dataclass(frozen=True, slots=True)
class Line:
    """A campaign with its result so far."""

    campaign: Campaign
    result: statistics.Result

    @property
    def on_the_way(self) -> int:
        """Handed over, and nobody has said yet what became of them."""
        return self.result.handed - self.result.sent - self.result.failed


@dataclass(frozen=True, slots=True)
class Todo:
    """Something that waits for a person: a sentence and where to act on it."""

    icon: str
    tone: str
    text: str
    url: str
    act: str


def period(name: str, workspace: Workspace) -> Period:
    """The period called *name*; today for a name nobody offered."""
    name = name if name in PERIODS else "today"
    days, label = PERIODS[name]
    first = thresholds.today(workspace) - timedelta(days=days - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=zone_of(workspace.time_zone))
    return Period(name, str(label), first, since)


def figures(workspace: Workspace, chosen: Period, author: User | None = None) -> Figures:
    """Sent, failed, pending, spend (of all campaigns, or *author*'s), and the day's threshold."""
    counts = _hours(workspace, chosen).values_list("bucket").annotate(n=Sum("messages"))
    found = dict(counts.order_by())
    return Figures(
        sent=found.get("sent", 0),
        failed=found.get("failed", 0),
        pending=_pending(workspace),
        spend=headroom.spend(workspace, chosen.first, author=author),
        day=headroom.meters(workspace)[0],
    )


def _hours(workspace: Workspace, chosen: Period) -> Any:
    since = chosen.since.astimezone(UTC).replace(minute=0)
    return HourTally.objects.filter(workspace=workspace, hour__gte=since)


def _pending(workspace: Workspace) -> int:
    recent = Campaign.objects.filter(workspace=workspace).exclude(
        ended_at__lt=timezone.now() - RECEIPTS_ARRIVE_FOR
    )
    rows = CampaignTally.objects.filter(
        campaign__in=recent.exclude(state=CampaignState.DRAFT), state__in=WITHOUT_RESULT
    )
    return rows.aggregate(n=Sum("messages"))["n"] or 0


def chart(workspace: Workspace, chosen: Period) -> Chart:
    """Messages by the hour, or by the day, in which they were handed over, without gaps."""
    zone = zone_of(workspace.time_zone)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    labels = _labels(workspace, chosen)
    sums = _hours(workspace, chosen).values_list("hour", "bucket").annotate(n=Sum("messages"))
    for hour, bucket, messages in sums.order_by():
        at = hour.astimezone(zone)
        counts[_label(max(at, chosen.since), chosen)][bucket] += messages
    rows = [(x, (counts[x]["sent"], counts[x]["failed"], counts[x]["other"])) for x in labels]
    label, numbers = max(rows, key=lambda row: sum(row[1]))
    peak = sum(numbers)
    given = {"what": chosen.label, "peak": label, "n": f"{peak:,}"}
    spoken = ngettext(
        "Messages, %(what)s. The peak is %(peak)s with %(n)s message.",
        "Messages, %(what)s. The peak is %(peak)s with %(n)s messages.",
        peak,
    )
    return Chart(rows, spoken % given if peak else _("No messages yet in this period."))


def _label(at: datetime, chosen: Period) -> str:
    return dates.write(at, "time" if chosen.is_today else "brief")


def _labels(workspace: Workspace, chosen: Period) -> list[str]:
    step = timedelta(hours=1) if chosen.is_today else timedelta(days=1)
    zone = zone_of(workspace.time_zone)
    labels: list[str] = []
    at, now = chosen.since.astimezone(UTC), timezone.now()
    at = at.replace(minute=0) if chosen.is_today else at + timedelta(hours=12)
    while at <= now or not labels:
        local = max(at.astimezone(zone), chosen.since)
        labels.append(_label(local, chosen))
        at += step
    today = _label(now.astimezone(zone), chosen)
    if not chosen.is_today and labels[-1] != today:
        labels.append(today)
    return list(dict.fromkeys(labels))


def sending(membership: Membership) -> list[Line]:
    """Campaigns that are sending now, the latest start first, with their results."""
    rows = Campaign.objects.filter(workspace=membership.workspace, state=CampaignState.SENDING)
    rows = rows.shown().select_related("carrier", "sender").order_by("-started_at", "-pk")
    campaigns = list(rows[:SHOWN])
    groups: dict[int, list[CampaignTally]] = defaultdict(list)
    for tally in CampaignTally.objects.filter(campaign__in=campaigns):
        groups[tally.campaign_id].append(tally)
    return [_line(campaign, groups[campaign.pk], membership) for campaign in campaigns]


def _line(campaign: Campaign, tallies: list[CampaignTally], membership: Membership) -> Line:
    gives = campaign.carrier is None or campaign.carrier.gives_receipts
    found = statistics.result(tallies, total=campaign.total, gives_receipts=gives)
    return Line(campaign, reading.as_seen(found, campaign, membership))


def upcoming(workspace: Workspace) -> list[Campaign]:
    """Scheduled campaigns, the next one first."""
    rows = Campaign.objects.filter(workspace=workspace, state=CampaignState.SCHEDULED).shown()
    rows = rows.select_related("author", "recipients").order_by("send_at", "pk")
    return list(rows[:SHOWN])


@dataclass(frozen=True)
class Beginning:
    """What has to be there before the first campaign, and whether it is."""

    has_sender: bool
    has_rates: bool


def beginning(workspace: Workspace) -> Beginning | None:
    """Where a workspace stands in which nobody has made a campaign yet."""
    if Campaign.objects.filter(workspace=workspace).exists():
        return None
    senders = SenderID.objects.filter(workspace=workspace, state=SenderState.APPROVED)
    return Beginning(senders.exists(), Rate.objects.filter(workspace=workspace).exists())


def is_practice(workspace: Workspace) -> bool:
    """Nothing that is sent here can reach a phone."""
    used = Carrier.objects.filter(workspace=workspace, is_on=True)
    return not used.exclude(pk__in=used.practice()).exists()


def attention(user: User, meters: list[headroom.Meter]) -> list[Todo]:
    """What waits for a person, the most urgent first."""
    membership: Any = user.membership  # type: ignore[attr-defined]
    workspace = membership.workspace
    found = [*_stopped(workspace, meters), *_close(meters), *_in_doubt(membership)]
    if membership.can("senders.decide"):
        found += _reviews(workspace)
    return [*found, *_unmatched(workspace)]


def _stopped(workspace: Workspace, meters: list[headroom.Meter]) -> list[Todo]:
    usage = [meter.usage for meter in meters if meter.usage is not None]
    states = RUNNING - {CampaignState.SENDING}
    rows = Campaign.objects.filter(workspace=workspace, state__in=states).shown()
    found = []
    for campaign in rows.order_by("-state", "-pk")[:SHOWN]:
        given = {"name": campaign.name, "why": campaign.get_pause_reason_display()}
        url = _page_of(campaign.key)
        if campaign.state == CampaignState.SUSPENDED:
            given["why"] = reading.suspension([campaign], usage)
            text = _("%(name)s is suspended. %(why)s") % given
            found.append(Todo("hand-stop", "failed", text, url, _("Review campaign")))
        else:
            text = _("%(name)s is paused. %(why)s.") % given
            found.append(Todo("player-pause", "warn", text, url, _("Review campaign")))
    return found


def _close(meters: list[headroom.Meter]) -> list[Todo]:
    found = []
    for meter in meters:
        if meter.usage is None or meter.level not in ("warn", "reached"):
            continue
        given = {
            "used": f"{meter.usage.used:,}", "limit": f"{meter.usage.limit:,}", "now": meter.now,
            "country": country_name(meter.place.country),
        }  # fmt: skip
        text = _("%(used)s of %(limit)s segments used %(now)s.") % given
        if meter.place.country:
            text = _("%(used)s of %(limit)s segments to %(country)s used %(now)s.") % given
        tone = "failed" if meter.level == "reached" else "warn"
        url = reverse("billing:thresholds")
        found.append(Todo("gauge", tone, text, url, _("Review threshold")))
    return found


def _in_doubt(membership: Membership) -> list[Todo]:
    rows = CampaignTally.objects.filter(
        campaign__workspace=membership.workspace, state=MessageState.IN_DOUBT, messages__gt=0
    )
    sums = rows.values_list("campaign__key", "campaign__name", "campaign__author")
    found = list(sums.annotate(n=Sum("messages")).order_by("-n")[: SHOWN + 1])
    todos = []
    for key, name, author, n in found[:DOUBTS_SHOWN]:
        url, act = _page_of(key), _("Review campaign")
        if membership.can("campaigns.resolve", author):
            url, act = reverse("campaigns:resolve", args=[key]), _("Resolve")
        todos.append(Todo("help-circle", "warn", _doubt(n, name), url, act))
    if more := len(found) - len(todos):
        words = ngettext(
            "%(n)s more campaign has messages in doubt.",
            "%(n)s more campaigns have messages in doubt.",
            more,
        )
        url = reverse("campaigns:list")
        todos.append(Todo("help-circle", "warn", words % {"n": more}, url, _("All campaigns")))
    return todos


def _doubt(n: int, name: str) -> str:
    words = ngettext(
        "%(name)s has %(n)s message in doubt: nobody knows whether the carrier took it.",
        "%(name)s has %(n)s messages in doubt: nobody knows whether the carrier took them.",
        n,
    )
    return words % {"name": name, "n": f"{n:,}"}


def _page_of(key: UUID) -> str:
    return reverse("campaigns:detail", args=[key])


def _reviews(workspace: Workspace) -> list[Todo]:
    n = SenderID.objects.filter(workspace=workspace, state=SenderState.PENDING).count()
    if not n:
        return []
    words = ngettext("%(n)s sender ID waits for review.", "%(n)s sender IDs wait for review.", n)
    url = reverse("senders:list") + "?state=pending"
    return [Todo("id-badge-2", "live", words % {"n": n}, url, _("Review"))]


def _unmatched(workspace: Workspace) -> list[Todo]:
    n = DeliveryReceipt.objects.filter(account__workspace=workspace).unmatched().count()
    if not n:
        return []
    words = ngettext(
        "%(n)s receipt belongs to no message of ours. It is kept, and changes nothing.",
        "%(n)s receipts belong to no message of ours. They are kept, and change nothing.",
        n,
    )
    return [Todo("mail-question", "warn", words % {"n": f"{n:,}"}, "", "")]
