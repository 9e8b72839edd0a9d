"""The ASGI application."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connections

from smsconsole.hurry import limit_statements

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smsconsole.settings")
application = get_asgi_application()
limit_statements(connections.settings, settings.WEB_STATEMENT_SECONDS)
