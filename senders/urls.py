from __future__ import annotations

from django.urls import path

from senders import registration_views, views

app_name = "senders"
urlpatterns = [
    path("", views.sender_list, name="list"),
    path("register/", views.register, name="register"),
    path("rules/", registration_views.rules, name="rules"),
    path("<uuid:key>/", views.detail, name="detail"),
    path("<uuid:key>/resubmit/", views.resubmit, name="resubmit"),
    path("<uuid:key>/<str:action>/", views.decide, name="decide"),
    path("<uuid:key>/countries/add/", registration_views.add, name="country_add"),
    path(
        "<uuid:key>/countries/<str:country>/submit/",
        registration_views.submit,
        name="country_submit",
    ),
    path(
        "<uuid:key>/countries/<str:country>/<str:action>/",
        registration_views.record,
        name="country_record",
    ),
]
