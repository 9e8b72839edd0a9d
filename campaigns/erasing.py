"""Forget one person's number everywhere, without writing it down to do so.

What is kept of a request is the number's digest. It is on the list of opt-outs before anything
else happens, so no claim hands it over any more; what waits in a queue is withdrawn by the rules
of sending, what is leased is waited for, and a row is emptied only once it is final. A pass may
be killed and repeated at any point: it empties what it finds and is done when it finds nothing.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import phonenumbers
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from accounts import audit
from accounts.keyed import digest
from accounts.models import Job, JobState, Membership, Notice, User, Workspace
from billing import thresholds
from campaigns import clock, erasing_words, exports
from campaigns.counting import Deltas
from campaigns.erasure_search import Sought, chunks
from campaigns.models import (
    Batch,
    Campaign,
    DeliveryReceipt,
    Erasure,
    ErasureState,
    ImportProblem,
    ImportState,
    Message,
    MessageEvent,
    Recipient,
    RecipientImport,
    emptied,
)
from campaigns.sending.expanding import EXPANDABLE
from campaigns.settling import Result, write_results
from campaigns.states import FREED, BatchState, Hold, MessageState
from senders import optout_files
from senders.models import OptOut, OptOutSource
from sheets import store
from sms.gateways.base import Reason
from sms.numbers import split_numbers

SENDING, IMPORTS, EXPORTS = "sending", "imports", "exports"
WORKING = (JobState.WAITING, JobState.RUNNING)
LIST = "erasures.jsonl"


# --- asking -------------------------------------------------------------------------------


def ask(workspace: Workspace, number: str, reason: str, by: User) -> Erasure:
    """Put *number* (E.164) on both lists; from this commit on nothing is sent to it.

    Run ``run`` with its id on commit. The number itself is kept nowhere.
    """
    code = str(phonenumbers.parse(number).country_code)
    with transaction.atomic():
        erasure = _want(workspace, digest(number), code, clock.now(), by)
        audit.record("privacy.erase", erasure, by, reason=reason)
        transaction.on_commit(lambda: _write_down([erasure]))
    return erasure


def _want(
    workspace: Workspace, mark: str, code: str, at: datetime, by: User | None = None
) -> Erasure:
    gone = {"number": "", "reason": "", "file_name": "", "source": OptOutSource.ERASED}
    if not OptOut.objects.filter(workspace=workspace, digest=mark).update(**gone):
        OptOut.objects.get_or_create(
            workspace=workspace, digest=mark, defaults={**gone, "added_by": by}
        )
    return Erasure.objects.create(
        workspace=workspace, digest=mark, code=code, asked_at=at, asked_by=by
    )


def _write_down(erasures: Iterable[Erasure]) -> None:
    """Append to the list beside the database: a restored one knows nothing of later requests."""
    settings.HOME.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    with os.fdopen(os.open(settings.HOME / LIST, flags, 0o600), "a") as file:
        for row in erasures:
            line = {
                "workspace": str(row.workspace.key), "digest": row.digest, "code": row.code,
                "at": row.asked_at.isoformat(),
            }  # fmt: skip
            file.write(json.dumps(line) + "\n")


def replay(lines: Iterable[str]) -> int:
    """Ask again for every request of the list and of the database; answer how many there are."""
    known: dict[tuple[str, str], dict[str, str]] = {}
    for line in filter(str.strip, lines):
        told = json.loads(line)
        known[told["workspace"], told["digest"]] = told
    for row in Erasure.objects.select_related("workspace"):
        told = {"code": row.code, "at": row.asked_at.isoformat()}
        known.setdefault((str(row.workspace.key), row.digest), told)
    places = {str(one.key): one for one in Workspace.objects.all()}
    found = 0
    for (place, mark), told in known.items():
        if place in places:
            with transaction.atomic():
                at = datetime.fromisoformat(told["at"])
                _want(places[place], mark, told["code"], at)
            found += 1
    return found


# --- doing --------------------------------------------------------------------------------


def unfinished() -> list[int]:
    """Workspaces with an open request."""
    places = Erasure.objects.filter(state=ErasureState.WAITING).values_list("workspace", flat=True)
    return sorted(set(places))


def run(workspace_id: int) -> bool:
    """Empty what holds an erased number; False while something must be waited for.

    All open requests of a workspace share a pass. They are done after one that emptied nothing.
    """
    rows = Erasure.objects.filter(workspace_id=workspace_id, state=ErasureState.WAITING)
    requests = list(rows.order_by("pk"))
    if not requests:
        return True
    sought = Sought(workspace_id, {row.digest for row in requests}, {r.code for r in requests})
    total: Counter[str] = Counter()
    while True:  # what was copied before it was emptied is there when the next pass begins
        found, waits_for = _pass(sought)
        total += found
        if waits_for or not found:
            break
    mine = Erasure.objects.filter(pk__in=[row.pk for row in requests], state=ErasureState.WAITING)
    _tell(requests, total, waits_for)
    if waits_for:
        mine.update(waits_for=waits_for)
        return False
    with transaction.atomic():
        for row in mine.select_for_update():
            audit.record("privacy.erased", row, None, **row.erased)
        mine.update(state=ErasureState.DONE, done_at=clock.now(), waits_for="")
    return True


def _tell(requests: list[Erasure], found: Counter[str], waits_for: str) -> None:
    for row in requests:
        told = Counter(row.erased) + found
        Erasure.objects.filter(pk=row.pk).update(erased=dict(told), waits_for=waits_for)


def _pass(sought: Sought) -> tuple[Counter[str], str]:
    """What one look at everything emptied, and what it has to wait for."""
    found: Counter[str] = Counter()
    waits_for = _files(sought, found)
    if not _recipients(sought, found):
        waits_for = SENDING
    _stragglers(sought, found)
    _refused_rows(sought, found)
    _receipts(sought, found)
    _lists(sought, found)
    _people(sought, found)
    erasing_words.run(sought, found)
    return found, waits_for


def _recipients(sought: Sought, found: Counter[str]) -> bool:
    """Recipients with their messages; False while one is on its way or is being written."""
    place = {"source__workspace": sought.workspace_id}
    is_clear = not _expanding(sought.workspace_id)
    rows = Recipient.objects.filter(**place).exclude(number="", values=[])
    for pk, number, values, source in chunks(rows, "number", "values", "source_id"):
        is_theirs = sought.is_number(number)
        if not is_theirs and not any(sought.holds(str(value)) for value in values):
            continue
        if _expanding(sought.workspace_id, source):
            is_clear = False
            continue
        mine = Message.objects.filter(pk__in=_written_for(pk, number, source))
        withdrawn = [_withdraw(message) for message in mine.filter(state=MessageState.QUEUED)]
        if not all(withdrawn):
            is_clear = False
            continue
        with transaction.atomic():
            RecipientImport(pk=source).lock()
            _hold_campaigns(mine)
            if mine.filter(state=MessageState.QUEUED).exists():  # again, out of doubt
                is_clear = False
                continue
            found["messages"] += _empty(mine, is_theirs)
            changes: dict[str, Any] = {"values": emptied(values)}
            if is_theirs:
                changes["number"] = ""
            found["recipients"] += Recipient.objects.filter(pk=pk).update(**changes)
    return is_clear


def _written_for(recipient: int, number: str, source: int) -> list[int]:
    """The messages of a recipient, by the number they share, as `recipient` stands in no index.

    Only a campaign that has begun to lose its numbers, from its first message on, is read through.
    """
    rows = Message.objects.filter(campaign__recipients=source)
    mine = rows.filter(recipient=recipient)
    if not number:
        return list(mine.values_list("pk", flat=True))
    found = list(mine.filter(number=number).values_list("pk", flat=True))
    for campaign in rows.filter(position=1, number="").values_list("campaign", flat=True):
        nameless = Message.objects.filter(campaign=campaign, recipient=recipient, number="")
        found += nameless.values_list("pk", flat=True)
    return found


def _expanding(workspace_id: int, source_id: int | None = None) -> bool:
    """Are messages being written that may have been read before their recipients were emptied?"""
    rows = Campaign.objects.filter(
        workspace=workspace_id, state__in=EXPANDABLE, expanded_at=None
    ).exclude(carrier=None)
    return rows.filter(recipients=source_id).exists() if source_id else rows.exists()


def _stragglers(sought: Sought, found: Counter[str]) -> None:
    """Messages that were being written while their recipient was emptied."""
    late = Message.objects.filter(
        campaign__workspace=sought.workspace_id, campaign__expanded_at__gte=sought.oldest,
        recipient__number="", campaign__numbers_purged_at=None,
    ).exclude(number="")  # fmt: skip
    for message in late.select_related("recipient__source"):
        if message.state != MessageState.QUEUED or _withdraw(message):
            with transaction.atomic():
                message.recipient.source.lock()
                mine = Message.objects.filter(pk=message.pk)
                _hold_campaigns(mine)
                found["messages"] += _empty(mine, True)


@transaction.atomic
def _withdraw(message: Message) -> bool:
    """Refuse a queued message by the rules of sending; False while somebody leases its batch."""
    rows = Batch.objects.filter(
        campaign=message.campaign_id, lo__lte=message.position, hi__gte=message.position
    )
    batch = rows.select_for_update().first()
    current = Message.objects.filter(pk=message.pk).values_list("state", flat=True).get()
    if current != MessageState.QUEUED:
        return True
    if batch is None or batch.state != BatchState.READY:
        return False
    result = Result(
        message.pk, message.segments, MessageState.REJECTED, Reason.OPTED_OUT.value
    )  # fmt: skip
    if message.position <= batch.begun_to:  # a worker died over it: it may have left
        result = Result(message.pk, message.segments, MessageState.IN_DOUBT)
    campaign = Campaign.objects.select_related("workspace", "carrier").get(pk=message.campaign_id)
    deltas = Deltas()
    write_results(campaign, batch.country, campaign.route, [result], clock.now(), deltas)
    mine = Batch.objects.filter(pk=batch.pk)
    mine.update(left=F("left") - 1, segments=F("segments") - message.segments)
    mine.filter(left=0).update(state=BatchState.DONE, hold=Hold.NONE)
    if result.state in FREED and (taken := batch.taken(campaign)):
        thresholds.release(taken, message.segments)
    deltas.write()  # after the workspace's row, as everywhere
    return True


def _hold_campaigns(messages: Any) -> None:
    """Everybody takes a campaign before its messages; and while it is held, no decision and no
    look-up queues one of them again.
    """
    rows = Campaign.objects.filter(pk__in=set(messages.values_list("campaign", flat=True)))
    list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk"))


def _empty(messages: Any, is_theirs: bool) -> int:
    """Texts, and where it is their own number also that and all the carrier said of it."""
    messages = messages.exclude(state=MessageState.QUEUED)
    count = 0
    for pk, campaign in messages.exclude(text="").order_by("pk").values_list("pk", "campaign"):
        emptied = Message.objects.filter(pk=pk).exclude(text="").update(text="")
        Campaign.objects.filter(pk=campaign).update(erased=F("erased") + emptied)
        count += emptied
    if is_theirs:
        MessageEvent.objects.filter(message__in=messages).exclude(note="").update(note="")
        DeliveryReceipt.objects.filter(message__in=messages).update(raw="", detail="")
        messages.exclude(number="", detail="").update(number="", detail="")
    return count


def _refused_rows(sought: Sought, found: Counter[str]) -> None:
    rows = ImportProblem.objects.filter(source__workspace=sought.workspace_id).exclude(raw="")
    for pk, raw in chunks(rows, "raw"):
        if sought.holds(raw):
            found["refused_rows"] += ImportProblem.objects.filter(pk=pk).update(raw="")


def _receipts(sought: Sought, found: Counter[str]) -> None:
    rows = DeliveryReceipt.objects.filter(account__workspace=sought.workspace_id)
    for pk, raw, detail in chunks(rows.exclude(raw="", detail=""), "raw", "detail"):
        if sought.holds(raw) or sought.holds(detail):
            mine = DeliveryReceipt.objects.filter(pk=pk)
            found["receipts"] += mine.update(raw="", detail="")


def _lists(sought: Sought, found: Counter[str]) -> None:
    """What is told of imported files, and numbers typed into drafts."""
    imports = RecipientImport.objects.filter(workspace=sought.workspace_id)
    for pk, *told in chunks(imports, "about", "options", "original_name", "error"):
        kept = [sought.cleaned(value) for value in told]
        if kept != told:
            names = ("about", "options", "original_name", "error")
            mine = RecipientImport.objects.filter(pk=pk)
            found["imports"] += mine.update(**dict(zip(names, kept, strict=True)))
    typed = Campaign.objects.filter(workspace=sought.workspace_id).exclude(manual_numbers="")
    for pk, text in chunks(typed, "manual_numbers"):
        entries = split_numbers(text)
        kept_entries = [entry for entry in entries if not sought.holds(entry)]
        if kept_entries != entries:
            same = Campaign.objects.filter(pk=pk, manual_numbers=text)
            found["typed"] += same.update(manual_numbers="\n".join(kept_entries))


def _people(sought: Sought, found: Counter[str]) -> None:
    """Own test numbers of colleagues, notices, and how somebody had once opted out."""
    _test_numbers(sought)
    notices = Notice.objects.filter(workspace=sought.workspace_id)
    for pk, title, body in chunks(notices, "title", "body"):
        if sought.holds(title) or sought.holds(body):
            mine = Notice.objects.filter(pk=pk)
            found["notices"] += mine.update(title=sought.masked(title), body=sought.masked(body))
    gone = OptOut.objects.filter(workspace=sought.workspace_id, digest__in=sought.digests)
    gone.exclude(number="", reason="", file_name="").update(number="", reason="", file_name="")


def _test_numbers(sought: Sought) -> None:
    """Of people who work here and nowhere else: of others this workspace may learn nothing,
    so that no count is kept either.
    """
    here = Membership.objects.filter(workspace=sought.workspace_id).values("user")
    active = Membership.objects.active().exclude(workspace=sought.workspace_id)
    people = User.objects.filter(pk__in=here).exclude(pk__in=active.values("user"))
    for user in people.exclude(test_numbers=[]):
        kept = [number for number in user.test_numbers if not sought.is_number(number)]
        if kept != user.test_numbers:
            User.objects.filter(pk=user.pk).update(test_numbers=kept)


# --- files --------------------------------------------------------------------------------


def _files(sought: Sought, found: Counter[str]) -> str:
    """Every uploaded and exported file of the workspace goes, since any may hold the number."""
    waits_for = ""
    imports = RecipientImport.objects.filter(workspace=sought.workspace_id)
    # Brought after the number was on the list; an old file that is checked again is not.
    known = imports.filter(created_at__lte=sought.newest).exclude(sha256="").values("sha256")
    is_new = Q(created_at__gt=sought.newest) & ~Q(sha256__in=known)
    busy = imports.filter(state__in=(ImportState.CHECKING, ImportState.RECEIVING)).exclude(is_new)
    if busy.exists():
        waits_for = IMPORTS
    done = imports.exclude(is_new).exclude(pk__in=busy.values("pk")).exclude(stored_name="")
    for source in done:
        mine = RecipientImport.objects.filter(pk=source.pk, stored_name=source.stored_name)
        mine.filter(state=ImportState.ASKING).update(
            state=ImportState.FAILED, error="The file was deleted. Import it again."
        )
        if mine.update(stored_name=""):
            store.delete(source.stored_name)
            found["uploads"] += 1
    jobs = Job.objects.filter(workspace=sought.workspace_id, created_at__lte=sought.newest)
    for job in jobs.filter(kind__in=(exports.KIND, optout_files.KIND)):
        if job.state in WORKING:
            waits_for = EXPORTS
            continue
        if job.file:
            (settings.EXPORTS / job.file).unlink(missing_ok=True)
        store.delete(job.options.get("stored", ""))
        found["files"] += bool(job.file or job.options.get("stored"))
        job.delete()
    return waits_for
