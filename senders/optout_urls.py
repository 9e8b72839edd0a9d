from __future__ import annotations

from django.urls import path

from senders import optout_file_views as files
from senders import optout_views as views

app_name = "optouts"
urlpatterns = [
    path("", views.optout_list, name="list"),
    path("add/", views.add, name="add"),
    path("export/", views.export, name="export"),
    path("import/", files.upload, name="import"),
    path("import/<uuid:key>/", files.preview, name="import_job"),
    path("import/<uuid:key>/answer/", files.answer, name="import_answer"),
    path("import/<uuid:key>/confirm/", files.confirm, name="import_confirm"),
    path("<uuid:key>/remove/", views.remove, name="remove"),
]
