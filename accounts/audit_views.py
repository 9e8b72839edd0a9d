"""The audit log: to read, to filter, to take away."""

from __future__ import annotations

import io

from django.contrib import messages
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import audit, audit_reading
from accounts.access import SignedIn, requires
from accounts.audit_reading import Chosen
from accounts.audit_words import Kind
from sheets import writing

PAGE = 50
EXPORT_MAX = 50_000


@requires("audit.view")
@require_GET
def log(request: SignedIn) -> HttpResponse:
    """What people and the console did, the latest first, as far as the role sees it."""
    seen = audit_reading.visible(request.user, request.membership)
    chosen = Chosen.read(request.GET)
    rows = chosen.rows(seen)
    after = request.GET.get("after", "")
    if after.isascii() and after.isdecimal() and len(after) < 19:
        rows = rows.filter(pk__lt=int(after))
    found = list(rows[: PAGE + 1])
    older = chosen.query(after=found[PAGE - 1].pk) if len(found) > PAGE else ""
    context = {
        "lines": audit_reading.lines(found[:PAGE], request.user),
        "chosen": chosen,
        "kinds": Kind.choices,
        "people": audit_reading.people(seen),
        "sees_all": request.membership.can("audit.view_all"),
        "newest_url": f"?{chosen.query()}" if after else "",
        "older_url": f"?{older}" if older else "",
    }
    return render(request, "accounts/audit.html", context)


@requires("audit.view")
@require_POST
def export(request: SignedIn) -> HttpResponseBase:
    """The filtered events as a file, all or none; the export is an event itself."""
    form = request.POST.get("form", "")
    if form not in writing.TYPES:
        raise Http404
    chosen = Chosen.read(request.POST)
    seen = audit_reading.visible(request.user, request.membership)
    events = list(chosen.rows(seen)[: EXPORT_MAX + 1])
    if len(events) > EXPORT_MAX:
        words = _("More than %(most)s events: choose a shorter time.")
        messages.error(request, words % {"most": f"{EXPORT_MAX:,}"})
        return redirect(f"{reverse('accounts:audit')}?{chosen.query()}")
    audit.record(
        "audit.export", request.membership.workspace, request.user,
        rows=len(events), form=form, filter=chosen.words(),
    )  # fmt: skip
    return _file(form, events)


def _file(form: str, events: list[audit_reading.AuditEvent]) -> HttpResponseBase:
    rows = audit_reading.export_rows(events)
    answer: HttpResponseBase
    if form == "csv":
        answer = StreamingHttpResponse(writing.csv_lines(audit_reading.COLUMNS, rows))
    else:
        file = io.BytesIO()
        writing.write_xlsx(file, audit_reading.COLUMNS, rows, "Audit log")
        answer = HttpResponse(file.getvalue())
    name = f"audit-{timezone.localdate().isoformat()}.{form}"
    answer["Content-Type"] = writing.TYPES[form]
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
