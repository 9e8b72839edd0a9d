"""The team of a workspace, and changing between workspaces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts import inviting, team
from accounts.access import SignedIn, requires
from accounts.models import Membership, User
from accounts.roles import PERMISSIONS, Role
from accounts.team_forms import InviteForm, RoleForm, SwitchForm
from accounts.views import safe_next

Act = Callable[[Membership, User], None]

# What is asked about first: the states it is offered in, what it does, what is said after it.
ACTS: dict[str, tuple[frozenset[str], Act, str | Promise]] = {
    "deactivate": (
        frozenset({team.INVITED, team.ACTIVE}),
        team.deactivate,
        gettext_lazy("%(name)s is deactivated and signed out of this workspace."),
    ),
    "reactivate": (
        frozenset({team.DEACTIVATED}),
        team.reactivate,
        gettext_lazy("%(name)s is active again and can sign in."),
    ),
    "end": (
        frozenset({team.ACTIVE}),
        team.end_sessions,
        gettext_lazy("%(name)s is signed out of this workspace."),
    ),
}
CHIPS = {
    team.INVITED: ("pending", gettext_lazy("Invited")),
    team.ACTIVE: ("ok", gettext_lazy("Active")),
    team.DEACTIVATED: ("cancelled", gettext_lazy("Deactivated")),
}
MAY = {
    Role.OPERATOR: gettext_lazy("Creates and sends campaigns"),
    Role.ADMIN: gettext_lazy("Everything, with people and settings"),
    Role.FINANCE: gettext_lazy("Reads costs, sets rates and thresholds"),
    Role.VIEWER: gettext_lazy("Reads, without texts and whole numbers"),
}
RIGHTS = (
    ("campaigns.view", gettext_lazy("See campaigns and results")),
    ("campaigns.create", gettext_lazy("Create and send campaigns")),
    ("campaigns.read_text", gettext_lazy("Read message content")),
    ("campaigns.read_numbers", gettext_lazy("Reveal whole phone numbers, with a reason")),
    ("campaigns.stop", gettext_lazy("Stop a running campaign")),
    ("campaigns.resume_suspended", gettext_lazy("Resume after a suspension")),
    ("senders.request", gettext_lazy("Register sender IDs")),
    ("senders.decide", gettext_lazy("Approve sender IDs")),
    ("optouts.add", gettext_lazy("Add opt-outs")),
    ("statements.view", gettext_lazy("See costs and statements")),
    ("thresholds.change", gettext_lazy("Change thresholds and rates")),
    ("audit.view", gettext_lazy("Read the audit log")),
    ("team.manage", gettext_lazy("Manage people and the workspace")),
)


@requires("team.manage")
def people(request: SignedIn) -> HttpResponse:
    """Everybody in the team and what their roles may do."""
    members = list(team.people(request.membership.workspace, timezone.now()))
    context = {
        "rows": [_row(member, request.user) for member in members],
        "active": sum(team.state(member) != team.DEACTIVATED for member in members),
        "roles": Role.choices,
        "rights": [(label, [PERMISSIONS[p].get(role) for role in Role]) for p, label in RIGHTS],
    }
    return render(request, "accounts/team.html", context)


def _row(member: Membership, reader: User) -> dict[str, Any]:
    state = team.state(member)
    return {
        "member": member, "state": state, "chip": CHIPS[state],
        "may": MAY[Role(member.role)], "is_me": member.user_id == reader.pk,
    }  # fmt: skip


@requires("team.manage")
def invite(request: SignedIn) -> HttpResponse:
    """Ask for a person's address, name and role, and invite them."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = inviting.invite(request.membership.workspace, request.user, **form.cleaned_data)
        except team.Refused as refusal:
            form.add_error("email", str(refusal))
        else:
            return _invited(request, made)
    context = {"form": form, "has_server": bool(settings.EMAIL_URL)}
    return render(request, "accounts/team_invite.html", context)


@requires("team.manage")
def invite_again(request: SignedIn, pk: int) -> HttpResponse:
    """Ask, then send a person who never came a new link."""
    member = _member(request, pk)
    if team.state(member) != team.INVITED:
        return _refused(request, _("%(name)s needs no invitation by now.") % {"name": member})
    if request.method == "POST":
        try:
            return _invited(request, inviting.invite_again(member, request.user))
        except team.Refused as refusal:
            return _refused(request, str(refusal))
    context = {"member": member, "back_url": reverse("accounts:team")}
    return render(request, "accounts/team_invite_again.html", context)


def _invited(request: SignedIn, made: inviting.Invitation) -> HttpResponse:
    """Say where the invitation went; without a mail server show its link, this once."""
    name = {"name": made.member}
    if not settings.EMAIL_URL:
        return render(request, "accounts/team_invited.html", {"made": made})
    if made.is_mailed:
        messages.success(request, _("The invitation for %(name)s is on its way.") % name)
    else:
        words = _("%(name)s is in the team, but the mail server did not take the invitation.")
        messages.error(request, words % name)
    return redirect("accounts:team")


@requires("team.manage")
def role(request: SignedIn, pk: int) -> HttpResponse:
    """Choose another role for a person."""
    member = _member(request, pk)
    form = RoleForm(request.POST or None, initial={"role": member.role})
    if request.method == "POST" and form.is_valid():
        try:
            team.set_role(member, request.user, form.cleaned_data["role"])
        except team.Refused as refusal:
            return _refused(request, str(refusal))
        given = {"name": member.user, "role": Role(form.cleaned_data["role"]).label}
        messages.success(request, _("%(name)s is %(role)s now.") % given)
        return redirect("accounts:team")
    context = {"member": member, "form": form, "back_url": reverse("accounts:team")}
    return render(request, "accounts/team_role.html", context)


@requires("team.manage")
def act(request: SignedIn, pk: int, action: str) -> HttpResponse:
    """Ask, then deactivate, reactivate or sign out a person."""
    if action not in ACTS:
        raise Http404
    member = _member(request, pk)
    states, do, done = ACTS[action]
    if team.state(member) not in states:
        return _refused(request, _("Nothing was changed: somebody else was first."))
    if request.method == "POST":
        try:
            do(member, request.user)
        except team.Refused as refusal:
            return _refused(request, str(refusal))
        if action == "reactivate" and not team.has_come(member):
            return _awaited(request, member)
        messages.success(request, done % {"name": member})
        return redirect("accounts:team")
    context = {
        "member": member, "has_come": team.has_come(member), "back_url": reverse("accounts:team"),
    }  # fmt: skip
    return render(request, f"accounts/team_{action}.html", context)


def _awaited(request: SignedIn, member: Membership) -> HttpResponse:
    """Say that a person who never came still has to, and ask about the invitation."""
    words = _("%(name)s is in the team again, but has never come. Send the invitation again.")
    messages.warning(request, words % {"name": member})
    return redirect("accounts:team_invite_again", member.pk)


def _member(request: SignedIn, pk: int) -> Membership:
    """Somebody of the team; oneself is none of those whom one changes."""
    rows = Membership.objects.for_user(request.user).exclude(user=request.user)
    return get_object_or_404(rows.select_related("user", "workspace"), pk=pk)


def _refused(request: SignedIn, why: str) -> HttpResponse:
    messages.error(request, why)
    return redirect("accounts:team")


@requires("profile.edit")
@require_POST
def switch(request: SignedIn) -> HttpResponse:
    """Work in another workspace of the person's own, on its overview or on ``next``."""
    form = SwitchForm(request.POST)
    mine = Membership.objects.active().filter(user=request.user).select_related("workspace")
    chosen = form.is_valid() and mine.filter(workspace__key=form.cleaned_data["workspace"]).first()
    if not chosen:
        messages.error(request, _("You are still here: you are not in that workspace any more."))
    elif chosen.pk != request.membership.pk:
        team.enter(request.session, chosen, request.user)
        messages.success(request, _("You work in %(name)s now.") % {"name": chosen.workspace})
    return redirect(safe_next(request))
