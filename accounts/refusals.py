"""What a signed-in person was refused is written down: once a minute for each page and person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEvent, Membership, User

AGAIN = timedelta(minutes=1)
LOOKED_AT = 100  # of the latest refusals of a person; there are no more pages than that
WORDS = {403: "access.refused", 404: "access.not_found"}


class Refusals:
    """Audit a 403, and a 404 where the address was right and the object is not this person's.

    Of the address only the name of its route is kept: the rest may hold what was searched.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        action = WORDS.get(response.status_code)
        membership: Membership | None = getattr(request, "membership", None)
        if getattr(request, "is_stale", False):
            return response
        if action is None or membership is None or (match := request.resolver_match) is None:
            return response
        if response.status_code == 403 or match.kwargs:
            permission = getattr(match.func, "permission", None) or ""
            _write_down(action, request.user, match.view_name, permission)  # type: ignore[arg-type]
        return response


def _write_down(action: str, user: User, route: str, permission: str) -> None:
    latest = AuditEvent.objects.filter(
        object_type=User._meta.label_lower, object_id=str(user.pk)
    ).order_by("-pk")
    since = timezone.now() - AGAIN
    for known, data, at in latest.values_list("action", "data", "at")[:LOOKED_AT]:
        if at < since:
            break
        if known == action and data.get("route") == route:
            return
    audit.record(action, user, user, route=route, permission=permission)
