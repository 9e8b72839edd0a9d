from __future__ import annotations

from django.urls import URLPattern, path

from campaigns.views import (
    compose,
    control,
    copies,
    detail,
    doubts,
    downloads,
    imports,
    listing,
    reveal,
    review,
)

app_name = "campaigns"

reading: list[URLPattern] = [
    path("", listing.campaign_list, name="list"),
    path("totals.csv", listing.export_list, name="export_list"),
    path("<uuid:key>/", detail.detail, name="detail"),
    path("<uuid:key>/cancel/", control.cancel, name="cancel"),
    path("<uuid:key>/take-back/", control.take_back, name="take_back"),
    path("<uuid:key>/pause/", control.pause, name="pause"),
    path("<uuid:key>/resume/", control.resume, name="resume"),
    path("<uuid:key>/resume-suspended/", control.resume_suspended, name="resume_suspended"),
    path("<uuid:key>/stop/", control.stop, name="stop"),
    path("<uuid:key>/doubts/", doubts.resolve, name="resolve"),
    path("<uuid:key>/duplicate/", copies.duplicate, name="duplicate"),
    path("<uuid:key>/resend/", copies.resend, name="resend"),
    path("<uuid:key>/reveal/", reveal.reveal, name="reveal"),
    path("<uuid:key>/hide/", reveal.hide, name="hide"),
    path("<uuid:key>/export/", downloads.export, name="export"),
    path("exports/<uuid:key>/", downloads.job, name="job"),
    path("exports/<uuid:key>/download/", downloads.download, name="download"),
]

composing: list[URLPattern] = [
    path("new/", compose.create, name="create"),
    path("<uuid:key>/edit/", compose.edit, name="edit"),
    path("<uuid:key>/side/", compose.side, name="side"),
    path("<uuid:key>/switch/", compose.switch, name="switch"),
    path("<uuid:key>/sample.<str:kind>", compose.sample, name="sample"),
    path("<uuid:key>/upload/", imports.upload, name="upload"),
    path("<uuid:key>/numbers/", imports.numbers, name="numbers"),
    path("<uuid:key>/numbers/refused.<str:kind>", imports.refused, name="refused"),
    path("<uuid:key>/numbers/confirm/", imports.confirm, name="confirm"),
    path("<uuid:key>/numbers/again/", imports.again, name="check_again"),
    path("<uuid:key>/numbers/leave-out/", imports.leave_out, name="leave_out"),
    path("<uuid:key>/numbers/answer/", imports.answer, name="answer"),
    path("<uuid:key>/review/", review.review, name="review"),
    path("<uuid:key>/submit/", review.submit, name="submit"),
    path("<uuid:key>/test/", review.send_test, name="send_test"),
]

urlpatterns = [*reading, *composing]
