"""Opt-outs from a file: upload, questions, preview, confirmation."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from accounts.access import SignedIn, requires
from accounts.models import Job, JobState
from accounts.quotas import limited
from senders import optout_files, tasks
from senders.optout_forms import ImportForm
from sheets.asking import ask
from sheets.store import Received, ToDisk, no_room, refusal
from sms.countries import country_name, dialling_codes

TEMPLATE = "senders/optout_import.html"


@csrf_exempt  # the token is checked in _upload, after the handler is in place
@requires("optouts.add")
@limited("upload", "IMPORT_UPLOADS_A_MINUTE")
def upload(request: SignedIn) -> HttpResponse:
    """Choose a file; it is streamed to disk while the form is read."""
    if request.method != "POST":
        return _form(request, ImportForm())
    handler = ToDisk(settings.IMPORT_MAX_BYTES)
    request.upload_handlers = [handler]
    try:
        return _upload(request, handler)
    finally:
        handler.drop()


@csrf_protect
def _upload(request: SignedIn, handler: ToDisk) -> HttpResponse:
    received: Any = request.FILES.get("file")
    form = ImportForm(request.POST)
    problem = refusal(received, handler) or no_room(_stored_bytes(request), received.size)
    if not form.is_valid() or problem or not isinstance(received, Received):
        return _form(request, form, problem)
    given = form.cleaned_data
    with transaction.atomic():
        job = optout_files.start(
            request.membership.workspace, received.keep(), request.user, given["reason"],
            given["country"],
        )  # fmt: skip
        transaction.on_commit(lambda: tasks.import_optouts.delay(job.pk), robust=True)
    return redirect("optouts:import_job", job.key)


def _stored_bytes(request: SignedIn) -> int:
    """How much the files take whose opt-outs are not added yet."""
    rows = Job.objects.for_user(request.user).filter(kind=optout_files.KIND)
    waiting = rows.exclude(options__step=optout_files.WRITTEN)
    return sum(options["size"] for options in waiting.values_list("options", flat=True))


def _form(request: SignedIn, form: ImportForm, problem: str = "") -> HttpResponse:
    if problem:
        form.add_error(None, problem)
    codes = sorted(dialling_codes(), key=lambda row: _(country_name(row[0])))
    context = {
        "form": form, "problem": problem, "dialling_codes": codes,
        "max_rows": settings.IMPORT_MAX_ROWS,
    }  # fmt: skip
    return render(request, TEMPLATE, context)


def _job(request: SignedIn, key: UUID) -> Job:
    """The person's own import."""
    rows = Job.objects.for_user(request.user).filter(user=request.user, kind=optout_files.KIND)
    return get_object_or_404(rows, key=key)


@require_GET
@requires("optouts.add")
def preview(request: SignedIn, key: UUID) -> HttpResponse:
    """How far the reading is, its question or its refusal, its preview, what was added."""
    job = _job(request, key)
    works = job.state in (JobState.WAITING, JobState.RUNNING)
    context = {"job": job, "found": job.options.get("found", {}), "step": job.options["step"]}
    if works:
        name = "_optout_progress" if request.htmx else "optout_progress"  # type: ignore[attr-defined]
        return render(request, f"senders/{name}.html", context)
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    context["question"] = ask(job.options.get("question"))
    found = context["found"]
    if job.state == JobState.DONE:
        context["new"] = found["valid"] - found["known"]
        context["invalid"] = found["refused"] - found["twice"]
        context["more"] = found["refused"] - len(found["rows"])
    return render(request, "senders/optout_preview.html", context)


@require_POST
@requires("optouts.add")
def answer(request: SignedIn, key: UUID) -> HttpResponse:
    """Answer the question that the file raised; it is read again from the start."""
    job = _job(request, key)
    if optout_files.answer(job, request.POST.get("choice", "")):
        transaction.on_commit(lambda: tasks.import_optouts.delay(job.pk), robust=True)
    return redirect("optouts:import_job", key)


@require_POST
@requires("optouts.add")
def confirm(request: SignedIn, key: UUID) -> HttpResponse:
    """Add what the preview showed."""
    job = _job(request, key)
    with transaction.atomic():
        if optout_files.confirm(job, request.user):
            transaction.on_commit(lambda: tasks.import_optouts.delay(job.pk), robust=True)
    return redirect("optouts:import_job", key)
