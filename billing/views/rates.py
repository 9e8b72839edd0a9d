"""Rates: read by everyone, entered, imported and taken away by who may."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access import SignedIn, requires
from billing import tariffs, thresholds
from billing.forms import COUNTRIES, RateForm
from billing.models import Charge, Rate


@requires("rates.view")
def rate_list(request: SignedIn) -> HttpResponse:
    """The rate of each country now, those to come and before, and countries without one."""
    membership = request.membership
    today = thresholds.today(membership.workspace)
    rates = Rate.objects.for_user(request.user).select_related("entered_by")
    unpriced = Charge.objects.for_user(request.user).filter(amount=None)
    tariff = tariffs.read(rates, today, membership.workspace.currency)
    priced = {line.country for line in tariff if line.current}
    without = unpriced.values("country").annotate(segments=Sum("segments"))
    context = {
        "tariff": tariff,
        "unknown": without.exclude(country__in=priced).order_by("-segments", "country")[:50],
        "currency": membership.workspace.currency,
        "may_change": membership.can("rates.change"),
    }
    return render(request, "billing/rates.html", context)


@requires("rates.change")
def rate_add(request: SignedIn) -> HttpResponse:
    """Enter a rate. Rates are never changed: a newer one supersedes, asked about on one day."""
    workspace = request.membership.workspace
    today = thresholds.today(workspace)
    initial = {"valid_from": today, "country": request.GET.get("country", "")}
    form = RateForm(
        request.POST or None, initial=initial, today=today, counts_in=workspace.currency
    )
    holds = None
    if request.method == "POST" and form.is_valid():
        holds = _enter(request, form)
        if holds is None:
            return redirect("billing:rates")
    context = {
        "form": form, "countries": COUNTRIES, "currency": workspace.currency, "holds": holds,
        "is_unsure": holds is not None and request.POST.get("asked") == str(holds.pk),
        "back_url": reverse("billing:rates"),
    }  # fmt: skip
    return render(request, "billing/rate_add.html", context)


def _enter(request: SignedIn, form: RateForm) -> Rate | None:
    """Keep the rate and say so; the answer is another one that is to be asked about first."""
    given = form.cleaned_data
    what = (given["country"], form.micros, given["valid_from"])
    yes = request.POST.get("replaces", "")
    try:
        tariffs.enter(request.membership.workspace, *what, request.user, replaces=yes)
    except tariffs.AnotherKept as kept:
        return kept.rate
    except tariffs.AlreadyKept:
        messages.info(request, _("This rate is kept already. Nothing was changed."))
    else:
        said = _("Rate kept. It prices what you submit from now on, by the day it starts.")
        messages.success(request, said)
    return None
