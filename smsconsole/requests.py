"""Every request has an id: in the answer, in each line of log, in the audit log, on error pages."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template import loader

from accounts import reference

HEADER = "X-Request-ID"
# What a proxy may hand on; never digits alone, which could be a phone number.
GIVEN = re.compile(r"(?=[0-9]*[A-Za-z])[0-9A-Za-z-]{8,36}")


class RequestId:
    """Give the request its id: the proxy's, where one is trusted, else a random one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get(HEADER, "") if settings.BEHIND_PROXY else ""
        name = given.replace("-", "")[:32] if GIVEN.fullmatch(given) else uuid.uuid4().hex
        request.reference = name  # type: ignore[attr-defined]
        mark = reference.current.set(name)
        try:
            response = self.get_response(request)
        finally:
            reference.current.reset(mark)
        response[HEADER] = name
        return response


def server_error(request: HttpRequest) -> HttpResponse:
    """The page of an error nobody expected: what to do and the reference, no word of the error."""
    page = loader.render_to_string("500.html", {"reference": reference.current.get()})
    return HttpResponseServerError(page)
