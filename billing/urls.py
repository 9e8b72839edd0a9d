from __future__ import annotations

from django.urls import path

from billing import views

app_name = "billing"
urlpatterns = [
    path("thresholds/", views.threshold_list, name="thresholds"),
    path("thresholds/<str:period>/", views.threshold_edit, name="threshold_edit"),
    path("thresholds/<str:period>/remove/", views.threshold_remove, name="threshold_remove"),
    path("rates/", views.rate_list, name="rates"),
    path("rates/add/", views.rate_add, name="rate_add"),
]
