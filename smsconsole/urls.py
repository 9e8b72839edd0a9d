"""Every URL of the console."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("accounts.urls")),
    path("campaigns/", include("campaigns.urls")),
    path("senders/", include("senders.urls")),
    path("billing/", include("billing.urls")),
]
