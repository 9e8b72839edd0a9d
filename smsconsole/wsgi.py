"""The WSGI application."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections

from smsconsole.hurry import limit_statements

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsconsole.settings")
application = get_wsgi_application()
limit_statements(connections.settings, settings.WEB_STATEMENT_SECONDS)
