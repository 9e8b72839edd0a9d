from __future__ import annotations

from django.urls import path

from senders import views

app_name = "senders"
urlpatterns = [
    path("", views.sender_list, name="list"),
    path("register/", views.register, name="register"),
    path("<uuid:key>/", views.detail, name="detail"),
    path("<uuid:key>/resubmit/", views.resubmit, name="resubmit"),
    path("<uuid:key>/<str:action>/", views.decide, name="decide"),
]
