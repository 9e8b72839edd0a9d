"""Where carriers deliver receipts: the inbox first, then the answer."""

from __future__ import annotations

import logging
from time import monotonic

from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.access import public
from campaigns import receipts
from carriers.models import Carrier
from sms.gateways.base import BadCallback, Callback

logger = logging.getLogger(__name__)
BODY_MAX = 64 * 1024
KNOWN_SECONDS = 5.0
_known: dict[str, tuple[float, Carrier]] = {}


@public
@csrf_exempt
def receive(request: HttpRequest, token: str) -> HttpResponse:
    """2xx only after the receipts are committed; 503 while the database cannot take them."""
    length = request.headers.get("Content-Length", "")
    if not length.isdecimal():  # the server reads no body of unknown length
        return HttpResponse("Length required.", status=411)
    if int(length) > BODY_MAX:
        return HttpResponse("Too large.", status=413)
    try:
        carrier = _carrier(token)
        if carrier is None:
            return HttpResponse("Not found.", status=404)
        gateway = carrier.open()
        found = gateway.parse_receipts(_callback(request))
        receipts.record(carrier, found, request.body.decode("utf-8", "replace"))
    except BadCallback as error:
        _known.pop(token, None)  # its key may be a new one: the next try is read with that
        logger.warning("Receipts refused with status %s", error.status)
        return HttpResponse("Refused.", status=error.status)
    except Error as error:  # one line: while the database is away it is written for every post
        logger.error("Receipts could not be stored: %s", type(error).__name__)
        return HttpResponse("Try again.", status=503, headers={"Retry-After": "5"})
    answer = gateway.acknowledge()
    return HttpResponse(
        answer.body, answer.content_type, answer.status, headers=dict(answer.headers)
    )


def _carrier(token: str) -> Carrier | None:
    """As it was at most ``KNOWN_SECONDS`` ago: looking it up takes as long as storing a receipt."""
    at, carrier = _known.get(token, (0.0, None))
    if carrier is None or monotonic() - at > KNOWN_SECONDS:
        carrier = Carrier.objects.filter(receipts_token=token.replace("\0", "")).first()
        _known.pop(token, None)
        if carrier is not None:
            _known[token] = (monotonic(), carrier)
    return carrier


def _callback(request: HttpRequest) -> Callback:
    return Callback(
        method=request.method or "",
        headers={name.lower(): value for name, value in request.headers.items()},
        query=request.GET.dict(),
        body=request.body,
    )
