from __future__ import annotations

from django.urls import path

from billing.views import limits, rate_sheets, rates, statement

app_name = "billing"
urlpatterns = [
    path("statement/", statement.statement, name="statement"),
    path("statement/export/", statement.statement_export, name="statement_export"),
    path("thresholds/", limits.threshold_list, name="thresholds"),
    path("thresholds/choose/", limits.threshold_choose, name="threshold_choose"),
    path("thresholds/<str:period>/", limits.threshold_edit, name="threshold_edit"),
    path("thresholds/<str:period>/remove/", limits.threshold_remove, name="threshold_remove"),
    path("rates/", rates.rate_list, name="rates"),
    path("rates/add/", rates.rate_add, name="rate_add"),
    path("rates/import/", rate_sheets.rate_import, name="rate_import"),
    path("rates/import/keep/", rate_sheets.rate_keep, name="rate_keep"),
    path("rates/sample.<str:form>", rate_sheets.rate_sample, name="rate_sample"),
    path("rates/rates.<str:form>", rate_sheets.rate_export, name="rate_export"),
]
