"""Suspension thresholds: read by everyone, changed by who may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.access import SignedIn, requires
from accounts.models import AuditEvent
from billing import headroom, statements, thresholds
from billing.forms import COUNTRIES, ThresholdForm
from billing.models import Period, Place, Scope

CHANGES_SHOWN = 10
WARN_PERCENT = 80  # kept with a limit that has no warning of its own
NUMBERS = Place(Scope.NUMBER, "", Period.DAY)


def _changes(request: SignedIn, model: str) -> Any:
    events = AuditEvent.objects.for_user(request.user).filter(object_type=model)
    return events.select_related("actor").order_by("-pk")[:CHANGES_SHOWN]


@requires("thresholds.view")
def threshold_list(request: SignedIn) -> HttpResponse:
    """Each threshold with its use now, what a reached one does, and who changed what."""
    membership = request.membership
    author = statements.whose(request.user, membership)
    workspace = membership.workspace
    meters = headroom.meters(workspace, author)
    set_any = any(meter.usage for meter in meters)
    if thresholds.number_cap(workspace) is not None:
        meters.append(headroom.meter(workspace, NUMBERS))
    context = {
        "meters": meters,
        "own_only": author is not None,
        "set_any": set_any,
        "changes": _changes(request, "billing.threshold"),
        "countries": COUNTRIES,
        "periods": Period.choices,
        "may_change": membership.can("thresholds.change"),
        "may_stop": membership.can("sending.stop"),
    }
    return render(request, "billing/thresholds.html", context)


@requires("thresholds.change")
def threshold_choose(request: SignedIn) -> HttpResponse:
    """From the choice of a country and a period to the form of that threshold."""
    country, period = request.GET.get("country", ""), request.GET.get("period", "")
    which = Place.of("-".join(filter(None, (period, country))))
    if which is None or not _is_known(which):
        messages.error(request, _("Choose what the threshold counts, and for how long."))
        return redirect("billing:thresholds")
    return redirect("billing:threshold_edit", which.slug)


def _is_known(which: Place) -> bool:
    return which.scope != Scope.COUNTRY or which.country in COUNTRIES


def _meter(request: SignedIn, slug: str) -> headroom.Meter:
    which = Place.of(slug)
    if which is None or not _is_known(which):
        raise Http404
    return headroom.meter(request.membership.workspace, which)


@requires("thresholds.change")
def threshold_edit(request: SignedIn, period: str) -> HttpResponse:
    """Set or change a limit; one that leaves no room now is asked about first."""
    meter = _meter(request, period)
    form = _form(request, meter)
    context = {
        "form": form, "meter": meter, "used": form.used,
        "back_url": reverse("billing:thresholds"),
    }  # fmt: skip
    if request.method != "POST" or not form.is_valid():
        return render(request, "billing/threshold_edit.html", context)
    given = form.cleaned_data
    if form.needs_a_yes():
        return render(request, "billing/threshold_sure.html", context | given)
    try:
        _set(request, meter.place, given)
    except thresholds.Changed:
        form.say_changed()
        return render(request, "billing/threshold_edit.html", context)
    messages.success(request, _said(meter, given["limit"]))
    return redirect("billing:thresholds")


def _form(request: SignedIn, meter: headroom.Meter) -> ThresholdForm:
    usage = meter.usage
    initial = {"limit": usage.limit, "warn_percent": usage.warn_percent} if usage else {}
    used = usage.used if usage else meter.billed
    form = ThresholdForm(request.POST or None, initial=initial, used=used)
    if meter.caps_numbers:
        form.cap_numbers()
    return form


def _set(request: SignedIn, place: Place, given: Mapping[str, Any]) -> None:
    thresholds.set_limit(
        request.membership.workspace, place.period, given["limit"],
        given.get("warn_percent", WARN_PERCENT), request.user, given["seen"],
        scope=place.scope, country=place.country,
    )  # fmt: skip


def _said(meter: headroom.Meter, limit: int) -> str:
    given = {"which": meter.noun, "limit": f"{limit:,}"}
    if limit == 0:
        return _("The %(which)s is 0: nothing is sent.") % given
    if meter.caps_numbers:
        return _("The %(which)s is now %(limit)s.") % given
    if meter.usage is not None and limit > meter.usage.limit:
        todo = _("Nothing resumes by itself: an admin resumes what is suspended.")
        return f"{_now(given, limit)} {todo}"
    return _now(given, limit)


def _now(given: dict[str, str], limit: int) -> str:
    text = ngettext(
        "The %(which)s is now %(limit)s segment.",
        "The %(which)s is now %(limit)s segments.",
        limit,
    )
    return text % given


def _removed(meter: headroom.Meter) -> str:
    if meter.caps_numbers or meter.place.country:
        return _("The %(which)s is removed.") % {"which": meter.noun}
    removed = _("The %(which)s is removed. Nothing limits sending in this period.")
    return removed % {"which": meter.noun}


@requires("thresholds.change")
def threshold_remove(request: SignedIn, period: str) -> HttpResponse:
    """Ask, then remove: sending is unlimited in this period from then on."""
    meter = _meter(request, period)
    if meter.usage is None:
        messages.info(request, _("There is no %(which)s.") % {"which": meter.noun})
        return redirect("billing:thresholds")
    if request.method == "POST":
        seen = request.POST.get("seen", "")
        try:
            scope, country, span = meter.place
            thresholds.clear(
                request.membership.workspace, span, request.user, seen, scope=scope, country=country
            )
        except thresholds.Changed:
            changed = _("Somebody changed this threshold meanwhile, and it is kept. Look again.")
            messages.error(request, changed)
            return redirect("billing:threshold_remove", period)
        messages.success(request, _removed(meter))
        return redirect("billing:thresholds")
    context = {"meter": meter, "back_url": reverse("billing:thresholds")}
    return render(request, "billing/threshold_remove.html", context)
