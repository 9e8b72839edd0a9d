"""How often one person may do what costs the server much: so many times in a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.db.models import F
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from accounts.keyed import digest
from accounts.models import Throttle

View = Callable[..., HttpResponseBase]
WHILE = timedelta(minutes=1)


def take(kind: str, source: str, most: int, now: datetime, per: timedelta = WHILE) -> bool:
    """Count one more of *kind* by *source*, unless there were *most* in this while already."""
    key = {"kind": kind, "source": digest(source)}
    Throttle.objects.get_or_create(**key, defaults={"since": now})
    rows = Throttle.objects.filter(**key)
    rows.filter(since__lte=now - per).update(count=0, since=now)
    return rows.filter(count__lt=most).update(count=F("count") + 1) == 1


def begun(kind: str, source: str, now: datetime) -> datetime:
    """When the while began that is being counted; now, if none is."""
    found = Throttle.objects.filter(kind=kind, source=digest(source))
    return found.values_list("since", flat=True).first() or now


def give_back(kind: str, source: str) -> None:
    """Take back one that turned out not to count."""
    rows = Throttle.objects.filter(kind=kind, source=digest(source), count__gt=0)
    rows.update(count=F("count") - 1)


def read_away(request: HttpRequest) -> None:
    """Take the body in and keep nothing: a browser shows no answer that comes while it sends."""
    while request.read(64 * 1024):
        pass


def limited(kind: str, setting: str) -> Callable[[View], View]:
    """Answer 429 to the POSTs of a person beyond what *setting* allows in a minute.

    It stands below ``requires``: the person is known, and the body is not kept.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def counted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            most = getattr(settings, setting)
            if request.method == "POST" and not take(
                kind, str(request.user.pk), most, timezone.now()
            ):
                read_away(request)
                answer = render(request, "429.html", {"most": most}, status=429)
                answer["Retry-After"] = str(int(WHILE.total_seconds()))
                return answer
            return view(request, *args, **kwargs)

        return counted

    return decorate
