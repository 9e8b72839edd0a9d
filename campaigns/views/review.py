"""Review and Submit Campaign: everything that will happen, before it happens."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import SignedIn, requires
from campaigns import drafting, estimating, reading, submitting, tasks
from campaigns.models import Campaign, WrongState
from campaigns.submitting import CannotSubmit, Problem
from campaigns.views import compose

UNSEEN = "no review was seen"  # a form without its token agrees to nothing


@require_GET
@requires("campaigns.submit")
def review(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """The whole campaign on one page, with what stands in its way and what it costs."""
    campaign = compose.draft(request, key)
    if not campaign.is_editable:
        return redirect("campaigns:detail", key)
    return _page(request, campaign, [])


@require_POST
@requires("campaigns.submit")
def submit(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """Submit Campaign. A second press finds it submitted and leads to its details."""
    campaign = compose.draft(request, key)
    try:
        with transaction.atomic():
            submitting.submit(
                campaign,
                request.user,
                partial_ok=request.POST.get("partial_ok") == "yes",
                seen=request.POST.get("seen") or UNSEEN,
            )
            transaction.on_commit(tasks.start_due.delay, robust=True)
    except CannotSubmit as refused:
        campaign = compose.draft(request, key)
        return _page(request, campaign, refused.problems)
    except WrongState:
        return redirect("campaigns:detail", key)
    messages.success(request, _said(campaign))
    return redirect("campaigns:detail", key)


@require_http_methods(["GET", "POST"])
@requires("campaigns.submit")
def send_test(request: SignedIn, key: uuid.UUID) -> HttpResponse:
    """Send a test to one's own numbers: a page that asks, and the act."""
    campaign = compose.draft(request, key)
    problems: list[str] = []
    if request.method == "POST":
        try:
            with transaction.atomic():
                test = submitting.send_test(campaign, request.user)
                transaction.on_commit(tasks.start_due.delay, robust=True)
        except CannotSubmit as refused:
            problems = [str(problem.sentence) for problem in refused.problems]
        except drafting.CannotTest as refused:
            problems = [str(refused)]
        else:
            messages.success(request, _tested(test))
            return redirect("campaigns:detail", test.key)
    return render(request, "campaigns/send_test.html", _test_context(request, campaign, problems))


def _test_context(request: SignedIn, campaign: Campaign, problems: list[str]) -> dict[str, Any]:
    return {
        "campaign": campaign,
        "problems": problems,
        "numbers": drafting.own_numbers(request.user),
        "left": drafting.tests_left(request.user),
        "a_day": drafting.TESTS_A_DAY,
        "back_url": reverse("campaigns:edit", args=[campaign.key]),
    }


def _page(request: SignedIn, campaign: Campaign, refused: list[Problem]) -> HttpResponse:
    """The review page; *refused* are the reasons of a submission that was just refused."""
    found = submitting.review(campaign)
    if found.is_counting and estimating.should_ring(campaign):
        transaction.on_commit(lambda: tasks.count_campaign.delay(campaign.pk), robust=True)
    known = {problem.sentence for problem in found.problems}
    context = {
        "campaign": campaign,
        "found": found,
        "problems": found.problems + [p for p in refused if p.sentence not in known],
        "estimate": found.estimate,
        "fit": found.fit,
        "source": campaign.recipients,
        "repeated": reading.repeated(campaign),
        "currency": campaign.workspace.currency,
        "samples": compose.preview(campaign),
        "was_refused": bool(refused),
        "may_price": request.membership.can("rates.change"),
    }
    return render(request, "campaigns/review.html", context)


def _said(campaign: Campaign) -> str:
    if campaign.workspace.sending_off_at is not None:
        return _("Submitted. All sending is stopped: it waits until an admin sends again.")
    if campaign.is_scheduled:
        return _("Submitted. It starts at the scheduled time.")
    return _("Submitted. It starts now.")


def _tested(test: Campaign) -> str:
    count = test.total
    if test.workspace.sending_off_at is not None:
        return _("All sending is stopped: the test waits until an admin sends again.")
    text = ngettext("A test is sent to %(n)d number.", "A test is sent to %(n)d numbers.", count)
    return text % {"n": count}
