"""Overview, profile, help and theme: the pages that belong to no single app."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import audit
from accounts.access import SignedIn, public, requires
from accounts.views import safe_next
from billing import headroom, statements
from smsconsole import overview as figures
from smsconsole.context import THEMES
from smsconsole.forms import ProfileForm

THEME_AGE = 365 * 24 * 3600


def _kpis(request: SignedIn, period: figures.Period) -> dict[str, Any]:
    author = statements.whose(request.user, request.membership)
    found = figures.figures(request.membership.workspace, period, author)
    return {"figures": found, "period": period, "own_only": author is not None}


def _sending(request: SignedIn, period: figures.Period) -> dict[str, Any]:
    membership = request.membership
    lines = figures.sending(membership)
    mine = [line for line in lines if membership.can("campaigns.pause", line.campaign.author_id)]
    hides_costs = any(not line.result.shows_cost for line in lines)
    may_pause = {line.campaign.pk for line in mine}
    return {"lines": lines, "may_pause": may_pause, "hides_costs": hides_costs}


PARTS = {
    "kpis": ("smsconsole/_kpis.html", _kpis),
    "sending": ("smsconsole/_sending_now.html", _sending),
}


@requires("overview.view")
def overview(request: SignedIn) -> HttpResponse:
    """What happens now and what waits for a person; htmx asks for its live parts alone."""
    workspace = request.membership.workspace
    period = figures.period(request.GET.get("period", ""), workspace)
    if request.htmx and request.GET.get("part") in PARTS:  # type: ignore[attr-defined]
        template, context_of = PARTS[request.GET["part"]]
        return render(request, template, context_of(request, period))
    meters = headroom.meters(workspace, statements.whose(request.user, request.membership))
    context = {
        **_kpis(request, period),
        **_sending(request, period),
        "now": timezone.now(),
        "workspace": workspace,
        "periods": [(name, label) for name, (_days, label) in figures.PERIODS.items()],
        "chart": figures.chart(workspace, period),
        "upcoming": figures.upcoming(workspace),
        "meters": [one for one in meters if not one.place.country or one.level != "ok"],
        "todos": figures.attention(request.user, meters),
        "first_run": figures.beginning(workspace),
        "practice": figures.is_practice(workspace),
        "may_set": request.membership.can("thresholds.change"),
        "no_threshold": all(meter.usage is None for meter in meters),
    }
    return render(request, "smsconsole/overview.html", context)


@requires("profile.edit")
def profile(request: SignedIn) -> HttpResponse:
    """Name, time zone, own test numbers, mails."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        user = form.save()
        audit.record("user.profile", user, user, changed=form.changed_data)
        messages.success(request, _("Profile kept."))
        return redirect("profile")
    return render(request, "smsconsole/profile.html", {"form": form})


@requires("help.view")
def help_abuse(request: SignedIn) -> HttpResponse:
    """What abuse of verification codes is and what helps against it."""
    return render(request, "smsconsole/help_abuse.html")


@public
@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep light, dark or the system's theme in a cookie, and go back."""
    response = redirect(safe_next(request))
    theme = request.POST.get("theme")
    if theme in THEMES:
        response.set_cookie(
            "theme", theme, max_age=THEME_AGE, samesite="Lax", httponly=True,
            secure=settings.HTTPS,
        )  # fmt: skip
    return response
