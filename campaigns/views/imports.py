"""Import Data: upload, progress, result, questions, refused rows."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping
from typing import Any, BinaryIO, cast
from urllib.parse import urlencode

import phonenumbers
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from accounts import audit
from accounts.access import SignedIn, check, requires
from accounts.quotas import limited
from campaigns import (
    controlling,
    copying,
    destinations,
    drafting,
    refusals,
    repeats,
    revealing,
    tasks,
)
from campaigns.importing import rejects
from campaigns.importing.check import stored_bytes
from campaigns.importing.reasons import DUPLICATE, NO_COUNTRY, OPTED_OUT, label
from campaigns.models import Campaign, ImportState, RecipientImport, WrongState
from campaigns.views import compose
from campaigns.views.downloads import masked
from senders.seeking import NotSought
from sheets.asking import ask, chosen
from sheets.store import ToDisk, delete, is_kept, no_room, refusal
from sheets.texts import DELIMITERS
from sms.countries import country_name, dialling_codes

ROWS_A_PAGE = 50
QUERY_MAX = 60
# The header row made no sense: perhaps its cells are separated by something else.
HEADER_CODES = frozenset({"no_number_column", "missing_columns", "no_header"})
DELIMITER_NAMES = dict(
    zip(DELIMITERS, (_lazy("comma"), _lazy("semicolon"), _lazy("tab"), _lazy("bar")), strict=True)
)


@csrf_exempt  # the token is checked in _upload, after the handler is in place
@require_POST
@requires("campaigns.edit")
@limited("upload", "IMPORT_UPLOADS_A_MINUTE")
def upload(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """Import Mobile Phone Numbers: the file is streamed to disk while the form is read."""
    handler = ToDisk(settings.IMPORT_MAX_BYTES)
    request.upload_handlers = [handler]
    try:
        return _upload(request, key, handler)
    finally:
        handler.drop()


@csrf_protect
def _upload(request: SignedIn, key: uuid.UUID, handler: ToDisk) -> HttpResponse:
    received: Any = request.FILES.get("file")
    campaign, form = compose.opened(request, key, has_file=True)
    if answer := compose.keep(request, campaign, form):
        return answer
    used = stored_bytes(campaign.workspace_id)
    if problem := refusal(received, handler) or no_room(used, received.size):
        form.only()
        form.add_error("file", problem)
        return compose.page(request, campaign, form)
    stored = received.keep()
    try:
        with transaction.atomic():
            source = drafting.start_import(campaign, stored, request.user)
            transaction.on_commit(lambda: tasks.check_import.delay(source.pk), robust=True)
    except WrongState:
        delete(stored.name)
        return compose.gone(request, campaign)
    return redirect("campaigns:numbers", key)


@require_http_methods(["GET", "POST"])
@requires("campaigns.read_numbers")
def numbers(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """The import of a campaign: its progress, its question, or its result.

    A POST looks for a refused row, only reading: what is sought may be a number.
    """
    campaign, source = _import(request, key)
    until = revealing.shown_until(campaign, request.user)
    context: dict[str, Any] = {"campaign": campaign, "source": source, "shown_until": until}
    context["ask_again_in"] = revealing.seconds_left(until)
    context["acts"] = controlling.offered(campaign, request.membership)
    if source.state == ImportState.CHECKING:
        name = "_import_progress" if request.htmx else "import_progress"  # type: ignore[attr-defined]
        return render(request, f"campaigns/{name}.html", context)
    if request.htmx and request.htmx.target != "main":  # type: ignore[attr-defined]
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    if not source.is_ready:
        context["question"] = ask(source.about.get("question"), is_open=until is not None)
        context["can_check_again"] = campaign.is_editable and is_kept(source.stored_name)
        context["delimiters"] = DELIMITER_NAMES.items() if source.error_code in HEADER_CODES else ()
        return render(request, "campaigns/import_refused.html", context)
    context |= _result(request, campaign, source, is_open=until is not None)
    return render(request, "campaigns/import_result.html", context)


@require_POST
@requires("campaigns.read_numbers")
def refused(request: SignedIn, key: uuid.UUID, kind: str) -> Any:
    """Every refused row as it was written, in a file that can be corrected; audited.

    In clear for whose list it is, to others only while they have revealed the numbers.
    """
    if kind not in compose.SAMPLE_TYPES:
        raise Http404
    campaign, source = _import(request, key)
    is_own = request.user.pk == campaign.author_id == source.given_by_id
    if not is_own and (refusal := masked(request, campaign, "?to=numbers")):
        return refusal
    audit.record("import.refused_download", campaign, request.user, rows=source.refused, form=kind)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    rejects.write_refused(source, kind, cast(BinaryIO, file), translate=_)
    file.seek(0)
    name = f"{source.original_name.rsplit('.', 1)[0] or 'numbers'}-refused.{kind}"
    response = FileResponse(file, content_type=compose.SAMPLE_TYPES[kind])
    response["Content-Disposition"] = compose.attachment(name)
    return response


@require_POST
@requires("campaigns.edit")
def confirm(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """Send to the valid ones: from here on the refused rows stand in nobody's way."""
    campaign = compose.draft(request, key)
    if not campaign.is_editable:
        return compose.gone(request, campaign)
    if request.POST.get("list") != str(campaign.recipients_id):
        text = _("The list was replaced meanwhile, and nothing was confirmed. This is the new one.")
        messages.warning(request, text)
        return redirect("campaigns:numbers", key)
    drafting.confirm(campaign, request.user)
    to = "review" if request.POST.get("to") == "review" else "edit"
    return redirect(f"campaigns:{to}", key)


@require_POST
@requires("campaigns.edit")
def again(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """Check again: the same file, for a country or read in another way."""
    campaign = compose.draft(request, key)
    country = request.POST.get("country")
    if country and country not in phonenumbers.SUPPORTED_REGIONS:
        raise Http404
    try:
        source = drafting.check_again(campaign, request.user, country, **_ways(request, campaign))
    except WrongState:
        return compose.gone(request, campaign)
    if source is None:
        messages.error(request, _("The file is not kept any more. Import it again."))
    else:
        transaction.on_commit(lambda: tasks.check_import.delay(source.pk), robust=True)
    return redirect("campaigns:numbers", key)


@require_POST
@requires("campaigns.edit")
def leave_out(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """Take out a country's rows, or those whose text is empty or too long; they are refused.
    Of a resend, take out whom another one has reached.
    """
    campaign = compose.draft(request, key)
    if "reached" in request.POST:
        return _leave_out_reached(request, campaign)
    country = request.POST.get("country", "")
    if country and country not in destinations.countries(campaign):
        return redirect("campaigns:review", key)  # left out a moment ago, or never there
    try:
        source = drafting.leave_out(campaign, request.user, country)
    except WrongState:
        return compose.gone(request, campaign)
    if source is None:
        return redirect("campaigns:review", key)
    transaction.on_commit(lambda: tasks.check_import.delay(source.pk), robust=True)
    return redirect("campaigns:numbers", key)


def _leave_out_reached(request: SignedIn, campaign: Campaign) -> HttpResponse:
    try:
        copying.leave_out_reached(campaign, request.user)
    except WrongState:
        return compose.gone(request, campaign)
    except copying.NothingToResend:
        messages.error(request, _("Nobody would be left. Discard this draft."))
    return redirect("campaigns:review", campaign.key)


@require_POST
@requires("campaigns.edit")
def answer(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """Answer the question that the file raised; only an offered answer counts."""
    campaign = compose.draft(request, key)
    source = campaign.recipients
    question = source.about.get("question", {}) if source else {}
    given = chosen(question, request.POST.get("choice", ""))
    if source is not None and given:
        with transaction.atomic():
            if drafting.answer(campaign, given, request.user):
                transaction.on_commit(lambda: tasks.check_import.delay(source.pk), robust=True)
    return redirect("campaigns:numbers", key)


def _ways(request: SignedIn, campaign: Campaign) -> dict[str, Any]:
    """How to read the file, as far as the form asks and the file offers it."""
    about = campaign.recipients.about if campaign.recipients else {}
    ways: dict[str, Any] = {}
    if request.POST.get("sheet") in about.get("sheets", ()):
        ways["sheet"] = request.POST["sheet"]
    if request.POST.get("delimiter") in DELIMITERS:
        ways["delimiter"] = request.POST["delimiter"]
    if request.POST.get("hidden") in ("keep", "skip"):
        ways["skip_hidden"] = request.POST["hidden"] == "skip"
    if "empties" in request.POST:
        allowed = request.POST.getlist("allow_empty")
        ways["allow_empty"] = [name for name in campaign.recipients.variables if name in allowed]  # type: ignore[union-attr]
    return ways


def _import(request: SignedIn, key: uuid.UUID) -> tuple[Campaign, RecipientImport]:
    rows = Campaign.objects.for_user(request.user).select_related("workspace", "recipients")
    campaign = get_object_or_404(rows, key=key)
    check(request, "campaigns.read_numbers", campaign.author_id)
    if campaign.recipients is None:
        raise Http404
    return campaign, campaign.recipients


# --- the result -----------------------------------------------------------------------------


def _result(
    request: SignedIn, campaign: Campaign, source: RecipientImport, *, is_open: bool
) -> dict[str, Any]:
    tally: dict[str, int] = source.tally
    duplicates, opted_out = tally.get(DUPLICATE, 0), tally.get(OPTED_OUT, 0)
    return {
        **_rows(request, source, is_open),
        "reasons": [(code, label(code), n) for code, n in tally.items()],
        "duplicates": duplicates,
        "opted_out": opted_out,
        "doubled": repeats.numbers(source),
        "invalid": max(source.refused - duplicates - opted_out, 0),
        "no_country": sum(tally.get(code, 0) for code in NO_COUNTRY),
        "ask_country": bool(source.about.get("ask_country")) or any(map(tally.get, NO_COUNTRY)),
        "dialling_codes": sorted(dialling_codes(), key=lambda row: _(country_name(row[0]))),
        "delimiters": DELIMITER_NAMES.items() if source.about.get("delimiter") else (),
        "empties": _empties(source),
        "hidden": {"hidden_rows", "hidden_rows_skipped"} & set(source.about.get("seen", ())),
        "can_check_again": campaign.is_editable and is_kept(source.stored_name),
        "used_before": drafting.used_before(campaign),
        "seconds": (source.finished_at - source.created_at).total_seconds(),  # type: ignore[operator]
    }


def _rows(request: SignedIn, source: RecipientImport, is_open: bool) -> dict[str, Any]:
    """A page of the refused rows, or of those that are messages beside others to one number."""
    given: Mapping[str, str] = request.POST if request.method == "POST" else request.GET
    words = request.POST.get("q", "").replace("\x00", "").strip()[:QUERY_MAX]
    reason = given.get("reason", "").replace("\x00", "")
    problem = ""
    rows: QuerySet[Any]
    try:
        if reason == "repeated":
            rows = refusals.repeated(source, words)
        else:
            rows = refusals.found(source, reason, words, request.user, is_open=is_open)
    except NotSought as refused:
        rows, problem = source.problems.none(), str(refused)
    page: Page[Any] = Paginator(rows, ROWS_A_PAGE).get_page(given.get("page"))
    if reason != "repeated":
        page.object_list = refusals.lines(source, page.object_list, is_open)
    params = urlencode({"reason": reason}) if reason else ""
    return {"page": page, "query": words, "reason": reason, "params": params, "problem": problem}


def _empties(source: RecipientImport) -> list[tuple[str, bool]]:
    """Variables without a value in some row, and whether such rows are sent to all the same."""
    allowed = source.options.get("answers", {}).get("allow_empty", ())
    missing: set[str] = set()
    if source.tally.get("value_missing"):
        rows = source.problems.filter(code="value_missing").order_by()
        missing = set(rows.values_list("column", flat=True).distinct())
    names = [name for name in source.variables if name in allowed or name[:60] in missing]
    return [(name, name in allowed) for name in names]
