"""Rates from a sheet, looked at before they are kept, and rates to take away."""

from __future__ import annotations

from dataclasses import astuple
from datetime import date
from typing import Any

from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from accounts.access import SignedIn, requires
from billing import exports, ratesheets, tariffs, thresholds
from billing.forms import RateSheetForm
from billing.models import Rate
from billing.ratesheets import Entry, Refused, Stale
from billing.views.statement import attachment
from sheets.sentences import SENTENCES, BadFile
from sheets.store import ToDisk, clean_file_name, refusal
from sheets.writing import TYPES

LOOKED_AT_SECONDS = 3_600
OWN_WORDS = {"no_recipients": "no_rows"}
SAMPLE = (("MY", "0.031", "2027-01-01"), ("Philippines", "0.0295", ""))


@csrf_exempt  # the token is checked in _import, after the handler is in place
@requires("rates.change")
def rate_import(request: SignedIn) -> HttpResponse:
    """Choose a sheet; what it would change is shown and nothing is kept yet."""
    handler = ToDisk(ratesheets.LIMITS.file_bytes)
    request.upload_handlers = [handler]
    try:
        return _import(request, handler)
    finally:
        handler.drop()


@csrf_protect
def _import(request: SignedIn, handler: ToDisk) -> HttpResponse:
    workspace = request.membership.workspace
    today = thresholds.today(workspace)
    form = RateSheetForm(request.POST or None, initial={"valid_from": today}, today=today)
    if request.method == "POST":
        received: Any = request.FILES.get("file")
        if refused := refusal(received, handler):
            form.add_error("file", refused)
        if form.is_valid():
            day = form.cleaned_data["valid_from"]
            try:
                sheet = ratesheets.read(
                    received.path, received.name, workspace.currency, day, today
                )
            except BadFile as bad:
                form.add_error("file", _(SENTENCES[OWN_WORDS.get(bad.code, bad.code)]) % bad.facts)
            else:
                name = clean_file_name(received.name)
                return _preview(request, name, sheet.entries, sheet.refused)
    context = {"form": form, "currency": workspace.currency, "back_url": reverse("billing:rates")}
    return render(request, "billing/rate_import.html", context)


def _salt(request: SignedIn) -> str:
    return f"rates {request.membership.workspace_id} {request.user.pk}"


def _preview(
    request: SignedIn, name: str, entries: list[Entry], refused: list[Refused], **words: Any
) -> HttpResponse:
    """What the sheet would do to the rates as they are now; the sheet travels signed."""
    looked_at = {
        "name": name,
        "entries": [(e.row, e.country, e.price, e.valid_from.isoformat()) for e in entries],
        "refused": [astuple(one) for one in refused],
    }
    plan = ratesheets.plan(request.membership.workspace, entries)
    context = {
        "name": name, "plan": plan, "refused": refused,
        "counts": {kind: len(plan.of(kind)) for kind in ("new", "changed", "unchanged")},
        "sheet": signing.dumps(looked_at, salt=_salt(request), compress=True),
        "currency": request.membership.workspace.currency, **words,
    }  # fmt: skip
    return render(request, "billing/rate_preview.html", context)


@requires("rates.change")
@require_POST
def rate_keep(request: SignedIn) -> HttpResponse:
    """Keep the rates of the preview, all or none; shown again if they changed meanwhile."""
    try:
        looked_at = signing.loads(
            request.POST.get("sheet", ""), salt=_salt(request), max_age=LOOKED_AT_SECONDS
        )
    except signing.BadSignature:
        messages.error(request, _("The preview is too old. Nothing was kept; import again."))
        return redirect("billing:rate_import")
    entries = [Entry(r, c, p, date.fromisoformat(day)) for r, c, p, day in looked_at["entries"]]
    refused = [Refused(*one) for one in looked_at["refused"]]
    shown = (request, looked_at["name"], entries, refused)
    plan = ratesheets.plan(request.membership.workspace, entries)
    if not plan.written:
        messages.info(request, _("These rates are kept already. Nothing was changed."))
        return redirect("billing:rates")
    if plan.large and request.POST.get("sure") != plan.digest:
        return _preview(*shown, unsure=True)
    return _keep(shown, request.POST.get("digest", ""))


def _keep(shown: tuple[SignedIn, str, list[Entry], list[Refused]], digest: str) -> HttpResponse:
    request, _name, entries, refused = shown
    workspace_id = request.membership.workspace_id
    try:
        plan = ratesheets.keep(workspace_id, entries, digest, request.user, len(refused))
    except Stale:
        return _preview(*shown, stale=True)
    said = _("Rates kept: %(n)s. They price what you submit from now on, by the day it starts.")
    messages.success(request, said % {"n": len(plan.written)})
    return redirect("billing:rates")


def _form(form: str) -> str:
    if form not in TYPES:
        raise Http404
    return form


@requires("rates.change")
@require_GET
def rate_sample(request: SignedIn, form: str) -> HttpResponse:
    """A sheet as the import reads it, to be filled in."""
    currency = request.membership.workspace.currency
    rows = iter([("country", "price", "valid_from", "currency"), *((*r, currency) for r in SAMPLE)])
    return attachment(exports.write(rows, _form(form), "Rates"), form, f"rates-sample.{form}")


@requires("rates.view")
@require_GET
def rate_export(request: SignedIn, form: str) -> HttpResponse:
    """The rates of now and those to come; the import reads this file again."""
    workspace = request.membership.workspace
    today = thresholds.today(workspace)
    lines = tariffs.read(Rate.objects.for_user(request.user), today, workspace.currency)
    return attachment(exports.write(exports.rates(lines), _form(form), "Rates"), form,
                      f"rates.{form}")  # fmt: skip
