"""Every URL of the console."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from campaigns import webhooks
from campaigns.views.erase import erase
from campaigns.views.search import search
from campaigns.views.stopping import sending_off, sending_on
from campaigns.views.workspace import workspace
from smsconsole import health, system, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.overview, name="overview"),
    path("profile/", views.profile, name="profile"),
    path("sending/stop/", sending_off, name="sending_off"),
    path("sending/resume/", sending_on, name="sending_on"),
    path("system/", system.page, name="system"),
    path("theme/", views.set_theme, name="set_theme"),
    path("help/abuse/", views.help_abuse, name="help_abuse"),
    path("search/", search, name="search"),
    path("workspace/", workspace, name="workspace"),
    path("workspace/erase/", erase, name="erase"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("receipts/<str:token>/", webhooks.receive, name="receipts"),
    path("", include("accounts.urls")),
    path("campaigns/", include("campaigns.urls")),
    path("senders/", include("senders.urls")),
    path("optouts/", include("senders.optout_urls")),
    path("billing/", include("billing.urls")),
]

handler500 = "smsconsole.requests.server_error"
