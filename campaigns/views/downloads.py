"""Take the phone-number table away: at once, or made in the background when it is large.

Whoever sees the table may take it as it shows it: numbers masked, prices only where the person
sees the cost of the campaign. Whole numbers leave only
while the person has revealed them, when the file is asked for and again when it is fetched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import SignedIn, check, requires
from accounts.models import Job, JobState
from campaigns import exports, reading, revealing, tasks
from campaigns.lookup import Filter
from campaigns.models import Campaign
from campaigns.views.detail import find_campaign
from sheets import disk, writing
from sheets.writing import Cell

FORMS = ("csv", "xlsx")
Row = tuple[Cell, ...]


@requires("campaigns.view")
@require_POST
def export(request: SignedIn, key: UUID) -> HttpResponseBase:
    """The phone-number table as the filters leave it; audited."""
    campaign = find_campaign(request, key)
    form, whole = request.POST.get("form", "csv"), request.POST.get("numbers") == "whole"
    if form not in FORMS:
        raise Http404
    if form == "xlsx":
        disk.need_room()
    if whole and (refusal := masked(request, campaign)):
        return refusal
    chosen = Filter.read(request.POST)
    found = reading.read(campaign)
    count = chosen.count(found.tallies, found.gives_receipts)
    with transaction.atomic():
        audit.record(
            "campaign.export", campaign, request.user, rows=count, form=form, filter=chosen.query,
            whole=whole,
        )  # fmt: skip
        if count > exports.INLINE_ROWS:
            return _in_background(request, campaign, chosen, count, form=form, whole=whole)
    priced = reading.shows_cost(campaign, request.membership)
    rows = exports.message_rows(campaign, chosen, whole=whole, priced=priced)
    return _csv(campaign, rows, whole) if form == "csv" else _xlsx(campaign, rows, whole)


def masked(request: SignedIn, campaign: Campaign, query: str = "") -> HttpResponse | None:
    """The answer to who wants whole numbers and has not revealed them; 403 for who never may."""
    check(request, "campaigns.export_numbers", campaign.author_id)
    if revealing.is_open(campaign, request.user):
        return None
    messages.warning(request, _("The numbers are masked. Reveal them, then export."))
    return redirect(reverse("campaigns:reveal", args=[campaign.key]) + query)


def _csv(campaign: Campaign, rows: Iterator[Row], whole: bool) -> HttpResponseBase:
    lines = writing.csv_lines(exports.COLUMNS, rows)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = exports.file_name(campaign, "csv", whole=whole)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _xlsx(campaign: Campaign, rows: Iterator[Row], whole: bool) -> HttpResponseBase:
    file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the response closes it
    writing.write_xlsx(file, exports.COLUMNS, rows)
    file.seek(0)
    return FileResponse(
        file, as_attachment=True, filename=exports.file_name(campaign, "xlsx", whole=whole),
        content_type=writing.TYPES["xlsx"],
    )  # fmt: skip


def _in_background(
    request: SignedIn, campaign: Campaign, chosen: Filter, count: int, *, form: str, whole: bool
) -> HttpResponse:
    job = Job.objects.create(
        workspace=campaign.workspace, user=request.user, kind=exports.KIND, total=count,
        options={
            "campaign": campaign.pk, "filter": chosen.query, "form": form,
            "whole": whole, "priced": reading.shows_cost(campaign, request.membership),
        },
    )  # fmt: skip
    transaction.on_commit(lambda: tasks.export_numbers.delay(job.pk), robust=True)
    return redirect("campaigns:job", job.key)


def _my_job(request: SignedIn, key: UUID) -> tuple[Job, Campaign]:
    """The person's own export, whose campaign's numbers they may still take away."""
    rows = Job.objects.for_user(request.user).filter(user=request.user, kind=exports.KIND)
    job = get_object_or_404(rows, key=key)
    campaigns = Campaign.objects.for_user(request.user)
    campaign = get_object_or_404(campaigns, pk=job.options.get("campaign"))
    if exports.is_whole(job):
        check(request, "campaigns.export_numbers", campaign.author_id)
    if exports.is_priced(job):
        check(request, "statements.view", campaign.author_id)
    return job, campaign


@requires("campaigns.view")
@require_GET
def job(request: SignedIn, key: UUID) -> HttpResponse:
    """How far the file is, and the way to it."""
    found, campaign = _my_job(request, key)
    waits = found.state in (JobState.WAITING, JobState.RUNNING)
    whole = exports.is_whole(found)
    template = "campaigns/_job.html" if request.htmx else "campaigns/job.html"  # type: ignore[attr-defined]
    context = {"job": found, "campaign": campaign, "waits": waits, "whole": whole}
    return render(request, template, context)


@requires("campaigns.view")
@require_GET
def download(request: SignedIn, key: UUID) -> HttpResponseBase:
    """The finished file, to whoever asked for it, for a day."""
    found, campaign = _my_job(request, key)
    path = settings.EXPORTS / found.file
    is_old = found.created_at < timezone.now() - exports.KEPT
    if found.state != JobState.DONE or is_old or not path.is_file():
        raise Http404
    if exports.is_whole(found) and (refusal := masked(request, campaign, f"?to={found.key}")):
        return refusal
    return FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=found.file_name,
        content_type=writing.TYPES[exports.form_of(found)],
    )
