from __future__ import annotations

from django.urls import URLPattern

app_name = "campaigns"

reading: list[URLPattern] = []

composing: list[URLPattern] = []

urlpatterns = [*reading, *composing]
