"""A form whose token is missing or old: refused, with what was typed ready to be sent again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token

KEPT_CHARACTERS = 200_000
SECRET = ("password", "token", "csrf")


@requires_csrf_token
def refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403. Only a form of this console is handed back: another site's would be sent by a click."""
    fields = typed(request) if _is_ours(request) else []
    context = {"fields": fields, "action": request.get_full_path()}
    request.is_stale = True  # type: ignore[attr-defined]  # no role was missing: no refusal
    return render(request, "403_csrf.html", context, status=403)


def _is_ours(request: HttpRequest) -> bool:
    """Did a page of this console send it? Browsers say so on every POST; silence is a no."""
    origin = request.headers.get("Origin", "")
    if origin:
        return origin == f"{request.scheme}://{request.get_host()}"
    return request.headers.get("Sec-Fetch-Site") == "same-origin"


def typed(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields in their order, without secrets; nothing of what is too much for a page."""
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if not any(word in name.lower() for word in SECRET)
        for value in values
    ]
    return fields if sum(len(value) for _name, value in fields) <= KEPT_CHARACTERS else []
