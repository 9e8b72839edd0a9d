"""Every request has an id: in the answer, in each line of log, in the audit log, on error pages."""

from __future__ import annotations

import logging
import re
import sys
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.template import loader

from accounts import reference
from sheets import disk

log = logging.getLogger(__name__)
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


class FullDisk:
    """What fails for want of room on a disk ends in a page that says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not disk.is_full(error):
            return None
        log.error("no room on the disk: %s", type(error).__name__)
        return _no_room()


def _no_room() -> HttpResponse:
    """507: nothing was kept of the request. The page needs neither a database nor a session."""
    page = loader.render_to_string("507.html", {"reference": reference.current.get()})
    return HttpResponse(page, status=507)


def server_error(request: HttpRequest) -> HttpResponse:
    """The page of an error nobody expected: what to do and the reference, no word of the error.

    What the middleware itself could not write, as a session, gets the page of a full disk here.
    """
    if disk.is_full(sys.exc_info()[1]):
        return _no_room()
    page = loader.render_to_string("500.html", {"reference": reference.current.get()})
    return HttpResponseServerError(page)
