from __future__ import annotations

from django.urls import URLPattern

app_name = "senders"
urlpatterns: list[URLPattern] = []
