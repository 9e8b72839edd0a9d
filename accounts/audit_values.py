"""What the values of an audit event are called: no key of the code stands on a page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts import dates
from sheets.spoken import without_numbers

Words = Mapping[str, str | Promise]

# What an event holds, as its details name it, in this order.
NAMES: Words = {
    "reason": _("Reason"), "carrier_said": _("The carrier said"), "old": _("Before"),
    "new": _("After"), "old_warn": _("Warning at, before"), "new_warn": _("Warning at, after"),
    "changed": _("Changed"), "period": _("Period"), "limit": _("Limit"),
    "country": _("Country"), "value": _("Sender ID"), "numbers": _("Numbers"),
    "segments": _("Segments"), "cost": _("Cost"), "send_at": _("Start"),
    "partial_ok": _("Send until suspended"), "left": _("Messages that had not left"),
    "valid_from": _("Valid from"), "expires_on": _("Valid until"), "reference": _("Reference"),
    "month": _("Month"), "grouped": _("Grouped by"), "only": _("Only"), "lines": _("Lines"),
    "role": _("Role"), "rows": _("Rows"), "total": _("Messages"), "valid": _("Valid"),
    "refused": _("Refused"), "added": _("Added"), "replaced": _("Replaced"),
    "same": _("Unchanged"), "form": _("Form"), "filter": _("Filter"),
    "whole": _("With whole numbers"), "answers": _("Answered"), "origin": _("Made as"),
    "of": _("From"), "to": _("Made from it"), "source": _("It came by"),
    "ended": _("Sessions ended"), "route": _("Page"), "permission": _("It needs the right to"),
    # what became of messages in doubt, with how many
    "decision": _("Decision"), "accepted": _("Marked as sent"), "queued": _("Queued again"),
    "cancelled": _("Marked as not sent"), "look_up": _("Settled by asking"),
    "busy": _("Still in doubt, as others were just being sent"),
    "gone": _("Had news from the carrier meanwhile"),
    # what was deleted by age or erased, with how many
    "uploads": _("Uploaded files"), "texts": _("Texts"), "campaign_texts": _("Campaigns' texts"),
    "campaign_numbers": _("Campaigns' numbers"), "drafts": _("Drafts"), "values": _("Values"),
    "list_numbers": _("Numbers of lists"), "refused_rows": _("Refused rows"),
    "receipts": _("Receipts"), "messages": _("Messages"), "recipients": _("Recipients"),
    "imports": _("Imports"), "typed": _("Typed numbers"), "notices": _("Notices"),
    "files": _("Files"), "words": _("Words of people"),
}  # fmt: skip
UNSAID = {"sha256", "digest", "number", "size", "until"}

# A person's and a workspace's own settings.
FIELDS: Words = {
    "name": _("name"), "time_zone": _("time zone"), "date_language": _("language of dates"),
    "test_numbers": _("own test numbers"), "mails_notices": _("notices by mail"),
    "mails_off": _("what comes by mail"), "currency": _("currency"),
    "keep_uploads_days": _("days uploaded files are kept"),
    "keep_texts_days": _("days texts and values are kept"),
    "keep_numbers_days": _("days phone numbers are kept"),
}  # fmt: skip
STATES: Words = {
    "draft": _("draft"), "scheduled": _("scheduled"), "sending": _("sending"),
    "paused": _("paused"), "suspended": _("suspended"), "completed": _("completed"),
    "cancelled": _("cancelled"), "stopped": _("stopped"), "pending": _("under review"),
    "approved": _("approved"), "rejected": _("rejected"), "withdrawn": _("withdrawn"),
    "submitted": _("submitted"), "in_review": _("in review"), "expired": _("expired"),
    "revoked": _("revoked"), "active": _("active"), "deactivated": _("deactivated"),
    "invited": _("invited"), "on": _("on"), "off": _("off"),
}  # fmt: skip
ROLES: Words = {
    "operator": _("operator"), "admin": _("admin"), "finance": _("finance"),
    "viewer": _("viewer"),
}  # fmt: skip
NARROWED: Words = {
    "country": _("country"), "sender": _("sender ID"), "scenario": _("scenario type"),
    "cost_centre": _("cost centre"), "day": _("day"), "campaign": _("campaign"),
    "is": _("result"), "reason": _("reason"), "kind": _("kind"), "since": _("from"),
    "until": _("until"),
}  # fmt: skip
RIGHTS: Words = {
    "overview.view": _("see the overview"), "campaigns.view": _("see campaigns"),
    "campaigns.create": _("create campaigns"), "campaigns.edit": _("edit campaigns"),
    "campaigns.submit": _("submit campaigns"), "campaigns.cancel": _("cancel campaigns"),
    "campaigns.pause": _("pause campaigns"), "campaigns.stop": _("stop campaigns"),
    "campaigns.resume": _("resume campaigns"),
    "campaigns.resume_suspended": _("resume suspended campaigns"),
    "campaigns.resolve": _("decide about messages in doubt"),
    "campaigns.queue_doubts": _("queue messages in doubt again"),
    "campaigns.read_text": _("read texts of messages"),
    "campaigns.read_numbers": _("read whole phone numbers"),
    "campaigns.export_numbers": _("export whole phone numbers"),
    "senders.view": _("see sender IDs"), "senders.request": _("register sender IDs"),
    "senders.decide": _("decide on sender IDs"), "optouts.view": _("see opt-outs"),
    "optouts.add": _("add opt-outs"), "optouts.remove": _("remove opt-outs"),
    "optouts.export": _("export opt-outs"), "thresholds.view": _("see thresholds"),
    "thresholds.change": _("change thresholds"), "rates.view": _("see rates"),
    "rates.change": _("change rates"), "statements.view": _("see statements"),
    "statements.export": _("export statements"), "team.manage": _("manage the team"),
    "workspace.edit": _("change the workspace"), "privacy.erase": _("have data erased"),
    "audit.view": _("see the audit log"), "audit.view_all": _("see everybody's audit log"),
    "audit.view_money": _("see the audit log of money"), "system.view": _("see the system page"),
    "sending.stop": _("stop all sending"), "sending.resume": _("let everything send again"),
    "search.use": _("search"), "notices.view": _("see notices"), "help.view": _("read the help"),
    "profile.edit": _("change the own profile"),
}  # fmt: skip
# The pages by their names in the rail, the rest by the part of the console they belong to.
PAGES: Words = {
    "overview": _("Overview"), "search": _("Search"), "profile": _("Profile"),
    "workspace": _("Workspace"), "system": _("System"), "help_abuse": _("Help"),
    "erase": _("Erase a person's data"), "sending_off": _("Stop all sending"),
    "sending_on": _("Send again"),
    **dict.fromkeys(("accounts:audit", "accounts:audit_export"), _("Audit log")),
    **dict.fromkeys(
        ("accounts:team", "accounts:team_act", "accounts:team_invite",
         "accounts:team_invite_again", "accounts:team_role"), _("Team"),
    ),
    **dict.fromkeys(
        ("accounts:notices", "accounts:read_notice", "accounts:read_notices"), _("Notices")
    ),
    **dict.fromkeys(("accounts:sessions", "accounts:end_sessions"), _("Where you are signed in")),
    "accounts:password": _("Password"), "accounts:switch": _("another workspace"),
}  # fmt: skip
AREAS: Words = {
    "campaigns": _("campaigns"), "senders": _("sender IDs"),
    "optouts": _("opt-outs"), "billing": _("thresholds, rates and statements"),
}  # fmt: skip
LABELS: Words = {**NARROWED, **FIELDS}
WORDS_OF_OURS = {"is", "reason", "kind", "scenario"}
KEPT_FROM_VIEW: Words = {"person": _("one person"), "thing": _("one object")}
"""What a filter of the audit log names by an id alone."""
OTHER_PAGES = _("a page of the console")
ONE_OF: Mapping[str, Words] = {
    "reason": {
        "late_start": _("the start was missed by more than an hour"),
        "carrier_refused": _("the carrier refused the account"),
        "sender": _("the sender ID is no longer approved"),
        "threshold": _("a suspension threshold was reached"),
        "never received": _("the carrier never received them"),
    },
    "old": {**STATES, **ROLES}, "new": {**STATES, **ROLES}, "role": ROLES, "permission": RIGHTS,
    "grouped": NARROWED, "changed": FIELDS,
    "form": {"csv": "CSV", "xlsx": "XLSX"},
    "decision": {
        "look_up": _("ask the carrier"), "sent": _("count as sent"),
        "leave": _("count as not sent"), "queue": _("queue again"),
    },
    "origin": {"copy": _("a copy"), "resend": _("a resend to failed numbers")},
    "source": {
        "typed": _("typing"), "file": _("a file"), "erased": _("erasing"), "reply": _("a reply"),
    },
    "answers": {
        "encoding": _("the encoding"), "sheet": _("the sheet"),
        "has_header": _("whether there is a header"), "number_column": _("the column of numbers"),
        "accept_kind": _("the kind of file"), "accept": _("what to accept"),
        "allow_empty": _("which values may be empty"),
    },
}  # fmt: skip


def name_of(key: str) -> str:
    """What the details call the value of *key*."""
    return str(NAMES[key]) if key in NAMES else _plain(key).capitalize()


def text_of(key: str, value: str) -> str:
    """A word of the code as people say it; a word of theirs as they wrote it, without numbers."""
    if key == "route":
        return str(PAGES.get(value) or AREAS.get(value.partition(":")[0], OTHER_PAGES))
    if key in ("valid_from", "expires_on", "month", "day", "since", "until"):
        return _day(value)
    known = ONE_OF.get(key, {})
    return str(known[value]) if value in known else without_numbers(value)


def pairs(value: Mapping[str, object]) -> str:
    """A filter, or settings with their values: "country MY; day 22 Nov 2026".

    In the order of their names: the database keeps its own order of keys.
    """
    given = {key: one for key, one in sorted(value.items()) if one not in ("", None)}
    return "; ".join(_pair(key, str(one)) for key, one in given.items())


def _pair(key: str, value: str) -> str:
    if key in KEPT_FROM_VIEW:
        return str(KEPT_FROM_VIEW[key])
    said = _plain(value) if key in WORDS_OF_OURS else text_of(key, value)
    return f"{LABELS.get(key, _plain(key))} {said}"


def _plain(key: str) -> str:
    return key.replace("_", " ").replace(".", " ")


def _day(value: str) -> str:
    """A day or a month as the person has them written."""
    try:
        if len(value) == len("2026-11"):
            return dates.write(date.fromisoformat(f"{value}-01"), "month")
        return dates.write(date.fromisoformat(value), "date")
    except ValueError:
        return without_numbers(value)


def yes_or_no(value: bool) -> str:
    return _t("yes") if value else _t("no")
