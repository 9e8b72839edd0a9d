"""How the installation is, line by line, with what to do where something is wrong.

Processes, disk and the like belong to the whole installation; what waits or is in doubt is told
of the reader's own workspace only.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.db.models import Min, Sum
from django.http import HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.access import SignedIn, requires
from accounts.models import AuditEvent, Workspace
from campaigns import watching
from campaigns.models import (
    Batch,
    Campaign,
    CampaignTally,
    ClockJump,
    DeliveryReceipt,
    ImportState,
    RecipientImport,
)  # fmt: skip
from campaigns.states import CampaignState, MessageState
from carriers.models import Carrier
from sheets import disk
from smsconsole import wording
from smsconsole.database_roles import may_change_audit
from smsconsole.models import Heartbeat

OK, ATTENTION, BROKEN = "ok", "attention", "broken"
CHIPS = {
    OK: ("approved", _lazy("OK")),
    ATTENTION: ("pending", _lazy("Attention")),
    BROKEN: ("rejected", _lazy("Broken")),
}
SILENT = timedelta(seconds=60)
LATE = timedelta(minutes=2)
SLOW = timedelta(minutes=5)

Words = str | Promise


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at: how it is, and what to do if it is not well."""

    name: Words
    value: Words
    state: str = OK
    advice: Words = ""

    @property
    def chip(self) -> tuple[str, Words]:
        return CHIPS[self.state]


@dataclass(frozen=True, slots=True)
class Section:
    title: Words
    lines: list[Line]


def sections(workspace: Workspace) -> list[Section]:
    """Everything the page shows."""
    now = timezone.now()
    return [
        Section(_("Processes"), [_ticker(now), _workers(now), _doorbell()]),
        Section(_("Work of this workspace"), [look(workspace, now) for look in WORK]),
        Section(_("What it stands on"), [_disk(), _database(), *_audit(now), _version()]),
    ]


def _ago(since: timedelta) -> str:
    return _("%(long)s ago") % {"long": wording.duration(since)}


def _ticker(now: datetime) -> Line:
    last = Heartbeat.objects.of(Heartbeat.TICKER).first()
    if last is not None and now - last.at < SILENT:
        return Line(_("Ticker"), _ago(now - last.at))
    said = _ago(now - last.at) if last else _("never heard")
    advice = _("No campaign starts by itself. Start the ticker: manage.py tick --loop, or beat.")
    return Line(_("Ticker"), said, BROKEN, advice)


def _workers(now: datetime) -> Line:
    found = list(Heartbeat.objects.of(Heartbeat.WORKER))
    alive = [worker for worker in found if now - worker.at < SILENT]
    if alive:
        words = ngettext("%(n)d worker, heard %(ago)s", "%(n)d workers, heard %(ago)s", len(alive))
        return Line(_("Workers"), words % {"n": len(alive), "ago": _ago(now - alive[0].at)})
    said = _ago(now - found[0].at) if found else _("never heard")
    advice = _("Nothing is sent or imported. Start a worker, and look into its log.")
    return Line(_("Workers"), said, BROKEN, advice)


def _doorbell() -> Line:
    name = _("Redis")
    if not settings.REDIS_URL:
        return Line(name, _("not used: the doorbell is in files"))
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1,
                                  socket_connect_timeout=1) as client:  # fmt: skip
            client.ping()
    except redis.RedisError:
        advice = _("Work starts seconds later and no message is lost. Start Redis again.")
        return Line(name, _("does not answer"), BROKEN, advice)
    return Line(name, _("answers"))


# --- work of one workspace ----------------------------------------------------------------


def _switch(workspace: Workspace, now: datetime) -> Line:
    name = _("Sending")
    if workspace.sending_off_at is None:
        return Line(name, _("on"))
    since = max(now - workspace.sending_off_at, timedelta())
    said = _("stopped by a person, %(ago)s") % {"ago": _ago(since)}
    advice = _("Nothing leaves and nothing is lost. “Send again” is in the red banner.")
    return Line(name, said, ATTENTION, advice)


def _due(workspace: Workspace, now: datetime) -> Line:
    rows = Campaign.objects.filter(workspace=workspace).due().order_by()
    return _oldest(
        _("Oldest start that is due"), rows.aggregate(at=Min("send_at"))["at"], now, LATE,
        _("Its time has come and nobody started it. See that ticker and worker run."),
    )  # fmt: skip


def _ready(workspace: Workspace, now: datetime) -> Line:
    sending = {"campaign__workspace": workspace, "campaign__state": CampaignState.SENDING}
    rows = Batch.objects.ready().filter(**sending).order_by()
    return _oldest(
        _("Oldest batch ready to leave"), rows.aggregate(at=Min("campaign__started_at"))["at"],
        now, timedelta(hours=24),
        _("A campaign has been sending for a day. See the carrier's rate and the worker's log."),
    )  # fmt: skip


def _clock(workspace: Workspace, now: datetime) -> Line:
    jump = ClockJump.objects.holding().first()
    name = _("Clock of the database")
    if jump is None:
        return Line(name, _("steady"))
    said = _("jumped, %(ago)s") % {"ago": _ago(abs(now - jump.seen_at))}
    return Line(name, said, BROKEN, watching.sentence(jump))


def _carriers(workspace: Workspace, now: datetime) -> Line:
    name = _("Carriers in trouble")
    rows = Carrier.objects.filter(workspace=workspace, resting_until__isnull=False)
    if not (names := ", ".join(rows.order_by("name").values_list("name", flat=True))):
        return Line(name, _("none"))
    advice = _("No certain answer came. It is asked twice a minute, and sending goes on by itself.")
    return Line(name, names, ATTENTION, advice)


def _imports(workspace: Workspace, now: datetime) -> Line:
    rows = RecipientImport.objects.filter(workspace=workspace, state=ImportState.CHECKING)
    return _oldest(
        _("Oldest list being checked"), rows.aggregate(at=Min("created_at"))["at"], now, SLOW,
        _("Lists wait. See that a worker runs and takes the queue imports."),
    )  # fmt: skip


def _oldest(name: Words, at: datetime | None, now: datetime, late: timedelta, do: Words) -> Line:
    if at is None:
        return Line(name, _("none"))
    waits = max(now - at, timedelta())
    return Line(name, wording.duration(waits), *((ATTENTION, do) if waits > late else ()))


def _in_doubt(workspace: Workspace, now: datetime) -> Line:
    rows = CampaignTally.objects.filter(
        campaign__workspace=workspace, state=MessageState.IN_DOUBT
    )  # fmt: skip
    return _counted(
        _("Messages in doubt"), rows.aggregate(n=Sum("messages"))["n"] or 0,
        _("The carrier may have taken them or not. The console asks; look at the campaign."),
    )  # fmt: skip


def _orphans(workspace: Workspace, now: datetime) -> Line:
    rows = DeliveryReceipt.objects.filter(account__workspace=workspace).unmatched()
    return _counted(
        _("Receipts without a message"), rows.count(),
        _("The carrier reports messages this console does not know. See that nobody else "
          "uses its account or its receipts address."),
    )  # fmt: skip


def _set_apart(workspace: Workspace, now: datetime) -> Line:
    rows = DeliveryReceipt.objects.filter(account__workspace=workspace).set_apart()
    return _counted(
        _("Receipts that could not be applied"), rows.count(),
        _("An error of the console. The worker's log says which; they are tried again every "
          "minute, and the others are applied."),
    )  # fmt: skip


def _counted(name: Words, count: int, do: Words) -> Line:
    return Line(name, f"{count:,}", *((ATTENTION, do) if count else ()))


Look = Callable[[Workspace, datetime], Line]
WORK: tuple[Look, ...] = (
    _switch, _clock, _due, _ready, _carriers, _in_doubt, _orphans, _set_apart, _imports,
)  # fmt: skip


# --- what it stands on ----------------------------------------------------------------------


def _disk() -> Line:
    room, name = disk.look(), _("Free disk")
    said = f"{room.percent} %, {filesizeformat(room.free)}"
    if disk.database_folder() is None:
        said = _("%(free)s; the disk of PostgreSQL is not seen from here") % {"free": said}
    if room.is_least:
        advice = _(
            "The disk is nearly full, so nothing is handed over: its result could not be written "
            "down. Make room now; sending goes on by itself. Uploads and workbooks are refused."
        )
        return Line(name, said, BROKEN, advice)
    if room.is_low:
        advice = _("Uploads and workbooks are refused. Make room before sending stops too.")
        return Line(name, said, ATTENTION, advice)
    return Line(name, said)


def _database() -> Line:
    name = _("Database")
    if connection.vendor == "sqlite":
        sql = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return Line(name, f"SQLite, {filesizeformat(cursor.fetchone()[0])}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database()), current_setting(%s)",
                       ["server_version"])  # fmt: skip
        size, number = cursor.fetchone()
    return Line(name, f"PostgreSQL {number.split()[0]}, {filesizeformat(size)}")


def _audit(now: datetime) -> Iterator[Line]:
    oldest = AuditEvent.objects.filter(seal=None).aggregate(at=Min("at"))["at"]
    yield _oldest(
        _("Oldest audit event not sealed"), oldest, now, SLOW,
        _("Events are sealed every minute. See that ticker and worker run."),
    )  # fmt: skip
    name = _("Audit log")
    if connection.vendor == "postgresql" and settings.PRODUCTION and may_change_audit():
        advice = _("This process runs as a role that owns it. Run manage.py database_roles.")
        yield Line(name, _("could be switched off"), ATTENTION, advice)
    else:
        yield Line(name, _("append-only; manage.py verify_audit checks its chain"))


def _version() -> Line:
    return Line(_("Version"), console_version())


def console_version() -> str:
    """As the package is installed, else as this checkout's pyproject.toml says."""
    try:
        return version("sms-console")
    except PackageNotFoundError:
        project: Any = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text("utf-8"))
        return str(project["project"]["version"])


@requires("system.view")
@require_GET
def page(request: SignedIn) -> HttpResponse:
    """How everything is; htmx asks for it again every ten seconds."""
    context = {"sections": sections(request.membership.workspace), "now": timezone.now()}
    part = bool(request.htmx)  # type: ignore[attr-defined]
    return render(request, "smsconsole/_system.html" if part else "smsconsole/system.html", context)
