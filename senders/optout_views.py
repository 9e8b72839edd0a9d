"""Opt-outs: list and search, add, remove, take away."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.access import SignedIn, requires
from senders import optouts
from senders.models import OptOut, OptOutSource
from senders.optout_forms import AddForm, ExportForm, RemoveForm
from senders.seeking import NotSought, seek
from sheets import writing

PAGE = 50
SOUGHT_MAX = 60


@requires("optouts.view")
@require_http_methods(["GET", "POST"])
def optout_list(request: SignedIn) -> HttpResponse:
    """The list, newest first. A number is sought by POST, so that no address or log keeps it."""
    rows = OptOut.objects.for_user(request.user)
    sought = request.POST.get("q", "").replace("\0", "").strip()[:SOUGHT_MAX]
    context = _found(request, rows, sought) if sought else _page(request, rows)
    sources = rows.order_by().values_list("source").annotate(n=Count("pk"))
    tabs = optouts.counts(sources)
    context |= {
        "tabs": [("", _("All"), sum(n for *_rest, n in tabs)), *tabs], "sought": sought,
        "acts": {name for name in ("add", "remove", "export")
                 if request.membership.can(f"optouts.{name}")},
    }  # fmt: skip
    return render(request, "senders/optouts.html", context)


def _page(request: SignedIn, rows: Any) -> dict[str, Any]:
    source = request.GET.get("source", "")
    if source in OptOutSource.values:
        rows = rows.filter(source=source)
    before = request.GET.get("before", "")
    is_later = before.isascii() and before.isdigit() and len(before) < 19
    if is_later:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows.select_related("added_by").order_by("-pk")[: PAGE + 1])
    shown = {"source": source} if source in OptOutSource.values else {}
    more = {**shown, "before": str(found[PAGE - 1].pk)} if len(found) > PAGE else {}
    return {
        "optouts": found[:PAGE], "source": source,
        "first_url": f"?{urlencode(shown)}" if is_later else "",
        "next_url": f"?{urlencode(more)}" if more else "",
    }  # fmt: skip


def _found(request: SignedIn, rows: Any, words: str) -> dict[str, Any]:
    try:
        sought = seek(request.user, words)
    except NotSought as refused:
        return {"optouts": [], "problem": str(refused)}
    if sought is None:
        problem = _("Type a number: whole with + and the country code, or its last 4 digits.")
        return {"optouts": [], "problem": problem}
    found = optouts.find(rows, sought)
    return {"optouts": list(found.select_related("added_by").order_by("-pk")[:PAGE])}


@requires("optouts.add")
def add(request: SignedIn) -> HttpResponse:
    """Typed numbers. What cannot be read stays in the form, each with its sentence."""
    form = AddForm(request.POST or None)
    refused: tuple[tuple[str, str], ...] = ()
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        workspace = request.membership.workspace
        added = optouts.add(workspace, given["numbers"], given["reason"], request.user)
        _say(request, added)
        if not added.refused:
            return redirect("optouts:list")
        refused = added.refused
        kept = "\n".join(entry for entry, _hint in refused)
        form = AddForm(initial={"numbers": kept, "reason": given["reason"]})
    return render(request, "senders/optout_add.html", {"form": form, "refused": refused})


def _say(request: SignedIn, added: optouts.Added) -> None:
    parts = []
    if added.new:
        new = ngettext("%(n)d number is added.", "%(n)d numbers are added.", added.new)
        parts.append(new % {"n": added.new})
    if added.known:
        known = ngettext("%(n)d was there already.", "%(n)d were there already.", added.known)
        parts.append(known % {"n": added.known})
    if parts:
        messages.success(request, " ".join(parts))


@requires("optouts.remove")
def remove(request: SignedIn, key: UUID) -> HttpResponse:
    """Ask for the reason, then take one number off the list. An erased person stays on it."""
    rows = OptOut.objects.for_user(request.user).exclude(source=OptOutSource.ERASED)
    row = get_object_or_404(rows, key=key)
    form = RemoveForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            optouts.remove(row, request.user, form.cleaned_data["reason"])
        except optouts.Gone:
            messages.error(request, _("Nothing was changed: somebody else removed it already."))
        else:
            messages.success(request, _("The number is removed. Later campaigns can reach it."))
        return redirect("optouts:list")
    context = {"form": form, "optout": row, "back_url": reverse("optouts:list")}
    return render(request, "senders/optout_remove.html", context)


@requires("optouts.export")
def export(request: SignedIn) -> HttpResponseBase:
    """The numbers in clear, as a file, for a reason that is kept."""
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["reason"]
        found = optouts.export(request.membership.workspace, request.user, given)
        lines = writing.csv_lines(optouts.COLUMNS, found)
        response = StreamingHttpResponse(lines, content_type=writing.TYPES["csv"])
        response["Content-Disposition"] = 'attachment; filename="opt-outs.csv"'
        return response
    rows = OptOut.objects.for_user(request.user)
    context = {
        "form": form, "back_url": reverse("optouts:list"),
        "numbers": rows.exclude(number="").count(), "erased": rows.filter(number="").count(),
    }  # fmt: skip
    return render(request, "senders/optout_export.html", context)
