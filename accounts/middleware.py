"""Who is asking, in which workspace, in which time zone."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from accounts import dates
from accounts.models import Membership

SESSION_KEY = "workspace"


class CurrentMembership:
    """Give the request its membership, the person's zone and dates, and no place in any cache."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        request.membership = None  # type: ignore[attr-defined]
        if not user.is_authenticated:
            return self.get_response(request)
        rows = Membership.objects.active().filter(user=user)
        rows = rows.select_related("workspace__sending_off_by")
        rows = rows.order_by("pk")
        chosen = request.session.get(SESSION_KEY)
        membership = (chosen and rows.filter(workspace_id=chosen).first()) or rows.first()
        if membership and chosen != membership.workspace_id:
            request.session[SESSION_KEY] = membership.workspace_id
        user.membership = request.membership = membership  # type: ignore[attr-defined]
        with timezone.override(zone_of(user.time_zone)), dates.written(user.date_language):
            response = self.get_response(request)
        add_never_cache_headers(response)
        return response


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """The zone, or UTC for a name the time zone data does not know."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")
