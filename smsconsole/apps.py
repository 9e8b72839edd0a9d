from __future__ import annotations

from django.apps import AppConfig


class SmsconsoleConfig(AppConfig):
    name = "smsconsole"
    verbose_name = "SMS Console"

    def ready(self) -> None:
        from smsconsole import checks  # noqa: F401 - importing registers them
