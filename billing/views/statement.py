"""The statement of a month: looked at, narrowed, taken away."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_GET, require_POST

from accounts import audit
from accounts.access import SignedIn, requires
from billing import exports, statements, thresholds
from billing.glossary import TERMS
from billing.statements import GROUPS, Choice, Month
from sheets.writing import TYPES

LINES_SHOWN = 200
MONTHS_OFFERED = 24


@requires("statements.view")
@require_GET
def statement(request: SignedIn) -> HttpResponse:
    """What a month cost, by country, campaign or another word of the ledger."""
    today = thresholds.today(request.membership.workspace)
    choice = Choice.read(request.GET, today)
    rows = statements.charges(request.user, request.membership)
    found = statements.read(rows, choice)
    context = {
        "choice": choice,
        "statement": found,
        "lines": [(line, choice.narrowed(line.key).query) for line in found.lines[:LINES_SHOWN]],
        "hidden": max(len(found.lines) - LINES_SHOWN, 0),
        "terms": TERMS,
        "group": GROUPS[choice.by],
        "so_far": choice.month.holds(today),
        "own_only": statements.is_own_only(request.membership),
        "may_export": request.membership.can("statements.export"),
        "chart": _chart(statements.days(rows, choice, today), choice),
        **_ways(choice, today),
    }
    return render(request, "billing/statement.html", context)


def _ways(choice: Choice, today: date) -> dict[str, Any]:
    """The addresses around this statement: other months, other groups, fewer narrowings."""
    months = [Month.read("", today)]
    while len(months) < MONTHS_OFFERED:
        months.append(months[-1].previous)
    where = choice.where
    crumbs = [
        (name, statements.word(name, value), choice.widened(at).query if at < len(where) else "")
        for at, (name, value) in enumerate(where, 1)
    ]
    return {
        "months": sorted({*months, choice.month}, reverse=True),
        "previous": choice.moved(choice.month.previous).query,
        "next": choice.moved(choice.month.next).query if choice.month < months[0] else "",
        "tabs": [(GROUPS[by], choice.grouped(by).query, by == choice.by) for by in choice.groups],
        "crumbs": crumbs,
        "whole": choice.widened(0).query if where else "",
    }


def _chart(days: list[tuple[date, int]], choice: Choice) -> dict[str, Any]:
    total = sum(segments for _day, segments in days)
    spoken = _("Billable messages by day in %(month)s: %(total)s in all.")
    return {
        "spoken": spoken % {"month": choice.month.label, "total": f"{total:,}"},
        "series": [("live", _lazy("Billable messages"))],
        "rows": [(day.day, [segments]) for day, segments in days],
    }


@requires("statements.export")
@require_POST
def statement_export(request: SignedIn) -> HttpResponse:
    """The statement as a file that says from which rows it was made; audited."""
    workspace = request.membership.workspace
    today = thresholds.today(workspace)
    choice, form = Choice.read(request.POST, today), request.POST.get("form", "")
    if form not in TYPES:
        raise Http404
    own_only = statements.is_own_only(request.membership)
    with transaction.atomic():
        found = statements.read(statements.charges(request.user, request.membership), choice)
        audit.record(
            "statement.export", workspace, request.user, month=str(choice.month),
            grouped=choice.by, only=dict(choice.where), form=form, lines=len(found.lines),
        )  # fmt: skip
    rows = exports.statement(found, workspace, today, own_only=own_only)
    name = f"statement-{choice.month}-by-{choice.by.replace('_', '-')}.{form}"
    content = exports.write(rows, form, "Statement", exports.about())
    return attachment(content, form, name)


def attachment(content: bytes, form: str, name: str) -> HttpResponse:
    """A whole small file under a name of ours."""
    response = HttpResponse(content, content_type=TYPES[form])
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
