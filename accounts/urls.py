from __future__ import annotations

from django.urls import path

from accounts import audit_views, invitation_views, session_views, team_views, views

app_name = "accounts"
urlpatterns = [
    path("signin/", views.signin, name="signin"),
    path("signin/<str:token>/", views.link, name="link"),
    path("reset/", views.reset, name="reset"),
    path("signout/", views.signout, name="signout"),
    path("sessions/", session_views.places, name="sessions"),
    path("sessions/end/", session_views.end, name="end_sessions"),
    path("password/", views.password, name="password"),
    path("audit/", audit_views.log, name="audit"),
    path("audit/export/", audit_views.export, name="audit_export"),
    path("team/", team_views.people, name="team"),
    path("team/invite/", team_views.invite, name="team_invite"),
    path("team/<int:pk>/invite/", team_views.invite_again, name="team_invite_again"),
    path("team/<int:pk>/role/", team_views.role, name="team_role"),
    path("team/<int:pk>/<str:action>/", team_views.act, name="team_act"),
    path("invitations/", invitation_views.invitations, name="invitations"),
    path("switch/", team_views.switch, name="switch"),
    path("notices/", views.notices, name="notices"),
    path("notices/read/", views.read_notices, name="read_notices"),
    path("notices/<int:pk>/read/", views.read_notice, name="read_notice"),
]
