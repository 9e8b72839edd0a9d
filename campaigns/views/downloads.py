"""Take the phone-number table away: at once, or made in the background when it is large."""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import SignedIn, check, requires
from accounts.models import Job, JobState
from campaigns import exports, reading, tasks
from campaigns.lookup import Filter
from campaigns.models import Campaign
from campaigns.views.detail import find_campaign
from sheets import writing

FORMS = ("csv", "xlsx")


@requires("campaigns.export_numbers")
@require_POST
def export(request: SignedIn, key: UUID) -> HttpResponseBase:
    """The phone-number table as the filters leave it, in clear; audited."""
    campaign = find_campaign(request, key)
    check(request, "campaigns.export_numbers", campaign.author_id)
    chosen = Filter.read(request.POST)
    form = request.POST.get("form", "csv")
    if form not in FORMS:
        raise Http404
    found = reading.read(campaign)
    count = chosen.count(found.tallies, found.gives_receipts)
    with transaction.atomic():
        audit.record(
            "campaign.export", campaign, request.user, rows=count, form=form, filter=chosen.query
        )
        if form == "xlsx" and count > exports.INLINE_ROWS:
            return _in_background(request, campaign, chosen, count)
    return _csv(campaign, chosen) if form == "csv" else _xlsx(campaign, chosen)


def _csv(campaign: Campaign, chosen: Filter) -> HttpResponseBase:
    lines = writing.csv_lines(exports.COLUMNS, exports.message_rows(campaign, chosen))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = exports.file_name(campaign, "csv")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _xlsx(campaign: Campaign, chosen: Filter) -> HttpResponseBase:
    file = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the response closes it
    writing.write_xlsx(file, exports.COLUMNS, exports.message_rows(campaign, chosen))
    file.seek(0)
    return FileResponse(
        file, as_attachment=True, filename=exports.file_name(campaign, "xlsx"),
        content_type=writing.TYPES["xlsx"],
    )  # fmt: skip


def _in_background(
    request: SignedIn, campaign: Campaign, chosen: Filter, count: int
) -> HttpResponse:
    job = Job.objects.create(
        workspace=campaign.workspace, user=request.user, kind=exports.KIND, total=count,
        options={"campaign": campaign.pk, "filter": chosen.query},
    )  # fmt: skip
    transaction.on_commit(lambda: tasks.export_numbers.delay(job.pk), robust=True)
    return redirect("campaigns:job", job.key)


def _my_job(request: SignedIn, key: UUID) -> tuple[Job, Campaign]:
    """The person's own export, whose campaign's numbers they may still take away."""
    rows = Job.objects.for_user(request.user).filter(user=request.user, kind=exports.KIND)
    job = get_object_or_404(rows, key=key)
    campaigns = Campaign.objects.for_user(request.user)
    campaign = get_object_or_404(campaigns, pk=job.options.get("campaign"))
    check(request, "campaigns.export_numbers", campaign.author_id)
    return job, campaign


@requires("campaigns.export_numbers")
@require_GET
def job(request: SignedIn, key: UUID) -> HttpResponse:
    """How far the file is, and the way to it."""
    found, campaign = _my_job(request, key)
    waits = found.state in (JobState.WAITING, JobState.RUNNING)
    template = "campaigns/_job.html" if request.htmx else "campaigns/job.html"  # type: ignore[attr-defined]
    return render(request, template, {"job": found, "campaign": campaign, "waits": waits})


@requires("campaigns.export_numbers")
@require_GET
def download(request: SignedIn, key: UUID) -> HttpResponseBase:
    """The finished file, to whoever asked for it, for a day."""
    found, _campaign = _my_job(request, key)
    path = settings.EXPORTS / found.file
    is_old = found.created_at < timezone.now() - exports.KEPT
    if found.state != JobState.DONE or is_old or not path.is_file():
        raise Http404
    return FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=found.file_name,
        content_type=writing.TYPES["xlsx"],
    )
